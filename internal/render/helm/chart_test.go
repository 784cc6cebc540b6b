package helm_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/render"
	"github.com/tugops/tug/internal/render/helm"
)

// repository makes a file system of a map from paths to texts.
func repository(texts map[string]string) fstest.MapFS {
	files := fstest.MapFS{}
	for name, text := range texts {
		files[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return files
}

// with copies a map and adds to it.
func with(base map[string]string, more map[string]string) map[string]string {
	out := maps.Clone(base)
	maps.Copy(out, more)
	return out
}

// pack makes a packed chart of the files below a folder.
func pack(tb testing.TB, texts map[string]string, folder string) string {
	tb.Helper()
	var buf bytes.Buffer
	zip := gzip.NewWriter(&buf)
	out := tar.NewWriter(zip)
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		if !strings.HasPrefix(name, folder+"/") {
			continue
		}
		head := &tar.Header{Name: name[strings.LastIndex(folder, "/")+1:], Mode: 0o644, Size: int64(len(texts[name]))}
		if err := out.WriteHeader(head); err != nil {
			tb.Fatal(err)
		}
		if _, err := out.Write([]byte(texts[name])); err != nil {
			tb.Fatal(err)
		}
	}
	if err := out.Close(); err != nil {
		tb.Fatal(err)
	}
	if err := zip.Close(); err != nil {
		tb.Fatal(err)
	}
	return buf.String()
}

func config(name, data string) string {
	return "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: " + name + "\ndata:\n" + data
}

// simple is a chart with one template.
func simple(template string) map[string]string {
	return map[string]string{
		"app/Chart.yaml":       "apiVersion: v2\nname: shop\nversion: 1.0.0\n",
		"app/values.yaml":      "size: small\n",
		"app/templates/a.yaml": template,
	}
}

func renderChart(t *testing.T, texts map[string]string, change func(*render.Request)) (render.Result, error) {
	t.Helper()
	r := render.Request{Files: repository(texts), Path: "app", Release: "web", Namespace: "shop"}
	if change != nil {
		change(&r)
	}
	return helm.Renderer{}.Render(t.Context(), r)
}

// dataOf collects the data of all ConfigMaps by name.
func dataOf(objects []*object.Object) map[string]map[string]any {
	out := map[string]map[string]any{}
	for _, o := range objects {
		data, _ := o.Fields["data"].(map[string]any)
		out[o.Name()] = data
	}
	return out
}

func TestReleaseAndCapabilities(t *testing.T) {
	t.Parallel()
	texts := simple(config("a", `  name: {{ .Release.Name }}-{{ .Release.Namespace }}-{{ .Release.Revision }}
  up: "{{ .Release.IsUpgrade }}{{ .Release.IsInstall }}"
  kube: {{ .Capabilities.KubeVersion.Version }} {{ .Capabilities.KubeVersion.Minor }}
  apps: "{{ .Capabilities.APIVersions.Has "apps/v1" }}"
  own: "{{ .Capabilities.APIVersions.Has "example.org/v1/Thing" }}"
  lookup: "{{ len (lookup "v1" "Secret" "x" "y") }}"
  dns: "{{ getHostByName "localhost" }}"
`))
	for name, tc := range map[string]struct {
		change func(*render.Request)
		want   map[string]any
	}{
		"defaults": {want: map[string]any{"name": "web-shop-1", "up": "falsetrue", "kube": "v1.37.0 37", "apps": "true", "own": "false", "lookup": "0", "dns": ""}},
		"given": {
			change: func(r *render.Request) {
				r.Upgrade, r.Revision, r.KubeVersion, r.APIVersions = true, 7, "1.36", []string{"example.org/v1/Thing"}
			},
			want: map[string]any{"name": "web-shop-7", "up": "truefalse", "kube": "v1.36.0 36", "apps": "true", "own": "true", "lookup": "0", "dns": ""},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := renderChart(t, texts, tc.change)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tc.want, dataOf(got.Objects)["a"]); d != "" {
				t.Error(d)
			}
			if len(got.Warnings) != 1 || !strings.Contains(got.Warnings[0], "lookup finds nothing") {
				t.Errorf("warnings %q do not speak of lookup", got.Warnings)
			}
		})
	}
}

