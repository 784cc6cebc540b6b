// Package apply executes a plan: stage by stage, in parallel within a stage,
// with waits that watch and deletes that confirm. It is the only package
// whose code changes applied objects in a cluster (cluster-semantics.md
// sections 2, 5.2, 7.4 and 8). It keeps no state between runs: what happened
// is its result, and every confirmed step is told to the Journal at once.
package apply

import (
	"cmp"
	"context"
	"io"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tugops/tug/internal/event"
	"github.com/tugops/tug/internal/inventory"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/plan"
)

// Cluster is what apply needs of a cluster. Errors are faults: NotFound,
// Conflict (409), Exists, Immutable, Invalid, Denied, Gone, Unavailable.
type Cluster interface {
	// Apply is a server-side apply by manager tug. It gives the object as
	// stored (or as it would be stored, for a dry run).
	Apply(ctx context.Context, o *object.Object, w object.Write) (*object.Object, error)
	Get(ctx context.Context, gvk schema.GroupVersionKind, namespace, name string) (*object.Object, error)
	Delete(ctx context.Context, gvk schema.GroupVersionKind, namespace, name string, w object.Write) error
	// Patch applies a JSON patch (RFC 6902).
	Patch(ctx context.Context, gvk schema.GroupVersionKind, namespace, name string, patch []byte) (*object.Object, error)
	// Watch lists and then follows the objects of one kind in a namespace
	// ("" for all, or cluster-scoped ones) until ctx ends or handle returns
	// false. It survives closed watches and 410 Gone by itself.
	Watch(ctx context.Context, gvk schema.GroupVersionKind, namespace, labelSelector string, handle func(object.Change) bool) error
	// List gives full objects.
	List(ctx context.Context, gvk schema.GroupVersionKind, namespace, labelSelector string) ([]*object.Object, error)
	// ListLive lists metadata only, managed fields included.
	ListLive(ctx context.Context, gvk schema.GroupVersionKind, namespace, labelSelector string) ([]object.Live, error)
	// GetLive reads the metadata of one object.
	GetLive(ctx context.Context, gvk schema.GroupVersionKind, namespace, name string) (object.Live, error)
	// Events gives the messages of recent events about one object, newest
	// last.
	Events(ctx context.Context, namespace, uid string) ([]string, error)
	// Logs opens the log of one container, the last lines of it only.
	Logs(ctx context.Context, namespace, pod, container string, o object.LogOptions) (io.ReadCloser, error)
}

// Journal hears of every confirmed step, so that the record never lags behind
// the cluster. It is called from several goroutines.
type Journal interface {
	Applied(inventory.Item)
	Deleted(object.Ref)
}

// Options of one run.
type Options struct {
	// Wait says whether to wait until objects are ready; barriers that later
	// stages depend on (CRDs established, hooks complete, objects of one
	// deletion group gone before the next group) wait anyway.
	Wait bool
	// Timeout of all waiting of one run, counted from its start; 5 minutes
	// when zero.
	Timeout time.Duration
	// RequestTimeout bounds one write, which is not cancelled with the run's
	// context: a write under way may end. It has to be shorter than the rest
	// of the Lease; 15 seconds when zero.
	RequestTimeout time.Duration
	// Parallel bounds the requests under way; 16 when zero.
	Parallel int
	Sink     event.Sink
	Journal  Journal
	// Verify is called once everything is ready, with Wait only; deletions come
	// after it. Its error ends the run.
	Verify func(ctx context.Context) error
	// Rest is called when a wait begins, and what it gives when the wait is
	// over. May be nil.
	Rest func() (resume func())
	// Replan decides one change again after somebody changed its object
	// between plan and write: it reads the object and gives the change to make
	// now, with new preconditions (Keep when nothing is left to do), or the
	// fault that forbids it. Without it such an object is a conflict.
	Replan func(ctx context.Context, c plan.Change) (plan.Change, error)
	// Refresh forgets discovery; called once new kinds are established.
	Refresh func()
	// Also lists objects that are not part of the plan but must be ready too,
	// such as those of an earlier release that failed.
	Also []Target
}

// withDefaults fills in what is documented as the meaning of zero.
func (o Options) withDefaults() Options {
	o.Timeout = cmp.Or(o.Timeout, 5*time.Minute)
	o.RequestTimeout = cmp.Or(o.RequestTimeout, 15*time.Second)
	o.Parallel = cmp.Or(o.Parallel, 16)
	if o.Journal == nil {
		o.Journal = noJournal{}
	}
	if o.Rest == nil {
		o.Rest = func() func() { return func() {} }
	}
	if o.Refresh == nil {
		o.Refresh = func() {}
	}
	return o
}

type noJournal struct{}

func (noJournal) Applied(inventory.Item) {}
func (noJournal) Deleted(object.Ref)     {}
