package deploy_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tugops/tug/internal/deploy"
	"github.com/tugops/tug/internal/event"
	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/inventory"
	"github.com/tugops/tug/internal/kubetest"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/snapshot"
)

// spy is a cluster that notes every request that is made of it. before, when
// set, is called ahead of each and may refuse it.
type spy struct {
	deploy.Cluster
	before func(request) error
	after  func(request)

	mu   sync.Mutex
	seen []request
}

// request is one call, as the test sees it.
type request struct {
	verb string // apply, dry-run, create, update, patch, delete, get, get-live, list, list-live, watch
	ref  object.Ref
	// object is what was sent; write are the preconditions.
	object *object.Object
	write  object.Write
	// deadline of the request's context; zero for none.
	deadline time.Time
}

func (r request) String() string { return r.verb + " " + r.ref.String() }

// writes reports whether the request changes something.
func (r request) writes() bool {
	switch r.verb {
	case "apply", "create", "update", "patch", "delete":
		return true
	}
	return false
}

func (s *spy) note(ctx context.Context, r request) error {
	r.deadline, _ = ctx.Deadline()
	s.mu.Lock()
	s.seen = append(s.seen, r)
	s.mu.Unlock()
	if s.before != nil {
		return s.before(r)
	}
	return nil
}

func (s *spy) reset() { s.mu.Lock(); defer s.mu.Unlock(); s.seen = nil }

// requests are those seen so far for which keep holds.
func (s *spy) requests(keep func(request) bool) []request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(s.seen), func(r request) bool { return !keep(r) })
}

func refOf(gvk schema.GroupVersionKind, namespace, name string) object.Ref {
	return object.Ref{Group: gvk.Group, Kind: gvk.Kind, Namespace: namespace, Name: name}
}

func (s *spy) Apply(ctx context.Context, o *object.Object, w object.Write) (*object.Object, error) {
	verb := "apply"
	if w.DryRun {
		verb = "dry-run"
	}
	if err := s.note(ctx, request{verb: verb, ref: o.Ref(), object: o, write: w}); err != nil {
		return nil, err
	}
	got, err := s.Cluster.Apply(ctx, o, w)
	s.done(request{verb: verb, ref: o.Ref()})
	return got, err
}

func (s *spy) done(r request) {
	if s.after != nil {
		s.after(r)
	}
}

func (s *spy) Create(ctx context.Context, o *object.Object) (*object.Object, error) {
	if err := s.note(ctx, request{verb: "create", ref: o.Ref(), object: o}); err != nil {
		return nil, err
	}
	got, err := s.Cluster.Create(ctx, o)
	s.done(request{verb: "create", ref: o.Ref()})
	return got, err
}

func (s *spy) Update(ctx context.Context, o *object.Object) (*object.Object, error) {
	if err := s.note(ctx, request{verb: "update", ref: o.Ref(), object: o}); err != nil {
		return nil, err
	}
	got, err := s.Cluster.Update(ctx, o)
	s.done(request{verb: "update", ref: o.Ref()})
	return got, err
}

func (s *spy) Patch(ctx context.Context, gvk schema.GroupVersionKind, ns, name string, patch []byte) (*object.Object, error) {
	if err := s.note(ctx, request{verb: "patch", ref: refOf(gvk, ns, name)}); err != nil {
		return nil, err
	}
	got, err := s.Cluster.Patch(ctx, gvk, ns, name, patch)
	s.done(request{verb: "patch", ref: refOf(gvk, ns, name)})
	return got, err
}

func (s *spy) Delete(ctx context.Context, gvk schema.GroupVersionKind, ns, name string, w object.Write) error {
	if err := s.note(ctx, request{verb: "delete", ref: refOf(gvk, ns, name), write: w}); err != nil {
		return err
	}
	err := s.Cluster.Delete(ctx, gvk, ns, name, w)
	s.done(request{verb: "delete", ref: refOf(gvk, ns, name)})
	return err
}

