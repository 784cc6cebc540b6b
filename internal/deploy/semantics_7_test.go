package deploy_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/deploy"
	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/inventory"
	"github.com/tugops/tug/internal/kubetest"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/snapshot"
)

// many are n ConfigMaps c0, c1, ...
func many(n int) []string {
	var out []string
	for i := range n {
		out = append(out, configMap(fmt.Sprintf("c%d", i)))
	}
	return out
}

func (l *lab) count(kind string) int {
	l.t.Helper()
	list, err := l.spy.Cluster.ListLive(l.t.Context(), placeKind(kind), l.ns, object.LabelApp)
	if err != nil {
		l.t.Fatal(err)
	}
	return len(list)
}

func TestSemantics_7_1_AnEmptySetIsStopped(t *testing.T) {
	l := newLab(t)
	l.deploy(l.snap("shop", many(2)...))
	_, err := l.try(l.snap("shop"))
	wantFault(t, err, fault.Denied, "no object", "--consent")
	if fault.KindOf(err).ExitCode() != 4 {
		t.Errorf("exit code %d", fault.KindOf(err).ExitCode())
	}
	if n := l.count("ConfigMap"); n != 2 {
		t.Errorf("%d objects are left", n)
	}
}

func TestSemantics_7_1_ALargeShrinkIsStopped(t *testing.T) {
	l := newLab(t)
	for _, c := range []struct {
		before, after int
		stopped       bool
	}{
		{12, 7, false},  // 5 objects: not more than 5
		{24, 18, false}, // 6 of 24: not more than 30 %
		{12, 6, true},
	} {
		t.Run(fmt.Sprintf("%d to %d", c.before, c.after), func(t *testing.T) {
			app := fmt.Sprintf("shop%d-%d", c.before, c.after)
			docs := func(n int) []string {
				var out []string
				for i := range n {
					out = append(out, configMap(fmt.Sprintf("%s-c%d", app, i)))
				}
				return out
			}
			l.deploy(l.snap(app, docs(c.before)...))
			_, err := l.try(l.snap(app, docs(c.after)...))
			if !c.stopped {
				if err != nil {
					t.Error(err)
				}
				return
			}
			wantFault(t, err, fault.Denied, fmt.Sprintf("%d of %d objects", c.before-c.after, c.before), "--consent")
		})
	}
}

func TestSemantics_7_1_ConsentIsThePlansHash(t *testing.T) {
	for name, consent := range map[string]func(l *lab, hash string, s *snapshot.Snapshot, o *deploy.Options){
		"option": func(_ *lab, hash string, _ *snapshot.Snapshot, o *deploy.Options) { o.Consent = hash },
		"annotation": func(l *lab, hash string, _ *snapshot.Snapshot, _ *deploy.Options) {
			l.person().Merge(l.ref("Secret", "tug.shop"), `{"metadata":{"annotations":{"tug.dev/consent":"`+hash+`"}}}`)
		},
		"trailer": func(_ *lab, hash string, s *snapshot.Snapshot, _ *deploy.Options) {
			s.Revision.Trailers = []string{"Reviewed-by: ann", "Tug-Consent: " + hash}
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t)
			l.deploy(l.snap("shop", many(10)...))
			s := l.snap("shop", many(2)...)
			hash := l.plan(s).Plan.Hash
			var o deploy.Options
			consent(l, hash, s, &o)
			// Consent to one plan is none to another.
			other := l.snap("shop", many(1)...)
			other.Revision = s.Revision
			_, err := l.try(other, func(p *deploy.Options) { p.Consent = o.Consent })
			wantFault(t, err, fault.Denied, "--consent")
			l.deploy(s, func(p *deploy.Options) { p.Consent = o.Consent })
			if n := l.count("ConfigMap"); n != 2 {
				t.Errorf("%d objects are left", n)
			}
			if a := l.record("shop").Head.Annotations[inventory.AnnotationConsent]; a != "" {
				t.Errorf("consent %s was not used up", a)
			}
		})
	}
}

