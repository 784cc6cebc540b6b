package plan_test

import (
	"strings"
	"testing"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/inventory"
	"github.com/tugops/tug/internal/kubetest"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/plan"
)

const config = "{apiVersion: v1, kind: ConfigMap, metadata: {name: web}, data: {a: '1'}}"

func (s *server) item(kind, name string) inventory.Item {
	it, _ := s.record.Item(s.ref(kind, name))
	return it
}

// other is a second app in the namespace of s.
func (s *server) other(app string) *server {
	return &server{t: s.t, c: s.c, namespace: s.namespace, app: app}
}

// Statement 2.1: one manager never conflicts with itself, so the owner counts.
func TestServerForeignAppConflicts(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.deploy(config)
	err := s.other("api").fail(config)
	if !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "belongs to "+s.namespace+"/shop") {
		t.Errorf("error = %v", err)
	}
}

// Statement 7.3: B takes what A handed over; A then drops it.
func TestServerHandOver(t *testing.T) {
	t.Parallel()
	a := newServer(t)
	b := a.other("api")
	both := config + "\n---\n" + strings.Replace(config, "name: web", "name: rest", 1)
	a.deploy(both)
	uid := a.item("ConfigMap", "web").UID

	in := a.input(strings.Replace(config, "name: web", "name: rest", 1))
	in.Others = map[object.Ref]string{a.ref("ConfigMap", "web"): object.AppKey(b.namespace, b.app)}
	p, err := plan.Compute(in)
	a.must(err)
	if ch := a.one(p, plan.Drop); ch.HandedTo != b.namespace+"/api" {
		t.Errorf("change = %+v", ch)
	}
	a.record.Hand(a.ref("ConfigMap", "web"), b.namespace+"/api")
	in.Record = &a.record
	if p, err = plan.Compute(in); err != nil || !p.Empty() {
		t.Errorf("plan while pending = %+v, %v", p, err)
	}

	b.handed = map[object.Ref]string{a.ref("ConfigMap", "web"): a.namespace + "/shop"}
	ch := b.one(b.deploy(config), plan.Take)
	if ch.UID != uid || ch.From != a.namespace+"/shop" {
		t.Errorf("change = %+v", ch)
	}
	b.clean(config)

	p = a.deploy(strings.Replace(config, "name: web", "name: rest", 1))
	if ch := a.one(p, plan.Drop); ch.Reason != "taken by "+b.namespace+"/api" || ch.HandedTo != "" {
		t.Errorf("change = %+v", ch)
	}
	b.clean(config)
}

func TestServerUnownedConflicts(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	kubetest.As(t, "kubectl-create").In(s.namespace).Create(config)
	if err := s.fail(config); !fault.Is(err, fault.Conflict) || len(fault.HintsOf(err)) != 1 {
		t.Errorf("error = %v", err)
	}
}

func TestServerNamespaceIsTakenOver(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	yaml := "{apiVersion: v1, kind: Namespace, metadata: {name: " + s.namespace + ", labels: {team: x}}}"
	p := s.deploy(yaml)
	if ch := s.one(p, plan.Update); ch.Reason != "exists already" || len(p.Warnings) != 1 {
		t.Errorf("reason %q, warnings %q", ch.Reason, p.Warnings)
	}
	s.clean(yaml)
}

// Statement 3.4: an impostor shows by its generation.
func TestServerImpostor(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.deploy(web)
	theirs := s.place(strings.Replace(web, "web:1", "web:666", 1))
	_, err := s.c.Apply(t.Context(), theirs[0], object.Write{})
	s.must(err)
	ch := s.one(s.deploy(web), plan.Update)
	if len(ch.Fields) != 1 || ch.Reason != "drift" {
		t.Errorf("change = %+v", ch)
	}
}

// A record that lags behind the cluster, or is lost, is caught up with.
func TestServerRecordLags(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(s *server){
		"lost":        func(s *server) { s.record.Items = nil },
		"write-ahead": func(s *server) { s.record.Confirm(inventory.Item{Ref: s.ref("ConfigMap", "web"), Version: "v1"}) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			s.deploy(config)
			change(s)
			if ch := s.one(s.deploy(config), plan.Reown); ch.Reason != "not in the record" {
				t.Errorf("reason = %q", ch.Reason)
			}
			s.clean(config)
		})
	}
}

// A label that was removed by hand does not make an object foreign.
func TestServerMarksRemovedByHand(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.deploy(config)
	kubetest.As(t, "kubectl-edit").In(s.namespace).Merge(s.ref("ConfigMap", "web"), `{"metadata":{"labels":null,"annotations":null}}`)
	s.one(s.deploy(config), plan.Update)
	s.clean(config)
}

func TestServerBeingDeletedConflicts(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.deploy(config)
	e := kubetest.As(t, "kubectl").In(s.namespace)
	e.Merge(s.ref("ConfigMap", "web"), `{"metadata":{"finalizers":["example.test/hold"]}}`)
	t.Cleanup(func() { e.Unhold(s.ref("ConfigMap", "web")) })
	e.Drop(s.ref("ConfigMap", "web"))
	err := s.fail(config)
	if !fault.Is(err, fault.Conflict) || !strings.Contains(strings.Join(fault.HintsOf(err), " "), "example.test/hold") {
		t.Errorf("error = %v, hints %v", err, fault.HintsOf(err))
	}
}
