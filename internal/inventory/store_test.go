package inventory_test

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/inventory"
	"github.com/tugops/tug/internal/kubetest"
	"github.com/tugops/tug/internal/object"
)

func item(name string) inventory.Item {
	return inventory.Item{Ref: object.Ref{Kind: "ConfigMap", Namespace: "shop", Name: name}, Version: "v1"}
}

func mustSave(t *testing.T, s *inventory.Store, r *inventory.Record, epoch int64) {
	t.Helper()
	if err := s.Save(t.Context(), r, epoch); err != nil {
		t.Fatalf("save: %v", err)
	}
}

func mustLoad(t *testing.T, s *inventory.Store) *inventory.Record {
	t.Helper()
	r, err := s.Load(t.Context())
	if err != nil {
		t.Fatalf("load: %v", err)
	}
	return r
}

func chunks(t *testing.T, s *inventory.Store) int {
	t.Helper()
	n, err := s.Chunks(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestSaveAndLoad(t *testing.T) {
	t.Parallel()
	ns := kubetest.Namespace(t)
	s := inventory.NewStore(kubetest.Client(t), ns, "web")
	if r := mustLoad(t, s); r != nil {
		t.Fatalf("a record before the first save: %+v", r)
	}
	// Random, so that it needs several chunks.
	big := make([]byte, 2<<20)
	if _, err := rand.Read(big); err != nil {
		t.Fatal(err)
	}
	names, err := s.WriteSnapshot(t.Context(), big, 1)
	if err != nil {
		t.Fatal(err)
	}
	if len(names) != 3 {
		t.Errorf("2 MiB stand in %d chunks, want 3", len(names))
	}
	r := s.New("prod")
	r.Union([]inventory.Item{item("a"), item("b")})
	r.Head.Begin(inventory.Release{Snapshot: names}, 10)
	mustSave(t, s, r, 1)

	got := mustLoad(t, s)
	if diff := cmp.Diff(r.Items, got.Items); diff != "" {
		t.Errorf("items (-saved +loaded):\n%s", diff)
	}
	if got.Head.Epoch != 1 || got.Head.Env != "prod" || got.Head.ResourceVersion != r.Head.ResourceVersion {
		t.Errorf("head: %+v", got.Head)
	}
	back, err := s.ReadSnapshot(t.Context(), got.Head.Releases[0])
	if err != nil || string(back) != string(big) {
		t.Errorf("snapshot: %d bytes, %v", len(back), err)
	}
	heads, unreadable, err := inventory.Heads(t.Context(), kubetest.Client(t), ns)
	if err != nil || len(heads) != 1 || heads[0].App != "web" || len(unreadable) != 0 {
		t.Errorf("heads: %+v, %v, %v", heads, unreadable, err)
	}
}

func TestSaveCollectsWhatItDropped(t *testing.T) {
	t.Parallel()
	s := inventory.NewStore(kubetest.Client(t), kubetest.Namespace(t), "web")
	other := inventory.NewStore(kubetest.Client(t), kubetest.Namespace(t), "other")
	foreign := other.New("")
	mustSave(t, other, foreign, 1)
	r := s.New("")
	for i := range 4 {
		r.Union([]inventory.Item{item(fmt.Sprint(i))})
		mustSave(t, s, r, int64(i+1))
	}
	if n := chunks(t, s); n != 1 {
		t.Errorf("%d chunks after four saves of a one-chunk inventory", n)
	}
	if n := chunks(t, other); n != 1 {
		t.Errorf("%d chunks of another app, want its own one", n)
	}
	// A chunk of a later epoch is not ours to collect, nor is a young orphan.
	if _, err := s.WriteSnapshot(t.Context(), []byte("of a writer that died"), 99); err != nil {
		t.Fatal(err)
	}
	mustSave(t, s, r, 5)
	if n := chunks(t, s); n != 2 {
		t.Errorf("%d chunks, want the inventory and the orphan", n)
	}
}

func TestSaveIsCompareAndSwap(t *testing.T) {
	t.Parallel()
	c := kubetest.Client(t)
	ns := kubetest.Namespace(t)
	s := inventory.NewStore(c, ns, "web")
	first, second := s.New(""), s.New("")
	mustSave(t, s, first, 1)
	second.Union([]inventory.Item{item("a")})
	wantConflict(t, "create of an existing head", s.Save(t.Context(), second, 1))

	stale := mustLoad(t, s)
	first.Union([]inventory.Item{item("b")})
	mustSave(t, s, first, 2)
	stale.Union([]inventory.Item{item("c")})
	wantConflict(t, "head that changed", s.Save(t.Context(), stale, 2))

	now := mustLoad(t, s)
	wantConflict(t, "older epoch", s.Save(t.Context(), now, 1))
	if diff := cmp.Diff([]inventory.Item{item("b")}, mustLoad(t, s).Items); diff != "" {
		t.Errorf("refused saves left a trace (-want +got):\n%s", diff)
	}
}

func TestSaveKeepsWhatPeopleAnnotate(t *testing.T) {
	t.Parallel()
	ns := kubetest.Namespace(t)
	s := inventory.NewStore(kubetest.Client(t), ns, "web")
	r := s.New("")
	mustSave(t, s, r, 1)
	kubetest.As(t, "kubectl-annotate").Merge(
		object.Ref{Kind: "Secret", Namespace: ns, Name: inventory.HeadName("web")},
		`{"metadata":{"annotations":{"tug.dev/consent":"abc"}}}`)
	r.Union([]inventory.Item{item("a")})
	mustSave(t, s, r, 1) // read before the annotation came
	if got := mustLoad(t, s).Head.Annotations[inventory.AnnotationConsent]; got != "abc" {
		t.Errorf("the annotation is %q after a save", got)
	}
}

func TestSaveWithoutNamespace(t *testing.T) {
	t.Parallel()
	s := inventory.NewStore(kubetest.Client(t), kubetest.Name(t), "web")
	err := s.Save(t.Context(), s.New(""), 1)
	if !fault.Is(err, fault.NotFound) {
		t.Errorf("got %v (%s), want not found", err, fault.KindOf(err))
	}
}

func TestRemove(t *testing.T) {
	t.Parallel()
	s := inventory.NewStore(kubetest.Client(t), kubetest.Namespace(t), "web")
	r := s.New("")
	mustSave(t, s, r, 1)
	if _, err := s.WriteSnapshot(t.Context(), []byte("orphan"), 1); err != nil {
		t.Fatal(err)
	}
	if err := s.Remove(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if n := chunks(t, s); n != 0 || mustLoad(t, s) != nil {
		t.Errorf("%d chunks are left after the record was removed", n)
	}
}

func TestDamagedRecords(t *testing.T) {
	t.Parallel()
	ns := kubetest.Namespace(t)
	c := kubetest.Client(t)
	edit := kubetest.As(t, "kubectl-edit")
	head := func(app, data, kind string) {
		edit.In(ns).Create(fmt.Sprintf("{apiVersion: v1, kind: Secret, type: %s, metadata: {name: tug.%s, labels: {tug.dev/record: head}}, data: {record: %s}}",
			kind, app, base64.StdEncoding.EncodeToString([]byte(data))))
	}
	head("newer", `{"version":7,"app":"newer","namespace":"`+ns+`"}`, inventory.SecretType)
	head("foreign", `{}`, "Opaque")
	head("chunkless", `{"version":1,"app":"chunkless","namespace":"`+ns+`","items":["tug.chunkless.00"],"releases":[]}`, inventory.SecretType)
	head("other", `{"version":1,"app":"else","namespace":"`+ns+`","items":[],"releases":[]}`, inventory.SecretType)
	for app, want := range map[string]string{
		"newer": "format version 7", "foreign": "has type", "chunkless": "tug.chunkless.00", "other": "record of " + ns + "/else",
	} {
		_, err := inventory.NewStore(c, ns, app).Load(t.Context())
		if err == nil || !strings.Contains(err.Error(), want) || len(fault.HintsOf(err)) == 0 {
			t.Errorf("%s: got %v with hints %v, want an error that says %q", app, err, fault.HintsOf(err), want)
		}
	}
	heads, unreadable, err := inventory.Heads(t.Context(), c, ns)
	if err != nil || len(heads) != 2 || len(unreadable) != 2 {
		t.Errorf("%d heads and %d unreadable ones, %v", len(heads), len(unreadable), err)
	}
}

func wantConflict(t *testing.T, what string, err error) {
	t.Helper()
	if !fault.Is(err, fault.Conflict) {
		t.Errorf("%s: got %v (%s), want a conflict", what, err, fault.KindOf(err))
	}
}

// lock lasts long enough that a busy machine still renews it in time.
func lock(t *testing.T, ns string) inventory.Lock {
	t.Helper()
	h, err := inventory.Self()
	if err != nil {
		t.Fatal(err)
	}
	return inventory.Lock{Objects: kubetest.Client(t), Namespace: ns, App: "web", Holder: h, Duration: 6 * time.Second, Wait: time.Minute}
}

func acquire(t *testing.T, k inventory.Lock) *inventory.Lease {
	t.Helper()
	l, err := k.Acquire(t.Context())
	if err != nil {
		t.Fatalf("acquire: %v", err)
	}
	return l
}

func TestLeaseKeepsOthersOut(t *testing.T) {
	t.Parallel()
	ns := kubetest.Namespace(t)
	k := lock(t, ns)
	l := acquire(t, k)
	second := lock(t, ns)
	second.Wait = 9 * time.Second // longer than its duration: it is renewed
	waiting := ""
	second.Waiting = func(m string) { waiting = m }
	_, err := second.Acquire(t.Context())
	wantConflict(t, "acquire of a held lock", err)
	if err == nil || !strings.Contains(err.Error(), "locked by process") || !strings.Contains(waiting, "locked by process") {
		t.Errorf("who holds it is not said: %v, %q", err, waiting)
	}
	if err := l.Check(); err != nil {
		t.Errorf("the holder lost the lock: %v", err)
	}
	before := l.Epoch()
	l.Release(t.Context())
	started := time.Now()
	next := acquire(t, second)
	defer next.Release(t.Context())
	if next.Epoch() <= before {
		t.Errorf("epoch %d follows %d", next.Epoch(), before)
	}
	if took := time.Since(started); took >= second.Duration {
		t.Errorf("a released lock was taken after %s, as if it had run out", took)
	}
}

func TestLeaseIsTakenOverWhenNotRenewed(t *testing.T) {
	t.Parallel()
	ns := kubetest.Namespace(t)
	// On another machine, and of a clock that is an hour ahead.
	kubetest.Apply(t, ns, `{apiVersion: coordination.k8s.io/v1, kind: Lease, metadata: {name: tug.web},
		spec: {holderIdentity: "tug/far/boot/1/7/1/n", leaseDurationSeconds: 2, leaseTransitions: 4, renewTime: "`+
		time.Now().Add(time.Hour).UTC().Format("2006-01-02T15:04:05.000000Z07:00")+`"}}`)
	started := time.Now()
	l := acquire(t, lock(t, ns))
	defer l.Release(t.Context())
	if took := time.Since(started); took < 2*time.Second {
		t.Errorf("taken over after %s, want no less than its duration of 2s", took)
	}
	if l.Epoch() != 5 {
		t.Errorf("epoch %d, want 5", l.Epoch())
	}
}

func TestLeaseOfDeadProcessIsTakenAtOnce(t *testing.T) {
	t.Parallel()
	ns := kubetest.Namespace(t)
	k := lock(t, ns)
	if k.Holder.Start == "" {
		t.Skip("this system does not tell start times of processes")
	}
	dead := k.Holder
	dead.Start = "1" // the PID was used again
	kubetest.Apply(t, ns, `{apiVersion: coordination.k8s.io/v1, kind: Lease, metadata: {name: tug.web},
		spec: {holderIdentity: "`+dead.String()+`", leaseDurationSeconds: 600}}`)
	l := acquire(t, k) // waits a minute at most, far less than the lease lasts
	l.Release(t.Context())
}

func TestLostLeaseStopsItsWriter(t *testing.T) {
	t.Parallel()
	edit := kubetest.As(t, "kubectl-edit")
	for name, lose := range map[string]func(ref object.Ref){
		"deleted": edit.Delete,
		"taken":   func(ref object.Ref) { edit.Merge(ref, `{"spec":{"holderIdentity":"someone"}}`) },
	} {
		ns := kubetest.Namespace(t)
		l := acquire(t, lock(t, ns))
		lose(object.Ref{Group: "coordination.k8s.io", Kind: "Lease", Namespace: ns, Name: "tug.web"})
		kubetest.Eventually(t, 30*time.Second, name+": end of the writer's context", func() bool { return l.Context().Err() != nil })
		wantConflict(t, name, l.Check())
		l.Release(t.Context())
	}
}

func TestRemoveLeavesALeaseThatWasTakenOver(t *testing.T) {
	t.Parallel()
	ns, edit := kubetest.Namespace(t), kubetest.As(t, "kubectl-edit")
	ref := object.Ref{Group: "coordination.k8s.io", Kind: "Lease", Namespace: ns, Name: "tug.web"}
	l := acquire(t, lock(t, ns))
	edit.Merge(ref, `{"metadata":{"labels":{"touched":"yes"}}}`)
	if err := l.Remove(t.Context()); err != nil || edit.Get(ref) != nil {
		t.Errorf("a Lease of which only the labels were changed was not removed: %v", err)
	}
	l = acquire(t, lock(t, ns))
	edit.Merge(ref, `{"spec":{"holderIdentity":"someone"}}`)
	wantConflict(t, "taken over", l.Remove(t.Context()))
	if edit.Get(ref) == nil {
		t.Error("the Lease of somebody else was removed")
	}
}

// A Lease that somebody deleted starts at transition 0 again; the record's
// epoch must not.
func TestEpochNeverFallsBehindTheRecord(t *testing.T) {
	t.Parallel()
	ns := kubetest.Namespace(t)
	k := lock(t, ns)
	k.Floor = 41
	l := acquire(t, k)
	if l.Epoch() != 42 {
		t.Errorf("epoch %d, want 42", l.Epoch())
	}
	if err := l.Remove(t.Context()); err != nil {
		t.Fatal(err)
	}
	ref := object.Ref{Group: "coordination.k8s.io", Kind: "Lease", Namespace: ns, Name: "tug.web"}
	if kubetest.As(t, "test").Get(ref) != nil {
		t.Error("the Lease is there after it was removed")
	}
}
