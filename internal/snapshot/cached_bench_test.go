package snapshot

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/tugops/tug/internal/corpustest"
	"github.com/tugops/tug/internal/project"
	"github.com/tugops/tug/internal/rendercache"
)

// BenchmarkHit compares a render of a real chart with finding it: the budget
// of a hit is a tenth. Files are read from disk in both.
func BenchmarkHit(b *testing.B) {
	corpora := corpustest.Dir(b)
	for _, chart := range []string{"argo/argo-rollouts", "grafana/loki-distributed", "open-telemetry/opentelemetry-operator", "prometheus-community/kube-state-metrics"} {
		dir := filepath.Join(corpora, "charts", chart)
		if _, err := os.Stat(dir); err != nil {
			b.Logf("no %s in the corpora", chart)
			continue
		}
		in := input(b, os.DirFS(dir), project.Choice{App: "bench", Namespace: "bench"})
		if _, err := engines().Build(b.Context(), in); err != nil {
			b.Logf("%s cannot be rendered with its defaults: %v", chart, err)
			continue
		}
		b.Run(chart+"/cold", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c := &Cached{Builder: engines()}
				if _, err := c.Build(b.Context(), in); err != nil {
					b.Fatal(err)
				}
			}
		})
		folder := b.TempDir()
		if _, err := cached(folder).Build(b.Context(), in); err != nil {
			b.Fatal(err)
		}
		b.Run(chart+"/hot", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() { // another process each time
				c := &Cached{Builder: engines(), Cache: &rendercache.Cache{Dir: folder}, Tool: "test"}
				if _, err := c.Build(b.Context(), in); err != nil || c.Rendered() != 0 {
					b.Fatal("no hit", err)
				}
			}
		})
	}
}
