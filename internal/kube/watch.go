package kube

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
)

// Backoff between attempts to watch, doubled from the first to the last.
const (
	firstBackoff = 100 * time.Millisecond
	lastBackoff  = 10 * time.Second
	// steady is how long a watch must have lived to be followed by the next
	// one without a pause.
	steady = 5 * time.Second
)

// errHandled ends a watch because its handler had enough.
var errHandled = errors.New("handled")

// Watch lists the objects of one kind in a namespace ("" for all, and for
// cluster-scoped kinds), says Synced, and then follows them until handle
// returns false (nil) or ctx ends (its error). Order and contents:
//
//   - the initial objects, then one Change with Synced, then the changes;
//   - a closed connection is resumed where it ended, and an expired position
//     (410) leads to a new list: what is unchanged is not told again, what
//     vanished is told as Deleted, what was replaced as Deleted and then new;
//   - the Object of a Deleted change that was found by such a list holds
//     identity, labels, annotations, owners and uid only.
//
// Until Synced, an API server that does not answer is asked again for the
// client's timeout, then that fault is returned; after it, until ctx ends.
// Denied and Gone end the watch at any time; when a CRD is deleted, Gone may
// come in place of the last Deleted changes. handle is called by one
// goroutine.
func (c *Client) Watch(ctx context.Context, gvk schema.GroupVersionKind, namespace, labelSelector string, handle func(object.Change) bool) error {
	w := &watcher{
		follower: follower{client: c}, gvk: gvk, namespace: namespace, selector: labelSelector,
		handle: handle, known: map[string]*object.Object{},
	}
	w.list, w.stream = w.relist, w.follow
	return w.run(ctx)
}

// watcher is the state of one Watch.
type watcher struct {
	follower
	gvk       schema.GroupVersionKind
	namespace string
	selector  string
	handle    func(object.Change) bool

	known map[string]*object.Object // outline of each object, by namespace/name
}

// follower keeps a watch going: what lists and streams tell is up to list and
// stream, which move version and set synced.
type follower struct {
	client       *Client
	list, stream func(ctx context.Context) error
	version      string // position to go on from; "" asks for a list
	synced       bool
}

// run alternates between lists and streams until the handler has had enough,
// which is no error.
func (w *follower) run(ctx context.Context) error {
	err := w.alternate(ctx)
	if errors.Is(err, errHandled) {
		return nil
	}
	return err
}

func (w *follower) alternate(ctx context.Context) error {
	patience := time.Now().Add(w.client.timeout)
	backoff := firstBackoff
	for {
		began := time.Now()
		err := w.step(ctx)
		if ctx.Err() != nil && !errors.Is(err, errHandled) {
			return w.ended(ctx, err)
		}
		if w.final(err, patience) {
			return err
		}
		if time.Since(began) > steady {
			backoff = firstBackoff
		}
		if !pause(ctx, jitter(backoff)) {
			return w.ended(ctx, err)
		}
		backoff = min(2*backoff, lastBackoff)
	}
}

// final reports an error after which nothing is tried any more. It forgets an
// expired position.
func (w *follower) final(err error, patience time.Time) bool {
	switch {
	case err == nil:
		return false
	case errors.Is(err, errExpired):
		w.version = ""
		return false
	case fault.Is(err, fault.Unavailable):
		return !w.synced && time.Now().After(patience)
	default:
		return true
	}
}

// step lists when there is no position, then streams until the connection
// ends (nil) or an error.
func (w *follower) step(ctx context.Context) error {
	if w.version == "" {
		if err := w.list(ctx); err != nil {
			return err
		}
	}
	return w.stream(ctx)
}

// ended is the error of a watch whose context is over: it adds why the
// cluster was not watched at the end, if so.
func (w *follower) ended(ctx context.Context, last error) error {
	if last != nil && fault.Is(last, fault.Unavailable) && !errors.Is(last, ctx.Err()) {
		return &fault.Error{Kind: fault.Unavailable, Err: errors.Join(ctx.Err(), last), Hints: fault.HintsOf(last)}
	}
	return ctx.Err()
}

// jitter spreads a pause over 75 % to 125 % of d.
func jitter(d time.Duration) time.Duration {
	return d*3/4 + rand.N(d/2)
}

// tell hands a change on.
func (w *watcher) tell(change object.Change) error {
	if !w.handle(change) {
		return errHandled
	}
	return nil
}

// changed takes the new state of an object.
func (w *watcher) changed(o *object.Object) error {
	key := o.Namespace() + "/" + o.Name()
	before := w.known[key]
	if before != nil && before.UID() == o.UID() && before.ResourceVersion() == o.ResourceVersion() {
		return nil
	}
	w.known[key] = outline(o)
	if before != nil && before.UID() != o.UID() {
		if err := w.tell(object.Change{Object: before, Deleted: true}); err != nil {
			return err
		}
	}
	return w.tell(object.Change{Object: o})
}

// deleted takes the last state of an object.
func (w *watcher) deleted(o *object.Object) error {
	delete(w.known, o.Namespace()+"/"+o.Name())
	return w.tell(object.Change{Object: o, Deleted: true})
}

// outline is what is kept of an object: enough to report that it vanished. It
// shares the maps of o.
func outline(o *object.Object) *object.Object {
	meta := map[string]any{}
	for _, key := range []string{"name", "namespace", "uid", "resourceVersion", "labels", "annotations", "ownerReferences"} {
		if v, ok := o.Meta()[key]; ok {
			meta[key] = v
		}
	}
	return &object.Object{Fields: map[string]any{
		"apiVersion": o.Fields["apiVersion"], "kind": o.Fields["kind"], "metadata": meta}}
}
