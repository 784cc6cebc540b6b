package plan_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/kubetest"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/plan"
)

const web = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: example.test/web:1
        env: [{name: A, value: "1"}, {name: B, value: "2"}]
        ports: [{containerPort: 80}]
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports: [{port: 80}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data: {a: "1", b: "2"}
---
apiVersion: v1
kind: Secret
metadata: {name: web}
stringData: {password: hunter2, other: x}
`

func TestServerUnchangedIsClean(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	first := s.deploy(web)
	if got, want := first.Summary(), "4 to create"; got != want {
		t.Errorf("summary = %q, want %q", got, want)
	}
	s.clean(web)
}

func TestServerDriftByHand(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		edit   func(e *kubetest.Editor, ref object.Ref)
		fields []plan.Field
	}{
		"scale": {
			func(e *kubetest.Editor, ref object.Ref) { e.Scale(ref, 5) },
			[]plan.Field{{Path: "spec.replicas", From: int64(5), To: int64(2), Manager: "kubectl"}},
		},
		"image": {
			func(e *kubetest.Editor, ref object.Ref) {
				e.Merge(ref, `{"spec":{"template":{"spec":{"containers":[{"name":"web","image":"evil:1"}]}}}}`)
			},
			// A merge patch replaces the whole list of containers.
			[]plan.Field{
				{
					Path: "spec.template.spec.containers[name=web].env",
					To:   []any{map[string]any{"name": "A", "value": "1"}, map[string]any{"name": "B", "value": "2"}},
				},
				{
					Path: "spec.template.spec.containers[name=web].image",
					From: "evil:1", To: "example.test/web:1", Manager: "kubectl",
				},
				{
					Path: "spec.template.spec.containers[name=web].ports",
					To:   []any{map[string]any{"containerPort": int64(80), "protocol": "TCP"}},
				},
			},
		},
		"label removed": {
			func(e *kubetest.Editor, ref object.Ref) { e.Merge(ref, `{"metadata":{"labels":{"tug.dev/app":null}}}`) },
			[]plan.Field{{Path: `metadata.labels["tug.dev/app"]`, To: ""}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			s.deploy(web)
			tc.edit(kubetest.As(t, "kubectl").In(s.namespace), s.ref("Deployment", "web"))
			p := s.deploy(web)
			ch := s.one(p, plan.Update)
			if ch.Reason != "drift" {
				t.Errorf("reason = %q", ch.Reason)
			}
			for i := range tc.fields {
				if tc.fields[i].To == "" {
					tc.fields[i].To = object.AppHash(object.AppKey(s.namespace, s.app))
				}
			}
			if diff := cmp.Diff(tc.fields, ch.Fields); diff != "" {
				t.Error(diff)
			}
			s.clean(web)
		})
	}
}

func TestServerAdditionsStay(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.deploy(web)
	kubetest.As(t, "kubectl-edit").In(s.namespace).Merge(s.ref("ConfigMap", "web"), `{"data":{"extra":"1"}}`)
	s.clean(web)
	if got := at(s.get("ConfigMap", "web"), "data", "extra"); got != "1" {
		t.Errorf("extra = %v", got)
	}
}

func TestServerAdditionsInListsStay(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.deploy(web)
	kubetest.As(t, "kubectl-edit").In(s.namespace).JSON(s.ref("Deployment", "web"),
		`[{"op":"add","path":"/spec/template/spec/containers/0/env/0","value":{"name":"X","value":"x"}},
		{"op":"add","path":"/spec/template/spec/containers/0","value":{"name":"side","image":"side:1"}}]`)
	s.quiet(web)
	s.one(s.deploy(strings.Replace(web, "web:1", "web:2", 1)), plan.Update)
	if got := at(s.get("Deployment", "web"), "spec", "template", "spec", "containers"); len(got.([]any)) != 2 {
		t.Errorf("containers = %v", got)
	}
}

func TestServerOrderMatters(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.deploy(web)
	next := strings.Replace(web, `{name: A, value: "1"}, {name: B, value: "2"}`, `{name: B, value: "2"}, {name: A, value: "1"}`, 1)
	ch := s.one(s.deploy(next), plan.Update)
	want := []plan.Field{{
		Path: "spec.template.spec.containers[name=web].env[order]", From: "[name=A] [name=B]", To: "[name=B] [name=A]",
	}}
	if diff := cmp.Diff(want, ch.Fields); diff != "" {
		t.Error(diff)
	}
	s.clean(next)
}

func TestServerForeignManagerConflicts(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.deploy(web)
	kubetest.As(t, "some-operator").In(s.namespace).Merge(s.ref("ConfigMap", "web"), `{"data":{"a":"theirs"}}`)
	err := s.fail(web)
	if !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), `"some-operator" owns data.a`) {
		t.Errorf("error = %v", err)
	}
}

func TestServerSameValueLostOwnership(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.deploy(web)
	e := kubetest.As(t, "kubectl-edit").In(s.namespace)
	e.Merge(s.ref("ConfigMap", "web"), `{"data":{"a":"9"}}`)
	e.Merge(s.ref("ConfigMap", "web"), `{"data":{"a":"1"}}`)
	s.one(s.deploy(web), plan.Reown)
	s.clean(web)
}

func TestServerRemovedField(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.deploy(web)
	next := strings.Replace(strings.Replace(web, `, {name: B, value: "2"}`, "", 1), "web:1", "web:2", 1)
	ch := s.one(s.deploy(next), plan.Update)
	want := []plan.Field{
		{Path: "spec.template.spec.containers[name=web].env[name=B]", From: map[string]any{"name": "B", "value": "2"}},
		{Path: "spec.template.spec.containers[name=web].image", From: "example.test/web:1", To: "example.test/web:2"},
	}
	if diff := cmp.Diff(want, ch.Fields); diff != "" {
		t.Error(diff)
	}
	if ch.Reason != "changed in the repository" {
		t.Errorf("reason = %q", ch.Reason)
	}
	s.clean(next)
}

func TestServerSecretsAreMasked(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.deploy(web)
	next := strings.Replace(web, "password: hunter2, other: x", "password: swordfish, other: hunter2, third: swordfish", 1)
	ch := s.one(s.deploy(next), plan.Update)
	want := []plan.Field{
		{Path: "data.other", From: "(secret 1)", To: "(secret 2)"},
		{Path: "data.password", From: "(secret 2)", To: "(secret 3)"},
		{Path: "data.third", To: "(secret 3)"},
	}
	if diff := cmp.Diff(want, ch.Fields); diff != "" {
		t.Error(diff)
	}
	s.clean(next)
}

func TestServerWipedManagers(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.deploy(web)
	e := kubetest.As(t, "kubectl-edit").In(s.namespace)
	e.Merge(s.ref("ConfigMap", "web"), `{"metadata":{"managedFields":[{}]}}`)
	e.Merge(s.ref("ConfigMap", "web"), `{"data":{"a":"9"}}`)
	ch := s.one(s.deploy(web), plan.Update)
	if !ch.Force || len(ch.Strip) != 1 {
		t.Errorf("force %v, strip %v", ch.Force, ch.Strip)
	}
	// This small deploy does not strip, so the leftover must be seen again.
	ch = s.one(s.plan(web), plan.Reown)
	if diff := cmp.Diff([]string{"before-first-apply"}, ch.Strip); diff != "" {
		t.Error(diff)
	}
}

func TestServerImmutable(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.deploy(web)
	err := s.fail(strings.ReplaceAll(web, "app: web", "app: other"))
	if !fault.Is(err, fault.Immutable) || len(fault.HintsOf(err)) == 0 {
		t.Errorf("error = %v, hints %v", err, fault.HintsOf(err))
	}
	if err != nil && strings.Count(err.Error(), "Deployment ") != 1 {
		t.Errorf("the object is named more than once: %v", err)
	}
}

func TestServerRecreatedByHand(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.deploy(web)
	e := kubetest.As(t, "kubectl-create").In(s.namespace)
	e.Drop(s.ref("ConfigMap", "web"))
	p := s.plan(web)
	if ch := s.one(p, plan.Create); ch.Reason != "gone from the cluster" {
		t.Errorf("reason = %q", ch.Reason)
	}
	e.Create("{apiVersion: v1, kind: ConfigMap, metadata: {name: web}, data: {a: mine}}")
	if err := s.fail(web); !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "last written by kubectl-create") {
		t.Errorf("error = %v", err)
	}
}

func TestServerPrune(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.deploy(web)
	next := web[strings.Index(web, "---\napiVersion: v1\nkind: Service"):]
	p := s.deploy(next)
	if ch := s.one(p, plan.Delete); ch.Ref != s.ref("Deployment", "web") || ch.UID == "" {
		t.Errorf("change = %+v", ch)
	}
	s.clean(next)
}
