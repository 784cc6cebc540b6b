package agent_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tugops/tug/internal/agent"
	"github.com/tugops/tug/internal/deploy"
	"github.com/tugops/tug/internal/event"
	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/inventory"
	"github.com/tugops/tug/internal/kubetest"
)

func kind(group, name string) schema.GroupVersionKind {
	return schema.GroupVersionKind{Group: group, Kind: name}
}

func configMap(name, value string) string {
	return fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\ndata: {v: %q}\n", name, value)
}

// deployment is one whose pods run, or never do (image lab-hang).
func deployment(name, image string) string {
	return fmt.Sprintf(`apiVersion: apps/v1
kind: Deployment
metadata: {name: %[1]s}
spec:
  replicas: 1
  strategy: {type: Recreate}
  selector: {matchLabels: {run: %[1]s}}
  template:
    metadata: {labels: {run: %[1]s}}
    spec: {containers: [{name: main, image: %[2]q}]}
`, name, image)
}

// A commit that touches one app renders and deploys that app.
func TestOneChangeOneRender(t *testing.T) {
	l := newLab(t)
	apps := []app{{name: "a", yaml: configMap("a", "1")}, {name: "b", yaml: configMap("b", "1")}, {name: "c", yaml: configMap("c", "1")}}
	l.push(apps...)
	l.start()
	for _, a := range apps {
		l.waitFor(event.KindDeployed, a.name)
	}
	before := l.agent.Counts()
	apps[1].yaml = configMap("b", "2")
	l.push(apps...)
	f := l.waitFor(event.KindDeployed, "b")
	if f.Commit != fmt.Sprintf("%040d", 2) || f.Release != 2 || f.By != event.ByAgent || f.Cluster != "lab" {
		t.Errorf("told %+v", f)
	}
	after := l.agent.Counts()
	if after.Renders-before.Renders != 1 || after.Syncs-before.Syncs != 1 {
		t.Errorf("%d renders and %d deploys for one change", after.Renders-before.Renders, after.Syncs-before.Syncs)
	}
	if l.data("b", "v") != "2" || l.head("b").Controller != inventory.ControllerAgent {
		t.Error("b is not at the new commit, or not the agent's")
	}
}

// Waits hold no worker: with one worker, an app that hangs delays nobody, nor
// does one that cannot be rendered.
func TestOneAppDelaysNoOther(t *testing.T) {
	l := newLab(t)
	l.push(
		app{name: "a-hangs", yaml: deployment("a-hangs", "lab-hang:1")}, app{name: "b-breaks", yaml: "BROKEN"},
		app{name: "z", yaml: configMap("z", "1")},
	)
	l.start(func(o *agent.Options) { o.Workers = 1 })
	l.waitFor(event.KindDeployed, "z")
	if f := l.waitFor(event.KindFailed, "b-breaks"); !strings.Contains(f.Cause, "the template is broken") {
		t.Errorf("cause: %q", f.Cause)
	}
	if n := l.facts.count(event.KindDeployed, "a-hangs"); n != 0 {
		t.Error("what hangs was told to be deployed")
	}
}

// A newer commit ends a rollout that hangs; the release says so.
func TestNewerCommitPreempts(t *testing.T) {
	l := newLab(t)
	l.push(app{name: "web", yaml: deployment("web", "lab-hang:1")})
	l.start()
	kubetest.Eventually(t, patience, "the rollout", func() bool {
		h, err := l.engine.History(t.Context(), "web", l.ns)
		return err == nil && h.Latest() != nil && h.Latest().Status == inventory.Pending
	})
	l.push(app{name: "web", yaml: deployment("web", "good:2")})
	l.waitFor(event.KindDeployed, "web")
	h := l.head("web")
	if r := h.Release(1); r == nil || r.Status != inventory.Interrupted || !strings.Contains(r.Error, "is newer") {
		t.Errorf("first release: %+v", r)
	}
	if n := l.facts.count(event.KindFailed, "web"); n != 0 {
		t.Errorf("%d failures were told of what was only cut off", n)
	}
}