func (s *spy) Get(ctx context.Context, gvk schema.GroupVersionKind, ns, name string) (*object.Object, error) {
	if err := s.note(ctx, request{verb: "get", ref: refOf(gvk, ns, name)}); err != nil {
		return nil, err
	}
	return s.Cluster.Get(ctx, gvk, ns, name)
}

func (s *spy) GetLive(ctx context.Context, gvk schema.GroupVersionKind, ns, name string) (object.Live, error) {
	if err := s.note(ctx, request{verb: "get-live", ref: refOf(gvk, ns, name)}); err != nil {
		return object.Live{}, err
	}
	return s.Cluster.GetLive(ctx, gvk, ns, name)
}

func (s *spy) List(ctx context.Context, gvk schema.GroupVersionKind, ns, selector string) ([]*object.Object, error) {
	if err := s.note(ctx, request{verb: "list", ref: refOf(gvk, ns, selector)}); err != nil {
		return nil, err
	}
	return s.Cluster.List(ctx, gvk, ns, selector)
}

func (s *spy) ListLive(ctx context.Context, gvk schema.GroupVersionKind, ns, selector string) ([]object.Live, error) {
	if err := s.note(ctx, request{verb: "list-live", ref: refOf(gvk, ns, selector)}); err != nil {
		return nil, err
	}
	return s.Cluster.ListLive(ctx, gvk, ns, selector)
}

func (s *spy) Watch(ctx context.Context, gvk schema.GroupVersionKind, ns, selector string, handle func(object.Change) bool) error {
	if err := s.note(ctx, request{verb: "watch", ref: refOf(gvk, ns, selector)}); err != nil {
		return err
	}
	return s.Cluster.Watch(ctx, gvk, ns, selector, handle)
}

// lab is one namespace, one engine over a spied cluster, and what a test does
// with them.
type lab struct {
	t      *testing.T
	ns     string
	spy    *spy
	engine *deploy.Engine
	events *events
}

// events keeps what a deploy said.
type events struct {
	mu   sync.Mutex
	list []event.Event
}

func (e *events) add(ev event.Event) { e.mu.Lock(); defer e.mu.Unlock(); e.list = append(e.list, ev) }

func (e *events) all() []event.Event { e.mu.Lock(); defer e.mu.Unlock(); return slices.Clone(e.list) }

// newLab is a lab with a namespace of its own.
func newLab(t *testing.T) *lab {
	t.Helper()
	t.Parallel()
	return labIn(t, kubetest.Namespace(t), kubetest.Client(t))
}

func labIn(t *testing.T, ns string, c deploy.Cluster) *lab {
	s := &spy{Cluster: c}
	e := deploy.New(s)
	e.LeaseWait = 20 * time.Second
	return &lab{t: t, ns: ns, spy: s, engine: e, events: &events{}}
}

// as is the same namespace seen by another engine, as if in another process.
func (l *lab) as(c deploy.Cluster) *lab { return labIn(l.t, l.ns, c) }

// snap is a snapshot of the given YAML documents.
func (l *lab) snap(app string, yamls ...string) *snapshot.Snapshot {
	l.t.Helper()
	s := &snapshot.Snapshot{App: app, Namespace: l.ns, KubeVersion: "1.36"}
	for i, y := range yamls {
		list, err := object.ReadYAML(fmt.Sprintf("app/%d.yaml", i), []byte(strings.ReplaceAll(y, "NAMESPACE", l.ns)))
		if err != nil {
			l.t.Fatalf("read YAML: %v", err)
		}
		for _, o := range list {
			if err := o.Normalize(); err != nil {
				l.t.Fatalf("normalize: %v", err)
			}
			s.Objects = append(s.Objects, o)
		}
	}
	return s
}

func (l *lab) options(change ...func(*deploy.Options)) deploy.Options {
	o := deploy.Options{Timeout: 60 * time.Second, Sink: l.events.add}
	for _, f := range change {
		f(&o)
	}
	return o
}

