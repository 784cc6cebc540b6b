package apply

import (
	"context"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tugops/tug/internal/event"
	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/health"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/plan"
)

// Target is one object that has to become ready.
type Target struct {
	Ref     object.Ref
	Version string
	// UID, when set, is that of the object meant: one of the same name with
	// another UID means that it was replaced.
	UID string
	// Generation is the lowest metadata.generation to judge: what is older is
	// the state before the apply.
	Generation int64
	// Group is that of its change (plan.Change.Group): later groups are not
	// applied before it is ready.
	Group int
	// Brief says that the object may vanish by itself once it is finished.
	Brief  bool
	Source object.Source
}

// Wait waits until all targets of an app are ready. It is the wait of Run for
// callers that apply nothing; of o it uses Timeout and Sink. It watches once
// per kind and namespace, whatever the number of targets.
func Wait(ctx context.Context, c Cluster, namespace, app string, targets []Target, o Options) error {
	r := newRun(c, &plan.Plan{Namespace: namespace, App: app}, o.withDefaults(), time.Now())
	err := r.await(ctx, targets, health.Of, readyWords(app, namespace))
	if isStopped(err) {
		return interrupted(ctx, "waiting")
	}
	return err
}

// waitReady is StageWait: everything applied in this run, and Options.Also.
func (r *run) waitReady(ctx context.Context) error {
	return r.await(ctx, r.waitingFor(), health.Of, readyWords(r.p.App, r.p.Namespace))
}

// waitingFor are the targets of the groups so far.
func (r *run) waitingFor() []Target {
	r.mu.Lock()
	defer r.mu.Unlock()
	targets := make([]Target, 0, len(r.targets))
	for _, t := range r.targets {
		if t.Group <= r.upTo {
			targets = append(targets, t)
		}
	}
	return targets
}

// waitWords are how the faults of one wait are put.
type waitWords struct {
	verb  string // "ready", "complete"
	hints []string
	slow  string // hint on timeout only
	pods  bool   // look at pods while waiting and for reasons
}

func readyWords(app, namespace string) waitWords {
	of := " -a " + app + " -n " + namespace + "`"
	back := "go back to the last release with `tug rollback" + of + ", or remove a first one with `tug delete" + of
	return waitWords{
		verb:  "ready",
		hints: []string{"read the logs with `tug logs" + of, back},
		slow:  "give it more time with --wait-timeout",
		pods:  true,
	}
}

// await watches targets until judge finds all of them ready at the same time,
// one failed for good, the run's deadline passed, or ctx ended.
func (r *run) await(ctx context.Context, targets []Target, judge health.Checker, words waitWords) error {
	w := newWaiter(r, targets, judge, words)
	if w.pending == 0 {
		return nil
	}
	wctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w.start(wctx)
	resume := r.o.Rest()
	timer := time.NewTimer(time.Until(r.deadline))
	defer timer.Stop()
	late := false
	select {
	case <-w.over:
	case <-timer.C:
		late = true
	case <-ctx.Done():
	}
	cancel()
	w.watches.Wait()
	resume()
	return w.verdict(ctx, late)
}

// watchKey names one watch.
type watchKey struct {
	gvk       schema.GroupVersionKind
	namespace string
}

// watched reports whether objects of a kind can be other than ready.
func watched(gk schema.GroupKind) bool { return health.NeedsWatch(gk) }

// verdict is the error of a wait that ended.
func (w *waiter) verdict(ctx context.Context, late bool) error {
	w.mu.Lock()
	bad, pending, err := w.in(health.Failed), w.in(health.Progressing), w.err
	pending = append(pending, w.in(health.Terminating)...)
	w.mu.Unlock()
	switch {
	case len(bad) == 0 && len(pending) == 0:
		return nil
	case len(bad) > 0:
		return w.fault(ctx, bad, "failed")
	case ctx.Err() != nil:
		return errStopped
	case err != nil:
		return fault.New(fault.KindOf(err), "wait: %w", err)
	case late:
		f := w.fault(ctx, pending, "is not "+w.words.verb+" after "+w.r.o.Timeout.String())
		if w.words.slow != "" {
			f.Hint("%s", w.words.slow)
		}
		return f
	}
	return fault.New(fault.Internal, "the watch ended before everything was %s", w.words.verb)
}

// fault says what is wrong with each of the objects: the first few with all
// that can be found out, the others in one line each.
func (w *waiter) fault(ctx context.Context, list []*waiting, how string) *fault.Error {
	texts := make([]string, len(list))
	each(shown, len(list), func(i int) {
		s := list[i]
		text := strings.TrimSuffix(how+": "+s.reason, ": ")
		var more []string
		if i < shown && w.words.pods {
			more = w.details(ctx, s)
		}
		w.r.emit(event.Event{Type: event.Failed, Ref: s.target.Ref, Message: strings.Join(append([]string{text}, more[:min(1, len(more))]...), "; ")})
		texts[i] = s.target.Ref.String() + " " + text
		if len(more) > 0 {
			texts[i] += "\n" + indent(more)
		}
		if src := s.target.Source.String(); src != "" {
			texts[i] = src + ": " + texts[i]
		}
	})
	f := summary(texts, len(w.states), w.words.verb)
	f.Hints = append(f.Hints, w.words.hints...)
	return f
}

// details looks for the reason also when ctx has ended, for a bounded time.
func (w *waiter) details(ctx context.Context, s *waiting) []string {
	rctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), reasonTimeout)
	defer cancel()
	o := s.object
	if o == nil {
		t := s.target
		// Without the object there is nothing to tell about it.
		o, _ = w.r.c.Get(rctx, gvkOf(t.Ref, t.Version), t.Ref.Namespace, t.Ref.Name)
	}
	return details(rctx, w.r.c, o)
}
