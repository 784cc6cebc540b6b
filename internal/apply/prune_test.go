package apply

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/tugops/tug/internal/event"
	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/kubetest"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/plan"
)

func TestPruneConfirms(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	yaml := deployment("web", "web:1", "1")
	for i := range 20 {
		yaml += configMap(fmt.Sprint("c", i), "1")
	}
	created := l.creates(plan.StageWorkloads, yaml)
	l.must(created, Options{})
	counted := &counting{Cluster: l.c}
	deletes := l.deletes(created[1:]...)
	res, err := l.runWith(t.Context(), counted, deletes, Options{Wait: true})
	if err != nil {
		t.Fatal(err)
	}
	if got := res.String(); got != "0 created, 0 updated, 20 deleted" || len(l.deleted) != 20 {
		t.Errorf("result is %q, journal %v", got, l.deleted)
	}
	if counted.watches.Load() != 0 || counted.reads.Load() != 0 || counted.deletes.Load() != 20 {
		t.Errorf("%d watches, %d reads, %d deletes: want one delete each and one list for all",
			counted.watches.Load(), counted.reads.Load(), counted.deletes.Load())
	}
	if !l.exists(created[0]) {
		t.Error("the Deployment is gone although it was not in the plan")
	}
	// The Deployment changes on its own (status): deleted all the same.
	deletes = l.deletes(created[0])
	kubetest.As(t, "kubectl").In(l.ns).Merge(created[0].Ref, `{"metadata":{"annotations":{"a":"b"}}}`)
	l.must(deletes, Options{Wait: true})
	if l.exists(created[0]) {
		t.Error("the Deployment is still there")
	}
}

// A finalizer that blocks is named on timeout.
func TestPruneNamesTheFinalizer(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	created := l.creates(plan.StageConfig, configMap("held", "1")+configMap("free", "1"))
	l.must(created, Options{})
	person := kubetest.As(t, "operator").In(l.ns)
	person.Merge(created[0].Ref, `{"metadata":{"finalizers":["example.com/hold"]}}`)
	t.Cleanup(func() { person.Unhold(created[0].Ref) })
	res, err := l.run(l.deletes(created...), Options{Wait: true, Timeout: 2 * time.Second})
	wantFault(t, err, fault.NotReady, "ConfigMap "+l.ns+"/held is still there 2s after its delete: finalizer example.com/hold")
	if !slices.Equal(l.deleted, []object.Ref{created[1].Ref}) {
		t.Errorf("journal forgot %v", l.deleted)
	}
	if got := res.String(); got != "0 created, 0 updated, 1 deleted, 1 not done" {
		t.Errorf("result is %q", got)
	}
	if !l.tells(event.Deleting, "example.com/hold") {
		t.Errorf("deleting told %q", l.told(event.Deleting))
	}
}

// The wait for a finalizer ends when it goes, also for an object that lost its
// label: only a read of its own confirms (cluster-semantics.md 10.2).
func TestPruneWaitsForTheFinalizer(t *testing.T) {
	t.Parallel()
	for name, labels := range map[string]string{"labelled": `{}`, "label removed": `{"labels":{"tug.dev/app":null}}`} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t)
			created := l.creates(plan.StageConfig, configMap("held", "1"))
			l.must(created, Options{})
			person := kubetest.As(t, "operator").In(l.ns)
			person.Merge(created[0].Ref, `{"metadata":{"finalizers":["example.com/hold"]}}`)
			t.Cleanup(func() { person.Unhold(created[0].Ref) })
			done := make(chan error, 1)
			deletes := l.deletes(created...)
			go func() {
				_, err := l.run(deletes, Options{Wait: true})
				done <- err
			}()
			kubetest.Eventually(t, 10*time.Second, "delete accepted", func() bool { return l.tells(event.Deleting, "hold") })
			person.Merge(created[0].Ref, `{"metadata":`+labels+`}`)
			select {
			case err := <-done:
				t.Fatalf("ended while the object is held: %v", err)
			case <-time.After(300 * time.Millisecond):
			}
			person.Unhold(created[0].Ref)
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			if l.exists(created[0]) || len(l.deleted) != 1 {
				t.Error("the object is still there, or the journal was not told")
			}
		})
	}
}

