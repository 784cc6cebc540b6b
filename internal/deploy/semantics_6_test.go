package deploy_test

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/deploy"
	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/inventory"
	"github.com/tugops/tug/internal/kubetest"
	"github.com/tugops/tug/internal/object"
)

// recordSecrets are the Secrets of records in the namespace, by name.
func (l *lab) recordSecrets() map[string]*object.Object {
	l.t.Helper()
	list, err := l.spy.Cluster.List(l.t.Context(), inventory.SecretGVK(), l.ns, inventory.LabelRecord)
	if err != nil {
		l.t.Fatal(err)
	}
	out := map[string]*object.Object{}
	for _, o := range list {
		out[o.Name()] = o
	}
	return out
}

func TestSemantics_6_1_ChunksAreImmutableAndContentAddressed(t *testing.T) {
	l := newLab(t)
	// Random text does not compress: the snapshot needs more than one chunk.
	noise := make([]byte, 700<<10)
	if _, err := rand.Read(noise); err != nil {
		t.Fatal(err)
	}
	var docs []string
	for i := range 3 {
		part := noise[i*200<<10 : (i+1)*200<<10]
		docs = append(docs, "{apiVersion: v1, kind: ConfigMap, metadata: {name: c"+fmt.Sprint(i)+"}, data: {noise: "+hex.EncodeToString(part)+"}}")
	}
	for i := range 2 {
		part := noise[i*300<<10 : (i+1)*300<<10]
		docs = append(docs, "{apiVersion: v1, kind: ConfigMap, metadata: {name: b"+fmt.Sprint(i)+"}, binaryData: {noise: "+base64.StdEncoding.EncodeToString(part)+"}}")
	}
	l.deploy(l.snap("shop", docs...))
	head := l.record("shop").Head
	if len(head.Items) != 1 || len(head.Releases[0].Snapshot) < 2 {
		t.Fatalf("inventory in %v, snapshot in %v", head.Items, head.Releases[0].Snapshot)
	}
	for name, o := range l.recordSecrets() {
		raw, err := base64.StdEncoding.DecodeString(fmt.Sprint(field(o, "data", "record")))
		if err != nil {
			t.Fatal(err)
		}
		if len(raw) > 900<<10 {
			t.Errorf("%s holds %d bytes", name, len(raw))
		}
		if o.Fields["type"] != "tug.dev/record" {
			t.Errorf("%s has type %v", name, o.Fields["type"])
		}
		if name != "tug.shop" && o.Fields["immutable"] != true {
			t.Errorf("%s is not immutable", name)
		}
	}
	// Inventory and releases are apart, and what is the same is stored once.
	if slices.Contains(head.Releases[0].Snapshot, head.Items[0]) {
		t.Error("inventory and release share a chunk")
	}
	l.deploy(l.snap("shop", append(docs, configMap("more"))...))
	if _, err := l.engine.Rollback(t.Context(), "shop", l.ns, 1, l.options()); err != nil {
		t.Fatal(err)
	}
	now := l.record("shop").Head
	if diff := cmp.Diff(head.Releases[0].Snapshot, now.Releases[0].Snapshot); diff != "" {
		t.Errorf("the rollback stored its snapshot again:\n%s", diff)
	}
}

func TestSemantics_6_1_ChunksComeBeforeTheHead(t *testing.T) {
	l := newLab(t)
	l.deploy(l.snap("shop", configMap("a")))
	l.spy.reset()
	l.deploy(l.snap("shop", configMap("a", "v", "two")))
	written := map[string]bool{}
	for name := range l.recordSecrets() {
		written[name] = true
	}
	heads := 0
	for _, r := range l.spy.requests(func(r request) bool { return r.writes() && r.ref.Kind == "Secret" }) {
		switch {
		case r.verb == "create":
			written[r.ref.Name] = true
		case r.verb == "update" && r.ref.Name == "tug.shop":
			heads++
			var head inventory.Head
			raw, err := base64.StdEncoding.DecodeString(fmt.Sprint(field(r.object, "data", "record")))
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(raw, &head); err != nil {
				t.Fatal(err)
			}
			for _, name := range append(head.Items, head.Releases[0].Snapshot...) {
				if !written[name] {
					t.Errorf("the head names %s, which was not written before", name)
				}
			}
		}
	}
	if heads != 2 {
		t.Errorf("the head was flipped %d times, want before and after", heads)
	}
}

