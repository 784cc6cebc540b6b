package kustomize_test

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/program"
	"github.com/tugops/tug/internal/render"
	"github.com/tugops/tug/internal/render/helm"
	"github.com/tugops/tug/internal/render/kustomize"
)

// yamlOf renders and writes the objects.
func yamlOf(t *testing.T, k kustomize.Renderer, r render.Request) string {
	t.Helper()
	got, err := k.Render(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return write(t, got.Objects)
}

func write(t *testing.T, objects []*object.Object) string {
	t.Helper()
	var out strings.Builder
	if err := object.WriteYAML(&out, objects); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func chart(home string) map[string]string {
	return map[string]string{
		home + "/web/Chart.yaml":    "apiVersion: v2\nname: web\nversion: 1.0.0\n",
		home + "/web/values.yaml":   "color: red\nsize: {w: 1, h: 2}\n",
		home + "/web/crds/crd.yaml": "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: things.example.com}\n",
		home + "/web/templates/a.yaml": `apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .Release.Name }}-cm, namespace: {{ .Release.Namespace }}}
data: {color: "{{ .Values.color }}", w: "{{ .Values.size.w }}", h: "{{ .Values.size.h }}", version: "{{ .Capabilities.KubeVersion }}", api: "{{ .Capabilities.APIVersions.Has "example.com/v1" }}"}
`,
		home + "/web/templates/hook.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: hook, annotations: {helm.sh/hook: pre-install}}\n",
		home + "/web/templates/test.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: test, annotations: {helm.sh/hook: test}}\n",
	}
}

func TestCharts(t *testing.T) {
	t.Parallel()
	k := kustomize.Renderer{Helm: helm.Renderer{}}
	for name, tc := range map[string]struct {
		charts  string
		data    string // of the ConfigMap, as flow YAML without what is default
		has     []string
		hasNot  []string
		globals string
	}{
		"plain":      {charts: "name: web, releaseName: shop, namespace: ns", has: []string{"name: shop-cm", "namespace: ns", "color: red", "h: \"2\"", "name: hook", "name: test", "# Source: prod/charts/web/templates/a.yaml"}, hasNot: []string{"CustomResourceDefinition", "tug.dev", "internal.config"}},
		"crds":       {charts: "name: web, releaseName: shop, includeCRDs: true", has: []string{"CustomResourceDefinition"}},
		"hooks":      {charts: "name: web, releaseName: shop, skipHooks: true", hasNot: []string{"name: hook", "name: test"}},
		"tests":      {charts: "name: web, releaseName: shop, skipTests: true", has: []string{"name: hook"}, hasNot: []string{"name: test"}},
		"inline":     {charts: "name: web, releaseName: shop, valuesInline: {color: blue, size: {w: 5}}", has: []string{"color: blue", `w: "5"`, `h: "2"`}},
		"merge":      {charts: "name: web, releaseName: shop, valuesMerge: merge, valuesInline: {color: blue, size: {w: 5, d: 3}}", has: []string{"color: red", `w: "1"`}},
		"file":       {charts: "name: web, releaseName: shop, valuesFile: v.yaml, valuesInline: {size: {w: 5}}", has: []string{"color: green", `w: "5"`, `h: "7"`}},
		"merge file": {charts: "name: web, releaseName: shop, valuesFile: v.yaml, valuesMerge: merge, valuesInline: {size: {w: 5, h: 6}}", has: []string{"color: green", `w: "5"`, `h: "7"`}},
		"replace":    {charts: "name: web, releaseName: shop, valuesFile: v.yaml, valuesMerge: replace, valuesInline: {size: {w: 5}}", has: []string{"color: red", `w: "5"`, `h: "2"`}},
		"more files": {charts: "name: web, releaseName: shop, valuesInline: {color: blue}, additionalValuesFiles: [v.yaml]", has: []string{"color: green", `h: "7"`}},
		"null":       {charts: "name: web, releaseName: shop, valuesFile: v.yaml, valuesInline: {color: null}", has: []string{"color: red"}},
		"cluster":    {charts: "name: web, releaseName: shop, kubeVersion: 1.29.3, apiVersions: [example.com/v1]", has: []string{"version: v1.29.3", `api: "true"`}},
		"template":   {charts: `name: web, nameTemplate: 'x-{{ "y" }}'`, has: []string{"name: x-y-cm"}},
		"no name":    {charts: "name: web", has: []string{"name: release-name-cm", "namespace: app-ns"}},
		"home":       {charts: "name: web, releaseName: shop", globals: "helmGlobals: {chartHome: ../shared}\n", has: []string{"# Source: shared/web/templates/a.yaml"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := chart("prod/charts")
			for n, text := range chart("shared") {
				files[n] = text
			}
			files["prod/v.yaml"] = "color: green\nsize: {h: 7}\n"
			files["prod/kustomization.yaml"] = tc.globals + "helmCharts:\n- {" + tc.charts + "}\n"
			out := yamlOf(t, k, render.Request{Files: repository(files), Path: "prod", Namespace: "app-ns"})
			for _, want := range tc.has {
				if !strings.Contains(out, want) {
					t.Errorf("no %q in\n%s", want, out)
				}
			}
			for _, never := range tc.hasNot {
				if strings.Contains(out, never) {
					t.Errorf("%q in\n%s", never, out)
				}
			}
		})
	}
}

// A chart takes part in the build like any other resource, with the namespace
// of the overlay that uses it: two overlays, two namespaces.
func TestChartsInBases(t *testing.T) {
	t.Parallel()
	files := chart("base/charts")
	files["base/kustomization.yaml"] = "helmCharts: [{name: web, releaseName: shop}]\n"
	files["base/generated/kustomization.yaml"] = "generators: [g.yaml]\n"
	files["base/generated/g.yaml"] = "apiVersion: builtin\nkind: HelmChartInflationGenerator\nmetadata: {name: g}\nname: web\nreleaseName: two\nchartHome: ../charts\nskipHooks: true\n"
	files["one/kustomization.yaml"] = "namespace: one\nnamePrefix: one-\nresources: [../base]\npatches:\n- target: {kind: ConfigMap, name: shop-cm}\n  patch: '[{\"op\": \"replace\", \"path\": \"/data/color\", \"value\": \"black\"}]'\n"
	files["two/kustomization.yaml"] = "namespace: two\nnamePrefix: two-\nresources: [../base]\n"
	files["prod/kustomization.yaml"] = "resources: [../one, ../two, ../base/generated]\n"
	k := kustomize.Renderer{Helm: helm.Renderer{}}
	got, err := k.Render(t.Context(), render.Request{Files: repository(files), Path: "prod"})
	if err != nil {
		t.Fatal(err)
	}
	colors := map[string]any{}
	for _, o := range got.Objects {
		if strings.HasSuffix(o.Name(), "-cm") {
			colors[o.Namespace()+"/"+o.Name()] = o.Fields["data"].(map[string]any)["color"]
		}
	}
	want := map[string]any{"one/one-shop-cm": "black", "two/two-shop-cm": "red", "default/two-cm": "red"}
	if d := cmp.Diff(want, colors); d != "" {
		t.Error(d)
	}
}

func TestChartFaults(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ charts, err string }{
		"none":         {"name: gone, releaseName: a", `prod/kustomization.yaml:1: chart "gone" is not in prod/charts`},
		"no name":      {"releaseName: a", "a chart has no name"},
		"remote":       {"name: gone, releaseName: a, repo: 'https://u:secret@example.com/charts', version: 1.0.0", "is outside the repository, in https://example.com/charts"},
		"values":       {"name: web, releaseName: a, valuesFile: none.yaml", `prod/kustomization.yaml:1:54: valuesFile: "none.yaml" does not exist`},
		"values away":  {"name: web, releaseName: a, valuesFile: ../../../etc/passwd", "leads out of the repository"},
		"values URL":   {"name: web, releaseName: a, valuesFile: 'https://example.com/v.yaml'", "is outside the repository"},
		"more away":    {"name: web, releaseName: a, additionalValuesFiles: [/etc/passwd]", "leads out of the repository"},
		"chart away":   {"name: ../../../x, releaseName: a", "leads out of the repository"},
		"merge":        {"name: web, releaseName: a, valuesMerge: deep, valuesInline: {a: 1}", `valuesMerge "deep" is not known`},
		"two names":    {"name: web, releaseName: a, nameTemplate: b", "has both releaseName and nameTemplate"},
		"bad template": {"name: web, nameTemplate: '{{ randAlpha 3 }}'", "nameTemplate: "},
		"bad name":     {"name: web, releaseName: '--post-renderer=x'", "release name"},
		"bad key":      {"name: web, releasename2: x", "unknown key"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := chart("prod/charts")
			files["prod/kustomization.yaml"] = "helmCharts: [{" + tc.charts + "}]\n"
			k := kustomize.Renderer{Helm: helm.Renderer{}}
			_, err := k.Render(t.Context(), render.Request{Files: repository(files), Path: "prod"})
			if err == nil || !strings.Contains(err.Error(), tc.err) || strings.Contains(err.Error(), "secret") {
				t.Fatalf("error %v, want %q", err, tc.err)
			}
		})
	}
}

