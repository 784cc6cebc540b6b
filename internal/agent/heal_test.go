package agent_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tugops/tug/internal/agent"
	"github.com/tugops/tug/internal/event"
	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/kubetest"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/plan"
)

// healing is a lab whose agent deployed one app and looks after it.
func healing(t *testing.T, yaml string, change func(*agent.App)) *lab {
	t.Helper()
	l := newLab(t)
	l.push(app{name: "web", yaml: yaml, change: change})
	l.start(l.observing)
	l.waitFor(event.KindDeployed, "web")
	return l
}

func (l *lab) observing(o *agent.Options) {
	o.Observe, o.Wide = l.client.WatchOwned, l.client.Everywhere
}

func (l *lab) person(manager string) *kubetest.Editor { return kubetest.As(l.t, manager).In(l.ns) }

func (l *lab) ref(group, kind, name string) object.Ref {
	return object.Ref{Group: group, Kind: kind, Namespace: l.ns, Name: name}
}

func (l *lab) eventually(what string, cond func() bool) {
	l.t.Helper()
	kubetest.Eventually(l.t, patience, what, cond)
}

// touched is the one object that a fact is about.
func touched(t *testing.T, f event.Fact) event.Touched {
	t.Helper()
	if len(f.Objects) != 1 {
		t.Fatalf("%d objects in %+v", len(f.Objects), f)
	}
	return f.Objects[0]
}

// 4.1, 4.6: what a person changed is put back; manager, operation, field, both
// values and the time are told. What a person added stays.
func TestHeals_4_1_4_6(t *testing.T) {
	l := healing(t, configMap("web", "declared"), nil)
	ref := l.ref("", "ConfigMap", "web")
	l.person("kubectl-edit").Merge(ref, `{"data": {"v": "edited", "more": "added"}}`)
	o := touched(t, l.waitFor(event.KindDriftHealed, "web"))
	if got := l.data("web", "v"); got != "declared" {
		t.Errorf("healed to %q", got)
	}
	if got := l.data("web", "more"); got != "added" {
		t.Errorf("an addition became %q", got)
	}
	if o.Manager != "kubectl-edit" || o.Operation != "Update" || o.At.IsZero() || o.Action != "update" || len(o.Fields) != 1 {
		t.Fatalf("told %+v", o)
	}
	if f := o.Fields[0]; f.Path != "data.v" || f.From != "edited" || f.To != "declared" || f.Manager != "kubectl-edit" {
		t.Errorf("told %+v", f)
	}
	if n := l.head("web").Latest().Number; n != 1 {
		t.Errorf("a heal wrote release %d", n)
	}
}

// 10.2: deleted objects come back; so do those that lost the label, which a
// labelled watch shows as deleted.
func TestHeals_10_2_DeletedAndUnlabelled(t *testing.T) {
	l := healing(t, configMap("web", "1")+"---\n"+configMap("other", "1"), nil)
	l.person("kubectl").Delete(l.ref("", "ConfigMap", "web"))
	if f := l.waitFor(event.KindDriftHealed, "web"); !strings.Contains(f.Message, "was deleted") || touched(t, f).Action != "create" {
		t.Errorf("told %q, %+v", f.Message, f.Objects)
	}
	if got := l.data("web", "v"); got != "1" {
		t.Errorf("came back as %q", got)
	}
	l.person("kubectl-label").Merge(l.ref("", "ConfigMap", "other"), `{"metadata": {"labels": {"tug.dev/app": null}}}`)
	l.eventually("the label", func() bool {
		o, err := l.client.Get(t.Context(), kind("", "ConfigMap"), l.ns, "other")
		labels, _ := o.Meta()["labels"].(map[string]any)
		return err == nil && labels[object.LabelApp] != nil
	})
	// What came back is looked after like before.
	l.person("kubectl-edit").Merge(l.ref("", "ConfigMap", "web"), `{"data": {"v": "2"}}`)
	l.eventually("the second heal", func() bool { return l.data("web", "v") == "1" })
}

// 3.5: a person's kubectl scale goes, an autoscaler's stays.
func TestHeals_3_5_Scale(t *testing.T) {
	l := healing(t, deployment("web", "good:1"), nil)
	ref := l.ref("apps", "Deployment", "web")
	replicas := func() string {
		o, err := l.client.Get(t.Context(), kind("apps", "Deployment"), l.ns, "web")
		if err != nil {
			t.Fatal(err)
		}
		spec, _ := o.Fields["spec"].(map[string]any)
		return fmt.Sprint(spec["replicas"])
	}
	l.person("kubectl").Scale(ref, 3)
	o := touched(t, l.waitFor(event.KindDriftHealed, "web"))
	if o.Manager != "kubectl" || o.Subresource != "scale" || replicas() != "1" {
		t.Errorf("%s replicas, told %+v", replicas(), o)
	}
	before := l.agent.Counts().Heals
	l.person("kube-controller-manager").Scale(ref, 4)
	// A person's edit after it shows that the scaling was looked at as well.
	l.person("kubectl-set").Merge(ref, `{"spec": {"template": {"spec": {"containers": [{"name": "main", "image": "other:1"}]}}}}`)
	l.waitFor(event.KindDriftHealed, "web")
	if replicas() != "4" || l.agent.Counts().Heals != before+1 {
		t.Errorf("%s replicas after the autoscaler's 4, %d heals", replicas(), l.agent.Counts().Heals-before)
	}
}

