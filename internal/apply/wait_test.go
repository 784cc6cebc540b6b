package apply

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tugops/tug/internal/event"
	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/kubetest"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/plan"
)

func TestWaitUntilReady(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.must(l.creates(plan.StageWorkloads, deployment("web", "web:1", "2")+deployment("api", "api:1", "0")), Options{Wait: true})
	for _, name := range []string{"web", "api"} {
		ref := object.Ref{Group: "apps", Kind: "Deployment", Namespace: l.ns, Name: name}
		if why := Why(t.Context(), l.c, ref, gvkOf(ref, "v1")); why != "" {
			t.Errorf("%s is not ready after the wait: %s", name, why)
		}
	}
	if len(l.told(event.Ready)) != 2 {
		t.Errorf("events are %+v", l.events)
	}
}

// On failure the reason is in the message: pod events, container states, last
// log lines (cluster-semantics.md 8.3).
func TestWaitSaysWhy(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		yaml string
		want []string
	}{
		"missing image": {deployment("web", "registry.example/lab-missing:1", "1"), []string{
			"container main: image registry.example/lab-missing:1 cannot be pulled: ", "ImagePull", "event: Failed"}},
		"crash": {deployment("web", "lab-crash:1", "1"), []string{
			"container main: crashes again and again: ended with exit code 1", "(image lab-crash:1)", "log: lab: serving"}},
		"hang": {deployment("web", "lab-hang:1", "1"), []string{"runs, but is not ready (image lab-hang:1)"}},
		"unschedulable": {strings.Replace(deployment("web", "web:1", "1"), "spec:\n      term",
			"spec:\n      nodeSelector: {no: such}\n      term", 1), []string{"no node takes it"}},
		"no pods": {strings.Replace(deployment("web", "web:1", "1"), "spec:\n      term",
			"spec:\n      serviceAccountName: absent\n      term", 1), []string{"FailedCreate", `"absent" not found`}},
		"stateful set": {`apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  selector: {matchLabels: {run: db}}
  serviceName: db
  template:
    metadata: {labels: {run: db}}
    spec: {containers: [{name: main, image: "lab-missing:2"}]}
`, []string{"pod db-0, container main: image lab-missing:2 cannot be pulled"}},
		"init container": {strings.Replace(deployment("web", "web:1", "1"), "containers: [",
			"initContainers: [{name: first, image: lab-missing:1}]\n      containers: [", 1), []string{"container first: image lab-missing:1 cannot"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t)
			changes := l.creates(plan.StageWorkloads, tc.yaml)
			l.must(changes, Options{})
			ref := changes[0].Ref
			why := ""
			t.Cleanup(func() {
				if t.Failed() {
					t.Log(why)
				}
			})
			kubetest.Eventually(t, time.Minute, "reason", func() bool {
				why = Why(t.Context(), l.c, ref, gvkOf(ref, "v1"))
				return !slices.ContainsFunc(tc.want, func(part string) bool { return !strings.Contains(why, part) })
			})
			target := Target{Ref: ref, Version: "v1", Source: changes[0].Source}
			err := Wait(t.Context(), l.c, l.ns, app, []Target{target}, Options{Timeout: 4 * time.Second})
			wantFault(t, err, fault.NotReady, append(tc.want, "templates/all.yaml:7: "+ref.String()+" is not ready after 4s")...)
			if hints := strings.Join(fault.HintsOf(err), "\n"); !strings.Contains(hints, "tug logs -a shop -n ") || !strings.Contains(hints, "--wait-timeout") {
				t.Errorf("hints are %q", hints)
			}
		})
	}
}

// While tug waits, the reason that pods give is shown already.
func TestWaitTellsTheReasonWhileWaiting(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	changes := l.creates(plan.StageWorkloads, deployment("web", "lab-missing:1", "1"))
	go func() {
		_, err := l.runWith(ctx, l.c, changes, Options{Wait: true})
		done <- err
	}()
	kubetest.Eventually(t, 50*time.Second, "reason of the pod", func() bool { return l.tells(event.Waiting, "lab-missing:1") })
	stop()
	wantFault(t, <-done, fault.Interrupted)
	last := ""
	for _, text := range l.told(event.Waiting) {
		if text == last {
			t.Errorf("told twice: %q", text)
		}
		last = text
	}
}

func TestWaitEndsAtOnceWhenAJobFailed(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	begin := time.Now()
	_, err := l.run(l.creates(plan.StageWorkloads, job("migrate", "lab-fail:1", "")), Options{Wait: true})
	wantFault(t, err, fault.NotReady, "Job ", "/migrate failed", "log: lab: serving")
	if took := time.Since(begin); took > 30*time.Second {
		t.Errorf("took %s", took)
	}
}

func TestWaitEndsAtOnceWhenAnObjectGoes(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	changes := l.creates(plan.StageWorkloads, deployment("web", "lab-hang:1", "1"))
	done := make(chan error, 1)
	go func() {
		_, err := l.run(changes, Options{Wait: true})
		done <- err
	}()
	kubetest.Eventually(t, 20*time.Second, "first reason", func() bool { return len(l.told(event.Waiting)) > 0 })
	kubetest.As(t, "kubectl").In(l.ns).Delete(changes[0].Ref)
	wantFault(t, <-done, fault.NotReady, "was deleted by somebody else")
}

// A Job that removes itself when it is done counts as ready.
func TestWaitForAJobThatRemovesItself(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	yaml := strings.Replace(job("once", "once:1", ""), "spec:\n", "spec:\n  ttlSecondsAfterFinished: 0\n", 1)
	l.must(l.creates(plan.StageWorkloads, yaml), Options{Wait: true})
}

func TestNoWaitDoesNotWait(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.must(l.creates(plan.StageWorkloads, deployment("web", "lab-hang:1", "1")), Options{})
}

// Objects of an earlier release that failed are waited for too.
func TestWaitForObjectsOutsideThePlan(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.must(l.creates(plan.StageWorkloads, deployment("web", "lab-missing:1", "1")), Options{})
	ref := object.Ref{Group: "apps", Kind: "Deployment", Namespace: l.ns, Name: "web"}
	also := []Target{{Ref: ref, Version: "apps/v1"}}
	_, err := l.run(l.creates(plan.StageConfig, configMap("a", "1")), Options{Wait: true, Also: also, Timeout: 3 * time.Second})
	wantFault(t, err, fault.NotReady, "/web is not ready")

	err = Wait(t.Context(), l.c, l.ns, app, also, Options{Timeout: time.Second})
	wantFault(t, err, fault.NotReady, "/web is not ready after 1s")
	if why := Why(t.Context(), l.c, ref, gvkOf(ref, "v1")); !strings.Contains(why, "lab-missing:1") {
		t.Errorf("why is %q", why)
	}
}

// One watch covers all objects of a kind and namespace.
func TestWaitNamesManyObjects(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	yaml := ""
	for _, c := range "abcdefghijkl" {
		yaml += deployment("d-"+string(c), "lab-hang:1", "1")
	}
	counted := &counting{Cluster: l.c}
	_, err := l.runWith(t.Context(), counted, l.creates(plan.StageWorkloads, yaml), Options{Wait: true, Timeout: 5 * time.Second})
	wantFault(t, err, fault.NotReady, "12 of 12 objects are not ready", "and 2 more")
	if n := counted.watches.Load(); n > 2 {
		t.Errorf("%d watches, want one for Deployments and one for their pods", n)
	}
}
