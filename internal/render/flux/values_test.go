package flux

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/chartutil"
	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	"github.com/tugops/tug/internal/object"
)

// reader is a cluster with a ConfigMap and a Secret, for Flux' own code.
type reader struct {
	client.Client
	data map[string]string
}

func (r reader) Get(_ context.Context, key client.ObjectKey, into client.Object, _ ...client.GetOption) error {
	if key.Name != "values" {
		return apierrors.NewNotFound(schema.GroupResource{Resource: "objects"}, key.Name)
	}
	switch o := into.(type) {
	case *corev1.ConfigMap:
		o.Data = r.data
	case *corev1.Secret:
		o.Data = map[string][]byte{}
		for k, v := range r.data {
			o.Data[k] = []byte(v)
		}
	}
	into.SetName(key.Name)
	into.(metav1.Object).SetNamespace(key.Namespace)
	return nil
}

// TestValuesAreThoseOfFlux compares with the code that helm-controller runs.
func TestValuesAreThoseOfFlux(t *testing.T) {
	t.Parallel()
	data := map[string]string{
		"values.yaml": "a: {b: from, c: [1, 2]}\nreplicas: 2\nkeep: true\n",
		"more":        "a: {d: {e: 1}}\nreplicas: 3\nempty: null\n",
		"empty":       "",
		"text":        "hello, world",
		"quoted":      `"12"`,
		"single":      "'true'",
		"number":      "12",
		"list":        "{x,y}",
		"literal":     `{"a": [1, 2], "b\c": "d=e,f"}`,
		"lines":       "one\ntwo\n",
	}
	ref := func(kind, key, target string, literal bool) meta.ValuesReference {
		return meta.ValuesReference{Kind: kind, Name: "values", ValuesKey: key, TargetPath: target, Literal: literal}
	}
	for name, test := range map[string]struct {
		values string
		refs   []meta.ValuesReference
	}{
		"nothing":                  {"", nil},
		"inline":                   {`{"a": 1, "b": {"c": [1, "x"]}}`, nil},
		"one":                      {"", []meta.ValuesReference{ref("ConfigMap", "", "", false)}},
		"inline wins":              {`{"a": {"b": "own"}, "replicas": 9}`, []meta.ValuesReference{ref("ConfigMap", "", "", false)}},
		"later wins":               {"", []meta.ValuesReference{ref("ConfigMap", "", "", false), ref("Secret", "more", "", false)}},
		"earlier":                  {"", []meta.ValuesReference{ref("Secret", "more", "", false), ref("ConfigMap", "values.yaml", "", false)}},
		"empty":                    {`{"a": 1}`, []meta.ValuesReference{ref("ConfigMap", "empty", "", false)}},
		"target":                   {`{"a": 1}`, []meta.ValuesReference{ref("Secret", "number", "b.c", false)}},
		"target is text":           {"", []meta.ValuesReference{ref("Secret", "quoted", "b.c", false), ref("ConfigMap", "single", "b.d", false)}},
		"target in a list":         {`{"b": {"c": [1, 2]}}`, []meta.ValuesReference{ref("Secret", "number", "b.c[1]", false)}},
		"target list":              {"", []meta.ValuesReference{ref("Secret", "list", "b", false)}},
		"target over inline":       {`{"b": {"c": 1}}`, []meta.ValuesReference{ref("Secret", "number", "b.c", false)}},
		"target, then values":      {`{"x": 1}`, []meta.ValuesReference{ref("Secret", "number", "replicas", false), ref("ConfigMap", "", "", false)}},
		"values, then target":      {`{"x": {"y": 1}}`, []meta.ValuesReference{ref("ConfigMap", "", "", false), ref("Secret", "number", "a.b", false)}},
		"nested target":            {`{"a": {"b": "own"}}`, []meta.ValuesReference{ref("ConfigMap", "", "", false), ref("Secret", "number", "a.b", false)}},
		"escaped key":              {"", []meta.ValuesReference{ref("Secret", "number", `a\.b.c`, false)}},
		"literal":                  {"", []meta.ValuesReference{ref("Secret", "literal", "a", true)}},
		"literal lines":            {"", []meta.ValuesReference{ref("Secret", "lines", "a", true)}},
		"literal quotes":           {"", []meta.ValuesReference{ref("Secret", "quoted", "a", true)}},
		"literal without a target": {"", []meta.ValuesReference{ref("ConfigMap", "", "", true)}},
		"optional, absent": {`{"a": 1}`, []meta.ValuesReference{
			{Kind: "Secret", Name: "none", Optional: true}, {Kind: "ConfigMap", Name: "values", ValuesKey: "none", Optional: true},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var inline map[string]any
			if test.values != "" {
				if err := json.Unmarshal([]byte(test.values), &inline); err != nil {
					t.Fatal(err)
				}
			}
			want, err := chartutil.ChartValuesFromReferences(t.Context(), logr.Discard(), reader{data: data}, "shop", deep(t, inline), test.refs...)
			if err != nil {
				t.Fatal(err)
			}
			got, err := ourValues(t, data, inline, test.refs)
			if err != nil {
				t.Fatal(fullError(err))
			}
			if diff := cmp.Diff(deep(t, want.AsMap()), deep(t, got)); diff != "" {
				t.Errorf("(-Flux +tug):\n%s", diff)
			}
		})
	}
}

// deep is a copy through JSON, so that number types compare.
func deep(t *testing.T, m map[string]any) map[string]any {
	t.Helper()
	data, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func ourValues(t *testing.T, data map[string]string, inline map[string]any, refs []meta.ValuesReference) (map[string]any, error) {
	t.Helper()
	run := newRun(renderer(), request(nil, "."), ".")
	entries := map[string]any{}
	for k, v := range data {
		entries[k] = v
	}
	for kind, block := range map[string]string{"ConfigMap": "data", "Secret": "stringData"} {
		o := &object.Object{Fields: map[string]any{
			"apiVersion": "v1", "kind": kind, "metadata": map[string]any{"name": "values", "namespace": "shop"}, block: entries,
		}}
		if _, err := run.set.add(nil, o); err != nil {
			t.Fatal(err)
		}
	}
	it := &item{
		ref: object.Ref{Kind: kindHelmRelease, Namespace: "shop", Name: "web"}, values: inline,
		release: &helmv2.HelmRelease{Spec: helmv2.HelmReleaseSpec{ValuesFrom: refs}},
	}
	return run.releaseValues(it)
}