// plan plans, and fails the test when that fails.
func (l *lab) plan(s *snapshot.Snapshot, change ...func(*deploy.Options)) *deploy.Prepared {
	l.t.Helper()
	p, err := l.engine.Plan(l.t.Context(), s, l.options(change...))
	if err != nil {
		l.t.Fatalf("plan: %v", err)
	}
	return p
}

// try plans and executes.
func (l *lab) try(s *snapshot.Snapshot, change ...func(*deploy.Options)) (deploy.Outcome, error) {
	l.t.Helper()
	o := l.options(change...)
	p, err := l.engine.Plan(l.t.Context(), s, o)
	if err != nil {
		return deploy.Outcome{}, err
	}
	return l.engine.Execute(l.t.Context(), p, o)
}

// deploy plans and executes, and fails the test when that fails.
func (l *lab) deploy(s *snapshot.Snapshot, change ...func(*deploy.Options)) deploy.Outcome {
	l.t.Helper()
	out, err := l.try(s, change...)
	if err != nil {
		l.t.Fatalf("deploy: %v", err)
	}
	return out
}

func (l *lab) delete(app string, change ...func(*deploy.Options)) deploy.Outcome {
	l.t.Helper()
	out, err := l.engine.Delete(l.t.Context(), app, l.ns, l.options(change...))
	if err != nil {
		l.t.Fatalf("delete: %v", err)
	}
	return out
}

// person is an editor with a manager that stands for a human hand.
func (l *lab) person() *kubetest.Editor { return kubetest.As(l.t, "kubectl-edit").In(l.ns) }

// get reads an object of the lab's namespace; nil when it does not exist.
func (l *lab) get(kind, name string) *object.Object {
	l.t.Helper()
	return l.person().Get(l.ref(kind, name))
}

// ref is a ref in the lab's namespace, of "Kind" or "Kind.group".
func (l *lab) ref(kind, name string) object.Ref {
	kind, group, _ := strings.Cut(kind, ".")
	return object.Ref{Group: group, Kind: kind, Namespace: l.ns, Name: name}
}

func (l *lab) record(app string) *inventory.Record {
	l.t.Helper()
	r, err := inventory.NewStore(l.spy.Cluster, l.ns, app).Load(l.t.Context())
	if err != nil {
		l.t.Fatalf("record: %v", err)
	}
	return r
}

// wantNothing checks that no object of the app, no record and no Lease is
// left in the namespace.
func (l *lab) wantNothing(app string) {
	l.t.Helper()
	var left []string
	kinds, err := l.spy.Cluster.Kinds(l.t.Context())
	if err != nil {
		l.t.Fatal(err)
	}
	hash := object.AppHash(object.AppKey(l.ns, app))
	for _, gvk := range kinds {
		for _, selector := range []string{object.LabelApp + "=" + hash, inventory.LabelRecordApp + "=" + hash} {
			list, err := l.spy.Cluster.ListLive(l.t.Context(), gvk, "", selector)
			if err != nil {
				continue // kinds that cannot be listed
			}
			for _, o := range list {
				left = append(left, o.Ref.String())
			}
		}
	}
	if len(left) > 0 {
		l.t.Errorf("left of %s: %s", app, strings.Join(left, ", "))
	}
}

// versions are the resourceVersions of all objects of some kinds in the
// namespace, records and Leases included.
func (l *lab) versions() map[object.Ref]string {
	l.t.Helper()
	out := map[object.Ref]string{}
	for _, gvk := range []schema.GroupVersionKind{
		{Version: "v1", Kind: "ConfigMap"}, {Version: "v1", Kind: "Secret"}, {Version: "v1", Kind: "Service"},
		{Version: "v1", Kind: "ServiceAccount"}, {Group: "coordination.k8s.io", Version: "v1", Kind: "Lease"},
		{Group: "apps", Version: "v1", Kind: "Deployment"}, {Group: "batch", Version: "v1", Kind: "Job"},
	} {
		list, err := l.spy.Cluster.ListLive(l.t.Context(), gvk, l.ns, "")
		if err != nil {
			l.t.Fatal(err)
		}
		for _, o := range list {
			out[o.Ref] = o.ResourceVersion
		}
	}
	return out
}

