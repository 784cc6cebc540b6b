package apply

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/kubetest"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/plan"
)

// edit sets one key of a ConfigMap as another manager.
func edit(l *lab, manager, name, key, value string) {
	l.t.Helper()
	ref := object.Ref{Kind: "ConfigMap", Namespace: l.ns, Name: name}
	kubetest.As(l.t, manager).In(l.ns).Merge(ref, `{"data":{"`+key+`":"`+value+`"}}`)
}

// A 409 because of fields of others is repeated without a new decision
// (cluster-semantics.md 5.2).
func TestConflictOutsideOurFieldsRepeats(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.must(l.creates(plan.StageConfig, configMap("a", "1")), Options{})
	changes := l.updates(plan.StageConfig, configMap("a", "2"))
	edit(l, "controller", "a", "status", "busy")
	asked := atomic.Int64{}
	res := l.must(changes, Options{Replan: func(_ context.Context, c plan.Change) (plan.Change, error) {
		asked.Add(1)
		return c, nil
	}})
	if asked.Load() != 0 {
		t.Error("the object was decided again although our fields did not change")
	}
	if res.Outcomes[0].Tries != 2 {
		t.Errorf("%d tries, want 2", res.Outcomes[0].Tries)
	}
}

// A 409 because somebody changed our field is decided again
// (cluster-semantics.md 5.2).
func TestConflictInOurFieldsIsDecidedAgain(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.must(l.creates(plan.StageConfig, configMap("a", "1")), Options{})
	changes := l.updates(plan.StageConfig, configMap("a", "2"))
	edit(l, "kubectl-edit", "a", "x", "mine")

	_, err := l.run(changes, Options{})
	wantFault(t, err, fault.Conflict, "other managers own data.x (kubectl-edit)")

	res := l.must(changes, Options{Replan: func(_ context.Context, c plan.Change) (plan.Change, error) {
		live := l.live(c.Ref, c.Version)
		c.UID, c.ResourceVersion, c.Force = live.UID, live.ResourceVersion, true
		return c, nil
	}})
	if got := res.String(); got != "0 created, 1 updated, 0 deleted" {
		t.Errorf("result is %q", got)
	}
}

func TestConflictEndsAfterSomeDecisions(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.must(l.creates(plan.StageConfig, configMap("a", "1")), Options{})
	changes := l.updates(plan.StageConfig, configMap("a", "2"))
	edit(l, "kubectl-edit", "a", "x", "mine")
	changes[0].Force = true
	_, err := l.run(changes, Options{Replan: func(_ context.Context, c plan.Change) (plan.Change, error) {
		return c, nil // keeps the old preconditions
	}})
	wantFault(t, err, fault.Conflict, "changed by others")
}

func TestReplanMayKeep(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.must(l.creates(plan.StageConfig, configMap("a", "1")), Options{})
	changes := l.updates(plan.StageConfig, configMap("a", "2"))
	edit(l, "kubectl-edit", "a", "x", "2")
	res := l.must(changes, Options{Replan: func(_ context.Context, c plan.Change) (plan.Change, error) {
		c.Action = plan.Keep
		return c, nil
	}})
	if res.Outcomes[0].State != Unchanged || len(l.applied) != 1 {
		t.Errorf("outcome is %+v", res.Outcomes[0])
	}
}

// An object that came to be between plan and create is not taken over: the
// create is fenced by a resource version that no object has.
func TestCreateOfAnExistingObjectIsRefused(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	changes := l.creates(plan.StageConfig, configMap("a", "1"))
	kubetest.Apply(t, l.ns, configMap("a", "theirs"))
	_, err := l.run(changes, Options{})
	wantFault(t, err, fault.Exists, "was created by somebody else")
	if got := kubetest.As(t, "test").Get(changes[0].Ref); got.Label(object.LabelApp) != "" {
		t.Errorf("foreign object was labelled: %v", got.Fields)
	}
}

// Two apps that create the same object at once: one wins, the other is told
// by whom (cluster-semantics.md 2.2). Both use the one field manager, so the
// server sees no conflict by itself.
func TestCreateNeverTakesFromAnotherApp(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	theirs := l.objects(configMap("a", "1"))[0]
	theirs.SetLabel(object.LabelApp, object.AppHash("other/app"))
	theirs.SetAnnotation(object.AnnotationOwner, "other/app")
	changes := l.creates(plan.StageConfig, configMap("a", "1"))
	if _, err := l.c.Apply(t.Context(), theirs, object.Write{}); err != nil {
		t.Fatal(err)
	}
	_, err := l.run(changes, Options{})
	wantFault(t, err, fault.Conflict, "not ours: it belongs to other/app")
}

// A create whose answer was lost is found by our label and goes on.
func TestCreateGoesOnAfterALostAnswer(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	changes := l.creates(plan.StageConfig, configMap("a", "1"))
	if _, err := l.c.Apply(t.Context(), changes[0].Desired, object.Write{}); err != nil {
		t.Fatal(err)
	}
	res := l.must(changes, Options{})
	if res.Count(plan.Create) != 1 {
		t.Errorf("result is %s", res)
	}
}

// Applying with the UID of a deleted object is refused, not re-created
// (cluster-semantics.md 5.2, 11).
func TestUpdateOfADeletedObject(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	created := l.creates(plan.StageConfig, configMap("a", "1"))
	l.must(created, Options{})
	changes := l.updates(plan.StageConfig, configMap("a", "2"))
	kubetest.As(t, "kubectl").In(l.ns).Delete(changes[0].Ref)
	_, err := l.run(changes, Options{})
	wantFault(t, err, fault.Conflict, "was deleted after the plan was made")
	if l.exists(changes[0]) {
		t.Error("the object was created again")
	}
}

func TestUpdateOfAReplacedObject(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.must(l.creates(plan.StageConfig, configMap("a", "1")), Options{})
	changes := l.updates(plan.StageConfig, configMap("a", "2"))
	changes[0].Force = true
	person := kubetest.As(t, "kubectl").In(l.ns)
	person.Delete(changes[0].Ref)
	person.Create(configMap("a", "new"))
	_, err := l.run(changes, Options{})
	wantFault(t, err, fault.Conflict, "was changed after the plan was made")
}

// Stripped managers no longer co-own fields, so that a later removal takes
// effect (cluster-semantics.md 11).
func TestStripLetsRemovalsHappen(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.must(l.creates(plan.StageConfig, configMap("a", "1")), Options{})
	edit(l, "kubectl-edit", "a", "k", "1")
	changes := l.updates(plan.StageConfig, strings.Replace(configMap("a", "1"), "\ndata: {", "\ndata: {k: \"1\", ", 1))
	changes[0].Strip = []string{"kubectl-edit"}
	l.must(changes, Options{})
	l.must(l.updates(plan.StageConfig, configMap("a", "1")), Options{})
	data := mapAt(kubetest.As(t, "test").Get(changes[0].Ref).Fields, "data")
	if _, still := data["k"]; still {
		t.Errorf("data is %v, want no k", data)
	}
}
