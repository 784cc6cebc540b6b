package plain_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/render"
	"github.com/tugops/tug/internal/render/plain"
)

const configMap = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"

// repository makes a file system of a map from paths to texts.
func repository(texts map[string]string) fstest.MapFS {
	files := fstest.MapFS{}
	for name, text := range texts {
		files[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return files
}

func TestRender(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		files    map[string]string
		path     string
		want     []string // reference and source
		warnings []string
		kind     fault.Kind
		err      string
	}{
		"folder, sorted and with everything below": {
			files: map[string]string{
				"app/b.yaml":   strings.ReplaceAll(configMap, "name: a", "name: b"),
				"app/a/z.yml":  configMap,
				"app/c.json":   `{"apiVersion":"v1","kind":"Secret","metadata":{"name":"c"}}`,
				"app/note.txt": "no", "app/.x.yaml": "no: no", "app/.release/o.yaml": "no: no",
			},
			path: "app",
			want: []string{"ConfigMap a app/a/z.yml:1", "ConfigMap b app/b.yaml:1", "Secret c app/c.json:1"},
		},
		"one file, any ending": {
			files: map[string]string{"x/state": "#! kbld\n---\n" + configMap},
			path:  "x/state",
			want:  []string{"ConfigMap a x/state:3"},
		},
		"CRDs first": {
			files: map[string]string{"a.yaml": configMap, "b.yaml": "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: x}\n"},
			path:  ".",
			want:  []string{"CustomResourceDefinition x b.yaml:1", "ConfigMap a a.yaml:1"},
		},
		"list": {
			files: map[string]string{"a.yaml": "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Secret, metadata: {name: s}}\n"},
			path:  "",
			want:  []string{"Secret s a.yaml:1"},
		},
		"files for tools": {
			files: map[string]string{
				"a.yaml":    configMap,
				"kbld.yaml": "image: demo-service\n---\napiVersion: kbld.k14s.io/v1alpha1\nkind: Config\n",
				"lock.yml":  "apiVersion: imgpkg.carvel.dev/v1alpha1\nkind: ImagesLock\n",
				"tug.yaml":  "apiVersion: tug.dev/v1alpha1\nkind: Project\n",
			},
			path: ".",
			want: []string{"ConfigMap a a.yaml:1"},
			warnings: []string{
				"kbld.yaml:1 is a file for kbld and was left out", "kbld.yaml:3 is a file for kbld and was left out",
				"lock.yml:1 is a file for imgpkg and was left out", "tug.yaml:1 is a file for tug and was left out",
			},
		},
		"bare document":    {files: map[string]string{"a.yaml": configMap + "---\nimage: demo-service\n"}, path: ".", kind: fault.Invalid, err: "a.yaml:5: a document has no apiVersion"},
		"no such path":     {files: map[string]string{"a.yaml": configMap}, path: "b", kind: fault.NotFound, err: "b does not exist"},
		"nothing to read":  {files: map[string]string{"a/b.txt": ""}, path: "a", kind: fault.NotFound, err: "a holds no YAML"},
		"path outside":     {files: map[string]string{"a.yaml": configMap}, path: "../b", kind: fault.Invalid, err: `path "../b" leads out of the repository`},
		"syntax":           {files: map[string]string{"a/x.yaml": "a: b\nc: d: e\n"}, path: "a", kind: fault.Invalid, err: "a/x.yaml:2:1: invalid YAML"},
		"duplicate key":    {files: map[string]string{"x.yaml": configMap + "kind: Secret\n"}, path: "x.yaml", kind: fault.Invalid, err: `x.yaml:4:1: key "kind" is already set in line 2`},
		"name not text":    {files: map[string]string{"x.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: 1}\n"}, path: ".", kind: fault.Invalid, err: "x.yaml:1: metadata.name is 1, which is not text"},
		"kustomization":    {files: map[string]string{"a/kustomization.yaml": "resources: [x.yaml]\n"}, path: ".", kind: fault.Invalid, err: "a/kustomization.yaml:1: a kustomization lies between plain YAML"},
		"chart":            {files: map[string]string{"a/Chart.yaml": "apiVersion: v2\nname: a\nversion: 1.0.0\n"}, path: ".", kind: fault.Invalid, err: "a/Chart.yaml:1: a Helm chart lies between plain YAML"},
		"metadata is text": {files: map[string]string{"a.yaml": "apiVersion: v1\nkind: X\nmetadata: a\n"}, path: ".", kind: fault.Invalid, err: "a.yaml:1: metadata is not a map"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := plain.Renderer{}.Render(t.Context(), render.Request{Files: repository(tc.files), Path: tc.path})
			if tc.err != "" {
				if err == nil || !strings.Contains(err.Error(), tc.err) || !fault.Is(err, tc.kind) {
					t.Fatalf("error %v (%s), want %q (%s)", err, fault.KindOf(err), tc.err, tc.kind)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var refs []string
			for _, o := range got.Objects {
				refs = append(refs, o.Ref().String()+" "+o.Source.String())
			}
			if d := cmp.Diff(tc.want, refs); d != "" {
				t.Error(d)
			}
			if d := cmp.Diff(tc.warnings, got.Warnings); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestRefusesValues(t *testing.T) {
	t.Parallel()
	files := repository(map[string]string{"a.yaml": configMap})
	_, err := plain.Renderer{}.Render(t.Context(), render.Request{Files: files, Path: ".", Set: []string{"a=b"}})
	if !fault.Is(err, fault.Usage) {
		t.Errorf("got %v, want a usage fault", err)
	}
}

// Links that stay inside the repository are followed, others and loops are
// refused.
func TestSymbolicLinks(t *testing.T) {
	t.Parallel()
	outside := filepath.Join(t.TempDir(), "secret.yaml")
	if err := os.WriteFile(outside, []byte(configMap), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct{ link, target, err string }{
		"to a file":   {link: "app/l.yaml", target: "../shared/a.yaml"},
		"to a folder": {link: "app/l", target: "../shared"},
		"outside":     {link: "app/l.yaml", target: outside, err: "app/l.yaml"},
		"nowhere":     {link: "app/l.yaml", target: "none.yaml", err: "app/l.yaml does not exist"},
		"loop":        {link: "app/l", target: ".", err: "too many levels of symbolic links"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for _, d := range []string{"app", "shared"} {
				if err := os.Mkdir(filepath.Join(dir, d), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.WriteFile(filepath.Join(dir, "shared/a.yaml"), []byte(configMap), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(tc.target, filepath.Join(dir, tc.link)); err != nil {
				t.Fatal(err)
			}
			root, err := os.OpenRoot(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer root.Close()
			got, err := plain.Renderer{}.Render(t.Context(), render.Request{Files: root.FS(), Path: "app"})
			if tc.err != "" {
				if err == nil || !strings.Contains(err.Error(), tc.err) {
					t.Fatalf("error %v, want %q", err, tc.err)
				}
				return
			}
			if err != nil || len(got.Objects) != 1 {
				t.Fatalf("%d objects, error %v", len(got.Objects), err)
			}
		})
	}
}

// Deus' rendered state (kbld's output) must be usable as it is.
func TestStateOfDeus(t *testing.T) {
	t.Parallel()
	dir := os.Getenv("TUG_CORPORA")
	if dir == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("TUG_CORPORA is not set")
		}
		t.Skip("TUG_CORPORA is not set")
	}
	files := os.DirFS(filepath.Join(dir, "repositories/StarpTech-k8s-gitops/demo/config-repository"))
	got, err := plain.Renderer{}.Render(t.Context(), render.Request{Files: files, Path: "state.yaml"})
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]int{}
	for _, o := range got.Objects {
		kinds[o.GVK().Kind]++
	}
	if d := cmp.Diff(map[string]int{"Deployment": 3, "Secret": 1, "Service": 2, "ServiceAccount": 1}, kinds); d != "" {
		t.Error(d)
	}
}

func FuzzRender(f *testing.F) {
	f.Add([]byte(configMap), "a.yaml")
	f.Add([]byte("image: x\n---\napiVersion: kbld.k14s.io/v1alpha1\nkind: Config\n"), "b/c.yml")
	f.Add([]byte("apiVersion: v1\nkind: List\nitems: [{}]\n"), "l.json")
	f.Fuzz(func(t *testing.T, data []byte, name string) {
		files := fstest.MapFS{name: {Data: data}}
		got, err := plain.Renderer{}.Render(t.Context(), render.Request{Files: files, Path: "."})
		if err != nil {
			return
		}
		for _, o := range got.Objects {
			if o.GVK().Kind == "" || o.GVK().Version == "" {
				t.Fatalf("not an object: %v", o.Fields)
			}
		}
	})
}
