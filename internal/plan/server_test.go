package plan_test

import (
	"maps"
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/inventory"
	"github.com/tugops/tug/internal/kube"
	"github.com/tugops/tug/internal/kubetest"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/plan"
)

// server is a small deploy against a real API server: it observes, compares
// and executes plans one change after the other, and keeps the record.
type server struct {
	t         *testing.T
	c         *kube.Client
	namespace string
	app       string
	record    inventory.Record
	handed    map[object.Ref]string
}

func newServer(t *testing.T) *server {
	t.Helper()
	return &server{t: t, c: kubetest.Client(t), namespace: kubetest.Namespace(t), app: "shop"}
}

func (s *server) place(yaml string) []*object.Object {
	s.t.Helper()
	placed, unserved, err := plan.Place(kubetest.Objects(s.t, yaml), s.namespace, s.app, func(gk schema.GroupKind) (bool, bool) {
		namespaced, served, err := s.c.Scope(s.t.Context(), gk)
		return namespaced, served && err == nil
	})
	if err != nil || len(unserved) > 0 {
		s.t.Fatalf("place: %v, unserved %v", err, unserved)
	}
	return placed
}

func (s *server) input(yaml string) plan.Input {
	s.t.Helper()
	in := plan.Input{
		App: s.app, Namespace: s.namespace, Record: &s.record, HandedToUs: s.handed,
		Live: map[object.Ref]object.Live{}, Compared: map[object.Ref]plan.Comparison{},
	}
	if yaml != "" {
		in.Desired = s.place(yaml)
	}
	byRef := map[object.Ref]*object.Object{}
	kinds := map[object.Ref]schema.GroupVersionKind{}
	for _, o := range in.Desired {
		byRef[o.Ref()], kinds[o.Ref()] = o, o.GVK()
	}
	for _, it := range s.record.Items {
		kinds[it.Ref] = schema.FromAPIVersionAndKind(it.Version, it.Kind)
	}
	for ref, gvk := range kinds {
		live, err := s.c.GetLive(s.t.Context(), gvk, ref.Namespace, ref.Name)
		if fault.Is(err, fault.NotFound) {
			continue
		}
		s.must(err)
		in.Live[ref] = live
	}
	for _, ref := range plan.Unclear(in) {
		in.Compared[ref] = s.compare(byRef[ref])
	}
	return in
}

func (s *server) compare(o *object.Object) plan.Comparison {
	s.t.Helper()
	live, err := s.c.Get(s.t.Context(), o.GVK(), o.Namespace(), o.Name())
	s.must(err)
	result, err := s.c.Apply(s.t.Context(), o, object.Write{DryRun: true, Force: true})
	return plan.Comparison{Live: live, Result: result, Err: err}
}

func (s *server) plan(yaml string) *plan.Plan {
	s.t.Helper()
	p, err := plan.Compute(s.input(yaml))
	s.must(err)
	return p
}

func (s *server) fail(yaml string) error {
	s.t.Helper()
	_, err := plan.Compute(s.input(yaml))
	if err == nil {
		s.t.Fatal("plan has no error")
	}
	return err
}

// deploy plans and executes.
func (s *server) deploy(yaml string) *plan.Plan {
	s.t.Helper()
	p := s.plan(yaml)
	for _, ch := range p.Changes {
		w := object.Write{UID: ch.UID, Force: ch.Force} // controllers may have written meanwhile
		switch ch.Action {
		case plan.Create, plan.Update, plan.Reown, plan.Take:
			s.apply(ch, w)
		case plan.Delete:
			s.must(s.c.Delete(s.t.Context(), schema.FromAPIVersionAndKind(ch.Version, ch.Ref.Kind), ch.Ref.Namespace, ch.Ref.Name, w))
			s.record.Remove(ch.Ref)
		case plan.Drop:
			s.record.Remove(ch.Ref)
		}
	}
	s.record.Head.Releases = []inventory.Release{{Number: 1, Status: inventory.Deployed}}
	return p
}

func (s *server) apply(ch plan.Change, w object.Write) {
	s.t.Helper()
	got, err := s.c.Apply(s.t.Context(), ch.Desired, w)
	s.must(err)
	live, err := object.LiveOf(got)
	s.must(err)
	s.record.Confirm(inventory.Item{
		Ref: ch.Ref, Version: ch.Version, UID: live.UID, Applied: ch.Applied,
		Entry: object.EntryHash(live.Managers), Generation: live.Generation,
	})
}

func (s *server) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// clean fails unless metadata alone says that nothing is to do.
func (s *server) clean(yaml string) {
	s.t.Helper()
	in := s.input(yaml)
	if len(in.Compared) > 0 {
		s.t.Errorf("unclear: %v", slices.Collect(maps.Keys(in.Compared)))
	}
	p, err := plan.Compute(in)
	s.must(err)
	if !p.Empty() {
		s.t.Errorf("plan is not empty: %+v", p.Changes)
	}
}

// quiet fails unless nothing is to be written.
func (s *server) quiet(yaml string) {
	s.t.Helper()
	if p := s.plan(yaml); !p.Empty() {
		s.t.Errorf("plan is not empty: %s: %+v", p.Changes[0].Reason, p.Changes[0].Fields)
	}
}

// one gives the only change of a plan.
func (s *server) one(p *plan.Plan, action plan.Action) plan.Change {
	s.t.Helper()
	if len(p.Changes) != 1 || p.Changes[0].Action != action {
		s.t.Fatalf("changes = %+v, want one %s", p.Changes, action)
	}
	return p.Changes[0]
}

func (s *server) ref(kind, name string) object.Ref {
	group := map[string]string{"Deployment": "apps"}[kind]
	return object.Ref{Group: group, Kind: kind, Namespace: s.namespace, Name: name}
}

func (s *server) get(kind, name string) *object.Object {
	s.t.Helper()
	return kubetest.As(s.t, "kubetest").In(s.namespace).Get(s.ref(kind, name))
}

// at reads a field of a live object: numbers in paths are indexes.
func at(o *object.Object, keys ...any) any {
	var v any = o.Fields
	for _, k := range keys {
		switch k := k.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[k]
		case int:
			l, _ := v.([]any)
			if k >= len(l) {
				return nil
			}
			v = l[k]
		}
	}
	return v
}
