package apply

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tugops/tug/internal/event"
	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
)

// doomed is an object whose delete was accepted.
type doomed struct {
	index   int
	ref     object.Ref
	version string
	uid     string
	labeled bool   // carries our label, as last seen
	blocked string // what keeps it, in words
	gone    func() // called once, when it is confirmed to be gone
}

// confirmGone ends when every object is gone: absent, or there with another
// UID. One metadata list per kind and namespace tells of those that went at
// once; one watch each follows the others when wait is set. Without it those
// stay unconfirmed, which is no error.
func (r *run) confirmGone(ctx context.Context, all []*doomed, wait bool) error {
	groups := map[watchKey][]*doomed{}
	for _, d := range all {
		key := watchKey{gvkOf(d.ref, d.version), d.ref.Namespace}
		groups[key] = append(groups[key], d)
	}
	keys := make([]watchKey, 0, len(groups))
	for key := range groups {
		keys = append(keys, key)
	}
	// The writes are done and their record must not lag: look even when the
	// run was stopped.
	lctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.o.RequestTimeout)
	defer cancel()
	left := make([][]*doomed, len(keys))
	errs := make([]error, len(keys))
	each(r.o.Parallel, len(keys), func(i int) {
		left[i], errs[i] = r.listGone(lctx, keys[i], groups[keys[i]])
	})
	if err := join(errs); err != nil {
		return err
	}
	if !wait || len(slices.Concat(left...)) == 0 {
		return nil
	}
	return r.watchGone(ctx, keys, left)
}

// listGone confirms what a list does not show (any more) and gives the rest.
func (r *run) listGone(ctx context.Context, key watchKey, group []*doomed) ([]*doomed, error) {
	lives, err := r.c.ListLive(ctx, key.gvk, key.namespace, "")
	if err != nil && !fault.Is(err, fault.Gone) && !fault.Is(err, fault.NotFound) {
		return nil, fmt.Errorf("confirm deletes: %w", err)
	}
	byName := make(map[string]*object.Live, len(lives))
	for i := range lives {
		byName[lives[i].Ref.Name] = &lives[i]
	}
	var left []*doomed
	for _, d := range group {
		live := byName[d.ref.Name]
		if live == nil || live.UID != d.uid {
			d.gone()
			continue
		}
		d.labeled = live.Labels[object.LabelApp] == r.hash
		d.blocked = blockedBy(live.Finalizers)
		r.emit(event.Event{Type: event.Deleting, Ref: d.ref, Message: d.blocked})
		left = append(left, d)
	}
	return left, nil
}

func blockedBy(finalizers []string) string {
	switch len(finalizers) {
	case 0:
		return "ending"
	case 1:
		return "finalizer " + finalizers[0]
	}
	return "finalizers " + strings.Join(finalizers, ", ")
}

// watchGone follows what is left, group by group at the same time, until the
// run's deadline.
func (r *run) watchGone(ctx context.Context, keys []watchKey, left [][]*doomed) error {
	wctx, cancel := context.WithDeadline(ctx, r.deadline)
	defer cancel()
	errs := make([]error, len(keys))
	var watches sync.WaitGroup
	for i, key := range keys {
		if len(left[i]) == 0 {
			continue
		}
		watches.Go(func() {
			w := &goneWatch{r: r, key: key, left: map[string]*doomed{}}
			for _, d := range left[i] {
				w.left[d.ref.Name] = d
			}
			errs[i] = w.follow(wctx)
			left[i] = w.rest()
		})
	}
	resume := r.o.Rest()
	watches.Wait()
	resume()
	if rest := slices.Concat(left...); len(rest) > 0 && ctx.Err() == nil && join(errs) == nil {
		return stuck(rest, r.o.Timeout)
	}
	if ctx.Err() != nil {
		return errStopped
	}
	return join(errs)
}