// A render error, an unknown or unreadable source leave no snapshot, and there
// is no way to a plan without one; a rollback and a delete need theirs too.
func TestSemantics_7_1_NoSnapshotNoPrune(t *testing.T) {
	l := newLab(t)
	l.deploy(l.snap("shop", configMap("a")))
	l.deploy(l.snap("shop", configMap("a"), configMap("b")))
	// The snapshot of release 1 cannot be read any more.
	for _, name := range l.record("shop").Head.Release(1).Snapshot {
		l.person().Delete(l.ref("Secret", name))
	}
	_, err := l.engine.Rollback(t.Context(), "shop", l.ns, 1, l.options())
	if err == nil || l.get("ConfigMap", "b") == nil {
		t.Errorf("a rollback to nothing: %v", err)
	}
	// A broken object in the source stops the plan.
	broken := l.snap("shop", configMap("a"))
	broken.Objects = append(broken.Objects, &object.Object{Fields: map[string]any{"kind": "ConfigMap"}})
	if _, err := l.try(broken); err == nil || l.get("ConfigMap", "b") == nil {
		t.Errorf("a broken set was deployed: %v", err)
	}
}

func TestSemantics_7_1_ADeleteIsConsentByName(t *testing.T) {
	l := newLab(t)
	l.deploy(l.snap("shop", many(10)...))
	l.delete("shop")
	l.wantNothing("shop")
}

func (l *lab) declared(commit string, apps ...string) deploy.Declared {
	d := deploy.Declared{Env: "prod", Project: "tug.yaml", Namespaces: []string{l.ns}, Clean: true}
	for _, a := range apps {
		d.Apps = append(d.Apps, object.AppKey(l.ns, a))
	}
	d.Ancestor = func(_ context.Context, c string) (bool, error) { return c < commit, nil }
	return d
}

func (l *lab) snapOf(app, commit string, prune bool) *snapshot.Snapshot {
	s := l.snap(app, configMap(app))
	s.Env, s.Project, s.Revision.Commit, s.Prune = "prod", "tug.yaml", commit, prune
	return s
}