// sources are trees and charts that a lock holds.
type sources struct {
	trees  map[string]fs.FS // URL?ref
	charts map[string]fs.FS // repository/name@version
	asked  []render.TreeRef
}

func (s *sources) Chart(_ context.Context, r render.ChartRef) (render.Package, error) {
	f, ok := s.charts[r.Repository+"/"+r.Name+"@"+r.Version]
	if !ok {
		return render.Package{}, fault.New(fault.NotFound, "%s: %s is not locked", r.From, r.Name)
	}
	return render.Package{Files: f, Path: "x/web"}, nil
}

func (s *sources) Tree(_ context.Context, r render.TreeRef) (render.Package, error) {
	s.asked = append(s.asked, r)
	f, ok := s.trees[r.URL+"?"+r.Ref]
	if !ok {
		return render.Package{}, fault.New(fault.NotFound, "%s: %s is not locked", r.From, r.URL)
	}
	return render.Package{Files: f, Path: ".", Commit: "0123456789abcdef0123456789abcdef01234567"}, nil
}

func TestRemoteBases(t *testing.T) {
	t.Parallel()
	far := repository(map[string]string{
		"app/base/kustomization.yaml": "resources: [deployment.yaml, ../more]\nconfigMapGenerator: [{name: settings, literals: [A=b]}]\n",
		"app/base/deployment.yaml":    deployment,
		"app/more/kustomization.yaml": "resources: [ns.yaml]\n",
		"app/more/ns.yaml":            "apiVersion: v1\nkind: Namespace\nmetadata: {name: far}\n",
		"evil/kustomization.yaml":     "resources: [../../secret.yaml]\n",
		"evil2/kustomization.yaml":    "configMapGenerator: [{name: a, files: [../../tug-0/prod/kustomization.yaml]}]\n",
	})
	s := &sources{trees: map[string]fs.FS{"https://github.com/org/repo?v1": far, "git@github.com:org/repo?main": far}, charts: map[string]fs.FS{}}
	files := map[string]string{
		"prod/kustomization.yaml":  "namePrefix: p-\nresources:\n- github.com/org/repo//app/base?ref=v1\npatches:\n- target: {kind: Deployment}\n  patch: '[{\"op\": \"replace\", \"path\": \"/spec/replicas\", \"value\": 5}]'\n",
		"ssh/kustomization.yaml":   "resources: ['git@github.com:org/repo.git/app/more?ref=main']\n",
		"evil/kustomization.yaml":  "resources: ['https://github.com/org/repo//evil?ref=v1']\n",
		"evil2/kustomization.yaml": "resources: ['https://github.com/org/repo//evil2?ref=v1']\n",
		"none/kustomization.yaml":  "resources: ['https://github.com/org/repo//none?ref=v1']\n",
		"other/kustomization.yaml": "resources: ['https://github.com/org/repo//app/base?ref=v2']\n",
		"file/kustomization.yaml":  "resources: ['https://raw.githubusercontent.com/org/repo/v1/a.yaml']\n",
		"deep/kustomization.yaml":  "components: [../prod2]\nresources: [../prod]\n",
		"prod2/kustomization.yaml": "kind: Component\napiVersion: kustomize.config.k8s.io/v1alpha1\ncommonAnnotations: {a: b}\n",
		"secret.yaml":              "apiVersion: v1\nkind: Secret\nmetadata: {name: near}\n",
	}
	s.trees["git@github.com:org/repo.git?main"] = far
	k := kustomize.Renderer{}
	request := render.Request{Files: repository(files), Path: "prod", Sources: s}
	out := yamlOf(t, k, request)
	for _, want := range []string{
		"replicas: 5", "name: p-settings-b9t2424hkf", "name: p-web", "name: far",
		"# Source: https://github.com/org/repo@0123456789ab//app/base/deployment.yaml",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if d := cmp.Diff([]render.TreeRef{{URL: "https://github.com/org/repo", Ref: "v1", From: object.Source{File: "prod/kustomization.yaml", Line: 3}}}, s.asked); d != "" {
		t.Error(d)
	}
	for path, want := range map[string]string{
		"evil":  "leads out of the repository",
		"evil2": "leads out of the repository",
		"none":  `has no folder "none"`,
		"other": "other/kustomization.yaml:1: https://github.com/org/repo is not locked",
		"file":  "is outside the repository",
		"ssh":   "", "deep": "",
	} {
		request.Path = path
		_, err := k.Render(t.Context(), request)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", path, err, want)
		}
	}
	request.Sources = nil
	request.Path = "prod"
	_, err := k.Render(t.Context(), request)
	if found, ok := errors.AsType[*fault.Error](err); !ok || !strings.Contains(strings.Join(found.Hints, " "), "tug vendor lock") {
		t.Errorf("error %v", err)
	}
	s.charts["https://example.com/web@1.0.0"] = repository(chart("x"))
	chartFiles := map[string]string{"prod/kustomization.yaml": "helmCharts: [{name: web, repo: 'https://example.com', version: 1.0.0, releaseName: far}]\n"}
	k.Helm = helm.Renderer{}
	if out := yamlOf(t, k, render.Request{Files: repository(chartFiles), Path: "prod", Sources: s}); !strings.Contains(out, "name: far-cm") {
		t.Error(out)
	}
}

