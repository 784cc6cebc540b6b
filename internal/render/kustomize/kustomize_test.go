package kustomize_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/render"
	"github.com/tugops/tug/internal/render/kustomize"
)

func repository(texts map[string]string) fstest.MapFS {
	files := fstest.MapFS{}
	for name, text := range texts {
		files[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return files
}

const deployment = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  template:
    spec:
      containers:
      - name: web
        image: nginx
        envFrom: [{configMapRef: {name: settings}}]
`

func shop() map[string]string {
	return map[string]string{
		"base/kustomization.yaml":        "resources: [deployment.yaml]\nconfigMapGenerator:\n- name: settings\n  literals: [A=b]\n",
		"base/deployment.yaml":           deployment,
		"parts/debug/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\npatches:\n- target: {kind: Deployment}\n  patch: |\n    - {op: replace, path: /spec/replicas, value: 3}\n",
		"prod/kustomization.yaml": `namespace: shop
namePrefix: p-
resources: [../base]
components: [../parts/debug]
images: [{name: nginx, newTag: "1.29"}]
patches: [{path: patch.yaml}]
replacements:
- source: {kind: ConfigMap, name: settings, fieldPath: data.A}
  targets:
  - select: {kind: Deployment}
    fieldPaths: [metadata.annotations.value]
    options: {create: true}
`,
		"prod/patch.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, annotations: {patched: 'yes'}}\n",
	}
}

func TestRender(t *testing.T) {
	t.Parallel()
	var k kustomize.Renderer
	got, err := k.Render(t.Context(), render.Request{Files: repository(shop()), Path: "prod"})
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := object.WriteYAML(&out, got.Objects); err != nil {
		t.Fatal(err)
	}
	want := `---
# Source: base/kustomization.yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: p-settings-b9t2424hkf
  namespace: shop
data:
  A: b
---
# Source: base/deployment.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  annotations:
    patched: "yes"
    value: b
  name: p-web
  namespace: shop
spec:
  replicas: 3
  template:
    spec:
      containers:
        - envFrom:
            - configMapRef:
                name: p-settings-b9t2424hkf
          image: nginx:1.29
          name: web
`
	if d := cmp.Diff(want, out.String()); d != "" {
		t.Error(d)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	var hits atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	t.Cleanup(func() {
		server.Close()
		if n := hits.Load(); n != 0 {
			t.Errorf("%d requests reached the network", n)
		}
	})
	var k kustomize.Renderer
	for name, tc := range map[string]struct {
		files map[string]string // over the shop
		kind  fault.Kind
		err   string
	}{
		"no kustomization":   {files: map[string]string{"prod/kustomization.yaml": ""}, kind: fault.Invalid, err: "prod/kustomization.yaml: the kustomization is empty"},
		"missing resource":   {files: map[string]string{"prod/kustomization.yaml": "resources:\n- ../base\n- none.yaml\n"}, kind: fault.NotFound, err: `prod/kustomization.yaml:3:3: resources: "none.yaml" does not exist`},
		"missing in base":    {files: map[string]string{"base/kustomization.yaml": "resources: [gone.yaml]\n"}, kind: fault.NotFound, err: `base/kustomization.yaml:1:13: resources: "gone.yaml" does not exist`},
		"missing patch":      {files: map[string]string{"prod/kustomization.yaml": "resources: [../base]\npatches: [{path: p.yaml}]\n"}, kind: fault.NotFound, err: `prod/kustomization.yaml:2:18: patches: "p.yaml" does not exist`},
		"folder without one": {files: map[string]string{"prod/kustomization.yaml": "resources: [../empty]\n", "empty/x.txt": ""}, kind: fault.Invalid, err: "resources: folder empty has no kustomization.yaml"},
		"unknown key":        {files: map[string]string{"prod/kustomization.yaml": "resources: [../base]\nnamePrefx: p-\n"}, kind: fault.Invalid, err: `prod/kustomization.yaml:2:1: unknown key "namePrefx"`},
		"syntax":             {files: map[string]string{"base/deployment.yaml": "a: b\nc: d: e\n"}, kind: fault.Invalid, err: "base/deployment.yaml:2:1: invalid YAML"},
		"syntax in it":       {files: map[string]string{"base/kustomization.yaml": "a: b\nc: d: e\n"}, kind: fault.Invalid, err: "base/kustomization.yaml:2:1: invalid YAML"},
		"no object":          {files: map[string]string{"base/deployment.yaml": "a: b\n"}, kind: fault.Invalid, err: "base/deployment.yaml: kustomize: missing Resource metadata"},
		"patch of nothing":   {files: map[string]string{"prod/patch.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: none}\n"}, kind: fault.Invalid, err: "no resource matches"},
		"http resource":      {files: map[string]string{"prod/kustomization.yaml": "resources: [" + server.URL + "/x.yaml]\n"}, kind: fault.Invalid, err: "is outside the repository"},
		"git resource":       {files: map[string]string{"prod/kustomization.yaml": "resources: ['github.com/a/b?ref=v1']\n"}, kind: fault.Invalid, err: "is outside the repository"},
		"git component":      {files: map[string]string{"prod/kustomization.yaml": "components: ['git@example.com:a/b.git']\n"}, kind: fault.Invalid, err: "is outside the repository"},
		"git folder":         {files: map[string]string{"prod/kustomization.yaml": "resources: ['github.com/a/b']\n", "prod/github.com/a/b/kustomization.yaml": "resources: []\n"}, kind: fault.Invalid, err: "is outside the repository"},
		"file URL":           {files: map[string]string{"prod/kustomization.yaml": "resources: ['file:///etc']\n"}, kind: fault.Invalid, err: "is outside the repository"},
		"http in base":       {files: map[string]string{"base/kustomization.yaml": "Resources: [" + server.URL + "/x.yaml]\n"}, kind: fault.Invalid, err: "is outside the repository"},
		"http patch":         {files: map[string]string{"prod/kustomization.yaml": "resources: [../base]\npatches: [{path: " + server.URL + "/p}]\n"}, kind: fault.Invalid, err: "is outside the repository"},
		"http secret":        {files: map[string]string{"prod/kustomization.yaml": "secretGenerator: [{name: a, files: ['x=" + server.URL + "']}]\n"}, kind: fault.Invalid, err: "is outside the repository"},
		"http openapi":       {files: map[string]string{"prod/kustomization.yaml": "openapi: {path: '" + server.URL + "'}\nresources: [../base]\n"}, kind: fault.Invalid, err: "is outside the repository"},
		"http plugin file":   {files: map[string]string{"prod/kustomization.yaml": "generators: [g.yaml]\n", "prod/g.yaml": "apiVersion: builtin\nkind: ConfigMapGenerator\nmetadata: {name: g}\nname: g\nfiles: ['x=" + server.URL + "']\n"}, kind: fault.Invalid, err: "is outside the repository"},
		"http inline plugin": {files: map[string]string{"prod/kustomization.yaml": "generators:\n- |-\n  apiVersion: builtin\n  kind: ConfigMapGenerator\n  metadata: {name: g}\n  name: g\n  files: ['x=" + server.URL + "']\n"}, kind: fault.Invalid, err: "is outside the repository"},
		"patched plugin": {files: map[string]string{
			"prod/kustomization.yaml":     "generators: [./gen]\n",
			"prod/gen/kustomization.yaml": "resources: [g.yaml]\npatches: [{patch: '[{op: replace, path: /files/0, value: \"" + server.URL + "\"}]', target: {kind: ConfigMapGenerator}}]\n",
			"prod/gen/g.yaml":             "apiVersion: builtin\nkind: ConfigMapGenerator\nmetadata: {name: g}\nname: g\nfiles: [x]\n",
		}, kind: fault.Invalid, err: "may only list resources"},
		"own plugin":  {files: map[string]string{"prod/kustomization.yaml": "generators: [g.yaml]\n", "prod/g.yaml": "apiVersion: example.com/v1\nkind: Evil\nmetadata:\n  name: g\n  annotations:\n    config.kubernetes.io/function: |\n      exec: {path: ./evil}\n"}, kind: fault.Denied, err: "programs are switched off"},
		"exec plugin": {files: map[string]string{"prod/kustomization.yaml": "generators: [g.yaml]\n", "prod/g.yaml": "apiVersion: example.com/v1\nkind: Evil\nmetadata: {name: g}\n"}, kind: fault.Invalid, err: "plugin"},
		"helm chart":  {files: map[string]string{"prod/kustomization.yaml": "helmCharts: [{name: a, repo: 'https://example.com'}]\n"}, kind: fault.Invalid, err: `prod/kustomization.yaml:1: chart "a" is outside the repository, in https://example.com`},
		"outside":     {files: map[string]string{"prod/kustomization.yaml": "resources: [../../x.yaml]\n"}, kind: fault.Invalid, err: `"../../x.yaml" leads out of the repository`},
		"absolute":    {files: map[string]string{"prod/kustomization.yaml": "configMapGenerator: [{name: a, files: [/etc/passwd]}]\n"}, kind: fault.Invalid, err: `"/etc/passwd" leads out of the repository`},
		"cycle":       {files: map[string]string{"base/kustomization.yaml": "resources: [../prod]\n"}, kind: fault.Invalid, err: "kustomizations go in a circle: prod -> base -> prod"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := shop()
			for n, text := range tc.files {
				files[n] = text
			}
			_, err := k.Render(t.Context(), render.Request{Files: repository(files), Path: "prod"})
			if err == nil || !strings.Contains(err.Error(), tc.err) || !fault.Is(err, tc.kind) {
				t.Fatalf("error %v (%s), want %q (%s)", err, fault.KindOf(err), tc.err, tc.kind)
			}
			if strings.Contains(err.Error(), "/repository") {
				t.Errorf("the inner path shows: %v", err)
			}
			t.Log(err)
		})
	}
}

