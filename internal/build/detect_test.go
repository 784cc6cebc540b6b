package build_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/build"
	"github.com/tugops/tug/internal/corpustest"
	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/git"
	"github.com/tugops/tug/internal/project"
)

// tree makes files, written as "name" or "name=text".
func tree(list ...string) fstest.MapFS {
	files := fstest.MapFS{}
	for _, item := range list {
		name, text, _ := strings.Cut(item, "=")
		files[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return files
}

// seen is what was found in one line: images with their sources, then charts.
func seen(f build.Found) string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(f.Images)) {
		i := f.Images[name]
		text := name + "=" + i.Go + i.Dockerfile + i.Prebuilt
		if i.Destination != "" {
			text += ">" + i.Destination
		}
		list = append(list, text)
	}
	for _, name := range slices.Sorted(maps.Keys(f.Charts)) {
		list = append(list, "chart "+name+"="+f.Charts[name].Path)
	}
	return strings.Join(list, ", ")
}

const kbldFile = `kbld.yaml=image: app
---
apiVersion: kbld.k14s.io/v1alpha1
kind: Config
sources:
- {image: app, path: src, docker: {build: {file: build/Dockerfile, target: run}}}
- {image: tool, path: tool, ko: {}}
destinations:
- {image: app, newImage: registry.example/team/app, tags: [latest]}
`

func TestFind(t *testing.T) {
	t.Parallel()
	const main = "package main"
	for name, tc := range map[string]struct {
		files fstest.MapFS
		want  string
	}{
		"go root":          {tree("go.mod", "main.go="+main), "shop=."},
		"go commands":      {tree("go.mod", "lib.go=package lib", "cmd/a/a.go="+main, "cmd/b/b_test.go="+main, "cmd/c/c.go=package c"), "a=cmd/a"},
		"Dockerfile wins":  {tree("go.mod", "main.go="+main, "Dockerfile"), "shop=Dockerfile"},
		"charts":           {tree("charts/a/Chart.yaml", "charts/a/charts/b/Chart.yaml", "x/vendor/c/Chart.yaml", "testdata/d/Chart.yaml", ".e/Chart.yaml"), "chart a=charts/a"},
		"two of a name":    {tree("a/shop/Chart.yaml", "b/shop/Chart.yaml"), "chart b-shop=b/shop, chart shop=a/shop"},
		"kbld":             {tree(kbldFile, "tool/main.go="+main), "app=src/build/Dockerfile>registry.example/team/app, tool=tool"},
		"declared":         {tree("Dockerfile", "tug.build.yaml=apiVersion: tug.dev/v1alpha1\nkind: Build\nimages: {x: {go: ./cmd/x}}"), "x=./cmd/x"},
		"module and chart": {tree("go.mod", "main.go="+main, "deploy/Chart.yaml"), "shop=., chart deploy=deploy"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, err := build.Find(tc.files, ".", "Shop")
			if err != nil || seen(f) != tc.want {
				t.Errorf("%s, %v, want %s", seen(f), err, tc.want)
			}
		})
	}
}

func TestFindRefuses(t *testing.T) {
	t.Parallel()
	const head = "kbld.yaml=apiVersion: kbld.k14s.io/v1alpha1\nkind: Sources\nsources:\n"
	for name, tc := range map[string]struct {
		files fstest.MapFS
		kind  fault.Kind
		want  string
	}{
		"nothing":        {tree("README.md"), fault.NotFound, "nothing to build"},
		"other builder":  {tree(head + "- {image: a, path: ., pack: {build: {builder: x}}}\n"), fault.Invalid, "tug does not build with pack"},
		"raw options":    {tree(head + "- {image: a, path: ., docker: {build: {rawOptions: [--squash]}}}\n"), fault.Invalid, "rawOptions of docker"},
		"outside":        {tree(head + "- {image: a, path: ../x}\n"), fault.Invalid, "leaves the repository"},
		"no source":      {tree(head + "- {image: a, path: none}\n"), fault.NotFound, "neither a Dockerfile nor a Go main package"},
		"unknown option": {tree(head + "- {image: a, path: ., docker: {build: {fil: x}}}\n"), fault.Invalid, "fil"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := build.Find(tc.files, ".", "shop")
			if !fault.Is(err, tc.kind) || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%v (%s), want %q", err, fault.KindOf(err), tc.want)
			}
		})
	}
}

