package deploy_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/inventory"
	"github.com/tugops/tug/internal/kubetest"
	"github.com/tugops/tug/internal/object"
)

func (l *lab) leaseRef(app string) object.Ref {
	return object.Ref{Group: "coordination.k8s.io", Kind: "Lease", Namespace: l.ns, Name: inventory.HeadName(app)}
}

func TestSemantics_5_1_PlanningTakesNoLease(t *testing.T) {
	l := newLab(t)
	s := l.snap("shop", configMap("a"))
	l.plan(s)
	if w := l.spy.requests(request.writes); len(w) > 0 {
		t.Errorf("a plan wrote %v", w)
	}
	if l.person().Get(l.leaseRef("shop")) != nil {
		t.Error("there is a Lease")
	}
	l.deploy(s)
	lease := l.person().Get(l.leaseRef("shop"))
	if holder := field(lease, "spec", "holderIdentity"); holder != "" && holder != nil {
		t.Errorf("the Lease is held by %v after the deploy", holder)
	}
	version := lease.ResourceVersion()
	l.deploy(s)
	if v := l.person().Get(l.leaseRef("shop")).ResourceVersion(); v != version {
		t.Error("an unchanged deploy wrote the Lease")
	}
}

func TestSemantics_5_1_TheHeadIsReadAgainUnderTheLease(t *testing.T) {
	l := newLab(t)
	l.deploy(l.snap("shop", configMap("a", "v", "one")))
	mine := l.plan(l.snap("shop", configMap("a", "v", "two")))
	l.deploy(l.snap("shop", configMap("a", "v", "three")))
	_, err := l.engine.Execute(t.Context(), mine, l.options())
	wantFault(t, err, fault.Conflict, "another writer changed")
	if got := field(l.get("ConfigMap", "a"), "data", "v"); got != "three" {
		t.Errorf("v is %v", got)
	}
	// The same changes are still right when only the record moved on.
	again := l.plan(l.snap("shop", configMap("a", "v", "four")))
	l.deploy(l.snap("shop", configMap("a", "v", "five")))
	l.deploy(l.snap("shop", configMap("a", "v", "three")))
	if _, err := l.engine.Execute(t.Context(), again, l.options()); err != nil {
		t.Errorf("an equal plan was refused: %v", err)
	}
}

func TestSemantics_5_1_AnUnchangedDeployWritesNothing(t *testing.T) {
	l := newLab(t)
	s := l.snap("shop", configMap("a"), deployment("web", "registry.example/web:1", 1))
	l.deploy(s)
	before := l.versions()
	l.spy.reset()
	if out := l.deploy(s); !out.Unchanged {
		t.Errorf("outcome: %+v", out)
	}
	if w := l.spy.requests(request.writes); len(w) > 0 {
		t.Errorf("written: %v", w)
	}
	if diff := cmp.Diff(before, l.versions()); diff != "" {
		t.Errorf("resource versions:\n%s", diff)
	}
}

func TestSemantics_5_2_RecordWritesCarryTheEpoch(t *testing.T) {
	l := newLab(t)
	for i, v := range []string{"one", "two", "three"} {
		l.deploy(l.snap("shop", configMap("a", "v", v)))
		lease := l.person().Get(l.leaseRef("shop"))
		epoch := l.record("shop").Head.Epoch
		if epoch != field(lease, "spec", "leaseTransitions") || epoch != int64(i+1) {
			t.Errorf("epoch %d, Lease %v", epoch, field(lease, "spec", "leaseTransitions"))
		}
	}
	for _, r := range l.spy.requests(func(r request) bool { return r.verb == "update" && r.ref.Kind == "Secret" }) {
		if r.object.ResourceVersion() == "" {
			t.Errorf("%s has no resourceVersion to compare with", r)
		}
	}
}

func TestSemantics_5_2_AWriterOfAnOlderEpochIsRefused(t *testing.T) {
	l := newLab(t)
	l.deploy(l.snap("shop", configMap("a")))
	store := inventory.NewStore(l.spy.Cluster, l.ns, "shop")
	r := l.record("shop")
	if err := store.Save(t.Context(), r, 99); err != nil {
		t.Fatal(err)
	}
	wantFault(t, store.Save(t.Context(), l.record("shop"), 98), fault.Conflict, "later writer")
	// A deploy gets a later epoch, whatever the Lease says.
	l.deploy(l.snap("shop", configMap("a", "v", "two")))
	if e := l.record("shop").Head.Epoch; e != 100 {
		t.Errorf("epoch %d", e)
	}
}

func TestSemantics_5_2_WritesSendUIDAndResourceVersion(t *testing.T) {
	l := newLab(t)
	l.deploy(l.snap("shop", configMap("a"), configMap("b")))
	a, b := l.get("ConfigMap", "a"), l.get("ConfigMap", "b")
	l.spy.reset()
	l.deploy(l.snap("shop", configMap("a", "v", "two")))
	sent := map[string]object.Write{}
	for _, r := range l.spy.requests(func(r request) bool { return r.writes() && r.ref.Kind == "ConfigMap" }) {
		sent[r.verb+" "+r.ref.Name] = object.Write{UID: r.write.UID, ResourceVersion: r.write.ResourceVersion}
	}
	want := map[string]object.Write{
		"apply a":  {UID: a.UID(), ResourceVersion: a.ResourceVersion()},
		"delete b": {UID: b.UID(), ResourceVersion: b.ResourceVersion()},
	}
	if diff := cmp.Diff(want, sent); diff != "" {
		t.Errorf("preconditions (-want +got):\n%s", diff)
	}
}

