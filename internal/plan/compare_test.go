package plan_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/inventory"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/plan"
)

// entry is one entry of managedFields as a read gives it.
func entry(t testing.TB, manager, operation, subresource, fields string) map[string]any {
	t.Helper()
	var set map[string]any
	if err := json.Unmarshal([]byte(fields), &set); err != nil {
		t.Fatal(err)
	}
	e := map[string]any{
		"manager": manager, "operation": operation, "apiVersion": "v1", "fieldsType": "FieldsV1",
		"fieldsV1": set, "time": "2026-01-02T03:04:05Z",
	}
	if subresource != "" {
		e["subresource"] = subresource
	}
	return e
}

// said is a comparison of the ConfigMap a: its data and managers before and
// after a dry run.
type said struct {
	live, result                map[string]any
	liveManagers, afterManagers []map[string]any
}

func (s *state) said(c said) *state {
	o := s.in.Desired[0]
	build := func(data map[string]any, managers []map[string]any) *object.Object {
		x := full(s.t, o, s.in.Live[o.Ref()])
		x.Fields["data"] = data
		if managers != nil {
			var list []any
			for _, m := range managers {
				list = append(list, m)
			}
			x.Meta()["managedFields"] = list
		}
		return x
	}
	s.in.Compared = map[object.Ref]plan.Comparison{
		o.Ref(): {Live: build(c.live, c.liveManagers), Result: build(c.result, c.afterManagers)},
	}
	return s
}

func data(a string) map[string]any { return map[string]any{"a": a} }