const rename = `
for o in ctx.resource_list["items"]:
    if o["kind"] == "Deployment":
        o["spec"]["replicas"] = o["spec"]["replicas"] * 10
`

// Functions run in the middle of a build: after the base, before the overlay,
// and names, hashes and references work as without them.
func TestFunctions(t *testing.T) {
	t.Parallel()
	files := shop()
	files["base/kustomization.yaml"] += "namePrefix: b-\ntransformers: [fn.yaml]\nvalidators: [check.yaml]\ngenerators: [gen.yaml]\n"
	files["base/fn.yaml"] = "apiVersion: example.com/v1\nkind: Scale\nmetadata:\n  name: s\n  annotations:\n    config.kubernetes.io/function: |\n      starlark: {path: fn.star}\n"
	files["base/fn.star"] = rename
	files["base/check.yaml"] = "apiVersion: example.com/v1\nkind: Check\nmetadata:\n  name: c\n  annotations:\n    config.kubernetes.io/function: |\n      starlark: {source: 'ctx.resource_list[\"results\"] = [{\"severity\": \"warning\", \"message\": str(len(ctx.resource_list[\"items\"])) + \" objects\"}]'}\n"
	files["base/gen.yaml"] = "apiVersion: example.com/v1\nkind: Gen\nmetadata:\n  name: g\n  annotations:\n    config.kubernetes.io/function: |\n      starlark: {path: gen.star}\n"
	files["base/gen.star"] = "ctx.resource_list['items'] = [{'apiVersion': 'v1', 'kind': 'ConfigMap', 'metadata': {'name': 'made', 'annotations': {'kustomize.config.k8s.io/needs-hash': 'true'}}, 'data': {'a': 'b'}}]"
	// The overlay names objects as the base had them.
	files["prod/kustomization.yaml"] = strings.Replace(files["prod/kustomization.yaml"], "components: [../parts/debug]\n", "", 1)
	k := kustomize.Renderer{}
	got, err := k.Render(t.Context(), render.Request{Files: repository(files), Path: "prod"})
	if err != nil {
		t.Fatal(err)
	}
	want := `---
# Source: base/gen.yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: p-b-made-4h2mbtbbt6
  namespace: shop
data:
  a: b
---
# Source: base/kustomization.yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: p-b-settings-b9t2424hkf
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
  name: p-b-web
  namespace: shop
spec:
  replicas: 10
  template:
    spec:
      containers:
        - envFrom:
            - configMapRef:
                name: p-b-settings-b9t2424hkf
          image: nginx:1.29
          name: web
`
	if d := cmp.Diff(want, write(t, got.Objects)); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"base/check.yaml:1: function Check c: 3 objects"}, got.Warnings); d != "" {
		t.Error(d)
	}
}

