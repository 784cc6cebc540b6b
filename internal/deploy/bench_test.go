package deploy_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/tugops/tug/internal/deploy"
	"github.com/tugops/tug/internal/kubetest"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/snapshot"
)

// thousand is the set of design.md section 10: 250 of each of four kinds.
func thousand(b *testing.B, ns string) *snapshot.Snapshot {
	b.Helper()
	s := &snapshot.Snapshot{App: "shop", Namespace: ns}
	for i := range 250 {
		text := fmt.Sprintf(`---
{apiVersion: v1, kind: ServiceAccount, metadata: {name: a%[1]d}}
---
{apiVersion: v1, kind: Service, metadata: {name: s%[1]d}, spec: {selector: {run: d%[1]d}, ports: [{port: 80}]}}
---
%[2]s---
%[3]s`, i, configMap(fmt.Sprintf("c%d", i)), deployment(fmt.Sprintf("d%d", i), "registry.example/web:1", 0))
		list, err := object.ReadYAML("bench.yaml", []byte(text))
		if err != nil {
			b.Fatal(err)
		}
		for _, o := range list {
			if err := o.Normalize(); err != nil {
				b.Fatal(err)
			}
		}
		s.Objects = append(s.Objects, list...)
	}
	return s
}

func run(b *testing.B, e *deploy.Engine, s *snapshot.Snapshot, o deploy.Options) {
	b.Helper()
	p, err := e.Plan(b.Context(), s, o)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := e.Execute(b.Context(), p, o); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkThousand measures the life of an app of 1,000 objects: first deploy
// without and with waiting, the same again, deletion.
func BenchmarkThousand(b *testing.B) {
	e := deploy.New(kubetest.Client(b))
	for name, noWait := range map[string]bool{"create": true, "create and wait": false} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				ns := kubetest.Namespace(b)
				s := thousand(b, ns)
				b.StartTimer()
				run(b, e, s, deploy.Options{NoWait: noWait})
			}
		})
	}
	ns := kubetest.Namespace(b)
	s := thousand(b, ns)
	run(b, e, s, deploy.Options{})
	b.Run("unchanged", func(b *testing.B) {
		for b.Loop() {
			run(b, e, s, deploy.Options{})
		}
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		b.ReportMetric(float64(m.HeapSys-m.HeapReleased)/(1<<20), "MiB-heap")
	})
	b.Run("delete", func(b *testing.B) {
		for b.Loop() {
			if _, err := e.Delete(b.Context(), "shop", ns, deploy.Options{}); err != nil {
				b.Fatal(err)
			}
			b.StopTimer()
			run(b, e, s, deploy.Options{})
			b.StartTimer()
		}
	})
}