// Apps wait for those that they depend on, and go on when these are there.
func TestDependsOn(t *testing.T) {
	l := newLab(t)
	l.push(app{name: "a", yaml: configMap("a", "1"), needs: []string{"z"}}, app{name: "z", yaml: "BROKEN"})
	l.start()
	l.waitFor(event.KindFailed, "z")
	l.push(app{name: "a", yaml: configMap("a", "1"), needs: []string{"z"}}, app{name: "z", yaml: configMap("z", "1")})
	l.waitFor(event.KindDeployed, "a")
	if z, a := l.head("z").Latest(), l.head("a").Latest(); a.Started.Before(z.Started) {
		t.Errorf("a began at %s, before z at %s", a.Started, z.Started)
	}
}

// 5.3: tug deploy of an app that the agent has is a conflict; taken over it
// stays as the person wants it until it is given back.
func TestTakeOverAndBack(t *testing.T) {
	l := newLab(t)
	declared := app{name: "web", yaml: configMap("web", "declared")}
	mine := app{name: "web", yaml: configMap("web", "mine")}
	l.push(declared)
	l.start()
	l.waitFor(event.KindDeployed, "web")

	push := func(o deploy.Options) error {
		p, err := l.engine.Plan(t.Context(), l.snap(mine, "mine"), o)
		if err != nil {
			return err
		}
		_, err = l.engine.Execute(t.Context(), p, o)
		return err
	}
	if err := push(deploy.Options{}); !fault.Is(err, fault.Conflict) {
		t.Fatalf("deploy without --take-over: %v", err)
	}
	if err := push(deploy.Options{TakeOver: true}); err != nil {
		t.Fatal(err)
	}
	l.waitFor(event.KindSuspended, "web")
	l.push(app{name: "web", yaml: configMap("web", "newer")}, app{name: "other", yaml: configMap("other", "1")})
	l.waitFor(event.KindDeployed, "other")
	if got := l.data("web", "v"); got != "mine" {
		t.Errorf("the agent wrote %q to a suspended app", got)
	}
	if changed, err := l.engine.Resume(t.Context(), "web", l.ns); err != nil || !changed {
		t.Fatalf("resume: %v, %v", changed, err)
	}
	l.waitFor(event.KindResumed, "web")
	l.waitFor(event.KindDeployed, "web")
	if got := l.data("web", "v"); got != "newer" {
		t.Errorf("after resume: %q", got)
	}
}

// Suspending does not wait for a rollout that hangs.
func TestSuspendEndsRollout(t *testing.T) {
	l := newLab(t)
	l.push(app{name: "web", yaml: configMap("web", "1")})
	l.start()
	l.waitFor(event.KindDeployed, "web")
	l.push(app{name: "web", yaml: deployment("web", "lab-hang:1")})
	kubetest.Eventually(t, patience, "the rollout", func() bool { return l.head("web").Latest().Number == 2 })
	if changed, err := l.engine.Suspend(t.Context(), "web", l.ns); err != nil || !changed {
		t.Fatalf("suspend: %v, %v", changed, err)
	}
	h := l.head("web")
	if h.Controller != inventory.ControllerSuspended || h.Latest().Status != inventory.Interrupted {
		t.Errorf("controller %q, release %s", h.Controller, h.Latest().Status)
	}
	if _, left := h.Annotations[inventory.AnnotationSuspend]; left {
		t.Error("the request was left behind")
	}
	if changed, err := l.engine.Suspend(t.Context(), "web", l.ns); err != nil || changed {
		t.Errorf("suspended twice: %v, %v", changed, err)
	}
}

// 7.1: what the agent must not prune without consent waits for it, and is told
// once; consent through the record lets it go on.
func TestConsent(t *testing.T) {
	l := newLab(t)
	var many strings.Builder
	for i := range 10 {
		many.WriteString("---\n" + configMap(fmt.Sprintf("web-%d", i), "1"))
	}
	l.push(app{name: "web", yaml: many.String()})
	l.start()
	l.waitFor(event.KindDeployed, "web")
	l.push(app{name: "web", yaml: configMap("web-0", "1")})
	f := l.waitFor(event.KindBlocked, "web")
	if f.Plan == "" || !strings.Contains(f.Cause, "needs consent") {
		t.Fatalf("told %+v", f)
	}
	if err := l.engine.Reconcile(t.Context(), "web", l.ns, f.Plan, time.Now()); err != nil {
		t.Fatal(err)
	}
	if f := l.waitFor(event.KindPruned, "web"); len(f.Objects) != 9 {
		t.Errorf("%d objects were pruned", len(f.Objects))
	}
}