func TestValues(t *testing.T) {
	t.Parallel()
	texts := with(simple(config("a", "  v: {{ .Values.size }} {{ .Values.nested.a }} {{ .Values.list | toJson }}\n")), map[string]string{
		"app/values.yaml": "size: chart\nnested: {a: chart}\nlist: [chart]\n",
		"one.yaml":        "size: one\nnested: {a: one}\n",
		"env/two.yaml":    "nested: {a: two}\n---\nlist: [two]\n",
	})
	got, err := renderChart(t, texts, func(r *render.Request) {
		r.ValueFiles = []string{"one.yaml", "env/two.yaml"}
		r.Values = []render.NamedValues{{Name: "-f", Data: []byte("size: given\n")}}
		r.Set = []string{"list[1]=set,nested.b=x\\,y"}
	})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(map[string]any{"v": `given two ["two","set"]`}, dataOf(got.Objects)["a"]); d != "" {
		t.Error(d)
	}
}

// umbrella has two subcharts, one of them packed and used twice.
func umbrella(t *testing.T) map[string]string {
	t.Helper()
	packed := map[string]string{
		"db/Chart.yaml":             "apiVersion: v2\nname: db\nversion: 1.2.3\n",
		"db/values.yaml":            "size: 1\nexports: {shared: {fromdb: yes-it-is}}\n",
		"db/templates/a.yaml":       config("db-{{ .Chart.Name }}", "  size: \"{{ .Values.size }}\"\n  global: {{ .Values.global.region }}\n"),
		"db/crds/thing.yaml":        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: things.example.org}\n",
		"db/templates/NOTES.txt":    "notes of the subchart",
		"db/templates/tests/t.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: test, annotations: {helm.sh/hook: test}}\n",
	}
	return map[string]string{
		"app/Chart.yaml": `apiVersion: v2
name: shop
version: 1.0.0
dependencies:
- {name: db, version: ^1.0.0, repository: "https://example.org", import-values: [shared]}
- {name: db, version: ^1.0.0, repository: "https://example.org", alias: cache, condition: cache.enabled}
- {name: web, version: 0.1.0, repository: "file://../web", tags: [front]}
- {name: lib, version: 0.1.0, repository: ""}
`,
		"app/values.yaml":                  "global: {region: eu}\ncache: {enabled: false, size: 9}\nweb: {}\n",
		"app/charts/db-1.2.3.tgz":          pack(t, packed, "db"),
		"app/charts/web/Chart.yaml":        "apiVersion: v2\nname: web\nversion: 0.1.0\n",
		"app/charts/web/templates/a.yaml":  config("web", "  from: {{ include \"lib.word\" . }}\n"),
		"app/charts/lib/Chart.yaml":        "apiVersion: v2\nname: lib\nversion: 0.1.0\ntype: library\n",
		"app/charts/lib/templates/_l.tpl":  `{{ define "lib.word" }}library{{ end }}`,
		"app/charts/lib/templates/no.yaml": config("never", "  a: b\n"),
		"app/templates/z.yaml":             "kind: Zebra\napiVersion: x.org/v1\nmetadata: {name: z}\n---\n" + config("root", "  imported: {{ .Values.fromdb }}\n"),
		"app/templates/NOTES.txt":          "Thanks, {{ .Release.Name }}.",
		"app/templates/hook.yaml":          "apiVersion: batch/v1\nkind: Job\nmetadata: {name: migrate, annotations: {helm.sh/hook: 'pre-install, pre-upgrade'}}\n",
		"app/templates/old.yaml":           "apiVersion: v1\nkind: Secret\nmetadata: {name: old, annotations: {helm.sh/hook: crd-install}}\n",
		"app/templates/.hidden.yaml":       "no: object",
		"app/.helmignore":                  "*.bak\n",
		"app/templates/x.bak":              "{{ fail \"read\" }}",
	}
}

