package plan_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/inventory"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/plan"
)

// state builds an input without a server: objects that are deployed and
// clean, and what is done to them.
type state struct {
	t  *testing.T
	in plan.Input
}

func parse(t testing.TB, yaml string) []*object.Object {
	t.Helper()
	placed, _, err := plan.Place(read(t, yaml), "shop", "web", builtin)
	if err != nil {
		t.Fatal(err)
	}
	return placed
}

func newState(t *testing.T, names ...string) *state {
	t.Helper()
	var docs []string
	for _, n := range names {
		docs = append(docs, named(n))
	}
	return &state{t, deployed(t, parse(t, strings.Join(docs, "\n---\n")))}
}

// named is an object by "Kind/name"; ConfigMap when only a name is given.
func named(name string) string {
	kind, n, ok := strings.Cut(name, "/")
	if !ok {
		kind, n = "ConfigMap", name
	}
	version := map[string]string{
		"Deployment": "apps/v1", "CustomResourceDefinition": "apiextensions.k8s.io/v1", "Role": "rbac.authorization.k8s.io/v1",
		"Boat": "example.test/v1", "APIService": "apiregistration.k8s.io/v1", "Job": "batch/v1",
	}[kind]
	if version == "" {
		version = "v1"
	}
	return fmt.Sprintf("apiVersion: %s\nkind: %s\nmetadata: {name: %s}\n", version, kind, n)
}

func (s *state) ref(name string) object.Ref {
	o := parse(s.t, named(name))[0]
	return o.Ref()
}

// undeclare takes objects out of the repository.
func (s *state) undeclare(names ...string) *state {
	for _, n := range names {
		s.in.Desired = slices.DeleteFunc(s.in.Desired, func(o *object.Object) bool { return o.Ref() == s.ref(n) })
	}
	return s
}

func (s *state) live(name string, change func(*object.Live)) *state {
	l := s.in.Live[s.ref(name)]
	l.Labels, l.Annotations = maps.Clone(l.Labels), maps.Clone(l.Annotations)
	change(&l)
	s.in.Live[l.Ref] = l
	return s
}

func (s *state) item(name string, change func(*inventory.Item)) *state {
	for i := range s.in.Record.Items {
		if s.in.Record.Items[i].Ref == s.ref(name) {
			change(&s.in.Record.Items[i])
		}
	}
	return s
}

// unrecorded takes an object out of the inventory.
func (s *state) unrecorded(name string) *state {
	s.in.Record.Remove(s.ref(name))
	return s
}

func (s *state) compute() *plan.Plan {
	s.t.Helper()
	p, err := plan.Compute(s.in)
	if err != nil {
		s.t.Fatal(err)
	}
	return p
}

// lines are the changes in words.
func lines(p *plan.Plan) []string {
	var out []string
	for _, ch := range p.Changes {
		line := fmt.Sprintf("%s %s: %s", ch.Action, ch.Ref, ch.Reason)
		if ch.HandedTo != "" {
			line += " [" + ch.HandedTo + "]"
		}
		out = append(out, line)
	}
	return out
}

func foreign(l *object.Live) {
	l.Labels[object.LabelApp], l.Annotations[object.AnnotationOwner] = object.AppHash("shop/api"), "shop/api"
}

func unmarked(l *object.Live) { l.Labels, l.Annotations = nil, nil }