// 7.2: an app that is gone from the project is deleted where it said so, and
// stays otherwise.
func TestGone(t *testing.T) {
	l := newLab(t)
	keep := app{name: "keep", yaml: configMap("keep", "1")}
	l.push(app{name: "web", yaml: configMap("web", "1")}, keep)
	l.start()
	l.waitFor(event.KindDeployed, "web")
	l.waitFor(event.KindDeployed, "keep")
	l.push(keep)
	f := l.waitFor(event.KindBlocked, "web")
	if l.data("web", "v") != "1" {
		t.Error("an app went without consent")
	}
	if err := l.engine.Reconcile(t.Context(), "web", l.ns, f.Plan, time.Now()); err != nil {
		t.Fatal(err)
	}
	l.waitFor(event.KindPruned, "web")
	if there, err := l.engine.Deployed(t.Context(), "web", l.ns); err != nil || there {
		t.Errorf("its record is there: %v, %v", there, err)
	}
	if l.data("keep", "v") != "1" {
		t.Error("the other app was touched")
	}
}

// A release that does not become ready is replaced by the last one that was,
// and not tried again until the app changes or somebody asks for it.
func TestRollback(t *testing.T) {
	l := newLab(t)
	auto := func(a *agent.App) { a.Rollback, a.Options.Timeout = true, 2*time.Second }
	other := app{name: "other", yaml: configMap("other", "1")}
	l.push(app{name: "web", yaml: deployment("web", "good:1")}, other)
	l.start()
	l.waitFor(event.KindDeployed, "web")
	bad := app{name: "web", yaml: deployment("web", "lab-hang:2"), change: auto}
	l.push(bad, other)
	l.waitFor(event.KindFailed, "web")
	f := l.waitFor(event.KindRolledBack, "web")
	if f.Commit != fmt.Sprintf("%040d", 2) || !strings.Contains(f.Message, "rollback to 1") {
		t.Errorf("told %+v", f)
	}
	h := l.head("web")
	if h.Quarantine == nil || h.Quarantine.Commit != f.Commit || h.Latest().Status != inventory.Deployed {
		t.Errorf("record: %+v, quarantine %+v", h.Latest(), h.Quarantine)
	}
	// A commit that does not change the app does not bring it back.
	other.yaml = configMap("other", "2")
	l.push(bad, other)
	l.waitFor(event.KindDeployed, "other")
	l.waitFor(event.KindDeployed, "other")
	if n := l.head("web").Latest().Number; n != h.Latest().Number {
		t.Errorf("release %d after %d: the quarantined version came back", n, h.Latest().Number)
	}
	l.push(app{name: "web", yaml: deployment("web", "good:3"), change: func(a *agent.App) { a.Rollback = true }}, other)
	l.waitFor(event.KindDeployed, "web")
	if q := l.head("web").Quarantine; q != nil {
		t.Errorf("quarantine is left: %+v", q)
	}
}

// Reports only: nothing is written.
func TestReportOnly(t *testing.T) {
	l := newLab(t)
	l.push(app{name: "web", yaml: configMap("web", "1"), change: func(a *agent.App) { a.ReportOnly = true }})
	l.start()
	if f := l.waitFor(event.KindBlocked, "web"); !strings.Contains(f.Message, "1 to create") {
		t.Errorf("told %q", f.Message)
	}
	if there, err := l.engine.Deployed(t.Context(), "web", l.ns); err != nil || there {
		t.Errorf("a record was written: %v, %v", there, err)
	}
}

// A repository that cannot be read is told once, and once that it can be
// again; what it said last stands.
func TestSourceFails(t *testing.T) {
	l := newLab(t)
	l.push(app{name: "web", yaml: configMap("web", "1")})
	l.start()
	l.waitFor(event.KindDeployed, "web")
	l.repo.fail(errors.New("no route to host"))
	l.push(app{name: "web", yaml: configMap("web", "2")})
	if f := l.waitFor(event.KindSourceFailed, ""); !strings.Contains(f.Cause, "no route") {
		t.Errorf("cause: %q", f.Cause)
	}
	l.agent.Hint(l.repo.Name())
	l.repo.fail(nil)
	l.agent.Hint(l.repo.Name())
	l.waitFor(event.KindSourceReady, "")
	l.waitFor(event.KindDeployed, "web")
	if n := l.facts.count(event.KindSourceFailed, ""); n != 1 {
		t.Errorf("told %d times", n)
	}
}