// The same, in the outermost kustomization, in a folder of functions, inline,
// and between transformers of the library.
func TestFunctionsAtTheTop(t *testing.T) {
	t.Parallel()
	inline := func(source string) string {
		return "- |-\n  apiVersion: example.com/v1\n  kind: Fn\n  metadata:\n    name: f\n    annotations:\n      config.kubernetes.io/function: |\n        starlark: {path: ../fns/" + source + "}\n"
	}
	files := shop()
	files["prod/kustomization.yaml"] += "transformers:\n" +
		inline("times.star") +
		"- |-\n  apiVersion: builtin\n  kind: PrefixTransformer\n  metadata: {name: x}\n  prefix: y-\n  fieldSpecs: [{path: metadata/name}]\n" +
		inline("see.star") + "- ../fns\n"
	files["fns/times.star"] = rename
	files["fns/see.star"] = "for o in ctx.resource_list['items']:\n  if o['kind'] == 'Deployment': o['metadata']['annotations']['seen'] = o['metadata']['name']\n  if [a for a in o['metadata'].get('annotations', {}) if 'tug' in a or 'internal' in a]: fail('marks show')\n"
	files["fns/kustomization.yaml"] = "resources: [last.yaml]\n"
	files["fns/last.yaml"] = "apiVersion: example.com/v1\nkind: Last\nmetadata:\n  name: l\n  annotations:\n    config.kubernetes.io/function: 'starlark: {path: ../fns/drop.star}'\n"
	files["fns/drop.star"] = "ctx.resource_list['items'] = [o for o in ctx.resource_list['items'] if o['kind'] == 'Deployment']"
	out := yamlOf(t, kustomize.Renderer{}, render.Request{Files: repository(files), Path: "prod"})
	want := `---
# Source: base/deployment.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  annotations:
    patched: "yes"
    seen: y-p-web
    value: b
  name: y-p-web
  namespace: shop
spec:
  replicas: 30
`
	if !strings.HasPrefix(out, want) || strings.Contains(out, "kind: ConfigMap") {
		t.Error(cmp.Diff(want, out))
	}
}

