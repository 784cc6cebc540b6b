package schema_test

import (
	"os"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"

	checkschema "github.com/tugops/tug/internal/check/schema"
	"github.com/tugops/tug/internal/object"
)

func deployments() schema.GroupVersionKind {
	return schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}
}

func TestVersions(t *testing.T) {
	t.Parallel()
	store := checkschema.NewStore()
	minors, err := store.Minors()
	if err != nil {
		t.Fatal(err)
	}
	if len(minors) < 8 || minors[0] != "1.30" || minors[len(minors)-1] != "1.37" {
		t.Errorf("minors %v", minors)
	}
	for text, want := range map[string]struct {
		minor int
		exact bool
	}{
		"1.36": {36, true}, "v1.33.4": {33, true}, "1.30+": {30, true}, "1.12": {30, false}, "1.99": {37, false}, "": {37, false}, "x": {37, false},
	} {
		v, exact, err := store.Version(text)
		if err != nil {
			t.Fatal(err)
		}
		if v.Minor != want.minor || exact != want.exact {
			t.Errorf("%q: 1.%d, exact %v", text, v.Minor, exact)
		}
	}
	for _, minor := range minors {
		v, _, err := store.Version(minor)
		if err != nil {
			t.Fatal(err)
		}
		if namespaced, ok := v.Has(deployments()); !ok || !namespaced {
			t.Errorf("%s has no namespaced Deployments", minor)
		}
		if namespaced, ok := v.Has(schema.GroupVersionKind{Version: "v1", Kind: "Namespace"}); !ok || namespaced {
			t.Errorf("%s has no cluster-scoped Namespaces", minor)
		}
		problems, err := v.Validate(map[string]any{"apiVersion": "apps/v1", "kind": "Deployment", "spec": map[string]any{"replicas": "x"}}, deployments())
		if err != nil || len(problems) != 3 {
			t.Errorf("%s: %v, %v", minor, problems, err)
		}
	}
}

func TestLifecycle(t *testing.T) {
	t.Parallel()
	store := checkschema.NewStore()
	v, _, err := store.Version("1.30")
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		k    schema.GroupVersionKind
		want checkschema.Lifecycle
	}{
		{schema.GroupVersionKind{Group: "extensions", Version: "v1beta1", Kind: "Ingress"}, checkschema.Lifecycle{Deprecated: 14, Removed: 22, Replacement: "networking.k8s.io/v1/Ingress"}},
		{schema.GroupVersionKind{Group: "flowcontrol.apiserver.k8s.io", Version: "v1beta3", Kind: "FlowSchema"}, checkschema.Lifecycle{Deprecated: 29, Removed: 32, Replacement: "flowcontrol.apiserver.k8s.io/v1/FlowSchema"}},
		// No type is left of it; that 1.31 lacks it says so.
		{schema.GroupVersionKind{Group: "resource.k8s.io", Version: "v1alpha2", Kind: "ResourceClaim"}, checkschema.Lifecycle{Removed: 31}},
		{deployments(), checkschema.Lifecycle{}},
	} {
		if got := v.Lifecycle(tc.k); got != tc.want {
			t.Errorf("%s: %+v, want %+v", tc.k, got, tc.want)
		}
	}
}

// TestEmbeddedSchemasAreSmall keeps what every binary carries in bounds.
func TestEmbeddedSchemasAreSmall(t *testing.T) {
	t.Parallel()
	total := int64(0)
	for _, name := range []string{"data/definitions.zst", "data/index.zst"} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		total += info.Size()
	}
	if total > 200<<10 {
		t.Errorf("%d bytes", total)
	}
}

const widgets = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  names: {kind: Widget, plural: widgets}
  scope: Namespaced
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          x-kubernetes-validations: [{rule: RULE}]
          properties: {spec: {type: object, properties: {list: {type: array, items: {type: string}}, n: {type: integer}}}}
`

// TestRulesThatCostTooMuch must end soon, with a problem.
func TestRulesThatCostTooMuch(t *testing.T) {
	t.Parallel()
	rule := `"self.spec.list.all(a, self.spec.list.all(b, self.spec.list.all(c, self.spec.list.all(d, a + b + c + d != 'x'))))"`
	objects, err := object.ReadYAML("crd.yaml", []byte(replace(widgets, "RULE", rule)))
	if err != nil {
		t.Fatal(err)
	}
	crd, err := checkschema.ReadCRD(objects[0])
	if err != nil {
		t.Fatal(err)
	}
	if problems := crd.Problems(t.Context()); len(problems) == 0 {
		t.Error("a server would refuse the definition: its rule may cost too much")
	}
	var list []any
	for range 2000 {
		list = append(list, "some text")
	}
	problems, err := crd.Validate(t.Context(), map[string]any{"apiVersion": "example.com/v1", "kind": "Widget", "spec": map[string]any{"list": list}}, "v1")
	if err != nil || len(problems) == 0 {
		t.Errorf("%v, %v", problems, err)
	}
}

func replace(text, old, by string) string { return strings.Replace(text, old, by, 1) }

func TestBadDefinitions(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n",
		"apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: a}\nspec: []\n",
	} {
		objects, err := object.ReadYAML("crd.yaml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := checkschema.ReadCRD(objects[0]); err == nil {
			t.Errorf("accepted: %s", text)
		}
	}
}

// FuzzCRD reads any text as a definition, looks at it, and validates with it.
func FuzzCRD(f *testing.F) {
	f.Add(replace(widgets, "RULE", `"has(self.spec)"`))
	f.Add(replace(widgets, "RULE", `"self.("`))
	f.Add("apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nspec: {versions: [{name: v1, served: true, schema: {}}]}\n")
	f.Add("apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nspec: {versions: [{name: v1, served: true, schema: {openAPIV3Schema: {type: array, items: {allOf: [{}]}}}}]}\n")
	f.Fuzz(func(t *testing.T, text string) {
		objects, err := object.ReadYAML("crd.yaml", []byte(text))
		if err != nil {
			return
		}
		for _, o := range objects {
			crd, err := checkschema.ReadCRD(o)
			if err != nil {
				continue
			}
			crd.Problems(t.Context())
			for _, v := range crd.Versions() {
				_, _ = crd.Validate(t.Context(), map[string]any{"apiVersion": "example.com/v1", "kind": "Widget", "spec": map[string]any{"n": int64(1)}}, v)
			}
		}
	})
}