// once makes a hook that runs f ahead of the first request that matches.
func once(match func(request) bool, f func()) func(request) error {
	var o sync.Once
	return func(r request) error {
		if match(r) {
			o.Do(f)
		}
		return nil
	}
}

func applies(name string) func(request) bool {
	return func(r request) bool { return r.verb == "apply" && r.ref.Name == name }
}

func TestSemantics_5_2_AConflictIsReadAgainAndPlannedAgain(t *testing.T) {
	l := newLab(t)
	l.deploy(l.snap("shop", configMap("a", "v", "one"), configMap("c")))
	// A person edits the very field between plan and write.
	l.spy.before = once(applies("a"), func() { l.person().Merge(l.ref("ConfigMap", "a"), `{"data":{"v":"edited"}}`) })
	l.deploy(l.snap("shop", configMap("a", "v", "two"), configMap("c")))
	if got := field(l.get("ConfigMap", "a"), "data", "v"); got != "two" {
		t.Errorf("v is %v", got)
	}
	// Somebody deletes it: it is created anew.
	l.spy.before = once(applies("a"), func() { l.person().Delete(l.ref("ConfigMap", "a")) })
	l.deploy(l.snap("shop", configMap("a", "v", "three"), configMap("c")))
	if got := field(l.get("ConfigMap", "a"), "data", "v"); got != "three" {
		t.Errorf("v is %v", got)
	}
	l.spy.before = nil
	if out := l.deploy(l.snap("shop", configMap("a", "v", "three"), configMap("c"))); !out.Unchanged {
		t.Errorf("the record does not know the new object: %+v", out)
	}
}

func TestSemantics_5_2_AConflictChecksTheOwner(t *testing.T) {
	l := newLab(t)
	l.deploy(l.snap("shop", configMap("a", "v", "one"), configMap("b")))
	foreign := `{"metadata":{"labels":{"tug.dev/app":"0123456789abcdef"},"annotations":{"tug.dev/owner":"else/where"}},"data":{"v":"theirs"}}`
	l.spy.before = once(applies("a"), func() { l.person().Merge(l.ref("ConfigMap", "a"), foreign) })
	_, err := l.try(l.snap("shop", configMap("a", "v", "two"), configMap("b")))
	wantFault(t, err, fault.Conflict, "else/where")
	if got := field(l.get("ConfigMap", "a"), "data", "v"); got != "theirs" {
		t.Errorf("v is %v: a foreign object was written", got)
	}
	// The same for a delete.
	deletes := func(r request) bool { return r.verb == "delete" && r.ref.Name == "b" }
	l.spy.before = once(deletes, func() { l.person().Merge(l.ref("ConfigMap", "b"), foreign) })
	_, _ = l.engine.Delete(t.Context(), "shop", l.ns, l.options())
	if l.get("ConfigMap", "b") == nil {
		t.Error("a foreign object was deleted")
	}
}

// What somebody else made between plan and write is not overwritten, although
// there was nothing whose UID could be sent.
func TestSemantics_5_2_ACreateOverwritesNobody(t *testing.T) {
	l := newLab(t)
	l.spy.before = once(applies("a"), func() { l.person().Apply(configMap("a", "v", "theirs")) })
	_, err := l.try(l.snap("shop", configMap("a", "v", "ours")))
	wantFault(t, err, fault.Conflict, "ConfigMap "+l.ns+"/a", "no app of tug owns it")
	a := l.get("ConfigMap", "a")
	if field(a, "data", "v") != "theirs" || a.Label(object.LabelApp) != "" {
		t.Errorf("somebody else's object was written: %v", a.Fields)
	}
	// It is recorded ahead, and all the same not deleted with the app.
	l.spy.before = nil
	l.delete("shop")
	if l.get("ConfigMap", "a") == nil {
		t.Error("somebody else's object was deleted")
	}
}

func TestSemantics_5_2_RequestsEndBeforeTheLeaseCanExpire(t *testing.T) {
	l := newLab(t)
	var expiry []time.Time
	l.spy.before = func(r request) error {
		if r.ref.Kind == "Lease" && (r.verb == "update" || r.verb == "create") {
			text, _ := field(r.object, "spec", "renewTime").(string)
			renewed, err := time.Parse(time.RFC3339Nano, text)
			if err == nil {
				expiry = append(expiry, renewed.Add(15*time.Second))
			}
		}
		return nil
	}
	l.deploy(l.snap("shop", configMap("a"), configMap("b")))
	l.deploy(l.snap("shop", configMap("a", "v", "two")))
	last := expiry[len(expiry)-1]
	checked := 0
	for _, r := range l.spy.requests(request.writes) {
		if r.ref.Kind == "Lease" {
			continue
		}
		checked++
		if r.deadline.IsZero() || r.deadline.After(last) {
			t.Errorf("%s may take until %v, the Lease runs out at %v", r, r.deadline, last)
		}
	}
	if checked < 8 {
		t.Errorf("only %d writes were seen", checked)
	}
}

