package deploy

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/tugops/tug/internal/apply"
	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/inventory"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/plan"
	"github.com/tugops/tug/internal/snapshot"
)

// healTimeout bounds the writes of one heal.
const healTimeout = 30 * time.Second

// Healed is what came of one look at objects of an app.
type Healed struct {
	// Busy says that somebody else has the app at the moment, so that nothing
	// was looked at: its Lease is held, or the record says so.
	Busy bool
	// Release is the one that counts.
	Release inventory.Release
	// Drifted are the objects that differed from the last release, in order of
	// identity.
	Drifted []Drifted
	// Items say of all objects that are as they should be now how that is told
	// from their metadata.
	Items []inventory.Item
}

// Drifted is one object that was found to differ.
type Drifted struct {
	Ref    object.Ref
	Action plan.Action // what puts it back
	Reason string
	// Fields are what others set; none for an object that was deleted, or of
	// which only ownership was lost.
	Fields []plan.Field
	// Writer is the entry of the manager that wrote last of those that changed
	// a field; zero where nothing is known (cluster-semantics.md 4.6).
	Writer Writer
	// Left says that the policy is to leave it. Err is why it could not be put
	// back.
	Left bool
	Err  error
}

// Heal looks at objects of an app and puts back what differs from the last
// release, by the policy in o. It takes no Lease: preconditions of each write
// protect it from other writers, and it yields to one that holds the Lease
// (cluster-semantics.md 5.3). Nothing is pruned, no hook runs, nothing is
// waited for, and the record stays as it is.
func (e *Engine) Heal(ctx context.Context, app, namespace string, refs []object.Ref, o Options) (*Healed, error) {
	store := e.store(namespace, app)
	rec, err := store.Load(ctx)
	if err != nil {
		return nil, err
	}
	if rec == nil {
		return nil, e.noApp(ctx, app, namespace)
	}
	h := &Healed{}
	last := newest(&rec.Head)
	if last == nil || rec.Head.Controller == inventory.ControllerSuspended || rec.Head.Latest().Status == inventory.Pending {
		h.Busy = true
		return h, nil
	}
	h.Release = *last
	if held, err := inventory.Held(ctx, e.Cluster, namespace, app); err != nil || held {
		h.Busy = held
		return h, err
	}
	snap, err := e.deployed(ctx, store, last)
	if err != nil {
		return nil, err
	}
	return h, e.heal(ctx, h, snap, rec, refs, o)
}

// deployed is the snapshot of a release. The last few are kept: they are
// immutable, and what drifts once drifts again.
func (e *Engine) deployed(ctx context.Context, store *inventory.Store, r *inventory.Release) (*snapshot.Snapshot, error) {
	if len(r.Snapshot) == 0 {
		return nil, fault.New(fault.NotFound, "no release has a snapshot to compare with")
	}
	key := r.Snapshot[0]
	if s, ok := e.recent.get(key); ok {
		return s, nil
	}
	s, err := readSnapshot(ctx, store, r)
	if err == nil {
		e.recent.put(key, s)
	}
	return s, err
}

// healing is one heal under way.
type healing struct {
	e   *Engine
	in  plan.Input
	rec *inventory.Record
	mu  sync.Mutex
	h   *Healed
	all []plan.Change
}

func (e *Engine) heal(ctx context.Context, h *Healed, snap *snapshot.Snapshot, rec *inventory.Record, refs []object.Ref, o Options) error {
	known := &scopes{ctx: ctx, cluster: e.Cluster}
	desired, unserved, err := plan.Place(snap.Objects, snap.Namespace, snap.App, known.of)
	if known.err != nil {
		return known.err
	}
	if err != nil {
		return err
	}
	w := &healing{e: e, rec: rec, h: h, in: plan.Input{
		App: snap.App, Env: snap.Env, Namespace: snap.Namespace, Desired: desired, Record: rec, Unserved: unserved,
		Humans: o.Humans, Policy: o.Policy, Ignore: o.Ignore, Sensitive: snap.Sensitive,
	}}
	if w.in.ServerVersion, err = e.Cluster.Version(ctx); err != nil {
		return err
	}
	if err := each(ctx, refs, w.look); err != nil {
		return err
	}
	slices.SortFunc(h.Drifted, func(a, b Drifted) int { return a.Ref.Compare(b.Ref) })
	return w.put(ctx)
}