// 4.2: strict removes what persons added, and leaves what others did.
func TestHeals_4_2_Strict(t *testing.T) {
	l := healing(t, configMap("web", "1"), func(a *agent.App) { a.Options.Policy = plan.PolicyStrict })
	ref := l.ref("", "ConfigMap", "web")
	l.person("cert-manager").Merge(ref, `{"data": {"ca": "bundle"}}`)
	l.person("kubectl-edit").Merge(ref, `{"data": {"more": "added"}, "metadata": {"annotations": {"by": "hand"}}}`)
	l.waitFor(event.KindDriftHealed, "web")
	l.eventually("the addition is gone", func() bool { return l.data("web", "more") == "" })
	// The same again is removed again.
	l.person("kubectl-edit").Merge(ref, `{"data": {"more": "added"}}`)
	l.eventually("the addition is gone again", func() bool { return l.data("web", "more") == "" })
	if got := l.data("web", "ca"); got != "bundle" {
		t.Errorf("a controller's addition became %q", got)
	}
	if got := l.data("web", "v"); got != "1" {
		t.Errorf("what is declared became %q", got)
	}
}

// 4.3: detect reports once and leaves; ignored fields are nobody's business.
func TestHeals_4_3_DetectAndIgnore(t *testing.T) {
	l := healing(t, configMap("web", "1")+"---\n"+configMap("other", "1"), func(a *agent.App) {
		a.Options.Policy = plan.PolicyDetect
		a.Options.Ignore = []plan.Ignore{{Kind: "ConfigMap", Name: "other", Path: "data.v"}}
	})
	l.person("kubectl-edit").Merge(l.ref("", "ConfigMap", "other"), `{"data": {"v": "ignored"}}`)
	l.person("kubectl-edit").Merge(l.ref("", "ConfigMap", "web"), `{"data": {"v": "2"}}`)
	f := l.waitFor(event.KindDriftDetected, "web")
	if o := touched(t, f); o.Ref.Name != "web" || o.Manager != "kubectl-edit" || o.Action != "" {
		t.Errorf("told %+v", o)
	}
	if l.data("web", "v") != "2" || l.data("other", "v") != "ignored" {
		t.Error("something was put back")
	}
	if n := l.facts.count(event.KindDriftHealed, "web"); n != 0 {
		t.Errorf("%d heals were told", n)
	}
}

// 4.5: what keeps undoing a heal makes the agent stop, and say who it is; a new
// commit is a new beginning.
func TestHeals_4_5_Fighting(t *testing.T) {
	l := healing(t, configMap("web", "1"), nil)
	ref, other := l.ref("", "ConfigMap", "web"), l.person("kubectl-cron")
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
			}
			if o, err := l.client.Get(t.Context(), kind("", "ConfigMap"), l.ns, "web"); err == nil {
				if data, _ := o.Fields["data"].(map[string]any); data["v"] == "1" {
					other.Merge(ref, `{"data": {"v": "undone"}}`)
				}
			}
		}
	}()
	f := l.waitFor(event.KindFighting, "web")
	if o := touched(t, f); o.Manager != "kubectl-cron" || !strings.Contains(f.Message, "kubectl-cron keeps changing") {
		t.Errorf("told %q, %+v", f.Message, o)
	}
	l.eventually("the last word", func() bool { return l.data("web", "v") == "undone" })
	close(stop)
	<-done
	l.push(app{name: "web", yaml: configMap("web", "2")})
	l.waitFor(event.KindDeployed, "web")
	other.Merge(ref, `{"data": {"v": "again"}}`)
	l.eventually("healed again", func() bool { return l.data("web", "v") == "2" })
}

// 5.3: a heal yields to a writer that holds the Lease, and comes after it.
func TestHeals_5_3_YieldsToTheLease(t *testing.T) {
	l := healing(t, configMap("web", "1"), nil)
	l.person("someone").Merge(object.Ref{Group: "coordination.k8s.io", Kind: "Lease", Namespace: l.ns, Name: "tug.web"},
		fmt.Sprintf(`{"spec": {"holderIdentity": "another", "leaseDurationSeconds": 60, "renewTime": %q}}`, time.Now().UTC().Format("2006-01-02T15:04:05.000000Z")))
	h, err := l.engine.Heal(t.Context(), "web", l.ns, []object.Ref{l.ref("", "ConfigMap", "web")}, deployOptions())
	if err != nil || !h.Busy {
		t.Fatalf("busy %v, %v", h.Busy, err)
	}
	l.person("kubectl-edit").Merge(l.ref("", "ConfigMap", "web"), `{"data": {"v": "2"}}`)
	l.person("someone").Merge(object.Ref{Group: "coordination.k8s.io", Kind: "Lease", Namespace: l.ns, Name: "tug.web"},
		`{"spec": {"holderIdentity": ""}}`)
	l.waitFor(event.KindDriftHealed, "web")
}

// A suspended app is left alone, and healed when it is given back.
func TestSuspendedIsNotHealed(t *testing.T) {
	l := healing(t, configMap("web", "1")+"---\n"+configMap("other", "1"), nil)
	if _, err := l.engine.Suspend(t.Context(), "web", l.ns); err != nil {
		t.Fatal(err)
	}
	l.waitFor(event.KindSuspended, "web")
	l.person("kubectl-edit").Merge(l.ref("", "ConfigMap", "web"), `{"data": {"v": "2"}}`)
	h, err := l.engine.Heal(t.Context(), "web", l.ns, []object.Ref{l.ref("", "ConfigMap", "web")}, deployOptions())
	if err != nil || !h.Busy {
		t.Fatalf("busy %v, %v", h.Busy, err)
	}
	if _, err := l.engine.Resume(t.Context(), "web", l.ns); err != nil && !fault.Is(err, fault.Conflict) {
		t.Fatal(err)
	}
	l.eventually("given back and healed", func() bool { return l.data("web", "v") == "1" })
}
