package snapshot

import (
	"bytes"
	"context"
	"encoding/base64"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/imagelock"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/project"
	"github.com/tugops/tug/internal/render"
	"github.com/tugops/tug/internal/render/helm"
	"github.com/tugops/tug/internal/render/kustomize"
	"github.com/tugops/tug/internal/render/plain"
)

func engines() Builder {
	return Builder{Helm: helm.Renderer{}, Kustomize: &kustomize.Renderer{}, Plain: plain.Renderer{}, KubeVersion: "v1.36.0"}
}

func tree(files map[string]string) fstest.MapFS {
	m := fstest.MapFS{}
	for name, text := range files {
		m[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return m
}

// shop is a repository with a chart, a kustomization and plain YAML.
func shop(edits map[string]string) fstest.MapFS {
	files := map[string]string{
		"tug.yaml": `apiVersion: tug.dev/v1alpha1
kind: Project
environments:
  dev: {namespace: shop-dev}
  prod: {namespace: shop, kubernetes: "1.35"}
apps:
  shop:
    chart: umbrella-chart
    values: ["values/{{.env}}.yaml"]
    set: {replicas: 2}
    locks: ["app-locks/{{.env}}/"]
    dependsOn: [platform, base]
  platform: {manifests: [platform, extra.yaml]}
  base: {kustomize: base}
`,
		"umbrella-chart/Chart.yaml":  "apiVersion: v2\nname: umbrella\nversion: 0.1.0\n",
		"umbrella-chart/values.yaml": "replicas: 1\nsize: small\n",
		"umbrella-chart/templates/web.yaml": `apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}
  creationTimestamp: null
spec:
  replicas: {{ .Values.replicas }}
  template:
    metadata: {annotations: {size: {{ .Values.size }}, kube: {{ .Capabilities.KubeVersion.Version }}, upgrade: {{ .Release.IsUpgrade | quote }}}}
    spec: {containers: [{name: web, image: web}, {name: proxy, image: "proxy:1"}]}
status: {}
`,
		"umbrella-chart/templates/secret.yaml": `apiVersion: v1
kind: Secret
metadata: {name: web}
stringData: {password: {{ randAlphaNum 20 | quote }}}
`,
		"umbrella-chart/templates/job.yaml": `apiVersion: batch/v1
kind: Job
metadata: {name: migrate, annotations: {helm.sh/hook: "pre-install,pre-upgrade"}}
spec: {template: {spec: {containers: [{name: m, image: "proxy:1"}]}}}
`,
		"umbrella-chart/crds/crd.yaml": `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.example.com}
`,
		"values/dev.yaml":  "size: tiny\n",
		"values/prod.yaml": "size: huge\n",
		"app-locks/prod/web.lock.yml": `apiVersion: kbld.k14s.io/v1alpha1
kind: Config
overrides:
- {image: web, newImage: "registry.example/web@` + digest + `", preresolved: true}
- {image: "proxy:1", newImage: "registry.example/proxy@` + digest + `", preresolved: true}
`,
		"app-locks/dev/web.lock.yml": `apiVersion: kbld.k14s.io/v1alpha1
kind: Config
overrides:
- {image: web, newImage: "registry.example/web@` + digest + `", preresolved: true}
`,
		"platform/ns.yaml":        "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n",
		"extra.yaml":              "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: extra}\ndata: {version: \"1.20\"}\n",
		"base/kustomization.yaml": "resources: [cm.yaml]\nnamePrefix: pre-\n",
		"base/cm.yaml":            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cm}\n",
	}
	for name, text := range edits {
		files[name] = text
	}
	return tree(files)
}

const digest = "sha256:da49a2ec3fca4e09bf581443e20215475c411b0d6c73c4f8707bdc48f3017e6d"

// input selects one app of the repository.
func input(t testing.TB, files fs.FS, c project.Choice) Input {
	t.Helper()
	p, err := project.Open(files, ".")
	if err != nil {
		t.Fatal(err)
	}
	specs, err := p.Select(c)
	if err != nil {
		t.Fatal(err)
	}
	if len(specs) != 1 {
		t.Fatalf("selected %d apps", len(specs))
	}
	return Input{Files: files, Spec: specs[0], Revision: Revision{Commit: "abc", Time: time.Unix(1700000000, 0)}}
}

func build(t testing.TB, in Input) *Snapshot {
	t.Helper()
	s, err := engines().Build(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func refs(s *Snapshot) []string {
	var list []string
	for _, o := range s.Objects {
		list = append(list, o.Ref().String())
	}
	return list
}

func find(t *testing.T, s *Snapshot, ref string) *object.Object {
	t.Helper()
	for _, o := range s.Objects {
		if o.Ref().String() == ref {
			return o
		}
	}
	t.Fatalf("no %s in %q", ref, refs(s))
	return nil
}

func TestBuildChart(t *testing.T) {
	t.Parallel()
	in := input(t, shop(nil), project.Choice{Env: "prod", App: "shop"})
	in.Values = []render.NamedValues{{Name: "-f", Data: []byte("size: given\n")}}
	in.Upgrade = true
	s := build(t, in)
	want := []string{"Secret web", "CustomResourceDefinition things.example.com", "Deployment shop", "Job migrate"}
	if diff := cmp.Diff(want, refs(s)); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
	if s.App != "shop" || s.Env != "prod" || s.Namespace != "shop" || s.KubeVersion != "1.35" || s.Revision.Path != "umbrella-chart" {
		t.Errorf("got %+v", s)
	}
	if diff := cmp.Diff([]string{"base", "platform"}, s.DependsOn); diff != "" {
		t.Errorf("dependsOn (-want +got):\n%s", diff)
	}
	d := find(t, s, "Deployment shop")
	text := yamlText(t, d)
	for _, part := range []string{
		"replicas: 2\n", "size: given\n", "kube: v1.35.0\n", `upgrade: "true"`,
		"image: registry.example/web@" + digest, "image: registry.example/proxy@" + digest,
		object.AnnotationImages, "app-locks/prod/web.lock.yml",
	} {
		if !strings.Contains(text, part) {
			t.Errorf("%q is missing in\n%s", part, text)
		}
	}
	for _, part := range []string{"status", "creationTimestamp"} {
		if strings.Contains(text, part) {
			t.Errorf("%q is still in\n%s", part, text)
		}
	}
	if _, ok := find(t, s, "Secret web").Fields["stringData"]; ok {
		t.Error("stringData was not folded into data")
	}
	if len(s.Warnings) != 1 || !strings.Contains(s.Warnings[0], "randAlphaNum shows a placeholder (umbrella-chart/templates/secret.yaml)") {
		t.Errorf("warnings: %q", s.Warnings)
	}
}

func yamlText(t *testing.T, objects ...*object.Object) string {
	t.Helper()
	var b bytes.Buffer
	if err := object.WriteYAML(&b, objects); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestBuildSetWins(t *testing.T) {
	t.Parallel()
	in := input(t, shop(nil), project.Choice{Env: "prod", App: "shop"})
	in.Values = []render.NamedValues{{Name: "-f", Data: []byte("replicas: 5\nsize: given\n")}}
	in.Set = []string{"size=set"}
	text := yamlText(t, find(t, build(t, in), "Deployment shop"))
	if !strings.Contains(text, "replicas: 5\n") || !strings.Contains(text, "size: set\n") {
		t.Errorf("what is given by hand does not win:\n%s", text)
	}
}

func TestBuildOtherEngines(t *testing.T) {
	t.Parallel()
	s := build(t, input(t, shop(nil), project.Choice{Env: "dev", App: "platform"}))
	if diff := cmp.Diff([]string{"Namespace shop", "ConfigMap extra"}, refs(s)); diff != "" {
		t.Errorf("plain (-want +got):\n%s", diff)
	}
	if s.KubeVersion != "v1.36.0" {
		t.Errorf("version %q is not the builder's", s.KubeVersion)
	}
	s = build(t, input(t, shop(nil), project.Choice{Env: "dev", App: "base"}))
	if diff := cmp.Diff([]string{"ConfigMap pre-cm"}, refs(s)); diff != "" {
		t.Errorf("kustomize (-want +got):\n%s", diff)
	}
}

func TestUnpinned(t *testing.T) {
	t.Parallel()
	in := input(t, shop(nil), project.Choice{Env: "dev", App: "shop"})
	s := build(t, in)
	var found []string
	for _, w := range s.Warnings {
		if strings.Contains(w, "has no lock") {
			found = append(found, w)
		}
	}
	want := []string{`image "proxy:1" has no lock and may change without a commit (Job migrate, Deployment shop)`}
	other := []string{`image "proxy:1" has no lock and may change without a commit (Deployment shop, Job migrate)`}
	if !cmp.Equal(want, found) && !cmp.Equal(other, found) {
		t.Errorf("got %q, want one warning for the image", found)
	}

	in.Hermetic = true
	_, err := engines().Build(t.Context(), in)
	if !fault.Is(err, fault.Invalid) {
		t.Fatalf("hermetic: %v", err)
	}
	for _, part := range []string{
		"shop/dev: image", `image "proxy:1" of Deployment shop (umbrella-chart/templates/web.yaml`,
		`image "proxy:1" of Job migrate (umbrella-chart/templates/job.yaml`,
	} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q is missing in: %s", part, err)
		}
	}

	locks, err := imagelock.Load(tree(map[string]string{"l.yml": "apiVersion: kbld.k14s.io/v1alpha1\nkind: Config\noverrides:\n- {image: \"proxy:1\", newImage: \"proxy@" + digest + "\", preresolved: true}\n"}), []string{"l.yml"})
	if err != nil {
		t.Fatal(err)
	}
	in.Locks = locks
	if _, err := engines().Build(t.Context(), in); err != nil {
		t.Errorf("a lock given by hand does not count: %v", err)
	}
}

func TestRandomValues(t *testing.T) {
	t.Parallel()
	in := input(t, shop(nil), project.Choice{Env: "prod", App: "shop"})
	if a, b := build(t, in), build(t, in); a.Hash() != b.Hash() || a.Generated != nil {
		t.Error("placeholders differ from build to build")
	}
	in.Random = Record
	first := build(t, in)
	if len(first.Generated) != 1 {
		t.Fatalf("generated %v", first.Generated)
	}
	if other := build(t, in); other.Hash() == first.Hash() {
		t.Error("two fresh passwords are equal")
	}
	asked := 0
	in.Recorded = func(context.Context) (map[string]string, error) {
		asked++
		return first.Generated, nil
	}
	again := build(t, in)
	if asked != 1 {
		t.Errorf("asked %d times for recorded values", asked)
	}
	if again.Hash() != first.Hash() {
		t.Error("the recorded password was not used")
	}
	if diff := cmp.Diff(first.Generated, again.Generated); diff != "" {
		t.Errorf("generated (-first +again):\n%s", diff)
	}
}

func TestRecordedValuesFail(t *testing.T) {
	t.Parallel()
	in := input(t, shop(nil), project.Choice{Env: "prod", App: "shop"})
	in.Random = Record
	in.Recorded = func(context.Context) (map[string]string, error) {
		return nil, fault.New(fault.Denied, "no access to the record")
	}
	if _, err := engines().Build(t.Context(), in); !fault.Is(err, fault.Denied) || err.Error() != "shop/prod: no access to the record" {
		t.Errorf("got %v", err)
	}
	in = input(t, shop(map[string]string{"umbrella-chart/templates/secret.yaml": ""}), project.Choice{Env: "prod", App: "shop"})
	in.Random = Record
	in.Recorded = func(context.Context) (map[string]string, error) {
		t.Error("asked for recorded values without need")
		return nil, nil
	}
	if s := build(t, in); s.Generated == nil {
		t.Error("nothing generated and placeholders look the same")
	}
}

func TestBuildRefuses(t *testing.T) {
	t.Parallel()
	const cm = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: extra%s}\n"
	at := func(ns string) string { return strings.Replace(cm, "%s", ns, 1) }
	cases := map[string]struct {
		edits map[string]string
		app   string
		want  []string
	}{
		"template": {
			map[string]string{"umbrella-chart/templates/web.yaml": "a: {{ .Values.x.y }}\n"}, "shop",
			[]string{`shop/dev: render chart "umbrella-chart": `, "umbrella-chart/templates/web.yaml:1"},
		},
		"twice": {
			map[string]string{"platform/cm.yaml": at("")}, "platform",
			[]string{"platform/dev: ConfigMap extra is there twice: platform/cm.yaml:1 and extra.yaml:1"},
		},
		"twice, namespace written once": {
			map[string]string{"platform/cm.yaml": at(", namespace: shop-dev")}, "platform",
			[]string{"platform/dev: ConfigMap extra is there twice: platform/cm.yaml:1 and extra.yaml:1"},
		},
		"no name": {
			map[string]string{"platform/cm.yaml": strings.Replace(at(""), "name:", "namespace:", 1)}, "platform",
			[]string{"platform/dev: platform/cm.yaml:1: a ConfigMap has no metadata.name"},
		},
		"generated name": {
			map[string]string{"platform/cm.yaml": strings.Replace(at(""), "name:", "generateName:", 1)}, "platform",
			[]string{"platform/dev: platform/cm.yaml:1: a ConfigMap has no metadata.name"},
		},
		"not an object": {
			map[string]string{"tug.yaml": strings.Replace(string(shop(nil)["tug.yaml"].Data), "extra.yaml]", "extra.yaml, none.yaml]", 1), "none.yaml": "a: 1\n"}, "platform",
			[]string{`platform/dev: render manifests "none.yaml": none.yaml:1: a document has no apiVersion`},
		},
		"lock conflict": {
			map[string]string{"app-locks/dev/z.yml": "apiVersion: kbld.k14s.io/v1alpha1\nkind: Config\noverrides:\n- {image: web, newImage: \"other@" + digest + "\", preresolved: true}\n"}, "shop",
			[]string{`shop/dev: image "web" is locked to two different images`, "app-locks/dev/web.lock.yml:4", "app-locks/dev/z.yml:4"},
		},
		"kustomization": {
			map[string]string{"base/kustomization.yaml": "resources: [no.yaml]\n"}, "base",
			[]string{`base/dev: render kustomization "base": `, "no.yaml"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := engines().Build(t.Context(), input(t, shop(c.edits), project.Choice{Env: "dev", App: c.app}))
			if err == nil {
				t.Fatal("no error")
			}
			if k := fault.KindOf(err); k != fault.Invalid && k != fault.NotFound {
				t.Errorf("kind %s: %v", k, err)
			}
			for _, part := range c.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q is missing in: %s", part, err)
				}
			}
		})
	}
}

