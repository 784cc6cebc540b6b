package plan_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tugops/tug/internal/inventory"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/plan"
)

// manyYAML is one unit of the benchmark of issue 2: a ConfigMap, a
// ServiceAccount, a Service and a Deployment.
const manyYAML = `
apiVersion: v1
kind: ConfigMap
metadata: {name: app-%[1]d, labels: {app.kubernetes.io/name: app, app.kubernetes.io/instance: app-%[1]d}}
data: {config.yaml: "a: 1\nb: 2\nc: [1, 2, 3]\n", LOG_LEVEL: info}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: app-%[1]d, labels: {app.kubernetes.io/name: app, app.kubernetes.io/instance: app-%[1]d}}
---
apiVersion: v1
kind: Service
metadata: {name: app-%[1]d, labels: {app.kubernetes.io/name: app, app.kubernetes.io/instance: app-%[1]d}}
spec:
  selector: {app.kubernetes.io/instance: app-%[1]d}
  ports: [{name: http, port: 80, targetPort: http}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: app-%[1]d, labels: {app.kubernetes.io/name: app, app.kubernetes.io/instance: app-%[1]d}}
spec:
  replicas: 0
  selector: {matchLabels: {app.kubernetes.io/instance: app-%[1]d}}
  template:
    metadata: {labels: {app.kubernetes.io/name: app, app.kubernetes.io/instance: app-%[1]d}}
    spec:
      serviceAccountName: app-%[1]d
      containers:
      - name: app
        image: registry.example/app:1.0.0
        ports: [{name: http, containerPort: 8080}]
        env: [{name: A, value: "1"}, {name: B, value: "2"}]
        envFrom: [{configMapRef: {name: app-%[1]d}}]
        resources: {requests: {cpu: 100m, memory: 128Mi}, limits: {memory: 128Mi}}
        readinessProbe: {httpGet: {path: /healthz, port: http}}
`

func builtin(gk schema.GroupKind) (namespaced, known bool) {
	switch gk.Kind {
	case "Namespace", "CustomResourceDefinition", "ClusterRole", "PersistentVolume":
		return false, true
	}
	return true, plan.StageOf(gk) != plan.StageCustom
}

func many(tb testing.TB, units int) []*object.Object {
	tb.Helper()
	var all []*object.Object
	for i := range units {
		list, err := object.ReadYAML("many.yaml", fmt.Appendf(nil, manyYAML, i))
		if err != nil {
			tb.Fatal(err)
		}
		all = append(all, list...)
	}
	placed, _, err := plan.Place(all, "shop", "web", builtin)
	if err != nil {
		tb.Fatal(err)
	}
	return placed
}

// deployed is the input of a second plan, when nothing changed.
func deployed(tb testing.TB, objects []*object.Object) plan.Input {
	tb.Helper()
	in := plan.Input{
		App: "web", Namespace: "shop", Desired: objects, Record: &inventory.Record{},
		Live: map[object.Ref]object.Live{},
	}
	for i, o := range objects {
		live := object.Live{
			Ref: o.Ref(), Version: o.GVK().Version, UID: fmt.Sprint("uid-", i), ResourceVersion: "7", Generation: 1,
			Labels:      map[string]string{object.LabelApp: object.AppHash("shop/web")},
			Annotations: map[string]string{object.AnnotationOwner: "shop/web"},
			Managers:    []object.ManagerEntry{{Manager: "tug", Operation: "Apply", APIVersion: "v1", FieldsV1: fieldsOf(tb, o.Fields)}},
		}
		in.Live[live.Ref] = live
		in.Record.Items = append(in.Record.Items, inventory.Item{
			Ref: live.Ref, Version: "v1", UID: live.UID, Applied: o.Hash(), Generation: 1,
			Entry: object.EntryHash(live.Managers),
		})
	}
	in.Record.Head.Releases = []inventory.Release{{Number: 1, Status: inventory.Deployed}}
	return in
}

// fieldsOf is a field set over maps alone: lists are atomic in it.
func fieldsOf(tb testing.TB, fields map[string]any) []byte {
	tb.Helper()
	var walk func(m map[string]any) map[string]any
	walk = func(m map[string]any) map[string]any {
		out := map[string]any{}
		for k, v := range m {
			inner, _ := v.(map[string]any)
			out["f:"+k] = walk(inner)
		}
		return out
	}
	set := walk(fields)
	delete(set, "f:apiVersion")
	delete(set, "f:kind")
	data, err := json.Marshal(set)
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

// BenchmarkCreate plans the first deploy of 1,000 objects.
func BenchmarkCreate(b *testing.B) {
	in := plan.Input{App: "web", Namespace: "shop", Desired: many(b, 250)}
	b.ReportAllocs()
	for b.Loop() {
		if len(plan.Unclear(in)) > 0 {
			b.Fatal("unclear")
		}
		p, err := plan.Compute(in)
		if err != nil || len(p.Changes) != 1000 {
			b.Fatal(p, err)
		}
	}
}

// BenchmarkUnchanged plans 1,000 objects that are as they should be.
func BenchmarkUnchanged(b *testing.B) {
	in := deployed(b, many(b, 250))
	b.ReportAllocs()
	for b.Loop() {
		if len(plan.Unclear(in)) > 0 {
			b.Fatal("unclear")
		}
		p, err := plan.Compute(in)
		if err != nil || !p.Empty() || p.Kept != 1000 {
			b.Fatal(p, err)
		}
	}
}

// BenchmarkPlace places 1,000 objects.
func BenchmarkPlace(b *testing.B) {
	objects := many(b, 250)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := plan.Place(objects, "shop", "web", builtin); err != nil {
			b.Fatal(err)
		}
	}
}