func TestSemantics_5_2_ATakeoverWaitsOneFullDuration(t *testing.T) {
	l := newLab(t)
	kubetest.Apply(t, l.ns, `{apiVersion: coordination.k8s.io/v1, kind: Lease, metadata: {name: tug.shop},
		spec: {holderIdentity: "tug/far/boot/1/7/1/n", leaseDurationSeconds: 2, acquireTime: "2026-01-01T00:00:00.000000Z"}}`)
	started := time.Now()
	l.deploy(l.snap("shop", configMap("a")))
	if took := time.Since(started); took < 2*time.Second {
		t.Errorf("a Lease of another machine was taken over after %s", took)
	}
	said := false
	for _, e := range l.events.all() {
		said = said || strings.Contains(e.Message, "locked by process 7 on far")
	}
	if !said {
		t.Error("nobody said who holds the lock")
	}
}

func TestSemantics_5_2_ADeadProcessOfThisMachineLosesTheLeaseAtOnce(t *testing.T) {
	l := newLab(t)
	dead, err := inventory.Self()
	if err != nil {
		t.Fatal(err)
	}
	if dead.Start == "" {
		t.Skip("this system does not tell start times of processes")
	}
	dead.Start = "1"
	kubetest.Apply(t, l.ns, `{apiVersion: coordination.k8s.io/v1, kind: Lease, metadata: {name: tug.shop},
		spec: {holderIdentity: "`+dead.String()+`", leaseDurationSeconds: 3600}}`)
	l.deploy(l.snap("shop", configMap("a")))
}

func TestSemantics_5_2_AHeldLeaseIsAConflict(t *testing.T) {
	l := newLab(t)
	l.engine.LeaseWait = time.Second
	kubetest.Apply(t, l.ns, `{apiVersion: coordination.k8s.io/v1, kind: Lease, metadata: {name: tug.shop},
		spec: {holderIdentity: "tug/far/boot/1/7/1/n", leaseDurationSeconds: 3600, acquireTime: "2026-01-01T00:00:00.000000Z"}}`)
	_, err := l.try(l.snap("shop", configMap("a")))
	wantFault(t, err, fault.Conflict, "locked by process 7 on far since 2026-01-01T00:00:00")
	if l.get("ConfigMap", "a") != nil || l.record("shop") != nil {
		t.Error("something was written without the lock")
	}
}

func TestSemantics_5_2_OneOfTwoWritersWaits(t *testing.T) {
	l := newLab(t)
	l.deploy(l.snap("shop", configMap("a", "v", "one"), configMap("b")))
	second := l.as(kubetest.Client(t))
	// The second starts while the first is in the middle of its work, with a
	// plan that was made before.
	theirs := second.plan(second.snap("shop", configMap("a", "v", "two"), configMap("c")))
	var late error
	done := make(chan struct{})
	l.spy.before = once(applies("a"), func() {
		go func() {
			defer close(done)
			_, late = second.engine.Execute(t.Context(), theirs, second.options())
		}()
		kubetest.Eventually(t, 10*time.Second, "the second writer waits", func() bool {
			for _, e := range second.events.all() {
				if strings.Contains(e.Message, "locked by") {
					return true
				}
			}
			return false
		})
	})
	l.deploy(l.snap("shop", configMap("a", "v", "first"), configMap("b")))
	<-done
	// Its plan is no longer what there is to do.
	wantFault(t, late, fault.Conflict, "another writer")
	rec := l.record("shop")
	if len(rec.Items) != 2 || rec.Head.Latest().Status != inventory.Deployed || l.get("ConfigMap", "c") != nil {
		t.Errorf("record after two writers: %+v", rec)
	}
}

func TestSemantics_5_2_ALostLeaseStopsTheWriter(t *testing.T) {
	l := newLab(t)
	l.engine.LeaseDuration = time.Second
	// The Lease is taken by somebody else before the first object.
	l.spy.before = once(applies("a"), func() {
		l.person().Merge(l.leaseRef("shop"), `{"spec":{"holderIdentity":"someone else","leaseTransitions":50}}`)
		kubetest.Eventually(t, 10*time.Second, "a renewal to fail", func() bool {
			return len(l.spy.requests(func(r request) bool { return r.verb == "get" && r.ref.Kind == "Lease" })) > 1
		})
	})
	_, err := l.try(l.snap("shop", deployment("web", "registry.example/web:1", 0), configMap("a")))
	if !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "lost the lock") {
		t.Errorf("got %v (%s)", err, fault.KindOf(err))
	}
	// Stage by stage: the workloads come after the configuration.
	if l.get("Deployment.apps", "web") != nil {
		t.Error("work went on without the lock")
	}
	if got := l.record("shop").Head.Latest().Status; got != inventory.Pending {
		t.Errorf("the record was written without the lock: %s", got)
	}
}
