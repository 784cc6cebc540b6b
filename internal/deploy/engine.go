package deploy

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tugops/tug/internal/event"
	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/inventory"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/snapshot"
)

// parallel bounds the requests of one deploy under way.
const parallel = 16

// Engine deploys apps to one cluster.
type Engine struct {
	Cluster Cluster
	// Holder names this process in Leases; one for each Lease is made from
	// inventory.Self when it is nil.
	Holder func() (inventory.Holder, error)
	// LeaseDuration and LeaseWait replace the defaults of inventory.Lock.
	LeaseDuration, LeaseWait time.Duration

	recent recent // snapshots that heals used last
}

// New is an engine for a cluster.
func New(c Cluster) *Engine { return &Engine{Cluster: c} }

func (e *Engine) store(namespace, app string) *inventory.Store {
	return inventory.NewStore(e.Cluster, namespace, app)
}

// Generated are the values of random template functions that the last release
// of an app was rendered with; nil when there is none. They are needed before
// the render.
func (e *Engine) Generated(ctx context.Context, namespace, app string) (map[string]string, error) {
	s, err := e.lastSnapshot(ctx, namespace, app)
	if inventory.Damaged(err) {
		return nil, fault.New(fault.KindOf(err), "random values that were made before: %w", err).
			Hint("to have them made anew, delete Secret %s in namespace %s: tug then finds the objects of the app by their label, the history is lost",
				inventory.HeadName(app), namespace)
	}
	if s == nil || err != nil {
		return nil, err
	}
	return s.Generated, nil
}

// lastSnapshot is what was deployed last, or nil.
func (e *Engine) lastSnapshot(ctx context.Context, namespace, app string) (*snapshot.Snapshot, error) {
	store := e.store(namespace, app)
	head, err := store.LoadHead(ctx)
	if err != nil || head == nil {
		return nil, err
	}
	return readSnapshot(ctx, store, newest(head))
}

// newest is the release whose snapshot is the state to compare with: the
// newest that has one.
func newest(h *inventory.Head) *inventory.Release {
	for i := range h.Releases {
		if len(h.Releases[i].Snapshot) > 0 {
			return &h.Releases[i]
		}
	}
	return nil
}

func readSnapshot(ctx context.Context, store *inventory.Store, r *inventory.Release) (*snapshot.Snapshot, error) {
	if r == nil {
		return nil, nil
	}
	plain, err := store.ReadSnapshot(ctx, *r)
	if err != nil {
		return nil, err
	}
	s, err := decodeSnapshot(plain)
	if err != nil {
		return nil, fmt.Errorf("snapshot of release %d: %w", r.Number, err)
	}
	return s, nil
}

// each calls f for every item, at most 16 at once. The first error cancels the
// context of the others.
func each[T any](ctx context.Context, list []T, f func(ctx context.Context, item T) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(parallel)
	for _, item := range list {
		g.Go(func() error { return f(ctx, item) })
	}
	return g.Wait()
}

// scopes answers plan.Place from discovery and keeps the first error.
type scopes struct {
	ctx     context.Context
	cluster Cluster
	before  map[schema.GroupKind]bool // kinds that apps before this one define
	err     error
}

func (s *scopes) of(gk schema.GroupKind) (namespaced, known bool) {
	if s.err != nil {
		return false, false
	}
	namespaced, known, s.err = s.cluster.Scope(s.ctx, gk)
	if s.err == nil && !known {
		namespaced, known = s.before[gk]
	}
	return namespaced, known && s.err == nil
}

// teller emits events of one app.
type teller struct {
	sink     event.Sink
	app, env string
}

func (t teller) phase(message string) func() {
	t.sink.Emit(event.Event{Type: event.PhaseStarted, App: t.app, Env: t.env, Message: message})
	return func() { t.sink.Emit(event.Event{Type: event.PhaseFinished, App: t.app, Env: t.env, Message: message}) }
}

func (t teller) say(kind event.Type, ref object.Ref, message string) {
	t.sink.Emit(event.Event{Type: kind, App: t.app, Env: t.env, Ref: ref, Message: message})
}
