package flux

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
)

// take sorts what an item gave: Flux objects become items or definitions,
// everything else is its result.
func (r *run) take(it *item, objects []*object.Object) error {
	left := map[string][]string{} // kind -> names of what is left out
	own := 0
	for _, o := range objects {
		ref := r.set.ref(o)
		if isFlux(ref.Group) {
			r.sawFlux = true
		}
		isNew, err := r.set.add(it, o)
		if err != nil {
			return err
		}
		switch {
		case ownPart(it, o):
			own++
		case !isFlux(ref.Group) && r.again(it, o, isNew):
		case !isFlux(ref.Group):
			it.objects = append(it.objects, o)
		case !isNew:
		case ref.Group == groupKustomize && ref.Kind == kindKustomization, ref.Group == groupHelm && ref.Kind == kindHelmRelease:
			if err := r.declare(it, o); err != nil {
				return err
			}
		case ref.Group == groupFlux1:
			return fault.New(fault.Invalid, "%s: a %s of %s (Flux 1) is not read", r.place(it, o), ref.Kind, o.GVK().GroupVersion()).
				Hint("write it as a HelmRelease of helm.toolkit.fluxcd.io/v2")
		case ref.Group != groupSource && ref.Group != groupExtensions:
			kind := ref.Kind + "." + ref.Group
			left[kind] = append(left[kind], ref.Name)
		}
	}
	if own > 0 {
		r.warn("%s: %d objects of Flux itself (label app.kubernetes.io/part-of: flux) are left out", it, own)
	}
	for _, kind := range slices.Sorted(maps.Keys(left)) {
		names := slices.Compact(slices.Sorted(slices.Values(left[kind])))
		r.warn("%s: %s %s: not rendered, only Flux knows what to do with it", it, kind, strings.Join(names, ", "))
	}
	return nil
}

// again reports whether another item has given the very same object: Flux
// applies it twice, to the same effect. Hooks may repeat with a meaning.
func (r *run) again(it *item, o *object.Object, isNew bool) bool {
	if isNew || isHook(o) {
		return false
	}
	before, ok := r.set.get(r.set.ref(o))
	return ok && before.by != it && reflect.DeepEqual(before.Fields, o.Fields)
}

// ownPart reports whether an object belongs to Flux' own installation, as
// `flux install` writes it; a chart's objects never do.
func ownPart(it *item, o *object.Object) bool {
	return it.release == nil && o.Label("app.kubernetes.io/part-of") == "flux" && !isFlux(o.GVK().Group)
}

// declare makes an item of a Kustomization or HelmRelease.
func (r *run) declare(parent *item, o *object.Object) error {
	ref := r.set.ref(o)
	for up := parent; up != nil; up = up.parent {
		if up.ref == ref {
			return nil // the one that is being built declares itself
		}
	}
	it := &item{ref: ref, parent: parent, at: r.place(parent, o)}
	if it.depth() > maxDepth || len(r.items) >= maxItems {
		return fault.New(fault.Invalid, "%s: Flux objects are nested more than %d deep, or there are more than %d", it, maxDepth, maxItems)
	}
	suspended, err := r.decode(it, o)
	if err != nil {
		r.fail(it, err)
	}
	if suspended {
		r.warn("%s is suspended: nothing is rendered for it, and a deploy removes what an earlier one made of it", it)
		return nil
	}
	r.items = append(r.items, it)
	return nil
}

// decode reads the spec of an item.
func (r *run) decode(it *item, o *object.Object) (suspended bool, err error) {
	if it.ref.Kind == kindHelmRelease {
		return r.decodeRelease(it, o)
	}
	return r.decodeKustomization(it, o)
}

// missing is what an item waits for: faults for what it must have, names for
// what it may have.
type missing struct {
	required []error
	optional []object.Ref
}

// missing looks up everything an item refers to.
func (r *run) missing(it *item) missing {
	var m missing
	if it.kustomization != nil {
		r.missingSource(&m, it, it.kustomization.Spec.SourceRef.Kind, it.kustomization.Spec.SourceRef.Namespace, it.kustomization.Spec.SourceRef.Name)
		if post := it.kustomization.Spec.PostBuild; post != nil {
			for _, s := range post.SubstituteFrom {
				r.missingData(&m, it, "postBuild.substituteFrom", s.Kind, s.Name, s.Optional)
			}
		}
		return m
	}
	r.missingChart(&m, it)
	for _, v := range it.release.Spec.ValuesFrom {
		r.missingData(&m, it, "valuesFrom", v.Kind, v.Name, v.Optional)
	}
	return m
}

// missingData looks for a ConfigMap or Secret in the namespace of an item.
func (r *run) missingData(m *missing, it *item, field, kind, name string, optional bool) {
	ref := object.Ref{Kind: kind, Namespace: it.namespace(), Name: name}
	if kind != kindConfigMap && kind != kindSecret {
		m.required = append(m.required, fault.New(fault.Invalid, "%s: kind %q is neither ConfigMap nor Secret", field, kind))
		return
	}
	if _, ok := r.set.get(ref); ok {
		return
	}
	if optional {
		m.optional = append(m.optional, ref)
		return
	}
	f := fault.New(fault.NotFound, "%s names %s, which is not among the rendered objects", field, ref)
	if near := r.nearNames(ref); near != "" {
		f = f.Hint("there is %s", near)
	}
	m.required = append(m.required, f.
		Hint("put it into the repository (with `tug secret encrypt` where it is confidential), or say optional: true").
		Hint("a name with a hash from a generator is followed with a nameReference in kustomizeconfig.yaml for kind HelmRelease"))
}

// nearNames are objects that were probably meant.
func (r *run) nearNames(ref object.Ref) string {
	var names []string
	for other := range r.set.byRef {
		if other.Kind != ref.Kind || other.Group != ref.Group {
			continue
		}
		if other.Name == ref.Name || other.Namespace == ref.Namespace && (strings.HasPrefix(other.Name, ref.Name+"-") || len(fault.Nearest(ref.Name, []string{other.Name}, 1)) > 0) {
			names = append(names, fmt.Sprintf("%s %s/%s", other.Kind, other.Namespace, other.Name))
		}
	}
	slices.Sort(names)
	const shown = 3
	return strings.Join(names[:min(shown, len(names))], ", ")
}