// Statements 2.3, 7.3 and 7.4.
func TestPrune(t *testing.T) {
	t.Parallel()
	b := func(t *testing.T) *state { return newState(t, "a", "b").undeclare("b") }
	for name, tc := range map[string]struct {
		state func(t *testing.T) *state
		want  []string
	}{
		"plain": {b, []string{"delete ConfigMap shop/b: no longer in the repository"}},
		"gone": {func(t *testing.T) *state {
			s := b(t)
			delete(s.in.Live, s.ref("b"))
			return s
		}, []string{"drop ConfigMap shop/b: gone already"}},
		"api gone": {func(t *testing.T) *state {
			s := b(t)
			delete(s.in.Live, s.ref("b"))
			s.in.Unserved = []object.Ref{s.ref("b")}
			return s
		}, []string{"drop ConfigMap shop/b: its API is gone"}},
		"owned by another app": {
			func(t *testing.T) *state { return b(t).live("b", foreign) },
			[]string{"drop ConfigMap shop/b: belongs to shop/api now"},
		},
		"marks removed, same object": {
			func(t *testing.T) *state { return b(t).live("b", unmarked) },
			[]string{"delete ConfigMap shop/b: no longer in the repository"},
		},
		"another object of the name": {
			func(t *testing.T) *state {
				return b(t).live("b", unmarked).live("b", func(l *object.Live) { l.UID = "new" })
			},
			[]string{"drop ConfigMap shop/b: is no longer the object that was deployed"},
		},
		"made anew by us before a crash": {
			func(t *testing.T) *state { return b(t).live("b", func(l *object.Live) { l.UID = "new" }) },
			[]string{"delete ConfigMap shop/b: no longer in the repository"},
		},
		"write-ahead and made by us": {
			func(t *testing.T) *state { return b(t).item("b", func(i *inventory.Item) { i.UID = "" }) },
			[]string{"delete ConfigMap shop/b: no longer in the repository"},
		},
		"write-ahead and made by others": {
			func(t *testing.T) *state {
				return b(t).item("b", func(i *inventory.Item) { i.UID = "" }).live("b", unmarked)
			},
			[]string{"drop ConfigMap shop/b: is no longer the object that was deployed"},
		},
		"policy keep": {
			func(t *testing.T) *state {
				return b(t).live("b", func(l *object.Live) { l.Annotations[object.AnnotationResourcePolicy] = "keep" })
			},
			[]string{"drop ConfigMap shop/b: helm.sh/resource-policy: keep"},
		},
		"policy keep, already dropped": {
			func(t *testing.T) *state {
				return b(t).unrecorded("b").live("b", func(l *object.Live) { l.Annotations[object.AnnotationResourcePolicy] = "keep" })
			}, nil,
		},
		"declared by another app": {
			func(t *testing.T) *state {
				s := b(t)
				s.in.Others = map[object.Ref]string{s.ref("b"): "shop/api"}
				return s
			},
			[]string{"drop ConfigMap shop/b: handed to shop/api [shop/api]"},
		},
		"handed and pending": {
			func(t *testing.T) *state { return b(t).item("b", func(i *inventory.Item) { i.Handed = "shop/api" }) }, nil,
		},
		"handed and taken": {
			func(t *testing.T) *state {
				return b(t).item("b", func(i *inventory.Item) { i.Handed = "shop/api" }).live("b", foreign)
			},
			[]string{"drop ConfigMap shop/b: taken by shop/api"},
		},
		"only labelled": {
			func(t *testing.T) *state { return b(t).unrecorded("b") },
			[]string{"delete ConfigMap shop/b: not in the record"},
		},
		"only labelled, made by a controller": {
			func(t *testing.T) *state {
				return b(t).unrecorded("b").live("b", func(l *object.Live) { l.OwnerRefs = []object.OwnerRef{{Kind: "Service", Controller: true}} })
			}, nil,
		},
		"only labelled, label copied": {
			func(t *testing.T) *state {
				return b(t).unrecorded("b").live("b", func(l *object.Live) { l.Annotations = nil })
			}, nil,
		},
		"only labelled, copied by hand": {
			func(t *testing.T) *state {
				return b(t).unrecorded("b").live("b", func(l *object.Live) { l.Managers = []object.ManagerEntry{{Manager: "kubectl-create"}} })
			}, nil,
		},
		"left by a hook": {
			func(t *testing.T) *state {
				return b(t).live("b", func(l *object.Live) { l.Annotations[object.AnnotationHook] = "pre-install" })
			}, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := tc.state(t).compute()
			if diff := cmp.Diff(tc.want, lines(p)); diff != "" {
				t.Error(diff)
			}
			if p.Kept != 1 {
				t.Errorf("kept = %d, want 1", p.Kept)
			}
		})
	}
}

