package deploy_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/inventory"
)

func TestDeployChangeRollbackDelete(t *testing.T) {
	l := newLab(t)
	first := l.snap("shop", configMap("settings"), deployment("web", "registry.example/web:1", 2), configMap("old"))
	first.Revision.Message = "first"
	out := l.deploy(first)
	if out.Release.Status != inventory.Deployed || out.Release.Changes != "3 created, 0 updated, 0 deleted" {
		t.Errorf("first release: %+v", out.Release)
	}
	if diff := cmp.Diff(*l.record("shop").Head.Latest(), out.Release); diff != "" {
		t.Errorf("the outcome is not what was recorded (-record +outcome):\n%s", diff)
	}
	second := l.snap("shop", configMap("settings"), deployment("web", "registry.example/web:2", 2))
	if diff := cmp.Diff([]string{"update Deployment web", "delete ConfigMap old"}, actions(l.plan(second))); diff != "" {
		t.Errorf("plan (-want +got):\n%s", diff)
	}
	l.deploy(second)
	if got := field(l.get("Deployment.apps", "web"), "spec", "template", "spec", "containers", "main", "image"); got != "registry.example/web:2" {
		t.Errorf("image %v", got)
	}
	if l.get("ConfigMap", "old") != nil {
		t.Error("the pruned object is there")
	}
	if out, err := l.engine.Rollback(t.Context(), "shop", l.ns, 0, l.options()); err != nil {
		t.Fatalf("rollback: %v", err)
	} else if out.Release.Number != 3 {
		t.Errorf("rollback is release %d", out.Release.Number)
	}
	if l.get("ConfigMap", "old") == nil {
		t.Error("the object of release 1 is not back")
	}
	head, err := l.engine.History(t.Context(), "shop", l.ns)
	if err != nil {
		t.Fatal(err)
	}
	var messages []string
	for _, r := range head.Releases {
		messages = append(messages, string(r.Status)+" "+r.Message)
	}
	if diff := cmp.Diff([]string{"deployed rollback to 1", "superseded ", "superseded first"}, messages); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
	if out := l.delete("shop"); !out.Removed {
		t.Errorf("delete: %+v", out)
	}
	l.wantNothing("shop")
	_, err = l.engine.Delete(t.Context(), "shop", l.ns, l.options())
	wantFault(t, err, fault.NotFound, "no app \"shop\"")
}

func TestUnchangedWritesNothing(t *testing.T) {
	l := newLab(t)
	s := l.snap("shop", configMap("a"), configMap("b"), deployment("web", "registry.example/web:1", 1),
		"{apiVersion: v1, kind: Secret, metadata: {name: s}, stringData: {password: correcthorse}}")
	l.deploy(s)
	before := l.versions()
	l.spy.reset()
	out := l.deploy(s)
	if !out.Unchanged || out.Release.Number != 1 {
		t.Errorf("outcome: %+v", out)
	}
	if w := l.spy.requests(func(r request) bool { return r.writes() || r.verb == "dry-run" }); len(w) > 0 {
		t.Errorf("written or dry-run: %v", w)
	}
	// Head, inventory, one list per kind.
	if r := l.spy.requests(func(request) bool { return true }); len(r) != 5 {
		t.Errorf("%d requests: %v", len(r), r)
	}
	if diff := cmp.Diff(before, l.versions()); diff != "" {
		t.Errorf("resource versions changed:\n%s", diff)
	}
}