// Functions in components run where the component stands: after those before
// it, before those after it and the fields of what uses it.
func TestFunctionsInComponents(t *testing.T) {
	t.Parallel()
	fn := func(source string) string {
		return "apiVersion: example.com/v1\nkind: Fn\nmetadata:\n  name: f\n  annotations:\n    config.kubernetes.io/function: |\n      starlark:\n        source: |\n          " + strings.ReplaceAll(source, "\n", "\n          ") + "\n"
	}
	const see = "for o in ctx.resource_list['items']:\n  a = o['metadata'].setdefault('annotations', {})\n  a['seen'] = a.get('seen', '') + o['metadata']['name'] + ':' + str(o.get('spec', {}).get('replicas')) + ';'"
	const component = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"
	files := shop()
	files["prod/kustomization.yaml"] = strings.Replace(files["prod/kustomization.yaml"], "components: [../parts/debug]", "components: [../parts/a, ../parts/debug, ../parts/b]", 1)
	files["parts/a/kustomization.yaml"] = component + "nameSuffix: -a\ntransformers: [f.yaml]\nvalidators: [f2.yaml]\n"
	files["parts/a/f.yaml"] = fn(see)
	files["parts/a/f2.yaml"] = fn("if len(ctx.resource_list['items']) != 2: fail('count')")
	files["parts/b/kustomization.yaml"] = component + "resources: [ns.yaml]\ncommonAnnotations: {b: 'yes'}\ntransformers: [f.yaml, p.yaml]\n"
	files["parts/b/ns.yaml"] = "apiVersion: v1\nkind: Namespace\nmetadata: {name: made}\n"
	files["parts/b/f.yaml"] = fn(see)
	files["parts/b/p.yaml"] = "apiVersion: builtin\nkind: PrefixTransformer\nmetadata: {name: x}\nprefix: y-\nfieldSpecs: [{path: metadata/name}]\n"
	got, err := (&kustomize.Renderer{}).Render(t.Context(), render.Request{Files: repository(files), Path: "prod"})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	for _, o := range got.Objects {
		seen[o.Name()+" from "+o.Source.String()] = o.Annotation("seen") + o.Annotation("b") + o.Annotation("patched")
	}
	want := map[string]string{
		"p-y-web-a from base/deployment.yaml:1":                  "web-a:1;web-a:3;yesyes",
		"p-y-settings-a-b9t2424hkf from base/kustomization.yaml": "settings-a:None;settings-a:None;yes",
		"shop from parts/b/ns.yaml:1":                            "made:None;yes",
	}
	if d := cmp.Diff(want, seen); d != "" {
		t.Errorf("%s\n%s", d, write(t, got.Objects))
	}
	if text := write(t, got.Objects); !strings.Contains(text, "name: p-y-settings-a-b9t2424hkf") || !strings.Contains(text, "value: b") {
		t.Error(text)
	}
}

