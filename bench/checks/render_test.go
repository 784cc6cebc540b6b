package checks

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/render"
	"github.com/tugops/tug/internal/render/helm"
)

// eachRender renders every chart of the corpora for Kubernetes 1.36, with its
// defaults and with each of its ci/*values.yaml.
func eachRender(tb testing.TB, take func(name string, objects []*object.Object)) {
	tb.Helper()
	root := dirOf(tb)
	charts, err := filepath.Glob(filepath.Join(root, "charts", "*", "*", "Chart.yaml"))
	if err != nil || len(charts) == 0 {
		tb.Fatalf("no charts in %s: %v", root, err)
	}
	for _, file := range charts {
		dir := withNeighbours(tb, filepath.Dir(file))
		values, _ := filepath.Glob(filepath.Join(dir, "ci", "*values.yaml"))
		for _, v := range append([]string{""}, values...) {
			name := filepath.Base(dir) + " " + filepath.Base(v)
			objects, err := renderChart(tb, dir, v)
			if err != nil {
				tb.Logf("not rendered: %s: %.200v", name, err)
				continue
			}
			take(name, objects)
		}
	}
}

// rendered are the objects of all renders; equal ones once.
func rendered(tb testing.TB) []sample {
	tb.Helper()
	var all []sample
	seen := map[string]bool{}
	eachRender(tb, func(name string, objects []*object.Object) {
		for _, o := range objects {
			if id := same(o); !seen[id] {
				seen[id] = true
				all = append(all, sample{object: o, chart: name})
			}
		}
	})
	if len(all) < 500 {
		tb.Fatalf("%d objects are not the corpus", len(all))
	}
	return all
}

// withNeighbours is a chart with the dependencies that lie beside it; only the
// umbrella "prometheus" has such.
func withNeighbours(tb testing.TB, dir string) string {
	tb.Helper()
	if filepath.Base(dir) != "prometheus" {
		return dir
	}
	whole := filepath.Join(tb.TempDir(), "prometheus")
	err := os.CopyFS(whole, os.DirFS(dir))
	for _, name := range []string{"alertmanager", "kube-state-metrics", "prometheus-node-exporter", "prometheus-pushgateway"} {
		if err == nil {
			err = os.CopyFS(filepath.Join(whole, "charts", name), os.DirFS(filepath.Join(dir, "..", name)))
		}
	}
	if err != nil {
		tb.Fatal(err)
	}
	return whole
}

func renderChart(tb testing.TB, dir, values string) ([]*object.Object, error) {
	r := render.Request{
		Files: os.DirFS(filepath.Dir(dir)), Path: filepath.Base(dir), Release: "shop", Namespace: "shop", KubeVersion: "1.36",
	}
	if values != "" {
		data, err := os.ReadFile(values)
		if err != nil {
			return nil, err
		}
		r.Values = []render.NamedValues{{Name: values, Data: data}}
	}
	result, err := helm.Renderer{}.Render(tb.Context(), r)
	if err != nil {
		return nil, err
	}
	for _, o := range result.Objects {
		if err := o.Normalize(); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(result.Objects, func(a, b *object.Object) int { return a.Ref().Compare(b.Ref()) })
	return result.Objects, nil
}