func TestSemantics_6_1_UnreferencedChunksAreCollected(t *testing.T) {
	l := newLab(t)
	for i := range 5 {
		l.deploy(l.snap("shop", configMap("a", "v", fmt.Sprintf("v%d", i))), func(o *deploy.Options) { o.History = 2 })
	}
	head := l.record("shop").Head
	want := append([]string{"tug.shop"}, head.Items...)
	for _, r := range head.Releases {
		want = append(want, r.Snapshot...)
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, names(l.recordSecrets())); diff != "" {
		t.Errorf("secrets (-referenced +there):\n%s", diff)
	}
}

func TestSemantics_6_2_TheInventoryIsWrittenAhead(t *testing.T) {
	l := newLab(t)
	l.deploy(l.snap("shop", configMap("old"), configMap("both")))
	var got []string
	var status inventory.Status
	firstWrite := func(r request) bool { return r.writes() && r.ref.Kind == "ConfigMap" }
	l.spy.before = once(firstWrite, func() {
		rec := l.record("shop")
		for _, it := range rec.Items {
			got = append(got, it.Name)
		}
		status = rec.Head.Latest().Status
		if len(rec.Head.Latest().Snapshot) == 0 {
			t.Error("the pending release has no snapshot")
		}
	})
	l.deploy(l.snap("shop", configMap("new"), configMap("both")))
	if diff := cmp.Diff([]string{"both", "new", "old"}, got); diff != "" {
		t.Errorf("inventory before the first write (-want +got):\n%s", diff)
	}
	if status != inventory.Pending {
		t.Errorf("the release is %q before the first write", status)
	}
	// It shrank: the delete is confirmed.
	if _, there := l.record("shop").Item(l.ref("ConfigMap", "old")); there {
		t.Error("the deleted object is still in the inventory")
	}
}

func TestSemantics_6_2_TheRecordIsThereBeforeTheFirstObject(t *testing.T) {
	l := newLab(t)
	seen := false
	l.spy.before = once(applies("a"), func() { seen = l.record("shop") != nil && len(l.record("shop").Items) == 1 })
	l.deploy(l.snap("shop", configMap("a")))
	if !seen {
		t.Error("there was no record when the first object was written")
	}
}

func TestSemantics_6_2_TheInventoryShrinksOnlyAfterAConfirmedDelete(t *testing.T) {
	l := newLab(t)
	held := "{apiVersion: v1, kind: ConfigMap, metadata: {name: held, finalizers: [example.com/hold]}}"
	ref := l.ref("ConfigMap", "held")
	t.Cleanup(func() { kubetest.As(t, "test").Unhold(ref) })
	l.deploy(l.snap("shop", configMap("a"), held))
	l.deploy(l.snap("shop", configMap("a")), func(o *deploy.Options) { o.NoWait = true })
	if _, there := l.record("shop").Item(ref); !there {
		t.Error("an object that still exists is no longer in the inventory")
	}
	// Waiting does not confirm it either, and says what holds it.
	_, err := l.try(l.snap("shop", configMap("a")), func(o *deploy.Options) { o.Timeout = time.Second })
	wantFault(t, err, fault.NotReady, "held", "example.com/hold")
	if _, there := l.record("shop").Item(ref); !there {
		t.Error("an object that still exists is no longer in the inventory")
	}
	l.person().Unhold(ref)
	l.deploy(l.snap("shop", configMap("a")))
	if _, there := l.record("shop").Item(ref); there {
		t.Error("a deleted object is in the inventory")
	}
}

// newNamespaceLab is a lab whose namespace does not exist yet.
func newNamespaceLab(t *testing.T) *lab {
	t.Helper()
	t.Parallel()
	l := labIn(t, kubetest.Name(t), kubetest.Client(t))
	t.Cleanup(func() { kubetest.As(t, "test").Drop(object.Ref{Kind: "Namespace", Name: l.ns}) })
	return l
}

const ownNamespace = "{apiVersion: v1, kind: Namespace, metadata: {name: NAMESPACE, labels: {team: shop}}}"