func TestFunctionFaults(t *testing.T) {
	t.Parallel()
	fn := func(spec string) string {
		return "apiVersion: example.com/v1\nkind: Fn\nmetadata:\n  name: f\n  annotations:\n    config.kubernetes.io/function: \"" + spec + "\"\n"
	}
	for name, tc := range map[string]struct {
		files map[string]string
		err   string
	}{
		"exec":      {map[string]string{"prod/kustomization.yaml": "resources: [../base]\ntransformers: [f.yaml]\n", "prod/f.yaml": fn("exec: {path: ./evil}")}, `prod/f.yaml:1: function Fn f runs the program "./evil", and programs are switched off`},
		"container": {map[string]string{"prod/kustomization.yaml": "resources: [../base]\ntransformers: [f.yaml]\n", "prod/f.yaml": fn("container: {image: evil}")}, `containers are switched off`},
		"validator": {map[string]string{"prod/kustomization.yaml": "resources: [../base]\nvalidators: [f.yaml]\n", "prod/f.yaml": fn("starlark: {source: 'ctx.resource_list[\\\"items\\\"].pop()'}")}, `prod/f.yaml:1: a validator changes objects`},
		"results":   {map[string]string{"prod/kustomization.yaml": "resources: [../base]\nvalidators: [f.yaml]\n", "prod/f.yaml": fn("starlark: {source: 'fail(\\\"no team label\\\")'}")}, `fail: no team label`},
		"component": {map[string]string{"parts/debug/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\ncomponents: [../inner]\n", "parts/inner/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\ntransformers: [f.yaml]\n", "parts/inner/f.yaml": fn("starlark: {source: 'x = 1'}")}, `functions in a component of a component are not supported`},
		"away":      {map[string]string{"prod/kustomization.yaml": "resources: [../base]\ntransformers: [f.yaml]\n", "prod/f.yaml": fn("starlark: {path: ../../x.star}")}, `leads out of the repository`},
		"chart":     {map[string]string{"prod/kustomization.yaml": "resources: [../base]\ntransformers: [f.yaml]\n", "prod/f.yaml": "apiVersion: builtin\nkind: HelmChartInflationGenerator\nmetadata: {name: g}\nname: web\n"}, `a chart is a generator`},
		"behavior":  {map[string]string{"prod/kustomization.yaml": "resources: [../base]\ngenerators: [f.yaml]\n", "prod/f.yaml": fn("starlark: {path: g.star}"), "prod/g.star": "ctx.resource_list['items'] = [{'apiVersion': 'v1', 'kind': 'ConfigMap', 'metadata': {'name': 'a', 'annotations': {'kustomize.config.k8s.io/behavior': 'merge'}}}]"}, `with behavior "merge" is not supported`},
		"twice":     {map[string]string{"prod/kustomization.yaml": "resources: [../base]\n", "prod/kustomization.yml": "resources: [../base]\n"}, `prod holds both kustomization.yaml and kustomization.yml`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := shop()
			for n, text := range tc.files {
				files[n] = text
			}
			k := kustomize.Renderer{Programs: program.Runner{}}
			_, err := k.Render(t.Context(), render.Request{Files: repository(files), Path: "prod"})
			if err == nil || !strings.Contains(err.Error(), tc.err) {
				t.Fatalf("error %v, want %q", err, tc.err)
			}
		})
	}
}