// field follows keys through an object; list items are matched by name.
func field(o *object.Object, keys ...string) any {
	var v any = o.Fields
	for _, k := range keys {
		switch at := v.(type) {
		case map[string]any:
			v = at[k]
		case []any:
			v = nil
			for _, item := range at {
				if m, _ := item.(map[string]any); m["name"] == k {
					v = m
				}
			}
		default:
			return nil
		}
	}
	return v
}

// wantFault checks kind, text and that there is a hint.
func wantFault(t *testing.T, err error, kind fault.Kind, texts ...string) {
	t.Helper()
	if !fault.Is(err, kind) {
		t.Fatalf("got %v (%s), want %s", err, fault.KindOf(err), kind)
	}
	all := err.Error() + "\n" + strings.Join(fault.HintsOf(err), "\n")
	for _, text := range texts {
		if !strings.Contains(all, text) {
			t.Errorf("%q does not say %q", all, text)
		}
	}
	if len(fault.HintsOf(err)) == 0 {
		t.Errorf("%v has no hint", err)
	}
}

// actions lists what a plan does: "create ConfigMap a".
func actions(p *deploy.Prepared) []string {
	var out []string
	for _, c := range p.Plan.Changes {
		out = append(out, string(c.Action)+" "+c.Ref.Kind+" "+c.Ref.Name)
	}
	return out
}

func names[K comparable, V any](m map[K]V) []string {
	var out []string
	for k := range maps.Keys(m) {
		out = append(out, fmt.Sprint(k))
	}
	slices.Sort(out)
	return out
}

func configMap(name string, data ...string) string {
	text := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + name + "}\ndata:\n  app: " + name + "\n"
	for i := 0; i+1 < len(data); i += 2 {
		text += "  " + data[i] + ": " + data[i+1] + "\n"
	}
	return text
}

func deployment(name, image string, replicas int) string {
	return fmt.Sprintf(`apiVersion: apps/v1
kind: Deployment
metadata: {name: %[1]s}
spec:
  replicas: %[3]d
  selector: {matchLabels: {run: %[1]s}}
  template:
    metadata: {labels: {run: %[1]s}}
    spec:
      containers:
      - {name: main, image: %[2]q, ports: [{containerPort: 8080}]}
`, name, image, replicas)
}

// widgets is a CRD of a group that is the lab's own, so that tests in parallel
// do not share it. It is removed after the test.
func (l *lab) widgets() string {
	l.t.Cleanup(func() {
		kubetest.As(l.t, "test").Drop(object.Ref{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition", Name: "widgets." + l.group()})
	})
	return `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.` + l.group() + `}
spec:
  group: ` + l.group() + `
  scope: Namespaced
  names: {kind: Widget, plural: widgets, singular: widget, listKind: WidgetList}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            properties: {size: {type: integer, format: int64}, ratio: {type: number}, color: {type: string}}
`
}

func (l *lab) group() string { return l.ns + ".example.com" }

func (l *lab) widget(name, spec string) string {
	return "{apiVersion: " + l.group() + "/v1, kind: Widget, metadata: {name: " + name + "}, spec: {" + spec + "}}"
}

func (l *lab) widgetRef(name string) object.Ref {
	return object.Ref{Group: l.group(), Kind: "Widget", Namespace: l.ns, Name: name}
}

// placeKind is the type of "Kind" or "Kind.group", in its preferred version.
func placeKind(kind string) schema.GroupVersionKind {
	kind, group, _ := strings.Cut(kind, ".")
	return schema.GroupVersionKind{Group: group, Kind: kind}
}

func sortedStrings(list []string) []string { return slices.Sorted(slices.Values(list)) }
