package apply

import (
	"slices"
	"strings"
	"testing"

	"github.com/tugops/tug/internal/event"
	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/plan"
)

func TestRunCreatesUpdatesDrops(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	res := l.must(l.creates(plan.StageConfig, configMap("a", "1")+configMap("b", "1")), Options{Wait: true})
	if got := res.String(); got != "2 created, 0 updated, 0 deleted" {
		t.Errorf("result is %q", got)
	}
	changes := l.updates(plan.StageConfig, configMap("a", "2"))
	changes[0].Applied = "hash of 2"
	dropped := object.Ref{Kind: "ConfigMap", Namespace: l.ns, Name: "old"}
	handed := object.Ref{Kind: "ConfigMap", Namespace: l.ns, Name: "handed"}
	changes = append(changes, plan.Change{Action: plan.Drop, Ref: dropped, Stage: plan.StagePrune},
		plan.Change{Action: plan.Drop, Ref: handed, Stage: plan.StagePrune, HandedTo: "other/app"})
	res = l.must(changes, Options{Wait: true})
	if got := res.String(); got != "0 created, 1 updated, 0 deleted, 2 released" {
		t.Errorf("result is %q", got)
	}
	live := l.live(changes[0].Ref, "v1")
	item := l.applied[changes[0].Ref]
	if item.UID != live.UID || item.Applied != "hash of 2" || item.Entry != object.EntryHash(live.Managers) || item.Entry == "" {
		t.Errorf("journal has %+v, live is %+v", item, live)
	}
	if !slices.Equal(l.deleted, []object.Ref{dropped}) {
		t.Errorf("journal forgot %v, want only %v", l.deleted, dropped)
	}
}

// A failed object does not cancel the others of its stage, and stops the
// stages after it (cluster-semantics.md 8.1).
func TestRunFailureEndsAfterItsStage(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	bad := ""
	for _, name := range []string{"b1", "b2", "b3", "b4"} {
		bad += "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + name + "}\ndata: {x: 1}\n---\n"
	}
	changes := slices.Concat(
		l.creates(plan.StageConfig, bad+configMap("good", "1")),
		l.creates(plan.StageWorkloads, configMap("later", "1")))
	res, err := l.run(changes, Options{Wait: true})
	wantFault(t, err, fault.Invalid, "4 objects failed", "templates/all.yaml:7: ", "ConfigMap "+l.ns+"/b1", "and 1 more")
	if strings.Contains(err.Error(), "/b4") {
		t.Errorf("error spells out more than three: %v", err)
	}
	if !l.exists(changes[4]) {
		t.Error("the good object of the stage was not applied")
	}
	if l.exists(changes[5]) {
		t.Error("a later stage was applied")
	}
	if got := res.String(); got != "1 created, 0 updated, 0 deleted, 5 not done" {
		t.Errorf("result is %q", got)
	}
	if n := len(l.told(event.Failed)); n != 4 {
		t.Errorf("%d failures were told, want 4", n)
	}
	if len(l.applied) != 1 {
		t.Errorf("journal has %v", l.applied)
	}
}

func TestRunReportsAFieldConflict(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.must(l.creates(plan.StageConfig, configMap("a", "1")), Options{})
	edit(l, "flux", "a", "k", "theirs")
	changes := l.updates(plan.StageConfig, strings.Replace(configMap("a", "1"), "\ndata: {", "\ndata: {k: ours, ", 1))
	_, err := l.run(changes, Options{})
	wantFault(t, err, fault.Conflict, "ConfigMap "+l.ns+"/a", "data.k", "flux")

	changes = l.updates(plan.StageConfig, strings.Replace(configMap("a", "1"), "\ndata: {", "\ndata: {k: ours, ", 1))
	changes[0].Force = true
	l.must(changes, Options{})
}