func TestSameNameElsewhere(t *testing.T) {
	t.Parallel()
	files := shop(map[string]string{"platform/cm.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: extra, namespace: elsewhere}\n"})
	s := build(t, input(t, files, project.Choice{Env: "dev", App: "platform"}))
	if len(s.Objects) != 3 {
		t.Errorf("got %q", refs(s))
	}
}

func TestHooksMayShareNames(t *testing.T) {
	t.Parallel()
	hook := func(event string) string {
		return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: h, annotations: {helm.sh/hook: \"" + event + "\"}}\n"
	}
	files := shop(map[string]string{"platform/a.yaml": hook("pre-install"), "platform/b.yaml": hook("post-install, post-upgrade")})
	build(t, input(t, files, project.Choice{Env: "dev", App: "platform"}))

	files = shop(map[string]string{"platform/a.yaml": hook("pre-install"), "platform/b.yaml": hook("post-install,pre-install")})
	_, err := engines().Build(t.Context(), input(t, files, project.Choice{Env: "dev", App: "platform"}))
	if !fault.Is(err, fault.Invalid) {
		t.Errorf("two hooks of one event: %v", err)
	}
}

func TestNothing(t *testing.T) {
	t.Parallel()
	files := shop(map[string]string{"platform/ns.yaml": "# nothing\n", "extra.yaml": ""})
	s := build(t, input(t, files, project.Choice{Env: "dev", App: "platform"}))
	if len(s.Objects) != 0 || len(s.Warnings) == 0 || !strings.Contains(s.Warnings[len(s.Warnings)-1], "nothing was rendered") {
		t.Errorf("objects %q, warnings %q", refs(s), s.Warnings)
	}
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	in := input(t, shop(nil), project.Choice{Env: "dev", App: "shop"})
	if _, err := engines().Build(ctx, in); err == nil {
		t.Error("a build goes on after its context ended")
	}
}

func TestWriteYAML(t *testing.T) {
	t.Parallel()
	in := input(t, shop(nil), project.Choice{Env: "prod", App: "shop"})
	in.Random = Record
	s := build(t, in)
	var password string
	for _, value := range s.Generated {
		password = value
	}
	encoded := base64.StdEncoding.EncodeToString([]byte(password))

	var masked, full bytes.Buffer
	if err := s.WriteYAML(&masked, false); err != nil {
		t.Fatal(err)
	}
	if err := s.WriteYAML(&full, true); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(masked.String(), encoded) || strings.Contains(masked.String(), password) {
		t.Error("the masked stream shows a secret")
	}
	if !strings.Contains(full.String(), encoded) {
		t.Error("the full stream lacks the secret")
	}
	if !strings.Contains(masked.String(), "# Source: umbrella-chart/templates/web.yaml") {
		t.Errorf("no source in\n%s", masked.String())
	}
	if got, err := object.ReadYAML("masked", masked.Bytes()); err != nil || len(got) != len(s.Objects) {
		t.Errorf("the masked stream has %d objects: %v", len(got), err)
	}

	back := roundTrip(t, full.Bytes())
	if diff := cmp.Diff(fieldsOf(s), fieldsOf(back)); diff != "" {
		t.Errorf("round trip (-written +read):\n%s", diff)
	}
	if len(s.Objects) != len(back.Objects) {
		t.Fatal("objects were lost")
	}
	back.App, back.Env, back.Namespace = s.App, s.Env, s.Namespace
	if back.Hash() != s.Hash() {
		t.Error("the hash changed on the way")
	}
}

// roundTrip builds a snapshot from the YAML of another one.
func roundTrip(t *testing.T, stream []byte) *Snapshot {
	t.Helper()
	files := tree(map[string]string{"out.yaml": string(stream)})
	p, err := project.Detect(files, "out.yaml")
	if err != nil {
		t.Fatal(err)
	}
	specs, err := p.Select(project.Choice{})
	if err != nil {
		t.Fatal(err)
	}
	return build(t, Input{Files: files, Spec: specs[0]})
}

func fieldsOf(s *Snapshot) []map[string]any {
	var list []map[string]any
	for _, o := range s.Objects {
		list = append(list, o.Fields)
	}
	return list
}

func TestHash(t *testing.T) {
	t.Parallel()
	in := input(t, shop(nil), project.Choice{Env: "prod", App: "shop"})
	base := build(t, in).Hash()
	in.Revision.Commit = "def"
	if build(t, in).Hash() != base {
		t.Error("the hash depends on the commit")
	}
	in.Set = []string{"replicas=3"}
	if build(t, in).Hash() == base {
		t.Error("the hash does not depend on the objects")
	}
	in.Set = nil
	in.Spec.Namespace = "other"
	if build(t, in).Hash() == base {
		t.Error("the hash does not depend on the namespace")
	}
}

func BenchmarkBuildChart(b *testing.B) {
	in := input(b, shop(nil), project.Choice{Env: "prod", App: "shop"})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := engines().Build(b.Context(), in); err != nil {
			b.Fatal(err)
		}
	}
}