// An overlay over objects: what it leaves alone stays what it was, in its
// order, with its source; what it changes keeps the source.
func TestInput(t *testing.T) {
	t.Parallel()
	input, err := object.ReadYAML("chart/templates/all.yaml", []byte(`apiVersion: v1
kind: Service
metadata: {name: web}
spec: {ratio: 0.50}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, annotations: {a: b}}
spec: {replicas: 1, template: {spec: {containers: [{name: web, image: nginx, envFrom: [{configMapRef: {name: extra}}]}]}}}
---
apiVersion: batch/v1
kind: Job
metadata: {name: migrate, annotations: {helm.sh/hook: pre-upgrade}}
spec: {}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: gone}
`))
	if err != nil {
		t.Fatal(err)
	}
	files := repository(map[string]string{
		"overlays/prod/kustomization.yaml": `configMapGenerator: [{name: extra, literals: [X=y]}]
patches:
- target: {kind: Deployment}
  patch: '[{"op": "replace", "path": "/spec/replicas", "value": 4}]'
- patch: |
    apiVersion: v1
    kind: ConfigMap
    metadata: {name: gone}
    $patch: delete
`,
		"sorted/kustomization.yaml": "sortOptions: {order: legacy}\nnamePrefix: x-\n",
		"empty/kustomization.yaml":  "namePrefix: x-\n",
	})
	k := kustomize.Renderer{}
	got, err := k.Render(t.Context(), render.Request{Files: files, Path: "overlays/prod", Input: input})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, o := range got.Objects {
		names = append(names, o.GVK().Kind+" "+o.Name()+" "+o.Source.String())
	}
	want := []string{
		"Service web chart/templates/all.yaml:1", "Deployment web chart/templates/all.yaml:6", "Job migrate chart/templates/all.yaml:11",
		"ConfigMap extra-fdt888thdm overlays/prod/kustomization.yaml",
	}
	if d := cmp.Diff(want, names); d != "" {
		t.Error(d)
	}
	if got.Objects[0] != input[0] || got.Objects[2] != input[2] || got.Objects[1] == input[1] {
		t.Error("objects that were left alone are others")
	}
	text := write(t, got.Objects[1:2])
	if !strings.Contains(text, "replicas: 4") || !strings.Contains(text, "name: extra-fdt888thdm") || strings.Contains(text, "tug.dev") {
		t.Error(text)
	}
	got, err = k.Render(t.Context(), render.Request{Files: files, Path: "sorted", Input: input})
	if err != nil || got.Objects[0].Name() != "x-gone" || got.Objects[0].Source.Line == 0 {
		t.Errorf("%v, %v", got.Objects, err)
	}
	got, err = k.Render(t.Context(), render.Request{Files: files, Path: "empty", Input: []*object.Object{}})
	if err != nil || len(got.Objects) != 0 {
		t.Errorf("%v, %v", got.Objects, err)
	}
}
