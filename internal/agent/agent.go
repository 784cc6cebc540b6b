// Package agent keeps apps as their repositories say: it follows commits,
// deploys what changed, and puts back what others changed in the cluster. It
// observes (polls of Git, watches of records and objects), decides with a pure
// function of what is known of one app, and acts through the engine that
// `tug deploy` uses (design.md section 6).
//
// One goroutine owns all state and never waits; work runs in goroutines of
// their own, bounded while they work and not while they wait, and reports back
// to it. What is to be done next follows from the state alone, so that nothing
// is lost when a step fails, is cut off or comes at a bad moment.
package agent

import (
	"cmp"
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tugops/tug/internal/deploy"
	"github.com/tugops/tug/internal/event"
	"github.com/tugops/tug/internal/inventory"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/snapshot"
)

// Engine is what the agent needs of deploy.Engine.
type Engine interface {
	Plan(ctx context.Context, s *snapshot.Snapshot, o deploy.Options) (*deploy.Prepared, error)
	PlanRollback(ctx context.Context, app, namespace string, number int, o deploy.Options) (*deploy.Prepared, error)
	PlanAbandoned(ctx context.Context, a deploy.Abandoned, o deploy.Options) (*deploy.Prepared, error)
	Abandoned(ctx context.Context, d deploy.Declared) ([]deploy.Abandoned, error)
	Execute(ctx context.Context, p *deploy.Prepared, o deploy.Options) (deploy.Outcome, error)
	Heal(ctx context.Context, app, namespace string, refs []object.Ref, o deploy.Options) (*deploy.Healed, error)
	Record(ctx context.Context, app, namespace string) (*inventory.Record, error)
	Generated(ctx context.Context, namespace, app string) (map[string]string, error)
}

// Repository is a config repository that is followed. Errors name it.
type Repository interface {
	// Name is its address, without credentials.
	Name() string
	// State asks what the repository is at now: equal states are equal content.
	State(ctx context.Context) (string, error)
	// Open reads what the repository says at a state that State gave.
	Open(ctx context.Context, state string) (Checkout, error)
}

// Checkout is what a repository says at one state.
type Checkout interface {
	// Apps are all apps that this agent is to deploy.
	Apps() []App
	// Declared says, for each environment, which apps there are, so that those
	// that are gone can be found.
	Declared() []deploy.Declared
	// Close frees what was kept for reading.
	Close()
}

// App is one app at one commit.
type App struct {
	Name, Env, Namespace string
	// Revision is where its files come from.
	Revision snapshot.Revision
	// DependsOn are the keys of the apps that go first.
	DependsOn []string
	// Options are what the project says about deploying it.
	Options deploy.Options
	// Rollback says that a release that does not become ready is replaced by
	// the last one that was.
	Rollback bool
	// Windows are when new commits may be deployed; none for always.
	Windows Windows
	// ReportOnly says that nothing is written.
	ReportOnly bool
	// Find renders the app, unless it is known what that gives.
	Find func(ctx context.Context, recorded func(context.Context) (map[string]string, error)) (Rendered, error)
}

// Key is the identity of the app in the cluster.
func (a App) Key() string { return object.AppKey(a.Namespace, a.Name) }

// Rendered is the result of a render that need not be in memory.
type Rendered struct {
	// Name is equal for equal objects; "" where that is not known.
	Name string
	// Built says that something had to be rendered.
	Built bool
	Load  func(ctx context.Context) (*snapshot.Snapshot, error)
}

// Options of an agent. Zero values have the meaning that is said of them.
type Options struct {
	Engine Engine
	// Watch follows the heads of records; see kube.Client.Watch.
	Watch        func(ctx context.Context, namespace string, handle func(HeadChange) bool) error
	Repositories []Followed
	// Observe follows the metadata of objects of one kind that carry the label
	// of any app, in a namespace or ("") in all; see kube.Client.WatchLive. Nil
	// for no look at drift. Wide says whether a kind may be followed in all
	// namespaces; nil for always.
	Observe func(ctx context.Context, gk schema.GroupKind, namespace string, handle func(object.LiveChange) bool) error
	Wide    func(ctx context.Context, gk schema.GroupKind) bool
	// Cluster is what people call the cluster, in facts.
	Cluster string
	// Workers bounds the deploys that work at once (16), Renders the renders
	// (the processors).
	Workers, Renders int
	// Once ends Run when nothing is left to do but to wait for something to
	// happen.
	Once bool
	// Clock and Rand are for tests; those of the system when nil.
	Clock Clock
	Rand  func() float64 // from 0 to 1
	Facts event.Facts
	Log   *slog.Logger
}

// Followed is a repository and how often it is asked.
type Followed struct {
	Repository
	Interval time.Duration // a minute when zero
}

// HeadChange is one change of a head. Synced marks the end of the initial
// state and has no head.
type HeadChange struct {
	Head    inventory.Head
	Deleted bool
	Synced  bool
}

func (o Options) withDefaults() Options {
	o.Workers, o.Renders = cmp.Or(o.Workers, 16), cmp.Or(o.Renders, 2)
	if o.Clock == nil {
		o.Clock = systemClock{}
	}
	if o.Rand == nil {
		o.Rand = rand.Float64
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// Agent is one agent. Run may be called once.
type Agent struct {
	o     Options
	inbox chan func(*loop)
	hints map[string]chan struct{} // by repository
	count counters
	works chan struct{} // a slot for each worker
	looks chan struct{} // a slot for each render
	heals chan struct{} // a slot for each look at drift
	wide  sync.Map      // schema.GroupKind -> bool: may be followed in all namespaces
}

// New makes an agent; it does nothing before Run.
func New(o Options) *Agent {
	o = o.withDefaults()
	a := &Agent{
		o: o, inbox: make(chan func(*loop), 256), hints: map[string]chan struct{}{},
		works: make(chan struct{}, o.Workers), looks: make(chan struct{}, o.Renders), heals: make(chan struct{}, o.Workers),
	}
	for _, r := range o.Repositories {
		a.hints[r.Name()] = make(chan struct{}, 1)
	}
	return a
}

// Hint says that a repository may have changed, so that it is asked now. It is
// false for one that is not followed.
func (a *Agent) Hint(repository string) bool {
	hint, ok := a.hints[repository]
	if !ok {
		return false
	}
	select {
	case hint <- struct{}{}:
	default: // it is about to be asked anyway
	}
	return true
}

// post hands work to the loop; it is dropped when ctx ends first.
func (a *Agent) post(ctx context.Context, f func(*loop)) {
	select {
	case a.inbox <- f:
	case <-ctx.Done():
	}
}