func TestUmbrella(t *testing.T) {
	t.Parallel()
	got, err := renderChart(t, umbrella(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"CustomResourceDefinition things.example.org app/charts/db-1.2.3.tgz/crds/thing.yaml:1",
		"ConfigMap db-db app/charts/db-1.2.3.tgz/templates/a.yaml:1",
		"ConfigMap web app/charts/web/templates/a.yaml:1",
		"ConfigMap root app/templates/z.yaml:5",
		"Zebra.x.org z app/templates/z.yaml:1",
		"Pod test app/charts/db-1.2.3.tgz/templates/tests/t.yaml:1",
		"Job migrate app/templates/hook.yaml:1",
	}
	if d := cmp.Diff(want, refs(got.Objects)); d != "" {
		t.Error(d)
	}
	data := dataOf(got.Objects)
	if d := cmp.Diff(map[string]any{"imported": "yes-it-is"}, data["root"]); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(map[string]any{"from": "library"}, data["web"]); d != "" {
		t.Error(d)
	}
	if got.Notes != "Thanks, web." {
		t.Errorf("notes %q", got.Notes)
	}
	if d := cmp.Diff([]string{`app/templates/old.yaml: left out, since Helm knows no hook "crd-install"`}, got.Warnings); d != "" {
		t.Error(d)
	}
}

func TestConditionsAndTags(t *testing.T) {
	t.Parallel()
	got, err := renderChart(t, umbrella(t), func(r *render.Request) {
		r.Set = []string{"cache.enabled=true", "tags.front=false"}
	})
	if err != nil {
		t.Fatal(err)
	}
	data := dataOf(got.Objects)
	if d := cmp.Diff(map[string]any{"size": "9", "global": "eu"}, data["db-cache"]); d != "" {
		t.Error(d)
	}
	if _, ok := data["web"]; ok {
		t.Error("a chart whose tag is off was rendered")
	}
}

func refs(objects []*object.Object) []string {
	var out []string
	for _, o := range objects {
		out = append(out, o.Ref().String()+" "+o.Source.String())
	}
	return out
}

// A chart of apiVersion v1 keeps its dependencies in requirements.yaml.
func TestRequirements(t *testing.T) {
	t.Parallel()
	texts := map[string]string{
		"app/Chart.yaml":                  "apiVersion: v1\nname: shop\nversion: 1.0.0\n",
		"app/requirements.yaml":           "dependencies:\n- {name: web, version: 0.1.0, repository: x, condition: web.on}\n",
		"app/requirements.lock":           "dependencies:\n- {name: web, version: 0.1.0, repository: x}\n",
		"app/charts/web/Chart.yaml":       "apiVersion: v1\nname: web\nversion: 0.1.0\n",
		"app/charts/web/templates/a.yaml": config("web", "  a: b\n"),
	}
	got, err := renderChart(t, texts, nil)
	if err != nil || len(got.Objects) != 1 {
		t.Fatalf("%d objects, error %v", len(got.Objects), err)
	}
	got, err = renderChart(t, texts, func(r *render.Request) { r.Set = []string{"web.on=false"} })
	if err != nil || len(got.Objects) != 0 {
		t.Fatalf("%d objects, error %v", len(got.Objects), err)
	}
	delete(texts, "app/charts/web/Chart.yaml")
	delete(texts, "app/charts/web/templates/a.yaml")
	_, err = renderChart(t, texts, nil)
	if err == nil || !strings.Contains(err.Error(), `app/requirements.yaml: dependency "web" is not in app/charts`) {
		t.Errorf("got %v", err)
	}
}

// A packed chart can be the app itself.
func TestPackedChart(t *testing.T) {
	t.Parallel()
	texts := map[string]string{"x/shop-1.0.0.tgz": pack(t, simple(config("a", "  s: {{ .Values.size }}\n")), "app")}
	got, err := renderChart(t, texts, func(r *render.Request) { r.Path = "x/shop-1.0.0.tgz" })
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"ConfigMap a x/shop-1.0.0.tgz/templates/a.yaml:1"}, refs(got.Objects)); d != "" {
		t.Error(d)
	}
}

func wantFault(t *testing.T, err error, kind fault.Kind, text string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), text) || !fault.Is(err, kind) {
		t.Fatalf("error %v (%s), want %q (%s)", err, fault.KindOf(err), text, kind)
	}
}
