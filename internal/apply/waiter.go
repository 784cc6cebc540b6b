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
	"github.com/tugops/tug/internal/health"
	"github.com/tugops/tug/internal/object"
)

// reasonTimeout bounds the search for the reason of one failure.
const reasonTimeout = 10 * time.Second

// maxListed is the number of objects that a message names at all.
const maxListed = 10

// waiter is one wait. Its watches call seen; all state is behind mu.
type waiter struct {
	r       *run
	judge   health.Checker
	words   waitWords
	groups  map[watchKey][]*waiting
	watches sync.WaitGroup

	mu      sync.Mutex
	states  map[object.Ref]*waiting
	pending int
	err     error // of a watch
	over    chan struct{}
	ended   bool
}

// waiting is what is known of one target.
type waiting struct {
	target Target
	seen   bool
	object *object.Object // as last seen; nil once it is ready
	state  health.State
	reason string
	pod    string // what a pod of it says, while it is not ready
	told   string // the last message that was emitted
}

func newWaiter(r *run, targets []Target, judge health.Checker, words waitWords) *waiter {
	w := &waiter{
		r: r, judge: judge, words: words,
		groups: map[watchKey][]*waiting{}, states: map[object.Ref]*waiting{}, over: make(chan struct{}),
	}
	for _, t := range targets {
		if w.states[t.Ref] != nil {
			continue
		}
		s := &waiting{target: t, state: health.Progressing, reason: "not seen yet"}
		key := watchKey{gvkOf(t.Ref, t.Version), t.Ref.Namespace}
		w.groups[key] = append(w.groups[key], s)
		w.states[t.Ref] = s
		w.pending++
	}
	return w
}

// start opens one watch per kind and namespace, selected by the owner label.
func (w *waiter) start(ctx context.Context) {
	selector := object.LabelApp + "=" + w.r.hash
	for key, group := range w.groups {
		w.watches.Go(func() {
			err := w.r.c.Watch(ctx, key.gvk, key.namespace, selector, func(c object.Change) bool {
				return w.change(ctx, key, group, c)
			})
			if err != nil && ctx.Err() == nil {
				w.broken(err)
			}
		})
	}
	if w.words.pods {
		w.startPods(ctx)
	}
}

// change handles one event of one watch; false ends it.
func (w *waiter) change(ctx context.Context, key watchKey, group []*waiting, c object.Change) bool {
	if c.Synced {
		for _, s := range group {
			if w.unseen(s) {
				w.missing(ctx, key, s)
			}
		}
		return ctx.Err() == nil
	}
	w.mu.Lock()
	s := w.states[c.Object.Ref()]
	w.mu.Unlock()
	switch {
	case s == nil:
	case c.Deleted:
		w.judged(s, c.Object)
		w.missing(ctx, key, s)
	default:
		w.judged(s, c.Object)
	}
	return ctx.Err() == nil
}

func (w *waiter) unseen(s *waiting) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !s.seen
}

// missing decides about a target that the watch does not show (any more):
// deleted, or without our label.
func (w *waiter) missing(ctx context.Context, key watchKey, s *waiting) {
	o, err := w.r.c.Get(ctx, key.gvk, key.namespace, s.target.Ref.Name)
	switch {
	case err == nil && s.target.UID != "" && o.UID() != s.target.UID:
		w.set(s, health.Failed, "was replaced by somebody else while tug waited for it")
	case err == nil:
		w.judged(s, o)
	case fault.Is(err, fault.NotFound) && s.target.Brief:
		w.set(s, health.Ready, "")
	case fault.Is(err, fault.NotFound) && w.stateOf(s) != health.Ready:
		w.set(s, health.Failed, "was deleted by somebody else while tug waited for it")
	case fault.Is(err, fault.NotFound):
		// It was ready before it went: a Job that cleaned up after itself.
		if s.target.Ref.Kind != "Job" && s.target.Ref.Kind != "Pod" {
			w.set(s, health.Failed, "was deleted by somebody else while tug waited for it")
		}
	case ctx.Err() == nil:
		w.broken(err)
	}
}

func (w *waiter) stateOf(s *waiting) health.State {
	w.mu.Lock()
	defer w.mu.Unlock()
	return s.state
}

// judged takes over what o says of its target.
func (w *waiter) judged(s *waiting, o *object.Object) {
	w.mu.Lock()
	s.object, s.seen = o, true
	w.mu.Unlock()
	switch {
	case s.target.UID != "" && o.UID() != s.target.UID:
		w.set(s, health.Failed, "was replaced by somebody else while tug waited for it")
	case generationOf(o) < s.target.Generation:
		w.set(s, health.Progressing, "the change was not seen yet")
	default:
		status := w.judge(o)
		w.set(s, status.State, status.Reason)
	}
}

// set moves one target and ends the wait when nothing is pending, or when one
// failed for good.
func (w *waiter) set(s *waiting, state health.State, reason string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended {
		return
	}
	was := s.state
	s.state, s.reason = state, reason
	if state == health.Ready {
		s.object = nil
	}
	if was == health.Ready && state != health.Ready {
		w.pending++
	}
	if was != health.Ready && state == health.Ready {
		w.pending--
		s.told, s.pod = "", ""
		w.r.emit(event.Event{Type: event.Ready, Ref: s.target.Ref, Done: len(w.states) - w.pending, Total: len(w.states)})
	}
	w.tell(s)
	if w.pending == 0 || state == health.Failed {
		w.end()
	}
}

// tell emits what a target waits for when that changed. mu is held.
func (w *waiter) tell(s *waiting) {
	if s.state != health.Progressing && s.state != health.Terminating {
		return
	}
	text := s.reason
	if s.pod != "" {
		text = strings.TrimPrefix(text+"; "+s.pod, "; ")
	}
	if text == "" || text == s.told {
		return
	}
	s.told = text
	w.r.emit(event.Event{Type: event.Waiting, Ref: s.target.Ref, Message: text,
		Done: len(w.states) - w.pending, Total: len(w.states)})
}

// broken ends the wait with the error of a watch.
func (w *waiter) broken(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		w.err = err
	}
	w.end()
}

// end closes over once. mu is held.
func (w *waiter) end() {
	if !w.ended {
		w.ended = true
		close(w.over)
	}
}

// in lists the targets in one state, sorted. mu is held.
func (w *waiter) in(state health.State) []*waiting {
	var list []*waiting
	for _, s := range w.states {
		if s.state == state {
			list = append(list, s)
		}
	}
	slices.SortFunc(list, func(a, b *waiting) int { return a.target.Ref.Compare(b.target.Ref) })
	return list
}

// summary joins texts about single objects into one fault.
func summary(texts []string, total int, verb string) *fault.Error {
	if len(texts) == 1 {
		return fault.New(fault.NotReady, "%s", texts[0])
	}
	n := len(texts)
	if n > maxListed {
		texts = append(texts[:maxListed:maxListed], fmt.Sprintf("and %d more", n-maxListed))
	}
	return fault.New(fault.NotReady, "%d of %d objects are not %s:\n%s", n, total, verb, indent(texts))
}

func generationOf(o *object.Object) int64 {
	g, _ := o.Meta()["generation"].(int64)
	return g
}
