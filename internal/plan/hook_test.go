package plan_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/inventory"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/plan"
)

func hook(name, events string, weight any) string {
	return fmt.Sprintf("apiVersion: batch/v1\nkind: Job\nmetadata: {name: %s, annotations: {helm.sh/hook: '%s', helm.sh/hook-weight: '%v'}}\n",
		name, events, weight)
}

func (s *state) add(yamls ...string) *state {
	s.in.Desired = append(s.in.Desired, parse(s.t, strings.Join(yamls, "---\n"))...)
	return s
}

func (s *state) releases(statuses ...inventory.Status) *state {
	s.in.Record.Head.Releases = nil
	for i, st := range statuses {
		s.in.Record.Head.Releases = append(s.in.Record.Head.Releases, inventory.Release{Number: len(statuses) - i, Status: st})
	}
	return s
}

func hookLines(p *plan.Plan) []string {
	var out []string
	for _, ch := range p.Changes {
		if ch.Action == plan.Run {
			out = append(out, fmt.Sprintf("%s (%s, %d)", ch.Ref.Name, ch.Stage, ch.Wave))
		}
	}
	return out
}

// Statement 8.2.
func TestHooks(t *testing.T) {
	t.Parallel()
	all := []string{
		hook("late", "post-install,post-upgrade", 0), hook("migrate", "pre-upgrade", "x"), hook("seed", "pre-install", 5),
		hook("first", "pre-install, Pre-Upgrade", -5), hook("check", "test", 0), hook("bye", "pre-delete", 0),
		hook("gone", "post-delete", 0), hook("back", "pre-rollback", 0),
	}
	install := []string{"first (pre hooks, -5)", "seed (pre hooks, 5)", "late (post hooks, 0)"}
	upgrade := []string{"first (pre hooks, -5)", "migrate (pre hooks, 0)", "late (post hooks, 0)"}
	for name, tc := range map[string]struct {
		change func(s *state)
		want   []string
	}{
		"first deploy":        {func(s *state) { s.in.Record, s.in.Live = nil, nil }, install},
		"never deployed":      {func(s *state) { s.releases(inventory.Failed, inventory.Interrupted) }, install},
		"upgrade":             {func(s *state) { s.releases(inventory.Deployed).add(named("new")) }, upgrade},
		"upgrade after fail":  {func(s *state) { s.releases(inventory.Failed, inventory.Superseded) }, upgrade},
		"deleted since":       {func(s *state) { s.releases(inventory.Failed, inventory.Deleted, inventory.Superseded) }, install},
		"nothing changes":     {func(s *state) { s.releases(inventory.Deployed) }, nil},
		"only re-owned":       {func(s *state) { s.item("a", func(i *inventory.Item) { i.Entry = "" }).same("a") }, nil},
		"only dropped":        {func(s *state) { s.undeclare("b"); delete(s.in.Live, s.ref("b")) }, nil},
		"something is pruned": {func(s *state) { s.undeclare("b") }, upgrade},
		"delete":              {func(s *state) { s.in.Deleting = true }, []string{"bye (pre hooks, 0)", "gone (post-delete hooks, 0)"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newState(t, "a", "b").add(all...)
			tc.change(s)
			p := s.compute()
			if diff := cmp.Diff(tc.want, hookLines(p)); diff != "" {
				t.Error(diff)
			}
			for _, ch := range p.Changes {
				if ch.Action != plan.Run && ch.Action != plan.Delete && ch.Ref.Kind == "Job" {
					t.Errorf("hook is a plain object: %+v", ch)
				}
			}
		})
	}
}

// same gives an object a comparison in which nothing differs.
func (s *state) same(name string) *state {
	if s.in.Compared == nil {
		s.in.Compared = map[object.Ref]plan.Comparison{}
	}
	for _, o := range s.in.Desired {
		if o.Ref() != s.ref(name) {
			continue
		}
		live := full(s.t, o, s.in.Live[o.Ref()])
		s.in.Compared[o.Ref()] = plan.Comparison{Live: live, Result: live.Copy()}
	}
	return s
}

// full is the live object with content o and metadata l.
func full(t testing.TB, o *object.Object, l object.Live) *object.Object {
	t.Helper()
	c := o.Copy()
	meta := c.Meta()
	meta["uid"], meta["resourceVersion"], meta["generation"] = l.UID, l.ResourceVersion, l.Generation
	var entries []any
	for _, e := range l.Managers {
		entries = append(entries, entry(t, e.Manager, e.Operation, e.Subresource, string(e.FieldsV1)))
	}
	meta["managedFields"] = entries
	return c
}

func TestHookOf(t *testing.T) {
	t.Parallel()
	o := parse(t, hook("a", "crd-install", 0))[0]
	if plan.HookOf(o) != nil {
		t.Error("crd-install is a hook")
	}
	o = parse(t, hook("a", "pre-install", "07"))[0]
	o.SetAnnotation(object.AnnotationHookDelete, "hook-succeeded, hook-failed")
	want := &plan.Hook{Events: []string{"pre-install"}, Weight: 7, Delete: []string{"hook-succeeded", "hook-failed"}}
	if diff := cmp.Diff(want, plan.HookOf(o)); diff != "" {
		t.Error(diff)
	}
}

func TestUnknownHookIsSkipped(t *testing.T) {
	t.Parallel()
	s := newState(t, "a").add(hook("odd", "pre-install,sometimes", 0), named("new"))
	p := s.compute()
	if len(hookLines(p)) != 0 || len(p.Warnings) != 1 {
		t.Errorf("hooks %v, warnings %v", hookLines(p), p.Warnings)
	}
}

// A hook's object is deleted before the hook runs: it must be ours.
func TestHookOfAnotherOwner(t *testing.T) {
	t.Parallel()
	s := newState(t, "a", "Job/run").undeclare("Job/run").unrecorded("Job/run").live("Job/run", foreign).
		add(hook("run", "pre-upgrade", 0), named("new"))
	if _, err := plan.Compute(s.in); !fault.Is(err, fault.Conflict) {
		t.Errorf("error = %v", err)
	}
}

// Nothing of a delete stays: its hooks are removed when they succeeded, and
// what hooks of earlier releases left is deleted.
func TestDeleteLeavesNoHooks(t *testing.T) {
	t.Parallel()
	s := newState(t, "a", "Job/left").undeclare("Job/left").unrecorded("Job/left").
		live("Job/left", func(l *object.Live) { l.Annotations[object.AnnotationHook] = "pre-install" }).
		add(hook("left", "pre-install", 0), hook("bye", "pre-delete", 0))
	s.in.Deleting = true
	p := s.compute()
	want := []string{
		"run-hook Job shop/bye: pre hooks", "delete Job shop/left: the app is deleted", "delete ConfigMap shop/a: the app is deleted",
	}
	if diff := cmp.Diff(want, lines(p)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"before-hook-creation", "hook-succeeded"}, p.Changes[0].Hook.Delete); diff != "" {
		t.Error(diff)
	}
}
