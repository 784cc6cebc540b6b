package apply

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tugops/tug/internal/event"
	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/inventory"
	"github.com/tugops/tug/internal/kube"
	"github.com/tugops/tug/internal/kubetest"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/plan"
)

var _ Cluster = (*kube.Client)(nil)

// lab is one app in a namespace of its own on the shared cluster, with what a
// run told its sink and journal.
type lab struct {
	t  testing.TB
	c  *kube.Client
	ns string

	mu      sync.Mutex
	events  []event.Event
	applied map[object.Ref]inventory.Item
	deleted []object.Ref
}

func newLab(t testing.TB) *lab {
	t.Helper()
	c := kubetest.Client(t)
	return &lab{t: t, c: c, ns: kubetest.Namespace(t), applied: map[object.Ref]inventory.Item{}}
}

const app = "shop"

func (l *lab) key() string { return object.AppKey(l.ns, app) }

// Applied and Deleted make lab a Journal.
func (l *lab) Applied(i inventory.Item) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.applied[i.Ref] = i
}

func (l *lab) Deleted(ref object.Ref) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.deleted = append(l.deleted, ref)
}

func (l *lab) sink(e event.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, e)
}

// told gives the messages of the events of one type.
func (l *lab) told(typ event.Type) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []string
	for _, e := range l.events {
		if e.Type == typ {
			all = append(all, e.Message)
		}
	}
	return all
}

func (l *lab) tells(typ event.Type, part string) bool {
	return slices.ContainsFunc(l.told(typ), func(s string) bool { return strings.Contains(s, part) })
}

// objects reads YAML as placed and labelled objects of the app.
func (l *lab) objects(yaml string) []*object.Object {
	l.t.Helper()
	list := kubetest.Objects(l.t, yaml)
	for _, o := range list {
		namespaced, served, err := l.c.Scope(l.t.Context(), o.GVK().GroupKind())
		if err != nil {
			l.t.Fatal(err)
		}
		if (namespaced || !served) && o.Namespace() == "" {
			o.SetNamespace(l.ns)
		}
		if isDefinition(o.Ref()) || isNamespace(o.Ref()) {
			o.SetNamespace("")
		}
		o.SetLabel(object.LabelApp, object.AppHash(l.key()))
		o.SetAnnotation(object.AnnotationOwner, l.key())
		o.Source = object.Source{File: "templates/all.yaml", Line: 7}
	}
	return list
}

// creates plans the creation of what the YAML holds.
func (l *lab) creates(stage plan.Stage, yaml string) []plan.Change {
	l.t.Helper()
	var list []plan.Change
	for _, o := range l.objects(yaml) {
		list = append(list, plan.Change{
			Action: plan.Create, Ref: o.Ref(), Version: o.GVK().GroupVersion().String(), Stage: stage,
			Desired: o, Applied: "hash", Source: o.Source,
		})
	}
	return list
}

// updates plans updates with the preconditions of the live objects as of now.
func (l *lab) updates(stage plan.Stage, yaml string) []plan.Change {
	l.t.Helper()
	list := l.creates(stage, yaml)
	for i := range list {
		c := &list[i]
		live := l.live(c.Ref, c.Version)
		c.Action, c.UID, c.ResourceVersion = plan.Update, live.UID, live.ResourceVersion
		c.Entry = object.EntryHash(live.Managers)
	}
	return list
}

// deletes plans the deletion of what the changes brought.
func (l *lab) deletes(changes ...plan.Change) []plan.Change {
	l.t.Helper()
	var list []plan.Change
	for _, c := range changes {
		live := l.live(c.Ref, c.Version)
		list = append(list, plan.Change{
			Action: plan.Delete, Ref: c.Ref, Version: c.Version, Stage: plan.StagePrune,
			UID: live.UID, ResourceVersion: live.ResourceVersion, Source: c.Source,
		})
	}
	return list
}

func (l *lab) live(ref object.Ref, version string) object.Live {
	l.t.Helper()
	live, err := l.c.GetLive(l.t.Context(), gvkOf(ref, version), ref.Namespace, ref.Name)
	if err != nil {
		l.t.Fatal(err)
	}
	return live
}

// exists asks the server itself.
func (l *lab) exists(c plan.Change) bool {
	l.t.Helper()
	_, err := l.c.GetLive(l.t.Context(), gvkOf(c.Ref, c.Version), c.Ref.Namespace, c.Ref.Name)
	if err != nil && !fault.Is(err, fault.NotFound) {
		l.t.Fatal(err)
	}
	return err == nil
}

func (l *lab) run(changes []plan.Change, o Options) (Result, error) {
	l.t.Helper()
	return l.runWith(l.t.Context(), l.c, changes, o)
}

func (l *lab) runWith(ctx context.Context, c Cluster, changes []plan.Change, o Options) (Result, error) {
	l.t.Helper()
	o.Journal = l
	o.Sink = l.sink
	if o.Timeout == 0 {
		o.Timeout = time.Minute
	}
	o.Refresh = l.c.Refresh
	return Run(ctx, c, &plan.Plan{App: app, Namespace: l.ns, Changes: changes}, o)
}

func (l *lab) must(changes []plan.Change, o Options) Result {
	l.t.Helper()
	res, err := l.run(changes, o)
	if err != nil {
		l.t.Fatalf("run: %v", err)
	}
	return res
}

// wantFault checks kind and text of an error.
func wantFault(t testing.TB, err error, kind fault.Kind, parts ...string) {
	t.Helper()
	if !fault.Is(err, kind) {
		t.Fatalf("error is %q (%s), want kind %s", err, fault.KindOf(err), kind)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q lacks %q", err, part)
		}
	}
}

func configMap(name, value string) string {
	return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + name + "}\ndata: {x: \"" + value + "\"}\n---\n"
}

// deployment is one container with an image the lab knows how to treat.
func deployment(name, image, replicas string) string {
	return `apiVersion: apps/v1
kind: Deployment
metadata: {name: ` + name + `}
spec:
  replicas: ` + replicas + `
  selector: {matchLabels: {run: ` + name + `}}
  template:
    metadata: {labels: {run: ` + name + `}}
    spec:
      terminationGracePeriodSeconds: 0
      containers: [{name: main, image: "` + image + `"}]
---
`
}

func job(name, image, annotations string) string {
	return `apiVersion: batch/v1
kind: Job
metadata: {name: ` + name + `, annotations: {` + annotations + `}}
spec:
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
      containers: [{name: main, image: "` + image + `"}]
---
`
}
