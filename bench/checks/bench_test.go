package checks

import (
	"fmt"
	"testing"
	"time"

	"github.com/tugops/tug/internal/check"
	"github.com/tugops/tug/internal/object"
)

// thousand are 250 copies of a ConfigMap, ServiceAccount, Service and
// Deployment under names of their own.
func thousand(b *testing.B) []*object.Object {
	b.Helper()
	var all []*object.Object
	for i := range 250 {
		objects, err := object.ReadYAML("x.yaml", fmt.Appendf(nil, `
apiVersion: v1
kind: ConfigMap
metadata: {name: a%[1]d}
data: {mode: production}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: a%[1]d}
---
apiVersion: v1
kind: Service
metadata: {name: a%[1]d}
spec:
  selector: {app: a%[1]d}
  ports: [{name: http, port: 80, targetPort: http}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: a%[1]d, labels: {app: a%[1]d}}
spec:
  replicas: 2
  selector: {matchLabels: {app: a%[1]d}}
  template:
    metadata: {labels: {app: a%[1]d}}
    spec:
      serviceAccountName: a%[1]d
      containers:
        - name: web
          image: example.com/web@sha256:1111111111111111111111111111111111111111111111111111111111111111
          ports: [{name: http, containerPort: 8080}]
          envFrom: [{configMapRef: {name: a%[1]d}}]
          resources: {requests: {cpu: 10m, memory: 16Mi}, limits: {cpu: 100m, memory: 64Mi}}
          readinessProbe: {httpGet: {path: /, port: http}}
`, i))
		if err != nil {
			b.Fatal(err)
		}
		all = append(all, objects...)
	}
	return all
}

func benchmarkTug(b *testing.B, only []string) {
	objects := thousand(b)
	b.ReportAllocs()
	for b.Loop() {
		r, err := check.Run(b.Context(), check.Input{All: true, Now: time.Now(), Only: only, Apps: []check.App{{
			Name: "a", Env: "e", KubeVersion: "1.36", Repository: &check.Repository{}, Objects: objects, Namespace: "x",
		}}})
		if err != nil || r.Count("error") != 0 {
			b.Fatalf("%v: %+v", err, r.Findings)
		}
	}
}

// BenchmarkTugSchemas has everything of a run: unpacking the schemas, too.
func BenchmarkTugSchemas(b *testing.B) {
	benchmarkTug(b, []string{"schema-unknown-field", "schema-type", "schema-required", "schema-value", "schema-duplicate"})
}

// BenchmarkTugAllRules has all rules, kube-score's included.
func BenchmarkTugAllRules(b *testing.B) { benchmarkTug(b, nil) }

// BenchmarkKubeconform validates the same with a validator that is warm: its
// schemas are compiled.
func BenchmarkKubeconform(b *testing.B) {
	objects := thousand(b)
	conform := kubeconform(b)
	b.ReportAllocs()
	for b.Loop() {
		for _, o := range objects {
			if text := conform(o); text != "" {
				b.Fatal(text)
			}
		}
	}
}
