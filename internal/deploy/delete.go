package deploy

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tugops/tug/internal/apply"
	"github.com/tugops/tug/internal/event"
	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/inventory"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/plan"
	"github.com/tugops/tug/internal/snapshot"
)

// Delete removes an app: everything it owns in reverse order, then its record
// and Lease unless o.KeepHistory. Callers that ask before it is done use
// PlanDelete and Execute.
func (e *Engine) Delete(ctx context.Context, app, namespace string, o Options) (Outcome, error) {
	p, err := e.PlanDelete(ctx, app, namespace, o)
	if err != nil {
		return Outcome{}, err
	}
	return e.Execute(ctx, p, o)
}

// PlanDelete decides what goes with an app. When the record is lost, the
// objects are found by their label, in every kind that the cluster serves and
// the identity may list.
func (e *Engine) PlanDelete(ctx context.Context, app, namespace string, o Options) (*Prepared, error) {
	store := e.store(namespace, app)
	rec, err := store.Load(ctx)
	if err != nil {
		return nil, err
	}
	p := &Prepared{Record: rec, Deleting: true}
	p.input = plan.Input{App: app, Namespace: namespace, Deleting: true, Record: rec, Humans: o.Humans}
	if rec == nil {
		err = e.seeLost(ctx, &p.input)
	} else {
		if rec.Head.Latest() != nil && rec.Head.Latest().Status == inventory.Deleted && len(rec.Items) == 0 && o.KeepHistory {
			return nil, e.noApp(ctx, app, namespace)
		}
		p.input.Env = rec.Head.Env
		if p.input.Others, err = lazily(ctx, o.Others)(); err != nil {
			return nil, err
		}
		err = e.seeRecorded(ctx, p, store)
	}
	if err != nil {
		return nil, e.explainDenied(ctx, p, err)
	}
	if rec == nil && len(p.input.Live) == 0 {
		left, err := e.remains(ctx, store, app, namespace)
		if err != nil {
			return nil, err
		}
		if !left {
			return nil, e.noApp(ctx, app, namespace)
		}
	}
	if err = e.computeDelete(ctx, p, o); err != nil {
		return nil, err
	}
	if o.KeepHistory {
		p.keepNamespace()
	}
	p.Confirm = holders(p.Plan)
	return p, nil
}

// keepNamespace takes the namespace of the record out of a delete that is to
// keep the history: it would go with it.
func (p *Prepared) keepNamespace() {
	p.Plan.Changes = slices.DeleteFunc(p.Plan.Changes, func(c plan.Change) bool {
		own := isOwnNamespace(p.Plan, c)
		if own {
			p.Plan.Warnings = append(p.Plan.Warnings, c.Ref.String()+" stays, since it holds the history")
		}
		return own
	})
}

// isOwnNamespace reports the deletion of the namespace that holds the record.
func isOwnNamespace(p *plan.Plan, c plan.Change) bool {
	return c.Action == plan.Delete && isNamespace(c.Ref) && c.Ref.Name == p.Namespace
}

// seeRecorded lists what the record knows, and the kinds of the hooks of the
// last snapshot: those that ran are labelled, but not in the inventory.
func (e *Engine) seeRecorded(ctx context.Context, p *Prepared, store *inventory.Store) error {
	in := &p.input
	snap, err := readSnapshot(ctx, store, newest(&p.Record.Head))
	lost := inventory.Damaged(err)
	if err != nil && !lost {
		return err
	}
	if snap == nil {
		snap = &snapshot.Snapshot{}
	}
	p.Snapshot = snap
	known := &scopes{ctx: ctx, cluster: e.Cluster}
	placed, _, err := plan.Place(snap.Objects, in.Namespace, in.App, known.of)
	if err = firstError(known.err, err); err != nil {
		return err
	}
	var refs []object.Ref
	for _, d := range placed {
		if plan.HookOf(d) != nil {
			refs = append(refs, d.Ref())
			in.Desired = append(in.Desired, d)
		}
	}
	items := itemRefs(in.Record)
	places, unserved, err := e.served(ctx, append(refs, items...))
	if err != nil {
		return err
	}
	gone := set(unserved)
	for _, ref := range items {
		if gone[ref] {
			in.Unserved = append(in.Unserved, ref)
		}
	}
	wanted := slices.DeleteFunc(items, func(r object.Ref) bool { return gone[r] })
	in.Live, err = e.observe(ctx, object.AppKey(in.Namespace, in.App), places, wanted)
	if err != nil || !lost {
		return err
	}
	// Nobody knows of which kinds the hooks were.
	return e.seeLost(ctx, in)
}

