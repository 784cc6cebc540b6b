package deploy

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/inventory"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/plan"
)

// fewReads is up to how many objects of one kind and namespace are looked for
// one by one; more of them are found by one list of all.
const fewReads = 8

// place is one kind in one namespace ("" for cluster-scoped kinds): what one
// list covers.
type place struct {
	gk        schema.GroupKind
	namespace string
}

func placeOf(ref object.Ref) place { return place{ref.GroupKind(), ref.Namespace} }

// kind is the type to read p in: any served version shows the same metadata.
func (p place) kind() schema.GroupVersionKind { return p.gk.WithVersion("") }

// observed is what the metadata lists showed.
type observed struct {
	mu   sync.Mutex
	live map[object.Ref]object.Live
}

func (o *observed) add(list ...object.Live) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, l := range list {
		o.live[l.Ref] = l
	}
}

// observe reads the metadata of everything that a plan for the app is about:
// what carries its label in the given places, and those of wanted that exist
// without it.
func (e *Engine) observe(ctx context.Context, key string, places []place, wanted []object.Ref) (map[object.Ref]object.Live, error) {
	seen := &observed{live: map[object.Ref]object.Live{}}
	selector := object.LabelApp + "=" + object.AppHash(key)
	err := each(ctx, places, func(ctx context.Context, p place) error {
		list, err := e.Cluster.ListLive(ctx, p.kind(), p.namespace, selector)
		if vanished(err) {
			return nil
		}
		seen.add(list...)
		return err
	})
	if err != nil {
		return nil, err
	}
	return seen.live, e.findUnlabelled(ctx, seen, wanted)
}

// findUnlabelled looks for those of wanted that the labelled lists did not
// show: they may exist without the label.
func (e *Engine) findUnlabelled(ctx context.Context, seen *observed, wanted []object.Ref) error {
	missing := map[place][]object.Ref{}
	for _, ref := range wanted {
		if _, ok := seen.live[ref]; !ok {
			missing[placeOf(ref)] = append(missing[placeOf(ref)], ref)
		}
	}
	var single []object.Ref
	var whole []place
	for _, p := range sorted(maps.Keys(missing)) {
		if len(missing[p]) > fewReads {
			whole = append(whole, p)
			continue
		}
		single = append(single, missing[p]...)
	}
	err := each(ctx, whole, func(ctx context.Context, p place) error {
		list, err := e.Cluster.ListLive(ctx, p.kind(), p.namespace, "")
		if vanished(err) {
			return nil
		}
		names := set(missing[p])
		list = slices.DeleteFunc(list, func(l object.Live) bool { return !names[l.Ref] })
		seen.add(list...)
		return err
	})
	if err != nil {
		return err
	}
	return each(ctx, single, func(ctx context.Context, ref object.Ref) error {
		l, err := e.Cluster.GetLive(ctx, placeOf(ref).kind(), ref.Namespace, ref.Name)
		if vanished(err) {
			return nil
		}
		if err == nil {
			seen.add(l)
		}
		return err
	})
}

// vanished reports that something is not there: the object, or by now its kind.
func vanished(err error) bool { return fault.Is(err, fault.NotFound) || fault.Is(err, fault.Gone) }

// served splits the places of desired objects and items into those whose kind
// the cluster serves and the refs of the others. known holds kinds that are
// known to be unserved from placing.
func (e *Engine) served(ctx context.Context, refs []object.Ref) (places []place, unserved []object.Ref, err error) {
	kinds := map[schema.GroupKind]bool{}
	all := map[place]bool{}
	for _, ref := range refs {
		gk := ref.GroupKind()
		if _, asked := kinds[gk]; !asked {
			if _, kinds[gk], err = e.Cluster.Scope(ctx, gk); err != nil {
				return nil, nil, err
			}
		}
		if !kinds[gk] {
			unserved = append(unserved, ref)
			continue
		}
		all[placeOf(ref)] = true
	}
	return sorted(maps.Keys(all)), unserved, nil
}

// compare reads the objects that metadata alone does not decide, and asks the
// server what an apply would make of them.
func (e *Engine) compare(ctx context.Context, desired []*object.Object, unclear []object.Ref) (map[object.Ref]plan.Comparison, error) {
	byRef := make(map[object.Ref]*object.Object, len(desired))
	for _, o := range desired {
		if plan.HookOf(o) == nil {
			byRef[o.Ref()] = o
		}
	}
	var mu sync.Mutex
	out := make(map[object.Ref]plan.Comparison, len(unclear))
	err := each(ctx, unclear, func(ctx context.Context, ref object.Ref) error {
		c, err := e.compareOne(ctx, byRef[ref], ref)
		mu.Lock()
		defer mu.Unlock()
		out[ref] = c
		return err
	})
	return out, err
}

func (e *Engine) compareOne(ctx context.Context, want *object.Object, ref object.Ref) (plan.Comparison, error) {
	if want == nil {
		live, err := e.Cluster.Get(ctx, placeOf(ref).kind(), ref.Namespace, ref.Name)
		if vanished(err) {
			return plan.Comparison{Err: err}, nil
		}
		return plan.Comparison{Live: live}, err
	}
	live, err := e.Cluster.Get(ctx, want.GVK(), ref.Namespace, ref.Name)
	if fault.Is(err, fault.NotFound) {
		return plan.Comparison{Err: err}, nil
	}
	if err != nil {
		return plan.Comparison{}, err
	}
	result, err := e.Cluster.Apply(ctx, want, object.Write{DryRun: true, Force: true})
	switch {
	case err == nil:
		return plan.Comparison{Live: live, Result: result}, nil
	case noDryRun(err):
		return plan.Comparison{Live: live, NoDryRun: err.Error()}, nil
	case refusal(err):
		return plan.Comparison{Live: live, Err: err}, nil
	}
	return plan.Comparison{}, err
}

// refusal reports an answer about the object itself, which belongs into the
// plan; other errors are about the request and end the planning.
func refusal(err error) bool {
	switch fault.KindOf(err) {
	case fault.Invalid, fault.Immutable, fault.Conflict, fault.NotFound, fault.Gone:
		return true
	}
	return false
}

// itemRefs are the objects of a record; nil has none.
func itemRefs(r *inventory.Record) []object.Ref {
	if r == nil {
		return nil
	}
	refs := make([]object.Ref, len(r.Items))
	for i, it := range r.Items {
		refs[i] = it.Ref
	}
	return refs
}

func set[T comparable](list []T) map[T]bool {
	m := make(map[T]bool, len(list))
	for _, v := range list {
		m[v] = true
	}
	return m
}

func sorted(seq func(yield func(place) bool)) []place {
	return slices.SortedFunc(seq, func(a, b place) int {
		return cmp.Or(cmp.Compare(a.gk.Group, b.gk.Group), cmp.Compare(a.gk.Kind, b.gk.Kind), cmp.Compare(a.namespace, b.namespace))
	})
}

// noDryRun reports an admission webhook that declares side effects, so that
// the server refuses dry runs of what it watches (cluster-semantics.md 9.3).
func noDryRun(err error) bool { return strings.Contains(err.Error(), "does not support dry run") }