// stuck is the fault about objects that do not go.
func stuck(rest []*doomed, timeout time.Duration) error {
	slices.SortFunc(rest, func(a, b *doomed) int { return a.ref.Compare(b.ref) })
	texts := make([]string, len(rest))
	for i, d := range rest {
		texts[i] = fmt.Sprintf("%s is still there %s after its delete: %s", d.ref, timeout, d.blocked)
	}
	return summary(texts, len(rest), "gone").
		Hint("a finalizer goes when its controller has cleaned up: see that the controller runs, then run it again").
		Hint("give it more time with --wait-timeout")
}

// goneWatch follows one kind in one namespace. Its handler is called by one
// goroutine.
type goneWatch struct {
	r    *run
	key  watchKey
	left map[string]*doomed // by name
	seen map[string]bool    // by the present watch
	// wide asks for a watch without the label: an object that is left lost it.
	wide bool
}

func (w *goneWatch) follow(ctx context.Context) error {
	for _, d := range w.left {
		w.wide = w.wide || !d.labeled
	}
	for {
		wide, selector := w.wide, object.LabelApp+"="+w.r.hash
		if wide {
			selector = ""
		}
		w.seen = map[string]bool{}
		err := w.r.c.Watch(ctx, w.key.gvk, w.key.namespace, selector, func(c object.Change) bool {
			w.change(ctx, c)
			return len(w.left) > 0 && w.wide == wide
		})
		switch {
		case fault.Is(err, fault.Gone), fault.Is(err, fault.NotFound):
			// The kind went with its definition, and all objects of it before.
			for name := range w.left {
				w.check(ctx, name)
			}
			return nil
		case ctx.Err() != nil:
			return nil
		case err != nil || w.wide == wide:
			return err
		}
	}
}

func (w *goneWatch) change(ctx context.Context, c object.Change) {
	if c.Synced {
		for name := range w.left {
			if !w.seen[name] {
				w.check(ctx, name)
			}
		}
		return
	}
	d := w.left[c.Object.Name()]
	if d == nil {
		return
	}
	w.seen[d.ref.Name] = true
	if c.Deleted || c.Object.UID() != d.uid {
		w.check(ctx, d.ref.Name)
		return
	}
	w.update(d, c.Object)
}

// check reads one object by itself: a watch by label also reports objects as
// deleted that lost the label only.
func (w *goneWatch) check(ctx context.Context, name string) {
	d := w.left[name]
	live, err := w.r.c.GetLive(ctx, w.key.gvk, w.key.namespace, name)
	switch {
	case fault.Is(err, fault.NotFound), fault.Is(err, fault.Gone), err == nil && live.UID != d.uid:
		delete(w.left, name)
		d.gone()
	case err == nil:
		w.wide = true
	}
}

// update notes what keeps d, and tells when that changed.
func (w *goneWatch) update(d *doomed, o *object.Object) {
	live, err := object.LiveOf(o)
	if err != nil {
		return
	}
	text := blockedBy(live.Finalizers)
	if isNamespace(d.ref) {
		text = emptying(o)
	}
	if text != d.blocked {
		d.blocked = text
		w.r.emit(event.Event{Type: event.Deleting, Ref: d.ref, Message: text})
	}
}

// emptying says what a Namespace that goes away still holds.
func emptying(o *object.Object) string {
	conditions := conditionsOf(o)
	var texts []string
	for _, name := range []string{
		"NamespaceDeletionDiscoveryFailure", "NamespaceDeletionContentFailure",
		"NamespaceContentRemaining", "NamespaceFinalizersRemaining",
	} {
		if c := conditions[name]; c.status == "True" {
			texts = append(texts, oneLine(c.message))
		}
	}
	if len(texts) == 0 {
		return "its content is being deleted"
	}
	return strings.Join(texts, "; ")
}

func (w *goneWatch) rest() []*doomed {
	list := make([]*doomed, 0, len(w.left))
	for _, d := range w.left {
		list = append(list, d)
	}
	return list
}
