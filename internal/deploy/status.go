package deploy

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/tugops/tug/internal/apply"
	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/health"
	"github.com/tugops/tug/internal/inventory"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/plan"
)

// Status is what runs of an app.
type Status struct {
	App        string `json:"app"`
	Env        string `json:"env,omitempty"`
	Namespace  string `json:"namespace"`
	Controller string `json:"controller,omitempty"`
	// Release is the newest one.
	Release *inventory.Release `json:"release,omitempty"`
	Objects []ObjectStatus     `json:"objects"`
	// Warnings say what could not be found out.
	Warnings []string `json:"warnings,omitempty"`
}

// ObjectStatus is one object of an app.
type ObjectStatus struct {
	object.Ref
	Version string        `json:"version,omitempty"`
	UID     string        `json:"uid,omitempty"`
	Created time.Time     `json:"created,omitzero"`
	Health  health.Status `json:"health"`
	// Why says more about an object that is not ready, in lines: its pods,
	// their events, the end of their logs.
	Why     string `json:"why,omitempty"`
	Missing bool   `json:"missing,omitempty"`
	// Handed is the app the object was handed to, which has not taken it yet.
	Handed string `json:"handed,omitempty"`
	// Drift says how the object differs from the last release; filled in only
	// when it was asked for.
	Drift *Drift `json:"drift,omitempty"`
	// Others are the managers besides tug that wrote to it, status aside.
	Others []Writer `json:"others,omitempty"`

	live *object.Object
}

// Drift is the difference between the last release and a live object.
type Drift struct {
	Reason string       `json:"reason"`
	Fields []plan.Field `json:"fields,omitempty"`
}

// Writer is a manager with an entry in managedFields. Who stands behind it
// cannot be known (cluster-semantics.md 4.6).
type Writer struct {
	Manager     string    `json:"manager"`
	Operation   string    `json:"operation"`
	Subresource string    `json:"subresource,omitempty"`
	Time        time.Time `json:"time,omitzero"`
}

// Ready reports whether every object is there and ready.
func (s *Status) Ready() bool {
	return !slices.ContainsFunc(s.Objects, func(o ObjectStatus) bool { return o.Handed == "" && o.Health.State != health.Ready })
}

// Drifted counts the objects that differ from the last release.
func (s *Status) Drifted() int {
	n := 0
	for _, o := range s.Objects {
		if o.Drift != nil {
			n++
		}
	}
	return n
}

// Status reads what runs of an app. With drift, every object that metadata
// does not show to be clean is compared with the last release by a dry run.
func (e *Engine) Status(ctx context.Context, app, namespace string, drift bool) (*Status, error) {
	store := e.store(namespace, app)
	rec, err := store.Load(ctx)
	if err != nil {
		return nil, err
	}
	if rec == nil {
		return nil, e.noApp(ctx, app, namespace)
	}
	s := &Status{
		App: app, Env: rec.Head.Env, Namespace: namespace, Controller: rec.Head.Controller, Release: rec.Head.Latest(),
	}
	live, err := e.objects(ctx, rec)
	if err != nil {
		return nil, err
	}
	for _, it := range rec.Items {
		if !taken(it, live[it.Ref]) {
			s.Objects = append(s.Objects, statusOf(it, live[it.Ref]))
		}
	}
	if drift {
		s.addDrift(ctx, e, store, rec)
	}
	return s, e.explain(ctx, s, store, rec)
}

// maxExplained bounds how many objects a status explains.
const maxExplained = 10

// explain says why objects are not ready. Values of Secrets that pods may have
// logged are masked.
func (e *Engine) explain(ctx context.Context, s *Status, store *inventory.Store, rec *inventory.Record) error {
	var bad []*ObjectStatus
	for i := range s.Objects {
		if o := &s.Objects[i]; o.live != nil && o.Health.State != health.Ready && len(bad) < maxExplained {
			bad = append(bad, o)
		}
	}
	if len(bad) == 0 {
		return nil
	}
	snap, err := readSnapshot(ctx, store, newest(&rec.Head))
	if err != nil {
		return err
	}
	secrets := secretsOf(&Prepared{Snapshot: snap})
	return each(ctx, bad, func(ctx context.Context, o *ObjectStatus) error {
		o.Why = secrets.Mask(apply.Why(ctx, e.Cluster, o.Ref, o.live.GVK()))
		o.Health.Reason = secrets.Mask(o.Health.Reason)
		return nil
	})
}

