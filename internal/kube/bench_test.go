package kube_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/tugops/tug/internal/kube"
	"github.com/tugops/tug/internal/kubetest"
	"github.com/tugops/tug/internal/object"
)

// BenchmarkListLive reads the metadata of 1,000 objects with managed fields.
func BenchmarkListLive(b *testing.B) {
	c, ns := kubetest.Client(b), kubetest.Namespace(b)
	fill(b, c, ns, 1000)
	b.ReportAllocs()
	for b.Loop() {
		live, err := c.ListLive(b.Context(), configMaps, ns, "tug.dev/app=x")
		if err != nil || len(live) != 1000 {
			b.Fatalf("%d objects, %v", len(live), err)
		}
	}
}

// BenchmarkApply applies from 16 goroutines: new objects, the same again, and
// dry runs.
func BenchmarkApply(b *testing.B) {
	for _, test := range []struct {
		name  string
		fresh bool
		write object.Write
	}{
		{"create", true, object.Write{Force: true}},
		{"unchanged", false, object.Write{Force: true}},
		{"dry run", false, object.Write{Force: true, DryRun: true}},
	} {
		b.Run(test.name, func(b *testing.B) {
			c, ns := kubetest.Client(b), kubetest.Namespace(b)
			if !test.fresh {
				fill(b, c, ns, 1000)
			}
			var next atomic.Int64
			parallel16(b, func() error {
				n := next.Add(1)
				if !test.fresh {
					n %= 1000
				}
				return applyOne(b, c, ns, int(n), test.write)
			})
		})
	}
}

func applyOne(b *testing.B, c *kube.Client, namespace string, n int, w object.Write) error {
	o := &object.Object{Fields: map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap",
		"metadata": map[string]any{"name": fmt.Sprintf("c%04d", n), "namespace": namespace, "labels": map[string]any{"tug.dev/app": "x"}},
		"data":     map[string]any{"k": "v"},
	}}
	_, err := c.Apply(b.Context(), o, w)
	return err
}

// parallel16 runs f b.N times in all, 16 at once.
func parallel16(b *testing.B, f func() error) {
	b.Helper()
	g, _ := errgroup.WithContext(b.Context())
	g.SetLimit(16)
	b.ResetTimer()
	for range b.N {
		g.Go(f)
	}
	if err := g.Wait(); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "applies/s")
}