func TestSemantics_6_3_TheOwnNamespaceComesFirstAndGoesLast(t *testing.T) {
	l := newNamespaceLab(t)
	s := l.snap("shop", configMap("a"), ownNamespace, deployment("web", "registry.example/web:1", 1))
	out := l.deploy(s)
	if out.Release.Changes != "3 created, 0 updated, 0 deleted" {
		t.Errorf("changes: %s", out.Release.Changes)
	}
	writes := l.spy.requests(request.writes)
	if writes[0].ref.Kind != "Namespace" {
		t.Errorf("the first write is %s", writes[0])
	}
	ns := l.person().Get(object.Ref{Kind: "Namespace", Name: l.ns})
	if ns.Label(object.LabelApp) != object.AppHash(object.AppKey(l.ns, "shop")) {
		t.Error("the namespace is not ours")
	}
	if out := l.deploy(s); !out.Unchanged {
		t.Errorf("second deploy: %+v", out)
	}
	p, err := l.engine.PlanDelete(t.Context(), "shop", l.ns, l.options())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]object.Ref{{Kind: "Namespace", Name: l.ns}}, p.Confirm); diff != "" {
		t.Errorf("to confirm (-want +got):\n%s", diff)
	}
	l.spy.reset()
	if _, err := l.engine.Execute(t.Context(), p, l.options()); err != nil {
		t.Fatalf("delete: %v", err)
	}
	deletes := l.spy.requests(func(r request) bool { return r.verb == "delete" && r.ref.Kind != "Secret" })
	if last := deletes[len(deletes)-1]; last.ref.Kind != "Namespace" {
		t.Errorf("the last delete is %s", last)
	}
	if l.person().Get(object.Ref{Kind: "Namespace", Name: l.ns}) != nil {
		t.Error("the namespace is there after the delete")
	}
}

func TestSemantics_6_3_ANamespaceWithOtherAppsNeedsConsent(t *testing.T) {
	l := newNamespaceLab(t)
	l.deploy(l.snap("base", configMap("a"), ownNamespace))
	l.deploy(l.snap("shop", configMap("b")))
	alone, err := l.engine.PlanDelete(t.Context(), "base", l.ns, l.options())
	if err != nil {
		t.Fatal(err)
	}
	l.deploy(l.snap("web", configMap("c")))
	p, err := l.engine.PlanDelete(t.Context(), "base", l.ns, l.options())
	if err != nil {
		t.Fatal(err)
	}
	if p.Plan.Hash == alone.Plan.Hash {
		t.Error("consent to the loss of one app is consent to that of two")
	}
	l.spy.reset()
	_, err = l.engine.Execute(t.Context(), p, l.options())
	wantFault(t, err, fault.Denied, l.ns+"/shop, "+l.ns+"/web", "delete those apps first", "--consent "+p.Plan.Hash)
	if w := l.spy.requests(request.writes); len(w) > 0 {
		t.Errorf("written: %v", w)
	}
	// An app that leaves takes nobody along, and a kept history keeps the namespace.
	l.delete("web")
	l.delete("base", func(o *deploy.Options) { o.KeepHistory = true })
	if l.get("ConfigMap", "b") == nil {
		t.Fatal("the other app was touched")
	}
	l.deploy(l.snap("base", configMap("a"), ownNamespace))
	if p, err = l.engine.PlanDelete(t.Context(), "base", l.ns, l.options()); err != nil {
		t.Fatal(err)
	}
	if _, err = l.engine.Execute(t.Context(), p, l.options(func(o *deploy.Options) { o.Consent = p.Plan.Hash })); err != nil {
		t.Fatalf("delete with consent: %v", err)
	}
	if l.person().Get(object.Ref{Kind: "Namespace", Name: l.ns}) != nil {
		t.Error("the namespace is there after consent")
	}
}

func TestSemantics_6_3_CreateNamespaceMakesOneThatIsNotOwned(t *testing.T) {
	l := newNamespaceLab(t)
	_, err := l.try(l.snap("shop", configMap("a")))
	wantFault(t, err, fault.NotFound, l.ns, "--create-namespace")
	create := func(o *deploy.Options) { o.CreateNamespace = true }
	l.deploy(l.snap("shop", configMap("a")), create)
	l.delete("shop")
	ns := l.person().Get(object.Ref{Kind: "Namespace", Name: l.ns})
	if ns == nil || ns.Label(object.LabelApp) != "" {
		t.Errorf("the namespace was owned or deleted: %v", ns)
	}
	l.wantNothing("shop")
}

