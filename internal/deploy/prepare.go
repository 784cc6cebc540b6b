package deploy

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/inventory"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/plan"
	"github.com/tugops/tug/internal/snapshot"
)

// Prepared is a plan with what it was decided from. Execute carries it out.
type Prepared struct {
	Plan *plan.Plan
	// Snapshot is what is to run; for a delete, what ran last (it may be nil).
	Snapshot *snapshot.Snapshot
	// Record is what the cluster remembered; nil for a first deploy and for a
	// lost record.
	Record *inventory.Record
	// Deleting says that the app is to go.
	Deleting bool
	// Confirm lists Namespaces, CustomResourceDefinitions and
	// PersistentVolumeClaims that go with a delete: what they hold is lost, so
	// the caller asks (cluster-semantics.md 7.1).
	Confirm []object.Ref

	abandoned       *Abandoned // set when the app is gone from the project
	message         string     // of the release, unless Options says another
	recorded        bool       // Snapshot is that of an earlier release
	input           plan.Input
	before          *snapshot.Snapshot // what was deployed last, where that was read
	createNamespace bool               // the app's namespace is missing and not in the set
	missing         bool               // the app's namespace is missing
}

// Unchanged reports that executing p would write nothing, neither in the
// cluster nor in the record.
func (p *Prepared) Unchanged() bool {
	return p.Plan.Empty() && !p.Plan.Unfinished && !p.Deleting &&
		p.Record != nil && p.Record.Head.Latest() != nil
}

// ByName reports a delete that a person asks for by the name of the app: it
// tells what it destroys and needs no consent to that beyond the question.
func (p *Prepared) ByName() bool { return p.Deleting && p.abandoned == nil }

func (p *Prepared) key() string { return object.AppKey(p.Plan.Namespace, p.Plan.App) }

// Plan observes the cluster and decides what has to change for it to become
// s. It writes nothing. For an app that is as it should be, it costs the
// record (head and inventory), one metadata list per kind and namespace, and
// the server's version.
func (e *Engine) Plan(ctx context.Context, s *snapshot.Snapshot, o Options) (*Prepared, error) {
	for _, rule := range o.Ignore {
		if err := rule.Check(); err != nil {
			return nil, err
		}
	}
	rec, err := e.store(s.Namespace, s.App).Load(ctx)
	if err != nil {
		return nil, err
	}
	known := &scopes{ctx: ctx, cluster: e.Cluster, before: plan.ScopesOf(o.Before)}
	desired, unserved, err := plan.Place(s.Objects, s.Namespace, s.App, known.of)
	if known.err != nil {
		return nil, known.err
	}
	if err != nil {
		return nil, err
	}
	p := &Prepared{Snapshot: s, Record: rec}
	p.input = plan.Input{
		App: s.App, Env: s.Env, Namespace: s.Namespace, Desired: desired, Record: rec,
		Unserved: unserved, Release: o.again, Humans: o.Humans, Policy: o.Policy, Ignore: o.Ignore, Sensitive: s.Sensitive,
	}
	p.Plan = &plan.Plan{App: s.App, Env: s.Env, Namespace: s.Namespace}
	warnings, err := e.assumeClusterObjects(ctx, p, o)
	if err != nil {
		return nil, err
	}
	if err := e.decide(ctx, p, o); err != nil {
		return nil, scrubError(e.explainDenied(ctx, p, err), p)
	}
	if err := e.hideDeployed(ctx, p); err != nil {
		return nil, err
	}
	if err := keepsOwnNamespace(p.Plan); err != nil {
		return nil, err
	}
	p.Plan.Warnings = append(p.Plan.Warnings, append(warnings, versionWarning(s.KubeVersion, p.input.ServerVersion)...)...)
	return p, nil
}

// decide observes and computes the plan of p.
func (e *Engine) decide(ctx context.Context, p *Prepared, o Options) error {
	in := &p.input
	var err error
	if in.ServerVersion, err = e.Cluster.Version(ctx); err != nil {
		return err
	}
	if err := e.see(ctx, in); err != nil {
		return err
	}
	if err := e.checkNamespaces(ctx, p, o); err != nil {
		return err
	}
	if in.HandedToUs, err = e.handedToUs(ctx, in, o); err != nil {
		return err
	}
	if in.Compared, err = e.compare(ctx, in.Desired, plan.Unclear(*in)); err != nil {
		return err
	}
	if p.Plan, err = plan.Compute(*in); err != nil {
		return err
	}
	if o.Others == nil || len(plan.PruneCandidates(*in)) == 0 {
		return nil
	}
	if in.Others, err = o.Others(ctx); err != nil {
		return fmt.Errorf("look for the objects in other apps: %w", err)
	}
	p.Plan, err = plan.Compute(*in)
	return err
}