func TestSemantics_7_2_AnAppThatIsGoneIsListed(t *testing.T) {
	l := newLab(t)
	l.deploy(l.snapOf("kept", "c1", false))
	l.deploy(l.snapOf("gone", "c1", false))
	foreign := l.snapOf("foreign", "c1", false)
	foreign.Env = "dev"
	l.deploy(foreign)
	sibling := l.snapOf("sibling", "c1", true)
	sibling.Project = "team-b/tug.yaml"
	l.deploy(sibling)
	got, err := l.engine.Abandoned(t.Context(), l.declared("c2", "kept"))
	if err != nil {
		t.Fatal(err)
	}
	want := []deploy.Abandoned{{App: "gone", Env: "prod", Namespace: l.ns, Commit: "c1"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("abandoned (-want +got):\n%s", diff)
	}
	if l.get("ConfigMap", "gone") == nil {
		t.Error("listing deleted it")
	}
	p, err := l.engine.PlanAbandoned(t.Context(), got[0], l.options())
	if err != nil {
		t.Fatal(err)
	}
	_, err = l.engine.Execute(t.Context(), p, l.options())
	wantFault(t, err, fault.Denied, "--consent "+p.Plan.Hash)
	if _, err := l.engine.Execute(t.Context(), p, l.options(func(o *deploy.Options) { o.Consent = p.Plan.Hash })); err != nil {
		t.Fatal(err)
	}
	l.wantNothing("gone")
}

func TestSemantics_7_2_PruneTrueIsConsent(t *testing.T) {
	l := newLab(t)
	l.deploy(l.snapOf("gone", "c1", true))
	list, err := l.engine.Abandoned(t.Context(), l.declared("c2"))
	if err != nil || len(list) != 1 || !list[0].Prune {
		t.Fatalf("abandoned: %+v, %v", list, err)
	}
	p, err := l.engine.PlanAbandoned(t.Context(), list[0], l.options())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.engine.Execute(t.Context(), p, l.options()); err != nil {
		t.Fatal(err)
	}
	l.wantNothing("gone")
}

func TestSemantics_7_2_OnlyAfterACleanLoadOfALaterCommit(t *testing.T) {
	l := newLab(t)
	l.deploy(l.snapOf("gone", "c5", true))
	for name, d := range map[string]deploy.Declared{
		"another branch": l.declared("c3"),
		"not clean":      func() deploy.Declared { d := l.declared("c9"); d.Clean = false; return d }(),
	} {
		list, err := l.engine.Abandoned(t.Context(), d)
		if err != nil || len(list) != 1 || list[0].Keep == "" {
			t.Fatalf("%s: %+v, %v", name, list, err)
		}
		_, err = l.engine.PlanAbandoned(t.Context(), list[0], l.options())
		wantFault(t, err, fault.Denied, list[0].Keep)
	}
}

func TestSemantics_7_2_AnAppThatIsBackIsKept(t *testing.T) {
	l := newLab(t)
	l.deploy(l.snapOf("gone", "c1", true))
	list, err := l.engine.Abandoned(t.Context(), l.declared("c2"))
	if err != nil || len(list) != 1 {
		t.Fatalf("abandoned: %+v, %v", list, err)
	}
	p, err := l.engine.PlanAbandoned(t.Context(), list[0], l.options())
	if err != nil {
		t.Fatal(err)
	}
	// A later commit brings it back before the plan is carried out. The objects
	// are the same ones, so that the plan to delete them is too.
	back := l.snap("gone", configMap("gone", "v", "two"))
	back.Env, back.Project, back.Revision.Commit, back.Prune = "prod", "tug.yaml", "c3", true
	l.deploy(back)
	_, err = l.engine.Execute(t.Context(), p, l.options())
	wantFault(t, err, fault.Conflict, "deployed again")
	if l.get("ConfigMap", "gone") == nil {
		t.Error("an app that is back was deleted")
	}
}

func TestSemantics_7_2_ARollbackKeepsWhatTheProjectSaid(t *testing.T) {
	l := newLab(t)
	l.deploy(l.snapOf("shop", "c1", false))
	second := l.snap("shop", configMap("shop"), configMap("more"))
	second.Env, second.Project, second.Revision.Commit, second.Prune = "prod", "tug.yaml", "c2", true
	l.deploy(second)
	if _, err := l.engine.Rollback(t.Context(), "shop", l.ns, 0, l.options()); err != nil {
		t.Fatal(err)
	}
	if head := l.record("shop").Head; !head.Prune || head.Project != "tug.yaml" {
		t.Errorf("prune %v, project %q", head.Prune, head.Project)
	}
}

func (l *lab) others(app string, refs ...object.Ref) func(*deploy.Options) {
	return func(o *deploy.Options) {
		o.Others = func(context.Context) (map[object.Ref]string, error) {
			out := map[object.Ref]string{}
			for _, r := range refs {
				out[r] = object.AppKey(l.ns, app)
			}
			return out, nil
		}
	}
}

func TestSemantics_7_3_AnObjectIsHandedOverInsteadOfDeleted(t *testing.T) {
	l := newLab(t)
	moved := l.ref("ConfigMap", "moved")
	l.deploy(l.snap("a", configMap("x"), configMap("moved")))
	uid := l.person().Get(moved).UID()

	out := l.deploy(l.snap("a", configMap("x")), l.others("b", moved))
	if l.person().Get(moved) == nil {
		t.Fatalf("the object was deleted: %+v", out.Release)
	}
	status, err := l.engine.Status(t.Context(), "a", l.ns, false)
	if err != nil {
		t.Fatal(err)
	}
	pending := map[string]string{}
	for _, o := range status.Objects {
		pending[o.Name] = o.Handed
	}
	if diff := cmp.Diff(map[string]string{"x": "", "moved": l.ns + "/b"}, pending); diff != "" {
		t.Errorf("pending hand-overs (-want +got):\n%s", diff)
	}
	// As long as b has not taken it, a leaves it alone.
	l.deploy(l.snap("a", configMap("x"), configMap("z")), l.others("b", moved))
	if l.person().Get(moved) == nil {
		t.Fatal("the object was deleted by the next deploy")
	}
	// b takes it under preconditions, with the owner switched.
	l.spy.reset()
	l.deploy(l.snap("b", configMap("moved", "now", "b")))
	o := l.person().Get(moved)
	if o.UID() != uid || o.Annotation(object.AnnotationOwner) != l.ns+"/b" || field(o, "data", "now") != "b" {
		t.Errorf("after the hand-over: %v", o.Fields)
	}
	for _, r := range l.spy.requests(func(r request) bool { return r.verb == "apply" }) {
		if r.write.UID != uid || r.write.ResourceVersion == "" {
			t.Errorf("%s has preconditions %+v", r, r.write)
		}
	}
	// a drops it.
	l.deploy(l.snap("a", configMap("x"), configMap("z")))
	if _, there := l.record("a").Item(moved); there {
		t.Error("a still has it in its record")
	}
	l.delete("a")
	if l.person().Get(moved) == nil {
		t.Error("deleting a deleted what belongs to b")
	}
}

// An app that was renamed never deploys again: the one with the new name takes
// over what it declares, and what is left of the old one goes with consent.
func TestSemantics_7_3_ARenamedAppHandsOverWithoutADeploy(t *testing.T) {
	l := newLab(t)
	l.deploy(l.snap("old", configMap("x"), configMap("dropped")))
	uid := l.get("ConfigMap", "x").UID()
	renamed := l.snap("new", configMap("x"))
	left := func(gone bool) func(*deploy.Options) {
		return func(o *deploy.Options) {
			o.Left = func(context.Context) (map[string]bool, error) {
				return map[string]bool{object.AppKey(l.ns, "old"): gone}, nil
			}
		}
	}
	_, err := l.try(renamed, left(false)) // it stays, for some reason
	wantFault(t, err, fault.Conflict, "belongs to "+l.ns+"/old", "tug delete -a old -n "+l.ns)
	p := l.plan(renamed, left(true))
	if diff := cmp.Diff([]string{"take-over ConfigMap x"}, actions(p)); diff != "" {
		t.Errorf("plan (-want +got):\n%s", diff)
	}
	before, err := l.engine.PlanDelete(t.Context(), "old", l.ns, l.options(l.others("new", l.ref("ConfigMap", "x"))))
	if err != nil {
		t.Fatal(err)
	}
	l.deploy(renamed, left(true))
	if x := l.get("ConfigMap", "x"); x.UID() != uid || x.Annotation(object.AnnotationOwner) != l.ns+"/new" {
		t.Errorf("after the hand-over: %v", x.Meta())
	}
	after, err := l.engine.PlanDelete(t.Context(), "old", l.ns, l.options())
	if err != nil {
		t.Fatal(err)
	}
	if before.Plan.Hash != after.Plan.Hash {
		t.Error("consent that was given before the hand-over is none after it")
	}
	if _, err := l.engine.Execute(t.Context(), after, l.options()); err != nil {
		t.Fatal(err)
	}
	if l.get("ConfigMap", "x") == nil || l.get("ConfigMap", "dropped") != nil {
		t.Error("what was handed over was deleted, or the rest was not")
	}
	l.wantNothing("old")
}

func TestSemantics_7_3_OthersAreAskedOnlyForPruneCandidates(t *testing.T) {
	l := newLab(t)
	asked := 0
	ask := func(o *deploy.Options) {
		o.Others = func(context.Context) (map[object.Ref]string, error) { asked++; return nil, nil }
	}
	l.deploy(l.snap("a", configMap("x"), configMap("z")), ask)
	l.deploy(l.snap("a", configMap("x", "v", "two"), configMap("z")), ask)
	if asked != 0 {
		t.Errorf("the other apps were looked at %d times without a prune candidate", asked)
	}
	l.deploy(l.snap("a", configMap("x")), ask)
	if asked == 0 {
		t.Error("the other apps were not looked at before a prune")
	}
}

func TestSemantics_7_4_EveryDeleteChecksOwnerAndUID(t *testing.T) {
	l := newLab(t)
	l.deploy(l.snap("shop", configMap("a"), configMap("stolen"), configMap("remade")))
	l.person().Merge(l.ref("ConfigMap", "stolen"), `{"metadata":{"labels":{"tug.dev/app":"0123456789abcdef"},"annotations":{"tug.dev/owner":"else/where"}}}`)
	l.person().Delete(l.ref("ConfigMap", "remade"))
	kubetest.Apply(t, l.ns, configMap("remade"))
	l.deploy(l.snap("shop", configMap("a")))
	if l.get("ConfigMap", "stolen") == nil {
		t.Error("an object of another owner was deleted")
	}
	if l.get("ConfigMap", "remade") == nil {
		t.Error("an object with another UID was deleted")
	}
	for _, ref := range []object.Ref{l.ref("ConfigMap", "stolen"), l.ref("ConfigMap", "remade")} {
		if _, there := l.record("shop").Item(ref); there {
			t.Errorf("%s is still in the record", ref)
		}
	}
}

func TestSemantics_7_4_ResourcePolicyKeepIsKept(t *testing.T) {
	l := newLab(t)
	keep := "{apiVersion: v1, kind: ConfigMap, metadata: {name: keep, annotations: {helm.sh/resource-policy: keep}}}"
	l.deploy(l.snap("shop", configMap("a"), keep))
	l.deploy(l.snap("shop", configMap("a")))
	if l.get("ConfigMap", "keep") == nil {
		t.Error("the object was pruned")
	}
}