func TestSemantics_6_3_ANamespaceOfAnotherTeamMustExist(t *testing.T) {
	l := newLab(t)
	_, err := l.try(l.snap("shop", strings.Replace(configMap("a"), "{name: a}", "{name: a, namespace: NAMESPACE-elsewhere}", 1)),
		func(o *deploy.Options) { o.CreateNamespace = true })
	wantFault(t, err, fault.NotFound, l.ns+"-elsewhere")
	if w := l.spy.requests(request.writes); len(w) > 0 {
		t.Errorf("written: %v", w)
	}
}

func TestSemantics_6_3_HoldersAreNeverPrunedWithoutConsent(t *testing.T) {
	l := newLab(t)
	pvc := "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], storageClassName: none, resources: {requests: {storage: 1Gi}}}}"
	extra := "{apiVersion: v1, kind: Namespace, metadata: {name: NAMESPACE-extra}}"
	noWait := func(o *deploy.Options) { o.NoWait = true }
	t.Cleanup(func() { kubetest.As(t, "test").Drop(object.Ref{Kind: "Namespace", Name: l.ns + "-extra"}) })
	l.deploy(l.snap("shop", configMap("a"), pvc, extra, l.widgets()), noWait)
	for name, left := range map[string][]string{
		"PersistentVolumeClaim":    {configMap("a"), extra, l.widgets()},
		"Namespace":                {configMap("a"), pvc, l.widgets()},
		"CustomResourceDefinition": {configMap("a"), pvc, extra},
	} {
		s := l.snap("shop", left...)
		_, err := l.try(s, noWait)
		wantFault(t, err, fault.Denied, name, "--consent "+l.plan(s).Plan.Hash)
	}
	p, err := l.engine.PlanDelete(t.Context(), "shop", l.ns, l.options())
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Confirm) != 3 {
		t.Errorf("a delete lists %v to confirm", p.Confirm)
	}
	s := l.snap("shop", configMap("a"), extra, l.widgets())
	hash := l.plan(s).Plan.Hash
	l.deploy(s, noWait, func(o *deploy.Options) { o.Consent = hash })
	if o := l.get("PersistentVolumeClaim", "data"); o != nil && field(o, "metadata", "deletionTimestamp") == nil {
		t.Error("the claim is there after consent")
	}
}

func TestSemantics_6_3_TheOwnNamespaceIsNotPruned(t *testing.T) {
	l := newNamespaceLab(t)
	l.deploy(l.snap("shop", configMap("a"), ownNamespace))
	_, err := l.engine.Plan(t.Context(), l.snap("shop", configMap("a")), l.options())
	wantFault(t, err, fault.Denied, "tug delete")
}

func TestSemantics_6_4_DeleteRemovesRecordAndLease(t *testing.T) {
	l := newLab(t)
	l.deploy(l.snap("shop", configMap("a"), deployment("web", "registry.example/web:1", 1)))
	l.deploy(l.snap("other", configMap("b")))
	if out := l.delete("shop"); !out.Removed {
		t.Errorf("outcome: %+v", out)
	}
	l.wantNothing("shop")
	if l.record("other") == nil || l.get("ConfigMap", "b") == nil {
		t.Error("another app was touched")
	}
}

func TestSemantics_6_4_KeepHistoryKeepsTheRecord(t *testing.T) {
	l := newLab(t)
	l.deploy(l.snap("shop", configMap("a")))
	keep := func(o *deploy.Options) { o.KeepHistory = true }
	if out := l.delete("shop", keep); out.Removed {
		t.Error("the record is said to be removed")
	}
	rec := l.record("shop")
	if rec == nil || len(rec.Items) != 0 || rec.Head.Latest().Status != inventory.Deleted || len(rec.Head.Releases) != 2 {
		t.Fatalf("record: %+v", rec)
	}
	_, err := l.engine.Delete(t.Context(), "shop", l.ns, l.options(keep))
	wantFault(t, err, fault.NotFound)
	// What was kept can be deployed again.
	if _, err := l.engine.Rollback(t.Context(), "shop", l.ns, 1, l.options()); err != nil {
		t.Fatal(err)
	}
	if l.get("ConfigMap", "a") == nil {
		t.Error("the rollback brought nothing back")
	}
	l.delete("shop")
	l.wantNothing("shop")
}