func TestFindInRealRepositories(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ repository, dir, want, lock string }{
		{"StarpTech-k8s-gitops", "demo/demo-service-repository", "demo-service=Dockerfile>docker.io/starptech/demo-service", "demo-service.kbld.lock.yml"},
		{"stakater-xposer", ".", "chart xposer=deployments/kubernetes/chart/xposer", ""},
	} {
		files, err := git.Folder(corpustest.Dir(t, "repositories", tc.repository))
		if err != nil {
			t.Fatal(err)
		}
		f, err := build.Find(files, tc.dir, "name")
		if err != nil || seen(f) != tc.want || f.Lock != tc.lock {
			t.Errorf("%s: %s, lock %q, %v", tc.repository, seen(f), f.Lock, err)
		}
	}
}

func TestDecide(t *testing.T) {
	t.Parallel()
	files := tree("go.mod", "cmd/shop/main.go=package main", "web/Dockerfile", "lib/lib.go=package lib")
	f := build.Found{Build: project.Build{
		Registry: "docker.io/team",
		Images: map[string]project.BuildImage{
			"shop": {Go: "cmd/shop", Ldflags: "-X main.v=${version} -X main.c=${commit}"},
			"web":  {Dockerfile: "web/Dockerfile", Args: project.Values{"LEVEL": 3, "V": "${version}"}},
		},
	}}
	c := commit()
	c.Tags = []string{"v1.2.3"}
	p, err := build.Decide(files, ".", f, c, build.Choices{Elsewhere: build.Mirrors{"index.docker.io": "registry.example/hub"}})
	if err != nil {
		t.Fatal(err)
	}
	shop, web := p.Images[0], p.Images[1]
	if shop.Ldflags != "-X main.v=1.2.3 -X main.c="+hash || shop.Destination != "registry.example/hub/team/shop" || shop.Tag != "1.2.3" {
		t.Errorf("%+v", shop)
	}
	if diff := cmp.Diff(map[string]string{"LEVEL": "3", "V": "1.2.3"}, web.Arguments); diff != "" || web.Context != "web" {
		t.Errorf("%+v: %s", web, diff)
	}
	want := map[string]string{
		"org.opencontainers.image.version": "1.2.3", "org.opencontainers.image.revision": hash,
		"org.opencontainers.image.source": "https://git.example/team/shop", "org.opencontainers.image.created": "2026-01-02T03:04:05Z",
	}
	if diff := cmp.Diff(want, web.Labels); diff != "" {
		t.Error(diff)
	}
	if err := p.Unpublishable(); err != nil {
		t.Error(err)
	}
	f.Images = map[string]project.BuildImage{"lib": {Go: "lib"}}
	if _, err := build.Decide(files, ".", f, c, build.Choices{}); !fault.Is(err, fault.Invalid) || !strings.Contains(strings.Join(fault.HintsOf(err), " "), "cmd/shop") {
		t.Errorf("a package that is no program: %v", err)
	}
}

func TestDecideStaysInside(t *testing.T) {
	t.Parallel()
	for _, i := range []project.BuildImage{{Go: "../../x"}, {Go: "/x"}, {Dockerfile: "../../Dockerfile"}, {Dockerfile: "Dockerfile", Context: "../.."}} {
		f := build.Found{Build: project.Build{Images: map[string]project.BuildImage{"x": i}}}
		if _, err := build.Decide(tree("sub/Dockerfile"), "sub", f, commit(), build.Choices{}); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "leaves the repository") {
			t.Errorf("%+v: %v", i, err)
		}
	}
	f := build.Found{Build: project.Build{
		Images: map[string]project.BuildImage{"x": {Dockerfile: "Dockerfile", Context: ".."}},
		Charts: map[string]project.BuildChart{"c": {Path: "../chart"}},
	}}
	if _, err := build.Decide(tree("sub/Dockerfile"), "sub", f, commit(), build.Choices{}); err != nil {
		t.Errorf("elsewhere in the repository: %v", err)
	}
}

func TestMirrors(t *testing.T) {
	t.Parallel()
	m, err := build.ParseMirrors([]string{"docker.io=127.0.0.1:5000", "quay.io=registry.example/quay/"})
	if err != nil {
		t.Fatal(err)
	}
	for ref, want := range map[string]string{
		"busybox:latest":             "127.0.0.1:5000/library/busybox:latest",
		"docker.io/starptech/demo":   "127.0.0.1:5000/starptech/demo",
		"quay.io/team/x@sha256:0123": "registry.example/quay/team/x@sha256:0123",
		"ghcr.io/team/x:1":           "ghcr.io/team/x:1",
	} {
		if got := m.Of(ref); got != want {
			t.Errorf("%s is %s, want %s", ref, got, want)
		}
	}
	for _, bad := range []string{"docker.io", "=x", "x=", "x=a@b"} {
		if _, err := build.ParseMirrors([]string{bad}); !fault.Is(err, fault.Usage) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