// Statements 2.2, 3.3 and 3.5, by what the server says.
func TestCompared(t *testing.T) {
	t.Parallel()
	const ours, theirs = `{"f:metadata":{"f:labels":{"f:tug.dev/app":{}}},"f:data":{"f:a":{}}}`, `{"f:data":{"f:a":{}}}`
	const less = `{"f:metadata":{"f:labels":{"f:tug.dev/app":{}}}}`
	tug := func(fields string) map[string]any { return entry(t, "tug", "Apply", "", fields) }
	by := func(manager string) map[string]any { return entry(t, manager, "Update", "", theirs) }
	for name, tc := range map[string]struct {
		said   said
		humans []string
		action plan.Action
		reason string
		force  bool
		fault  fault.Kind
	}{
		"a person": {
			said:   said{data("9"), data("1"), []map[string]any{tug(less), by("kubectl-edit")}, []map[string]any{tug(ours)}},
			action: plan.Update, reason: "drift", force: true,
		},
		"a dashboard by browser": {
			said:   said{data("9"), data("1"), []map[string]any{tug(less), by("Mozilla")}, []map[string]any{tug(ours)}},
			action: plan.Update, reason: "drift", force: true,
		},
		"an applier": {
			said:  said{data("9"), data("1"), []map[string]any{tug(less), by("kustomize-controller")}, []map[string]any{tug(ours)}},
			fault: fault.Conflict,
		},
		"an applier that was named": {
			said:   said{data("9"), data("1"), []map[string]any{tug(less), by("kustomize-controller")}, []map[string]any{tug(ours)}},
			humans: []string{"kustomize-*"},
			action: plan.Update, reason: "drift", force: true,
		},
		"a person, when only others are named": {
			said:   said{data("9"), data("1"), []map[string]any{tug(less), by("kubectl-edit")}, []map[string]any{tug(ours)}},
			humans: []string{"kustomize-*"},
			fault:  fault.Conflict,
		},
		"an applier shares the value": {
			said:   said{data("1"), data("1"), []map[string]any{tug(ours), by("helm")}, []map[string]any{tug(ours), by("helm")}},
			action: plan.Keep,
		},
		"same value, ownership lost": {
			said:   said{data("1"), data("1"), []map[string]any{tug(less), by("helm")}, []map[string]any{tug(ours), by("helm")}},
			action: plan.Reown, reason: "drift",
		},
		"no managers at all": {
			said:   said{data("9"), data("1"), []map[string]any{}, []map[string]any{tug(ours)}},
			action: plan.Update, reason: "drift", force: true,
		},
		"others' fields changed in between": {
			said: said{
				map[string]any{"a": "1", "theirs": "1"}, map[string]any{"a": "1", "theirs": "2"},
				[]map[string]any{tug(ours)}, []map[string]any{tug(ours)},
			},
			action: plan.Keep,
		},
		"another client named tug": {
			said:   said{data("9"), data("1"), []map[string]any{tug(ours)}, []map[string]any{tug(ours)}},
			action: plan.Update, reason: "drift",
		},
		"status is not ours": {
			said: said{
				data("1"), data("1"),
				[]map[string]any{tug(ours), entry(t, "some-controller", "Update", "status", theirs)}, []map[string]any{tug(ours)},
			},
			action: plan.Keep,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newState(t, "a").item("a", func(i *inventory.Item) { i.Generation = 9 }).said(tc.said)
			s.in.Humans = tc.humans
			p, err := plan.Compute(s.in)
			if tc.fault != "" {
				if !fault.Is(err, tc.fault) || !strings.Contains(err.Error(), "data.a") {
					t.Errorf("error = %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got := plan.Change{Action: plan.Keep}
			if len(p.Changes) > 0 {
				got = p.Changes[0]
			}
			if got.Action != tc.action || got.Reason != tc.reason || got.Force != tc.force {
				t.Errorf("change = %s %q force %v", got.Action, got.Reason, got.Force)
			}
		})
	}
}

func TestUnclear(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(s *state){
		"uid":        func(s *state) { s.live("a", func(l *object.Live) { l.UID = "other" }) },
		"generation": func(s *state) { s.live("a", func(l *object.Live) { l.Generation = 2 }) },
		"entry":      func(s *state) { s.item("a", func(i *inventory.Item) { i.Entry = "other" }) },
		"no entry":   func(s *state) { s.live("a", func(l *object.Live) { l.Managers = nil }) },
		"no entry twice": func(s *state) {
			s.live("a", func(l *object.Live) { l.Managers = nil }).item("a", func(i *inventory.Item) { i.Entry = "" })
		},
		"applied":     func(s *state) { s.item("a", func(i *inventory.Item) { i.Applied = "other" }) },
		"unconfirmed": func(s *state) { s.item("a", func(i *inventory.Item) { *i = inventory.Item{Ref: i.Ref} }) },
		"unrecorded":  func(s *state) { s.unrecorded("a") },
		"handed away": func(s *state) { s.item("a", func(i *inventory.Item) { i.Handed = "shop/api" }) },
		"handed to us": func(s *state) {
			s.unrecorded("a").live("a", foreign)
			s.in.HandedToUs = map[object.Ref]string{s.ref("a"): "shop/api"}
		},
		"leftover": func(s *state) {
			s.live("a", func(l *object.Live) {
				l.Managers = append(l.Managers, object.ManagerEntry{Manager: "before-first-apply"})
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newState(t, "a", "b").add(hook("h", "pre-install", 0))
			if refs := plan.Unclear(s.in); len(refs) > 0 {
				t.Fatalf("unclear before: %v", refs)
			}
			change(s)
			if diff := cmp.Diff([]object.Ref{s.ref("a")}, plan.Unclear(s.in)); diff != "" {
				t.Error(diff)
			}
			if _, err := plan.Compute(s.in); err == nil || !strings.Contains(err.Error(), "was not compared") {
				t.Errorf("error without comparison = %v", err)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	s := newState(t, "a", "b").item("a", func(i *inventory.Item) { i.Generation = 9 })
	for name, tc := range map[string]struct {
		err  error
		want fault.Kind
	}{
		"immutable": {fault.New(fault.Immutable, "spec.selector: field is immutable"), fault.Immutable},
		"invalid":   {fault.New(fault.Invalid, "spec.x: no").Hint("h"), fault.Invalid},
	} {
		in := s.in
		in.Compared = map[object.Ref]plan.Comparison{s.ref("a"): {Live: in.Desired[0], Err: tc.err}}
		_, err := plan.Compute(in)
		if !fault.Is(err, tc.want) || len(fault.HintsOf(err)) != 1 || !strings.Contains(err.Error(), tc.err.Error()) {
			t.Errorf("%s: error = %v, hints %q", name, err, fault.HintsOf(err))
		}
	}
	in := s.in
	in.Compared = map[object.Ref]plan.Comparison{s.ref("a"): {Err: fault.New(fault.NotFound, "gone")}}
	p, err := plan.Compute(in)
	if err != nil || len(p.Changes) != 1 || p.Changes[0].Action != plan.Create {
		t.Errorf("vanished: %v, %v", p, err)
	}
}

// Statement 9.3: a webhook that knows no dry run.
func TestNoDryRun(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		live map[string]any
		want []plan.Field
	}{
		"different": {
			map[string]any{"a": "9", "theirs": "x"},
			[]plan.Field{{Path: "data.a", From: "9", To: "1", Manager: "kubectl-edit"}},
		},
		"same": {map[string]any{"a": "1", "theirs": "x"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newState(t, "a").item("a", func(i *inventory.Item) { i.Generation = 9 })
			s.in.Desired[0].Fields["data"] = data("1")
			s.item("a", func(i *inventory.Item) { i.Applied = s.in.Desired[0].Hash() })
			s.said(said{tc.live, nil, []map[string]any{
				entry(t, "tug", "Apply", "", `{"f:data":{}}`),
				entry(t, "kubectl-edit", "Update", "", `{"f:data":{"f:a":{}}}`),
			}, nil})
			c := s.in.Compared[s.ref("a")]
			c.Result, c.NoDryRun = nil, "webhook x has side effects"
			if name == "different" {
				c.Live.Meta()["managedFields"] = c.Live.Meta()["managedFields"].([]any)[1:]
			}
			s.in.Compared[s.ref("a")] = c
			p := s.compute()
			if len(p.Warnings) != 1 || !strings.Contains(p.Warnings[0], "webhook x") {
				t.Errorf("warnings = %q", p.Warnings)
			}
			var got []plan.Field
			if len(p.Changes) > 0 {
				got = p.Changes[0].Fields
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