// Statement 8.1: deletions go in reverse, the app's own namespace last.
func TestDeleteOrder(t *testing.T) {
	t.Parallel()
	s := newState(t, "Namespace/shop", "Namespace/extra", "CustomResourceDefinition/boats.example.test", "Role/r", "a",
		"Deployment/d", "Service/s", "APIService/v1.x")
	s.in.Deleting = true
	p := s.compute()
	var waves [][]string
	last := -1
	for _, ch := range p.Changes {
		if ch.Action != plan.Delete || ch.Stage != plan.StagePrune || ch.UID == "" || ch.ResourceVersion == "" {
			t.Errorf("change = %+v", ch)
		}
		if ch.Wave != last {
			waves, last = append(waves, nil), ch.Wave
		}
		waves[len(waves)-1] = append(waves[len(waves)-1], ch.Ref.Kind+"/"+ch.Ref.Name)
	}
	want := [][]string{
		{"APIService/v1.x"},
		{"Service/s", "Deployment/d"},
		{"ConfigMap/a", "Role/r"},
		{"Namespace/extra", "CustomResourceDefinition/boats.example.test"},
		{"Namespace/shop"},
	}
	if diff := cmp.Diff(want, waves); diff != "" {
		t.Error(diff)
	}
	if len(p.Brakes) != 1 || p.Brakes[0].Kind != plan.BrakeDefinitions || len(p.Brakes[0].Refs) != 3 {
		t.Errorf("brakes = %+v", p.Brakes)
	}
}

// Statement 7.1.
func TestBrakes(t *testing.T) {
	t.Parallel()
	names := func(n int) (out []string) {
		for i := range n {
			out = append(out, fmt.Sprintf("c%02d", i))
		}
		return out
	}
	for name, tc := range map[string]struct {
		all, gone []string
		change    func(*state)
		want      []plan.BrakeKind
	}{
		"nothing goes":            {names(20), nil, nil, nil},
		"five of six go":          {names(6), names(5), nil, nil},
		"six of twenty go":        {names(20), names(6), nil, nil}, // exactly 30 %
		"six of nineteen go":      {names(19), names(6), nil, []plan.BrakeKind{plan.BrakeShrink}},
		"all go":                  {names(2), names(2), nil, []plan.BrakeKind{plan.BrakeEmpty}},
		"all of many go":          {names(7), names(7), nil, []plan.BrakeKind{plan.BrakeEmpty, plan.BrakeShrink}},
		"a claim goes":            {[]string{"a", "PersistentVolumeClaim/p"}, []string{"PersistentVolumeClaim/p"}, nil, []plan.BrakeKind{plan.BrakeDefinitions}},
		"a namespace goes":        {[]string{"a", "Namespace/p"}, []string{"Namespace/p"}, nil, []plan.BrakeKind{plan.BrakeDefinitions}},
		"all go, deleting":        {names(9), nil, func(s *state) { s.in.Deleting = true }, nil},
		"deleting, record lost":   {names(2), nil, func(s *state) { s.in.Deleting, s.in.Record = true, nil }, []plan.BrakeKind{plan.BrakeUnrecorded}},
		"nothing was, nothing is": {nil, nil, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newState(t, tc.all...).undeclare(tc.gone...)
			if tc.change != nil {
				tc.change(s)
			}
			var got []plan.BrakeKind
			for _, b := range s.compute().Brakes {
				got = append(got, b.Kind)
				if b.Reason == "" {
					t.Errorf("%s has no reason", b.Kind)
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestPruneCandidates(t *testing.T) {
	t.Parallel()
	s := newState(t, "a", "b", "c", "d").undeclare("b", "c", "d").
		item("c", func(i *inventory.Item) { i.Handed = "shop/api" }).live("d", foreign)
	want := []object.Ref{s.ref("b"), s.ref("c")}
	if diff := cmp.Diff(want, plan.PruneCandidates(s.in)); diff != "" {
		t.Error(diff)
	}
}

func TestHandedAndForgotten(t *testing.T) {
	t.Parallel()
	s := newState(t, "a", "b").undeclare("b").item("b", func(i *inventory.Item) { i.Handed = "shop/api" })
	s.in.Others = map[object.Ref]string{}
	p := s.compute()
	if !p.Empty() || len(p.Warnings) != 1 {
		t.Errorf("changes %v, warnings %v", lines(p), p.Warnings)
	}
}
