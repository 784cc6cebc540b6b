package chart_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/build/chart"
	"github.com/tugops/tug/internal/corpustest"
	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/git"
)

const digest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

func stamp() chart.Stamp {
	return chart.Stamp{
		Version: "1.2.3", AppVersion: "1.2.3", Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		Images: []chart.Image{{Repository: "registry.example/team/shop", Tag: "1.2.3", Digest: digest}},
	}
}

// files are those of an archive, and their names in their order.
func files(t *testing.T, data []byte) (map[string]string, []string) {
	t.Helper()
	zip, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	found, names := map[string]string{}, []string{}
	for in := tar.NewReader(zip); ; {
		head, err := in.Next()
		if errors.Is(err, io.EOF) {
			return found, names
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		if head.Uid != 0 || head.Uname != "" || head.ModTime.Year() != 2026 {
			t.Errorf("%s carries its owner or another time: %+v", head.Name, head)
		}
		found[head.Name] = string(text)
		names = append(names, head.Name)
	}
}

func TestPack(t *testing.T) {
	t.Parallel()
	tree := fstest.MapFS{
		"charts/shop/.helmignore":         {Data: []byte("*.bak\nsecret/\n")},
		"charts/shop/Chart.yaml":          {Data: []byte("# the shop\napiVersion: v2\nname: shop\nversion: 0.0.0 # set by the build\n")},
		"charts/shop/values.yaml":         {Data: []byte("image:   # kept\n  repository: registry.example/team/shop\n  tag: \"dev\"\nother: {image: 'registry.example/team/shop:dev'}\nlist:\n- {repository: nginx, tag: '1'}\n")},
		"charts/shop/templates/a.yaml":    {Data: []byte("{{ .Values.image }}")},
		"charts/shop/a.bak":               {Data: []byte("x")},
		"charts/shop/secret/key":          {Data: []byte("x")},
		"charts/shop/charts/sub/x.yaml":   {Data: []byte("x")},
		"charts/shop/crds/definition.yml": {Data: []byte("x"), Mode: 0o777},
	}
	p, err := chart.Pack(tree, "charts/shop", stamp())
	if err != nil {
		t.Fatal(err)
	}
	got, names := files(t, p.Data)
	if diff := cmp.Diff([]string{"shop/Chart.yaml", "shop/.helmignore", "shop/charts/sub/x.yaml", "shop/crds/definition.yml", "shop/templates/a.yaml", "shop/values.yaml"}, names); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff("# the shop\napiVersion: v2\nname: shop\nversion: 1.2.3 # set by the build\nappVersion: 1.2.3\n", got["shop/Chart.yaml"]); diff != "" {
		t.Error(diff)
	}
	want := "image:   # kept\n  repository: registry.example/team/shop\n  tag: \"1.2.3@" + digest + "\"\nother: {image: 'registry.example/team/shop:1.2.3@" + digest + "'}\nlist:\n- {repository: nginx, tag: '1'}\n"
	if diff := cmp.Diff(want, got["shop/values.yaml"]); diff != "" {
		t.Error(diff)
	}
	if p.Name != "shop" || p.Version != "1.2.3" || strings.Join(p.Stamped, " ") != "image.tag other.image" {
		t.Errorf("%+v", p)
	}
	if again, err := chart.Pack(tree, "charts/shop", stamp()); err != nil || !bytes.Equal(again.Data, p.Data) {
		t.Errorf("packed again it differs: %v", err)
	}
}

func TestValues(t *testing.T) {
	t.Parallel()
	tree := fstest.MapFS{
		"Chart.yaml":  {Data: []byte("apiVersion: v1\nname: shop\nversion: v0.0.1\n")},
		"values.yaml": {Data: []byte("image:\n  registry: registry.example\n  repository: team/shop\n  tag: dev\n  digest: \"\"\nmode: slow\n")},
	}
	s := stamp()
	s.Values = map[string]any{"mode": "1.2.3"}
	p, err := chart.Pack(tree, ".", s)
	if err != nil {
		t.Fatal(err)
	}
	got, _ := files(t, p.Data)
	want := "image:\n  registry: registry.example\n  repository: team/shop\n  tag: 1.2.3\n  digest: \"" + digest + "\"\nmode: 1.2.3\n"
	if diff := cmp.Diff(want, got["shop/values.yaml"]); diff != "" || p.Version != "v1.2.3" {
		t.Errorf("version %s\n%s", p.Version, diff)
	}
	s.Values = map[string]any{"moode": "x"}
	if _, err := chart.Pack(tree, ".", s); err == nil || !strings.Contains(err.Error(), "moode") {
		t.Errorf("a value that is not there: %v", err)
	}
}

func TestPackRefuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		tree fstest.MapFS
		want string
	}{
		"no chart":   {fstest.MapFS{"x": {}}, "no Chart.yaml"},
		"syntax":     {fstest.MapFS{"Chart.yaml": {Data: []byte("a: [")}}, "Chart.yaml"},
		"name":       {fstest.MapFS{"Chart.yaml": {Data: []byte("apiVersion: v2\nname: ../x\nversion: 1.0.0\n")}}, "no name of a chart"},
		"apiVersion": {fstest.MapFS{"Chart.yaml": {Data: []byte("name: x\nversion: 1.0.0\n")}}, "neither v1 nor v2"},
		"dependency": {fstest.MapFS{"Chart.yaml": {Data: []byte("apiVersion: v2\nname: x\nversion: 1.0.0\ndependencies:\n- name: redis\n")}}, `dependency "redis" is not in charts/`},
		"template":   {fstest.MapFS{"Chart.yaml": {Data: []byte("apiVersion: v2\nname: x\nversion: 1.0.0\n")}, "values.yaml": {Data: []byte("a: {{ x }} y\n")}}, "values.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := chart.Pack(tc.tree, ".", stamp())
			if err == nil || !strings.Contains(err.Error(), tc.want) || fault.KindOf(err) == fault.Internal {
				t.Errorf("error %v (%s), want %q", err, fault.KindOf(err), tc.want)
			}
		})
	}
}

// TestXposer packs the chart of Stakater's Xposer as it is in its repository.
func TestXposer(t *testing.T) {
	t.Parallel()
	const dir = "deployments/kubernetes/chart/xposer"
	tree, err := git.Folder(corpustest.Dir(t, "repositories", "stakater-xposer"))
	if err != nil {
		t.Fatal(err)
	}
	s := stamp()
	s.Images = nil
	s.Values = map[string]any{"xposer": map[string]any{"image": map[string]any{"tag": "v1.2.3"}, "labels": map[string]any{"version": "v1.2.3"}}}
	p, err := chart.Pack(tree, dir, s)
	if err != nil {
		t.Fatal(err)
	}
	if p.Name != "xposer" || p.Version != "v1.2.3" {
		t.Errorf("%s %s", p.Name, p.Version)
	}
	got, _ := files(t, p.Data)
	for _, name := range []string{"values.yaml", "Chart.yaml"} {
		before, err := fs.ReadFile(tree, dir+"/"+name)
		if err != nil {
			t.Fatal(err)
		}
		want := strings.ReplaceAll(string(before), "v0.0.20", "v1.2.3")
		if name == "Chart.yaml" {
			want += "\nappVersion: 1.2.3"
		}
		if diff := cmp.Diff(want, got["xposer/"+name]); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