// Every delete checks the live owner and UID (cluster-semantics.md 7.4).
func TestPruneSparesWhatIsNotOurs(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	created := l.creates(plan.StageConfig, configMap("taken", "1")+configMap("replaced", "1"))
	l.must(created, Options{})
	deletes := l.deletes(created...)
	person := kubetest.As(t, "kubectl").In(l.ns)
	person.Merge(created[0].Ref, `{"metadata":{"labels":{"tug.dev/app":"0123456789abcdef"},"annotations":{"tug.dev/owner":"other/app"}}}`)
	person.Delete(created[1].Ref)
	person.Create(configMap("replaced", "theirs"))
	_, err := l.run(deletes, Options{Wait: true})
	wantFault(t, err, fault.Conflict, "not ours: it belongs to other/app")
	for _, c := range created {
		if !l.exists(c) {
			t.Errorf("%s was deleted", c.Ref)
		}
	}
	if !slices.Equal(l.deleted, []object.Ref{created[1].Ref}) {
		t.Errorf("journal forgot %v, want the one whose UID is gone", l.deleted)
	}
}

func TestPruneOfWhatIsGone(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	created := l.creates(plan.StageConfig, configMap("a", "1"))
	l.must(created, Options{})
	deletes := l.deletes(created...)
	kubetest.As(t, "kubectl").In(l.ns).Delete(created[0].Ref)
	res := l.must(deletes, Options{Wait: true})
	if res.Count(plan.Delete) != 1 || len(l.deleted) != 1 {
		t.Errorf("result is %s", res)
	}
}

// Each wave is gone before the next one starts (cluster-semantics.md 8.1).
func TestPruneWavesAreBarriers(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	created := l.creates(plan.StageConfig, configMap("first", "1")+configMap("second", "1"))
	l.must(created, Options{})
	person := kubetest.As(t, "operator").In(l.ns)
	person.Merge(created[0].Ref, `{"metadata":{"finalizers":["example.com/hold"]}}`)
	t.Cleanup(func() { person.Unhold(created[0].Ref) })
	deletes := l.deletes(created...)
	deletes[1].Wave = 1
	_, err := l.run(deletes, Options{Timeout: time.Second})
	wantFault(t, err, fault.NotReady, "/first is still there")
	if !l.exists(created[1]) {
		t.Error("the second wave was deleted before the first was gone")
	}
	// The last wave is not waited for without Wait.
	res := l.must(l.deletes(created[0]), Options{})
	if res.Outcomes[0].State != Accepted {
		t.Errorf("outcome is %+v", res.Outcomes[0])
	}
}

func TestPruneANamespace(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	name := kubetest.Name(t)
	created := l.creates(plan.StageDefinitions, "apiVersion: v1\nkind: Namespace\nmetadata: {name: "+name+"}\n")
	inside := l.creates(plan.StageConfig, into(name, configMap("a", "1")))
	l.must(slices.Concat(created, inside), Options{Wait: true})
	person := kubetest.As(t, "operator").In(name)
	person.Merge(inside[0].Ref, `{"metadata":{"finalizers":["example.com/hold"]}}`)
	t.Cleanup(func() { person.Unhold(inside[0].Ref) })
	deletes := l.deletes(created...)
	done := make(chan error, 1)
	go func() {
		_, err := l.run(deletes, Options{Wait: true, Timeout: 3 * time.Minute})
		done <- err
	}()
	kubetest.Eventually(t, time.Minute, "what holds the namespace", func() bool { return l.tells(event.Deleting, "example.com/hold") })

	// Nothing can be created in it now.
	_, err := l.run(l.creates(plan.StageConfig, into(name, configMap("b", "1"))), Options{})
	wantFault(t, err, fault.Conflict, "namespace is being deleted")
	person.Unhold(inside[0].Ref)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if l.exists(created[0]) {
		t.Error("the namespace is still there")
	}
}