// seeLost finds the objects of an app without a record: by label, in every
// kind, cluster-wide where that is allowed, else in the app's namespace.
func (e *Engine) seeLost(ctx context.Context, in *plan.Input) error {
	kinds, err := e.Cluster.Kinds(ctx)
	if err != nil {
		return err
	}
	selector := object.LabelApp + "=" + object.AppHash(object.AppKey(in.Namespace, in.App))
	if in.Live == nil {
		in.Live = map[object.Ref]object.Live{}
	}
	var mu sync.Mutex
	kinds = slices.DeleteFunc(kinds, derived)
	return each(ctx, kinds, func(ctx context.Context, gvk schema.GroupVersionKind) error {
		list, err := e.Cluster.ListLive(ctx, gvk, "", selector)
		if fault.Is(err, fault.Denied) {
			if namespaced, _, scopeErr := e.Cluster.Scope(ctx, gvk.GroupKind()); scopeErr != nil || !namespaced {
				return nil
			}
			list, err = e.Cluster.ListLive(ctx, gvk, in.Namespace, selector)
		}
		// Invalid: the kind cannot be listed.
		if vanished(err) || fault.Is(err, fault.Denied) || fault.Is(err, fault.Invalid) {
			return nil
		}
		mu.Lock()
		defer mu.Unlock()
		for _, l := range list {
			in.Live[l.Ref] = l
		}
		return err
	})
}

// derived reports kinds that nobody deploys: the server makes their objects of
// others, Endpoints with the labels of their Service. Lists of them warn that
// they are deprecated.
func derived(gvk schema.GroupVersionKind) bool {
	return gvk.Group == "" && (gvk.Kind == "ComponentStatus" || gvk.Kind == "Endpoints" || gvk.Kind == "Event")
}

// remains reports chunks or a Lease without a head: what a delete that was
// killed at its end left.
func (e *Engine) remains(ctx context.Context, store *inventory.Store, app, namespace string) (bool, error) {
	n, err := store.Chunks(ctx)
	if err != nil || n > 0 {
		return n > 0, err
	}
	_, err = e.Cluster.GetLive(ctx, inventory.LeaseGVK(), namespace, inventory.HeadName(app))
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	return err == nil, err
}

// noApp says that there is nothing to delete or show, and what there is.
func (e *Engine) noApp(ctx context.Context, app, namespace string) error {
	f := fault.New(fault.NotFound, "no app %q is deployed in namespace %q", app, namespace)
	heads, _, err := inventory.Heads(ctx, e.Cluster, namespace)
	if err != nil || len(heads) == 0 {
		return f.Hint("check -a and -n; records stand in the app's namespace")
	}
	names := make([]string, len(heads))
	for i, h := range heads {
		names[i] = h.App
	}
	return f.Hint("deployed there: %s", strings.Join(names, ", "))
}

// holders are the deletions that destroy more than the object itself.
func holders(p *plan.Plan) []object.Ref {
	refs := map[object.Ref]bool{}
	for _, c := range p.Changes {
		gk := c.Ref.GroupKind()
		if c.Action != plan.Delete {
			continue
		}
		switch gk.String() {
		case "Namespace", "PersistentVolumeClaim", "CustomResourceDefinition.apiextensions.k8s.io":
			refs[c.Ref] = true
		}
	}
	return slices.SortedFunc(maps.Keys(refs), object.Ref.Compare)
}

// split takes the deletion of the app's own namespace out of a delete: the
// record stands in it, so it goes when all else is confirmed and recorded
// (cluster-semantics.md 6.3).
func (s *session) split() (*plan.Plan, *plan.Change) {
	if !s.p.Deleting {
		return s.p.Plan, nil
	}
	for i, c := range s.p.Plan.Changes {
		if isOwnNamespace(s.p.Plan, c) {
			p := *s.p.Plan
			p.Changes = slices.Delete(slices.Clone(p.Changes), i, i+1)
			return &p, &c
		}
	}
	return s.p.Plan, nil
}

// deleteOwnNamespace ends a delete: the record and the Lease go with the
// namespace, so the record is made to say so before.
//
// The Lease goes with the namespace and cannot be renewed for long: the delete
// is bounded by its own preconditions instead.
func (s *session) deleteOwnNamespace(ctx context.Context, c plan.Change, o apply.Options) error {
	err := s.journal.use(func(rec *inventory.Record) error {
		return s.store.Save(s.lease.Context(), rec, s.lease.Epoch())
	})
	if err != nil {
		return fmt.Errorf("before the namespace goes: %w", err)
	}
	p := *s.p.Plan
	p.Changes = []plan.Change{c}
	s.tell.say(event.Deleting, c.Ref, "the record goes with it")
	res, err := apply.Run(ctx, s.e.Cluster, &p, o)
	s.result.Outcomes = append(s.result.Outcomes, res.Outcomes...)
	s.result.Stages = append(s.result.Stages, res.Stages...)
	s.result.Took += res.Took
	s.gone = err == nil
	return err
}
