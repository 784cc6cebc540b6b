package plan

import (
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
)

// Place gives copies of objects as they are applied: with metadata.namespace
// where the kind is namespaced and none where it is not, with the marks of the
// owner (LabelApp, AnnotationOwner), in normal form. Objects may name other
// namespaces than the app's.
//
// scope answers for what the cluster serves; kinds that come with a CRD in the
// set are known from there. The second result lists objects of kinds that
// neither knows, as they are: they go into Input.Unserved.
//
// Two plain objects with one identity and duplicate keys in list-maps are
// faults of kind Invalid that cite every place.
func Place(
	objects []*object.Object, namespace, app string, scope func(schema.GroupKind) (namespaced, known bool),
) ([]*object.Object, []object.Ref, error) {
	p := placer{namespace: namespace, key: object.AppKey(namespace, app), scope: scope, own: ScopesOf(objects)}
	p.hash = object.AppHash(p.key)
	var bad problems
	placed := make([]*object.Object, 0, len(objects))
	var unserved []object.Ref
	for _, o := range objects {
		c, known, err := p.place(o)
		if err != nil {
			bad.add(o.Ref(), o.Source, err)
			continue
		}
		if !known {
			unserved = append(unserved, c.Ref())
		}
		placed = append(placed, c)
	}
	addRepeated(&bad, placed)
	for _, d := range Duplicates(placed) {
		bad.add(d.Ref, d.Source, d.fault())
	}
	if err := bad.fault(); err != nil {
		return nil, nil, err
	}
	slices.SortFunc(unserved, object.Ref.Compare)
	return placed, unserved, nil
}

type placer struct {
	namespace, key, hash string
	scope                func(schema.GroupKind) (namespaced, known bool)
	own                  map[schema.GroupKind]bool // kinds of the set's CRDs: namespaced
}

func (p *placer) place(o *object.Object) (placed *object.Object, known bool, err error) {
	gk := o.GVK().GroupKind()
	if gk.Kind == "" || o.Name() == "" {
		return nil, false, fault.New(fault.Invalid, "an object needs apiVersion, kind and metadata.name").
			Hint("metadata.generateName cannot be deployed again and again: give the object a name")
	}
	namespaced, known := p.own[gk]
	if n, k := p.scope(gk); k {
		namespaced, known = n, true
	}
	c := o.Copy()
	if known && !namespaced {
		c.SetNamespace("")
	}
	if known && namespaced && c.Namespace() == "" {
		c.SetNamespace(p.namespace)
	}
	c.SetLabel(object.LabelApp, p.hash)
	c.SetAnnotation(object.AnnotationOwner, p.key)
	return c, known, c.Normalize()
}

// addRepeated reports plain objects that are declared twice. Hooks may repeat
// and share a name with a plain object, as in Helm: they come and go.
func addRepeated(bad *problems, objects []*object.Object) {
	first := make(map[object.Ref]*object.Object, len(objects))
	for _, o := range objects {
		if HookOf(o) != nil {
			continue
		}
		ref := o.Ref()
		before, dup := first[ref]
		if !dup {
			first[ref] = o
			continue
		}
		bad.add(ref, o.Source, fault.New(fault.Invalid, "is declared twice, first in %s", place(before.Source)).
			Hint("remove one of the two, or give it another name or namespace"))
	}
}

func place(s object.Source) string {
	if s.File == "" {
		return "another document"
	}
	return s.String()
}

// ScopesOf says which kinds the CRDs among objects define, and whether they
// are namespaced.
func ScopesOf(objects []*object.Object) map[schema.GroupKind]bool {
	scopes := map[schema.GroupKind]bool{}
	for _, o := range objects {
		if o.GVK().GroupKind() != crdKind {
			continue
		}
		spec, _ := o.Fields["spec"].(map[string]any)
		names, _ := spec["names"].(map[string]any)
		group, _ := spec["group"].(string)
		kind, _ := names["kind"].(string)
		scopes[schema.GroupKind{Group: group, Kind: kind}] = spec["scope"] == "Namespaced"
	}
	return scopes
}
