package apply

import (
	"slices"
	"testing"
	"time"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/kubetest"
	"github.com/tugops/tug/internal/plan"
)

// hook turns creates into runs of hooks.
func hook(list []plan.Change, weight int, policies ...string) []plan.Change {
	for i := range list {
		list[i].Action = plan.Run
		list[i].Wave = weight
		list[i].Hook = &plan.Hook{Events: []string{"pre-install"}, Weight: weight, Delete: policies}
	}
	return list
}

// Hooks are barriers: each weight completes before the next, all of them
// before the configuration (cluster-semantics.md 8.2).
func TestHooksRunInOrder(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	second := hook(l.creates(plan.StagePreHooks, job("second", "hook:1", "")), 5)
	first := hook(l.creates(plan.StagePreHooks, job("first", "hook:1", "")), -5)
	needs := hook(l.creates(plan.StagePreHooks, configMap("needs", "1")), -5)
	config := l.creates(plan.StageConfig, configMap("config", "1"))
	res := l.must(slices.Concat(config, second, first, needs), Options{})
	if got := res.String(); got != "1 created, 0 updated, 0 deleted, 3 hooks run" {
		t.Errorf("result is %q", got)
	}
	var order []string
	for _, e := range l.events {
		if e.Type == "applied" || e.Type == "ready" {
			order = append(order, string(e.Type)+" "+e.Ref.Name)
		}
	}
	want := []string{"applied needs", "applied first", "ready first", "applied second", "ready second", "applied config"}
	if !slices.Equal(order, want) {
		t.Errorf("order is %q, want %q", order, want)
	}
	if len(l.applied) != 1 {
		t.Errorf("hooks were journalled: %v", l.applied)
	}
	// By default the next run replaces them.
	uid := l.live(first[0].Ref, "batch/v1").UID
	l.must(first, Options{})
	if l.live(first[0].Ref, "batch/v1").UID == uid {
		t.Error("the hook did not run again")
	}
}

// A hook that fails stops the run with its reason, and nothing is applied
// after it.
func TestFailedHookStops(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	bad := hook(l.creates(plan.StagePreHooks, job("bad", "lab-fail:1", "")), 0, "before-hook-creation", "hook-failed")
	good := hook(l.creates(plan.StagePreHooks, job("good", "hook:1", "")), -1, "hook-succeeded")
	config := l.creates(plan.StageConfig, configMap("config", "1"))
	res, err := l.run(slices.Concat(good, bad, config), Options{Wait: true})
	wantFault(t, err, fault.NotReady, "templates/all.yaml:7: Job ", "/bad failed", "BackoffLimitExceeded", "log: lab: serving")
	if l.exists(config[0]) {
		t.Error("configuration was applied after a failed hook")
	}
	if got := res.String(); got != "0 created, 0 updated, 0 deleted, 1 hook run, 2 not done" {
		t.Errorf("result is %q", got)
	}
	gone := func() bool { return !l.exists(bad[0]) && !l.exists(good[0]) }
	kubetest.Eventually(t, 10*time.Second, "hooks deleted by their policies", gone)
}

func TestHookPolicies(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	kept := hook(l.creates(plan.StagePreHooks, job("kept", "hook:1", "")), 0, "before-hook-creation")
	gone := hook(l.creates(plan.StagePreHooks, job("gone", "hook:1", "")), 0, "hook-succeeded")
	l.must(slices.Concat(kept, gone), Options{})
	if !l.exists(kept[0]) {
		t.Error("a hook without hook-succeeded was deleted")
	}
	kubetest.Eventually(t, 10*time.Second, "hook-succeeded deletes", func() bool { return !l.exists(gone[0]) })

	failed := hook(l.creates(plan.StagePreHooks, job("failed", "lab-fail:1", "")), 0, "hook-succeeded")
	if _, err := l.run(failed, Options{}); err == nil {
		t.Fatal("the failed hook went unnoticed")
	}
	if !l.exists(failed[0]) {
		t.Error("a failed hook without hook-failed was deleted")
	}
	_, err := l.run(failed, Options{})
	wantFault(t, err, fault.Exists, "exists already")
}

// Hook objects of others are neither deleted nor replaced.
func TestHookOfAnotherOwner(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	kubetest.Apply(t, l.ns, job("migrate", "hook:1", ""))
	mine := hook(l.creates(plan.StagePreHooks, job("migrate", "hook:1", "")), 0)
	_, err := l.run(mine, Options{})
	wantFault(t, err, fault.Conflict, "/migrate: not ours: it carries no mark")
	if !l.exists(mine[0]) {
		t.Error("a foreign Job was deleted")
	}
}

func TestHookPod(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	pod := func(name, image string) []plan.Change {
		return hook(l.creates(plan.StagePostHooks, `apiVersion: v1
kind: Pod
metadata: {name: `+name+`}
spec:
  restartPolicy: Never
  containers: [{name: main, image: "`+image+`"}]
`), 0)
	}
	l.must(pod("good", "hook:1"), Options{})
	_, err := l.run(pod("bad", "lab-fail:1"), Options{})
	wantFault(t, err, fault.NotReady, "/bad failed", "container main: ended with exit code 1", "(image lab-fail:1)")
	_, err = l.run(pod("missing", "lab-missing:1"), Options{Timeout: 4 * time.Second})
	wantFault(t, err, fault.NotReady, "/missing is not complete after 4s", "lab-missing:1")
}
