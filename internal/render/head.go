package render

import (
	"maps"
	"slices"
	"strconv"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
)

// CheckHead demands text where the head of an object needs text: apiVersion,
// kind, name, namespace and annotations. The API server refuses anything else,
// but later and less clearly; Helm refuses it too.
func CheckHead(d object.Document) error {
	for _, key := range []string{"apiVersion", "kind"} {
		if err := textual(d.Source, key, d.Fields[key]); err != nil {
			return err
		}
	}
	meta, err := mapping(d.Source, "metadata", d.Fields["metadata"])
	if err != nil {
		return err
	}
	for _, key := range []string{"name", "namespace"} {
		if err := textual(d.Source, "metadata."+key, meta[key]); err != nil {
			return err
		}
	}
	annotations, err := mapping(d.Source, "metadata.annotations", meta["annotations"])
	if err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(annotations)) {
		if err := textual(d.Source, "annotation "+strconv.Quote(key), annotations[key]); err != nil {
			return err
		}
	}
	return nil
}

func mapping(at object.Source, what string, v any) (map[string]any, error) {
	m, ok := v.(map[string]any)
	if !ok && v != nil {
		return nil, fault.New(fault.Invalid, "%s: %s is not a map", at, what)
	}
	return m, nil
}

func textual(at object.Source, what string, v any) error {
	switch v.(type) {
	case nil, string:
		return nil
	}
	return fault.New(fault.Invalid, "%s: %s is %v, which is not text", at, what, v).
		Hint("put the value into quotes (in a template: the function quote)")
}

// CRDsFirst moves the CustomResourceDefinitions to the front and keeps the
// order otherwise.
func CRDsFirst(objects []*object.Object) []*object.Object {
	rank := func(o *object.Object) int {
		gvk := o.GVK()
		if gvk.Group == "apiextensions.k8s.io" && gvk.Kind == "CustomResourceDefinition" {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(objects, func(a, b *object.Object) int { return rank(a) - rank(b) })
	return objects
}

// RefuseValues is for engines without values: they must not ignore them.
func (r Request) RefuseValues(engine string) error {
	if len(r.ValueFiles) == 0 && len(r.Values) == 0 && len(r.Set) == 0 {
		return nil
	}
	return fault.New(fault.Usage, "%s: %s takes no values", r.Path, engine).
		Hint("values files and --set are for Helm charts")
}
