package apply

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/tugops/tug/internal/event"
	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/kubetest"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/plan"
)

// An interrupt sends nothing new, completes what is under way and says what
// was done.
func TestInterruptBetweenWrites(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	yaml := ""
	for i := range 100 {
		yaml += configMap(fmt.Sprint("c", i), "1")
	}
	changes := l.creates(plan.StageConfig, yaml)
	ctx, stop := context.WithCancel(t.Context())
	counted := &counting{Cluster: l.c}
	counted.before = func(object.Ref) error {
		if counted.applies.Load() == 40 {
			stop()
		}
		return nil
	}
	res, err := l.runWith(ctx, counted, changes, Options{})
	wantFault(t, err, fault.Interrupted, "interrupted after ", " created")
	done := res.Count(plan.Create)
	if done < 40 || done > 60 || res.Left() != 100-done {
		t.Errorf("result is %s", res)
	}
	if ends := l.told(event.PhaseFinished); len(ends) > 0 {
		t.Errorf("a phase was stopped, and told as finished: %v", ends)
	}
	list, err := l.c.ListLive(t.Context(), gvkOf(changes[0].Ref, "v1"), l.ns, object.LabelApp)
	if err != nil || len(list) != done || len(l.applied) != done {
		t.Errorf("%d objects, %d journalled, %d done: %v", len(list), len(l.applied), done, err)
	}
}

func TestInterruptWhileWaiting(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	changes := l.creates(plan.StageWorkloads, deployment("web", "lab-hang:1", "1"))
	go func() {
		_, err := l.runWith(ctx, l.c, changes, Options{Wait: true})
		done <- err
	}()
	kubetest.Eventually(t, 20*time.Second, "first reason", func() bool { return len(l.told(event.Waiting)) > 0 })
	stop()
	wantFault(t, <-done, fault.Interrupted, "interrupted after 1 created")
}

// The cause of a stop that is a fault decides its kind: a lost Lease is a
// conflict.
func TestStopWithACause(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	ctx, stop := context.WithCancelCause(t.Context())
	stop(fault.New(fault.Conflict, "the Lease was lost"))
	res, err := l.runWith(ctx, l.c, l.creates(plan.StageConfig, configMap("a", "1")), Options{})
	wantFault(t, err, fault.Conflict, "the Lease was lost")
	if res.Left() != 1 {
		t.Errorf("result is %s", res)
	}
}

func TestUnreachableServerEndsAtTheDeadline(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	down := &counting{Cluster: l.c, before: func(object.Ref) error {
		return fault.New(fault.Unavailable, "connection refused").Hint("look at the server")
	}}
	_, err := l.runWith(t.Context(), down, l.creates(plan.StageConfig, configMap("a", "1")), Options{Timeout: 2 * time.Second})
	wantFault(t, err, fault.Unavailable, "ConfigMap ", "the API server does not answer", "connection refused")
	if n := down.applies.Load(); n < 3 || n > 10 {
		t.Errorf("%d tries", n)
	}
	if hints := fault.HintsOf(err); len(hints) != 1 {
		t.Errorf("hints are %q", hints)
	}
	if len(l.told(event.Waiting)) != 1 {
		t.Errorf("waiting told %q", l.told(event.Waiting))
	}
}

// No goroutine of a run outlives it. Not parallel: others would be counted.
func TestRunLeavesNoGoroutines(t *testing.T) {
	l := newLab(t)
	run := func() {
		ctx, stop := context.WithTimeout(t.Context(), 3*time.Second)
		defer stop()
		_, _ = l.runWith(ctx, l.c, l.creates(plan.StageWorkloads, deployment(kubetest.Name(t), "lab-hang:1", "1")), Options{Wait: true})
	}
	run()
	kubetest.Eventually(t, 10*time.Second, "end of all goroutines of apply", func() bool {
		buf := make([]byte, 1<<20)
		stacks := string(buf[:runtime.Stack(buf, true)])
		return strings.Count(stacks, "internal/apply.(*waiter)") == 0 && !strings.Contains(stacks, "kube.(*watcher)")
	})
}