// TestEqualsKustomize builds every kustomization of the corpora with the
// library on disk and with ours: both fail, or both give the same objects.
//
// It runs alone: it uses the library without the lock that keeps schemas apart.
func TestEqualsKustomize(t *testing.T) { //nolint:paralleltest // see above
	base := os.Getenv("TUG_CORPORA")
	if base == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("TUG_CORPORA is not set")
		}
		t.Skip("TUG_CORPORA is not set: no real kustomizations to compare")
	}
	repositories, err := filepath.Glob(filepath.Join(base, "repositories", "*"))
	if err != nil {
		t.Fatal(err)
	}
	var equal, refused int
	for _, dir := range repositories {
		if dir, err = filepath.EvalSymlinks(dir); err != nil {
			t.Fatal(err)
		}
		err := filepath.WalkDir(dir, func(p string, e fs.DirEntry, err error) error {
			if err != nil || e.Name() != "kustomization.yaml" {
				return err
			}
			rel, err := filepath.Rel(dir, filepath.Dir(p))
			if err != nil {
				return err
			}
			if compare(t, dir, rel) {
				equal++
			} else {
				refused++
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d equal, %d refused for references to the network or failing in both", equal, refused)
	if equal < 80 {
		t.Errorf("only %d kustomizations could be compared", equal)
	}
}

func compare(t *testing.T, dir, rel string) bool {
	t.Helper()
	var k kustomize.Renderer
	got, err := k.Render(t.Context(), render.Request{Files: os.DirFS(dir), Path: rel})
	if err != nil {
		if strings.Contains(err.Error(), "outside the repository") {
			t.Logf("%s: %v", rel, err)
			return false
		}
		if _, refErr := onDisk(filepath.Join(dir, rel)); refErr == nil {
			t.Errorf("%s: only tug fails: %v", rel, err)
		} else {
			t.Logf("%s: both fail: %v\n%v", rel, err, refErr)
		}
		return false
	}
	want, err := onDisk(filepath.Join(dir, rel))
	if err != nil {
		t.Errorf("%s: only kustomize fails: %v", rel, err)
		return false
	}
	if d := cmp.Diff(shapes(t, want), shapes(t, got.Objects)); d != "" {
		t.Errorf("%s: %s", rel, d)
	}
	return true
}

func onDisk(dir string) ([]*object.Object, error) {
	options := krusty.MakeDefaultOptions()
	options.Reorder = krusty.ReorderOptionUnspecified
	options.LoadRestrictions = types.LoadRestrictionsNone
	built, err := krusty.MakeKustomizer(options).Run(filesys.MakeFsOnDisk(), dir)
	if err != nil {
		return nil, err
	}
	data, err := built.AsYaml()
	if err != nil {
		return nil, err
	}
	objects, err := object.ReadYAML("build", data)
	return render.CRDsFirst(objects), err
}

func shapes(t *testing.T, objects []*object.Object) []any {
	t.Helper()
	var out []any
	for _, o := range objects {
		data, err := json.Marshal(o.Fields)
		if err != nil {
			t.Fatal(err)
		}
		var v any
		if err := json.Unmarshal(data, &v); err != nil {
			t.Fatal(err)
		}
		out = append(out, v)
	}
	return out
}

// A base behind a symbolic link is taken where the link points to, and links
// out of the repository are refused.
func TestSymbolicLinks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.CopyFS(dir, repository(shop())); err != nil {
		t.Fatal(err)
	}
	for link, target := range map[string]string{"link": "prod", "out": os.TempDir(), "prod/self": "."} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	write := func(name, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("a/b/kustomization.yaml", "resources: [../../link]\n")
	write("c/kustomization.yaml", "resources: [../out]\n")
	write("d/kustomization.yaml", "resources: [../prod/self/self]\n")
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	var k kustomize.Renderer
	for p, want := range map[string]int{"a/b": 2, "c": -1, "d": 2, "link": 2} {
		got, err := k.Render(t.Context(), render.Request{Files: root.FS(), Path: p})
		switch {
		case want < 0 && err == nil:
			t.Errorf("%s: rendered %d objects from outside", p, len(got.Objects))
		case want >= 0 && err != nil:
			t.Errorf("%s: %v", p, err)
		case want >= 0 && len(got.Objects) != want:
			t.Errorf("%s: %d objects, want %d", p, len(got.Objects), want)
		}
	}
}

// TestSideBySide builds the same kustomizations one by one and all at once,
// with some between them that bring a schema: nobody sees the schema of another.
func TestSideBySide(t *testing.T) {
	t.Parallel()
	const schema = `{"definitions": {"v1.Thing": {"x-kubernetes-group-version-kind": [{"group": "example.com", "kind": "Thing", "version": "v1"}],
"properties": {"items": {"type": "array", "items": {"type": "object"}, "x-kubernetes-patch-merge-key": "name", "x-kubernetes-patch-strategy": "merge"}}}}}`
	files := many(8)
	files["thing.yaml"] = "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: t}\nitems: [{name: a, x: 1}, {name: b, x: 2}]\n"
	patch := "patches:\n- patch: |\n    apiVersion: example.com/v1\n    kind: Thing\n    metadata: {name: t}\n    items: [{name: b, x: 9}]\n"
	files["with/schema.json"] = schema
	files["with/kustomization.yaml"] = "openapi: {path: schema.json}\nresources: [../thing.yaml]\n" + patch
	files["without/kustomization.yaml"] = "resources: [../thing.yaml]\n" + patch
	fsys := repository(files)
	paths := []string{"with", "without"}
	for i := range 8 {
		paths = append(paths, fmt.Sprintf("apps/a%d/prod", i))
	}
	build := func(path string) string {
		var k kustomize.Renderer
		got, err := k.Render(t.Context(), render.Request{Files: fsys, Path: path})
		if err != nil {
			t.Error(err)
			return ""
		}
		return write(t, got.Objects)
	}
	want := map[string]string{}
	for _, path := range paths {
		want[path] = build(path)
	}
	if !strings.Contains(want["with"], "name: a") || strings.Contains(want["without"], "name: a") {
		t.Fatalf("the schema makes no difference:\n%s\n%s", want["with"], want["without"])
	}
	var group sync.WaitGroup
	for range 4 {
		for _, path := range paths {
			group.Go(func() {
				if d := cmp.Diff(want[path], build(path)); d != "" {
					t.Errorf("%s: %s", path, d)
				}
			})
		}
	}
	group.Wait()
}