func TestSemantics_6_4_KeepHistoryKeepsTheNamespaceItStandsIn(t *testing.T) {
	l := newNamespaceLab(t)
	l.deploy(l.snap("shop", configMap("a"), ownNamespace))
	l.delete("shop", func(o *deploy.Options) { o.KeepHistory = true })
	if rec := l.record("shop"); rec == nil || len(rec.Items) != 1 || l.get("ConfigMap", "a") != nil {
		t.Errorf("record: %+v", rec)
	}
	l.delete("shop")
	if l.person().Get(object.Ref{Kind: "Namespace", Name: l.ns}) != nil {
		t.Error("the namespace is there after the history went")
	}
}

func TestSemantics_6_4_HistoryKeepsTenReleases(t *testing.T) {
	l := newLab(t)
	for i := range 12 {
		l.deploy(l.snap("shop", configMap("a", "v", fmt.Sprintf("v%d", i))))
	}
	head := l.record("shop").Head
	if len(head.Releases) != 10 || head.Releases[0].Number != 12 || head.Releases[9].Number != 3 {
		t.Errorf("%d releases, %d to %d", len(head.Releases), head.Releases[9].Number, head.Releases[0].Number)
	}
	l.deploy(l.snap("shop", configMap("a")), func(o *deploy.Options) { o.History = 3 })
	if n := len(l.record("shop").Head.Releases); n != 3 {
		t.Errorf("%d releases, configured are 3", n)
	}
}

func TestSemantics_6_4_ReleasesHoldTheSecretsThatWereDeployed(t *testing.T) {
	l := newLab(t)
	secret := func(v string) string {
		return "{apiVersion: v1, kind: Secret, metadata: {name: s}, stringData: {password: " + v + "}}"
	}
	l.deploy(l.snap("shop", secret("correcthorse")))
	l.deploy(l.snap("shop", secret("batterystaple")))
	if _, err := l.engine.Rollback(t.Context(), "shop", l.ns, 0, l.options()); err != nil {
		t.Fatal(err)
	}
	want := base64.StdEncoding.EncodeToString([]byte("correcthorse"))
	if got := field(l.get("Secret", "s"), "data", "password"); got != want {
		t.Errorf("password is %v after the rollback", got)
	}
	// They are in the namespace of the record and nowhere else.
	for name, o := range l.recordSecrets() {
		if o.Namespace() != l.ns {
			t.Errorf("%s is in %s", name, o.Namespace())
		}
	}
}

// The second of two deletes at once finds the app gone under the Lease that it
// made itself. That Lease must not be what is left.
func TestSemantics_6_4_TheSecondOfTwoDeletesLeavesNoLease(t *testing.T) {
	l := newLab(t)
	l.deploy(l.snap("shop", configMap("a")))
	mine, err := l.engine.PlanDelete(t.Context(), "shop", l.ns, l.options())
	if err != nil {
		t.Fatal(err)
	}
	l.delete("shop")
	_, err = l.engine.Execute(t.Context(), mine, l.options())
	wantFault(t, err, fault.Conflict, "another writer changed")
	l.wantNothing("shop")
}

// A snapshot that somebody deleted must not stand in the way of a delete: what
// it alone knows of, the hooks, is found by label.
func TestSemantics_6_4_DeleteWithoutTheSnapshot(t *testing.T) {
	l := newLab(t)
	l.deploy(l.snap("shop", configMap("a"), l.hooked()))
	if l.get("Job.batch", "migrate") == nil {
		t.Fatal("the hook is not there")
	}
	for _, name := range l.record("shop").Head.Latest().Snapshot {
		l.person().Delete(l.ref("Secret", name))
	}
	_, err := l.engine.Generated(t.Context(), l.ns, "shop")
	wantFault(t, err, fault.NotFound, "snapshot of release 1", "made anew")
	l.delete("shop")
	l.wantNothing("shop")
}