// look compares one object with what was deployed.
func (w *healing) look(ctx context.Context, ref object.Ref) error {
	var want *object.Object
	for _, d := range w.in.Desired {
		if d.Ref() == ref && plan.HookOf(d) == nil {
			want = d
		}
	}
	if want == nil {
		return nil // the release has it no more
	}
	in := w.in
	in.Desired, in.Record, in.Live = []*object.Object{want}, only(w.rec, ref), map[object.Ref]object.Live{}
	live, err := w.e.Cluster.GetLive(ctx, placeOf(ref).kind(), ref.Namespace, ref.Name)
	switch {
	case err == nil:
		in.Live[ref] = live
	case !vanished(err):
		return err
	}
	if in.Compared, err = w.e.compare(ctx, in.Desired, plan.Unclear(in)); err != nil {
		return err
	}
	p, err := plan.Compute(in)
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil {
		w.h.Drifted = append(w.h.Drifted, Drifted{Ref: ref, Err: err})
		return nil
	}
	w.note(ref, in, p, live)
	return nil
}

// note sorts what was decided about one object.
func (w *healing) note(ref object.Ref, in plan.Input, p *plan.Plan, live object.Live) {
	if compared := in.Compared[ref]; compared.Live != nil {
		if full, err := object.LiveOf(compared.Live); err == nil {
			live = full
		}
	}
	for _, left := range []bool{false, true} {
		list := p.Changes
		if left {
			list = p.Drift
		}
		for _, c := range list {
			if c.Ref != ref || c.Hook != nil {
				continue
			}
			w.h.Drifted = append(w.h.Drifted, Drifted{
				Ref: ref, Action: c.Action, Reason: c.Reason, Fields: c.Fields, Writer: writerOf(c.Fields, live.Managers), Left: left,
			})
			if !left {
				w.all = append(w.all, c)
			}
			return
		}
	}
	// It is as it should be, though its metadata may look different from what
	// was recorded: the same value was written, or an autoscaler was at work.
	it, _ := w.rec.Item(ref)
	m := plan.Seen(live)
	it.Ref, it.UID, it.Entry, it.Generation = ref, m.UID, m.Entry, m.Generation
	w.h.Items = append(w.h.Items, it)
}

// put sends what puts the objects back.
func (w *healing) put(ctx context.Context) error {
	if len(w.all) == 0 {
		return nil
	}
	p := &plan.Plan{App: w.in.App, Env: w.in.Env, Namespace: w.in.Namespace, Changes: w.all}
	res, err := apply.Run(ctx, w.e.Cluster, p, apply.Options{
		Timeout: healTimeout, Parallel: parallel, Journal: w, Refresh: w.e.Cluster.Refresh,
		Replan: func(ctx context.Context, c plan.Change) (plan.Change, error) {
			return w.e.again(ctx, w.e.Cluster, w.in, w.rec, c)
		},
	})
	for i := range w.h.Drifted {
		for _, o := range res.Outcomes {
			if o.Ref == w.h.Drifted[i].Ref && o.State != apply.Done && o.State != apply.Unchanged && w.h.Drifted[i].Err == nil {
				w.h.Drifted[i].Err = firstError(o.Err, err)
			}
		}
	}
	return nil
}

// Applied implements apply.Journal.
func (w *healing) Applied(it inventory.Item) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.h.Items = append(w.h.Items, it)
}

// Deleted implements apply.Journal; a heal deletes nothing.
func (w *healing) Deleted(object.Ref) {}

// writerOf is the newest entry of the managers that set fields.
func writerOf(fields []plan.Field, managers []object.ManagerEntry) Writer {
	var last Writer
	for _, f := range fields {
		for _, m := range managers {
			if f.Manager != "" && m.Manager == f.Manager && m.Subresource != "status" && !m.Time.Before(last.Time) {
				last = Writer{m.Manager, m.Operation, m.Subresource, m.Time}
			}
		}
	}
	return last
}

// Record is what the cluster remembers of an app; nil when there is nothing.
func (e *Engine) Record(ctx context.Context, app, namespace string) (*inventory.Record, error) {
	return e.store(namespace, app).Load(ctx)
}

// recentSnapshots is how many snapshots of releases are kept, and recentObjects
// how many objects they may have in all.
const (
	recentSnapshots = 32
	recentObjects   = 2000
)

// recent keeps snapshots of releases that were used last.
type recent struct {
	mu   sync.Mutex
	keys []string
	list map[string]*snapshot.Snapshot
}

func (r *recent) get(key string) (*snapshot.Snapshot, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s, ok := r.list[key]
	if ok {
		i := slices.Index(r.keys, key)
		r.keys = append(append(r.keys[:i:i], r.keys[i+1:]...), key)
	}
	return s, ok
}

func (r *recent) put(key string, s *snapshot.Snapshot) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.list == nil {
		r.list = map[string]*snapshot.Snapshot{}
	}
	if _, known := r.list[key]; known {
		return
	}
	r.list[key], r.keys = s, append(r.keys, key)
	objects := 0
	for _, s := range r.list {
		objects += len(s.Objects)
	}
	for len(r.keys) > 1 && (len(r.keys) > recentSnapshots || objects > recentObjects) {
		objects -= len(r.list[r.keys[0]].Objects)
		delete(r.list, r.keys[0])
		r.keys = r.keys[1:]
	}
}
