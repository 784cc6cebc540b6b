package apply

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tugops/tug/internal/event"
	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/kubetest"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/plan"
)

// into sets the namespace of the objects in YAML that name none.
func into(namespace, yaml string) string {
	return strings.ReplaceAll(yaml, "metadata: {name: ", "metadata: {namespace: "+namespace+", name: ")
}

// A Pod in a namespace of the same run waits until the namespace has its
// service account.
func TestPodInANewNamespace(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	name := kubetest.Name(t)
	space := l.creates(plan.StageDefinitions, "apiVersion: v1\nkind: Namespace\nmetadata: {name: "+name+"}\n")
	t.Cleanup(func() { kubetest.As(t, "cleanup").Drop(space[0].Ref) })
	pod := l.creates(plan.StagePreHooks, into(name, `apiVersion: v1
kind: Pod
metadata: {name: first}
spec: {restartPolicy: Never, containers: [{name: main, image: "hook:1"}]}
`))
	l.must(slices.Concat(space, hook(pod, 0)), Options{})
}

// Every create of an object under a quota writes the quota: the conflicts of
// these writes are not about the object.
func TestCreatesUnderAQuota(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	quota := l.creates(plan.StageConfig, "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: few}\nspec: {hard: {count/configmaps: 70}}\n")
	l.must(quota, Options{})
	kubetest.Eventually(t, 30*time.Second, "quota in force", func() bool {
		return mapAt(kubetest.As(t, "test").Get(quota[0].Ref).Fields, "status", "used") != nil
	})
	yaml := ""
	for i := range 60 {
		yaml += configMap(fmt.Sprint("c", i), "1")
	}
	if res := l.must(l.creates(plan.StageWorkloads, yaml), Options{}); res.Count(plan.Create) != 60 {
		t.Errorf("result is %s", res)
	}
}

// An error that may pass is not waited for at length when the run fails
// anyway.
func TestPassingErrorOfAFailingRun(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	changes := l.creates(plan.StageConfig, configMap("slow", "1")+"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: bad}\ndata: {x: 1}\n")
	down := &counting{Cluster: l.c, before: func(ref object.Ref) error {
		if ref.Name == "slow" {
			return fault.New(fault.Unavailable, "connection refused")
		}
		return nil
	}}
	begin := time.Now()
	_, err := l.runWith(t.Context(), down, changes, Options{Timeout: time.Hour})
	wantFault(t, err, fault.Invalid, "2 objects failed", "/bad", "/slow", "connection refused")
	if took := time.Since(begin); took > 30*time.Second {
		t.Errorf("took %s", took)
	}
}

// A take-over switches the owner under preconditions (cluster-semantics.md
// 2.2, 7.3), and a re-own brings a lost entry back.
func TestTakeAndReown(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	theirs := l.objects(configMap("a", "1"))[0]
	theirs.SetLabel(object.LabelApp, object.AppHash("other/app"))
	theirs.SetAnnotation(object.AnnotationOwner, "other/app")
	if _, err := l.c.Apply(t.Context(), theirs, object.Write{}); err != nil {
		t.Fatal(err)
	}
	changes := l.updates(plan.StageConfig, configMap("a", "2"))
	changes[0].Action, changes[0].From = plan.Take, "other/app"
	l.must(changes, Options{})
	live := l.live(changes[0].Ref, "v1")
	if live.Labels[object.LabelApp] != object.AppHash(l.key()) || live.Annotations[object.AnnotationOwner] != l.key() {
		t.Errorf("owner is %v %v", live.Labels, live.Annotations)
	}
	kubetest.As(t, "kubectl").In(l.ns).JSON(changes[0].Ref, `[{"op":"replace","path":"/metadata/managedFields","value":[{}]}]`)
	changes = l.updates(plan.StageConfig, configMap("a", "2"))
	changes[0].Action, changes[0].Force, changes[0].Strip = plan.Reown, true, []string{"before-first-apply"}
	res := l.must(changes, Options{})
	live = l.live(changes[0].Ref, "v1")
	if res.Count(plan.Reown) != 1 || !onlyOurs(live) || l.applied[live.Ref].Entry != object.EntryHash(live.Managers) {
		t.Errorf("result is %s, managers %+v", res, live.Managers)
	}
	if !slices.Contains(l.actions(), "re-own") {
		t.Errorf("actions are %q", l.actions())
	}
}

func (l *lab) actions() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []string
	for _, e := range l.events {
		if e.Type == event.Applied {
			all = append(all, e.Action)
		}
	}
	return all
}