// objects reads the recorded objects in full: by label, and one by one those
// that lost it.
func (e *Engine) objects(ctx context.Context, rec *inventory.Record) (map[object.Ref]*object.Object, error) {
	refs := itemRefs(rec)
	places, unserved, err := e.served(ctx, refs)
	if err != nil {
		return nil, err
	}
	selector := object.LabelApp + "=" + object.AppHash(object.AppKey(rec.Head.Namespace, rec.Head.App))
	var mu sync.Mutex
	found := map[object.Ref]*object.Object{}
	err = each(ctx, places, func(ctx context.Context, p place) error {
		list, err := e.Cluster.List(ctx, p.kind(), p.namespace, selector)
		if vanished(err) {
			return nil
		}
		mu.Lock()
		defer mu.Unlock()
		for _, o := range list {
			found[o.Ref()] = o
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	gone := set(unserved)
	left := slices.DeleteFunc(refs, func(r object.Ref) bool { return gone[r] || found[r] != nil })
	return found, each(ctx, left, func(ctx context.Context, ref object.Ref) error {
		o, err := e.Cluster.Get(ctx, placeOf(ref).kind(), ref.Namespace, ref.Name)
		if vanished(err) {
			return nil
		}
		mu.Lock()
		defer mu.Unlock()
		found[ref] = o
		return err
	})
}

// taken reports whether the app that an object was handed to has it by now; the
// next deploy drops it from the record (cluster-semantics.md 7.3).
func taken(it inventory.Item, o *object.Object) bool {
	if it.Handed == "" || o == nil {
		return false
	}
	live, err := object.LiveOf(o)
	return err == nil && live.Annotations[object.AnnotationOwner] == it.Handed
}

func statusOf(it inventory.Item, o *object.Object) ObjectStatus {
	s := ObjectStatus{Ref: it.Ref, Version: it.Version, UID: it.UID, Handed: it.Handed, live: o}
	if o == nil {
		s.Missing = true
		s.Health = health.Status{State: health.Failed, Reason: "does not exist"}
		return s
	}
	s.Health = health.Of(o)
	live, err := object.LiveOf(o)
	if err != nil {
		return s
	}
	s.UID, s.Created = live.UID, live.Created
	for _, m := range live.Managers {
		if m.Manager != object.Manager && m.Subresource != "status" {
			s.Others = append(s.Others, Writer{m.Manager, m.Operation, m.Subresource, m.Time})
		}
	}
	return s
}

// addDrift plans the last release again: what that plan would change is drift.
func (s *Status) addDrift(ctx context.Context, e *Engine, store *inventory.Store, rec *inventory.Record) {
	snap, err := readSnapshot(ctx, store, newest(&rec.Head))
	if err == nil && snap == nil {
		err = fault.New(fault.NotFound, "no release has a snapshot to compare with")
	}
	var p *Prepared
	if err == nil {
		p, err = e.Plan(ctx, snap, Options{})
	}
	if err != nil {
		s.Warnings = append(s.Warnings, fmt.Sprintf("drift: %v", err))
		return
	}
	drift := map[object.Ref]*Drift{}
	for _, c := range p.Plan.Changes {
		switch c.Action {
		case plan.Create, plan.Update, plan.Reown:
			drift[c.Ref] = &Drift{Reason: c.Reason, Fields: c.Fields}
		}
	}
	for i := range s.Objects {
		s.Objects[i].Drift = drift[s.Objects[i].Ref]
		delete(drift, s.Objects[i].Ref)
	}
	for _, ref := range slices.SortedFunc(maps.Keys(drift), object.Ref.Compare) {
		s.Objects = append(s.Objects, ObjectStatus{
			Ref: ref, Missing: true, Drift: drift[ref], Health: health.Status{State: health.Failed, Reason: "does not exist"},
		})
	}
	s.Warnings = append(s.Warnings, p.Plan.Warnings...)
}