// see fills in what the metadata lists show of what is desired and recorded.
func (e *Engine) see(ctx context.Context, in *plan.Input) error {
	var refs, wanted []object.Ref
	unserved := set(in.Unserved)
	for _, o := range in.Desired {
		ref := o.Ref()
		if unserved[ref] {
			continue
		}
		refs = append(refs, ref)
		// A hook comes and goes; whether it exists matters only when it runs.
		if plan.HookOf(o) == nil {
			wanted = append(wanted, ref)
		}
	}
	items := itemRefs(in.Record)
	places, missing, err := e.served(ctx, append(refs, items...))
	if err != nil {
		return err
	}
	// What is desired although its kind is missing comes with its definition,
	// which somebody may have deleted after an earlier release.
	brought, desired := set(missing), set(refs)
	for _, ref := range items {
		if brought[ref] && !unserved[ref] && !desired[ref] {
			in.Unserved = append(in.Unserved, ref)
		}
	}
	wanted = slices.DeleteFunc(append(wanted, items...), func(r object.Ref) bool { return brought[r] })
	if in.Live, err = e.observe(ctx, object.AppKey(in.Namespace, in.App), places, wanted); err != nil || in.Record != nil {
		return err
	}
	// Chunks without a head: the record was lost, and with it what else the
	// app owns.
	n, err := e.store(in.Namespace, in.App).Chunks(ctx)
	if err != nil || n == 0 {
		return err
	}
	return e.seeLost(ctx, in)
}

// handedToUs finds out which foreign objects that we declare were handed to us
// by the app that owns them: by the records of those owners, or before, by
// plans that are carried out before this one, or because that app was removed
// from the project or renamed (cluster-semantics.md 7.3).
func (e *Engine) handedToUs(ctx context.Context, in *plan.Input, o Options) (map[object.Ref]string, error) {
	key, left := object.AppKey(in.Namespace, in.App), lazily(ctx, o.Left)
	owners := map[string]*inventory.Record{}
	handed := map[object.Ref]string{}
	for _, d := range in.Desired {
		live, ok := in.Live[d.Ref()]
		owner := live.Annotations[object.AnnotationOwner]
		if !ok || owner == key || owner == "" || live.Labels[object.LabelApp] != object.AppHash(owner) {
			continue
		}
		gone, err := left()
		if err != nil {
			return nil, err
		}
		if o.Handed[d.Ref()] == owner || gone[owner] {
			handed[d.Ref()] = owner
			continue
		}
		rec, asked := owners[owner]
		if !asked {
			if rec, err = e.recordOf(ctx, owner); err != nil {
				return nil, err
			}
			owners[owner] = rec
		}
		if rec == nil {
			continue
		}
		if it, ok := rec.Item(d.Ref()); ok && it.Handed == key {
			handed[d.Ref()] = owner
		}
	}
	return handed, nil
}

// lazily calls f at most once, and not at all while nobody asks.
func lazily[T any](ctx context.Context, f func(context.Context) (T, error)) func() (T, error) {
	return sync.OnceValues(func() (T, error) {
		if f == nil {
			var none T
			return none, nil
		}
		return f(ctx)
	})
}

// recordOf reads the record of another app; nil when there is none or it may
// not be read.
func (e *Engine) recordOf(ctx context.Context, key string) (*inventory.Record, error) {
	namespace, app, ok := cutKey(key)
	if !ok {
		return nil, nil
	}
	rec, err := e.store(namespace, app).Load(ctx)
	if fault.Is(err, fault.Denied) {
		return nil, nil
	}
	return rec, err
}

// keepsOwnNamespace refuses a plan that prunes the namespace of the record:
// the record would go with it before the deploy is over.
func keepsOwnNamespace(p *plan.Plan) error {
	for _, c := range p.Changes {
		if isOwnNamespace(p, c) {
			return fault.New(fault.Denied, "%s is no longer in the repository, but it holds the app and its record", c.Ref).
				Hint("keep it in the repository, or remove the app with `tug delete -a %s -n %s`", p.App, p.Namespace)
		}
	}
	return nil
}

func isNamespace(ref object.Ref) bool { return ref.Group == "" && ref.Kind == "Namespace" }
