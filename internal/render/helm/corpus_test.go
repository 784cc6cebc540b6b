package helm_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v4/pkg/action"
	ci "helm.sh/helm/v4/pkg/chart"
	"helm.sh/helm/v4/pkg/chart/common"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	release "helm.sh/helm/v4/pkg/release/v1"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	"github.com/tugops/tug/internal/corpustest"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/render"
	"github.com/tugops/tug/internal/render/helm"
)

// corpora is the folder of real charts. Without it the tests over them are
// skipped, except in CI.
func corpora(tb testing.TB) string {
	tb.Helper()
	return corpustest.Dir(tb)
}

// reference is what `helm template --include-crds` does: Helm's own install
// action as a client-side dry run. It gives the parsed objects in the order
// CRDs and manifests, then hooks.
func reference(ctx context.Context, dir, name, namespace, kubeVersion string, values map[string]any) ([]map[string]any, error) {
	c, err := loader.LoadDir(dir)
	if err != nil {
		return nil, err
	}
	rel, err := helmInstall(ctx, c, name, namespace, kubeVersion, values)
	if err != nil {
		return nil, err
	}
	stream := rel.Manifest
	for _, h := range rel.Hooks {
		stream += "\n---\n" + h.Manifest
	}
	return flatten(stream)
}

func helmInstall(ctx context.Context, c *chart.Chart, name, namespace, kubeVersion string, values map[string]any) (*release.Release, error) {
	if t := c.Metadata.Type; t != "" && t != "application" {
		return nil, fmt.Errorf("%s charts are not installable", t)
	}
	var deps []ci.Dependency
	for _, d := range c.Metadata.Dependencies {
		deps = append(deps, d)
	}
	if err := action.CheckDependencies(c, deps); err != nil {
		return nil, err
	}
	install := action.NewInstall(&action.Configuration{})
	install.DryRunStrategy = action.DryRunClient
	install.ReleaseName, install.Namespace = name, namespace
	install.IncludeCRDs, install.Replace = true, true
	version, err := common.ParseKubeVersion(kubeVersion)
	if err != nil {
		return nil, err
	}
	install.KubeVersion = version
	rel, err := install.RunWithContext(ctx, c, values)
	if err != nil {
		return nil, err
	}
	r, ok := rel.(*release.Release)
	if !ok {
		return nil, errors.New("no v1 release")
	}
	return r, nil
}

// flatten parses a stream in the way of kubectl, without any code of ours, and
// opens Lists.
func flatten(stream string) ([]map[string]any, error) {
	reader := utilyaml.NewYAMLReader(bufio.NewReader(strings.NewReader(stream)))
	out := []map[string]any{}
	for {
		doc, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		var m map[string]any
		if err := yaml.Unmarshal(doc, &m); err != nil {
			return nil, err
		}
		items, ok := m["items"].([]any)
		switch {
		case len(m) == 0:
		case ok && m["kind"] == "List":
			for _, item := range items {
				out = append(out, item.(map[string]any))
			}
		default:
			out = append(out, m)
		}
	}
}

// shapes gives objects as plain JSON, so that kinds of numbers do not matter.
func shapes(objects []*object.Object) ([]map[string]any, error) {
	out := make([]map[string]any, 0, len(objects))
	for _, o := range objects {
		data, err := json.Marshal(o.Fields)
		if err != nil {
			return nil, err
		}
		var m map[string]any
		if err := json.Unmarshal(data, &m); err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, nil
}

// chartCase is one chart with one set of values.
type chartCase struct {
	name   string
	dir    string // folder of the chart on disk
	values string // values file inside it, or ""
}

// chartCases lists every chart below the given folders of the corpora, with
// its defaults and with each of its ci/*values.yaml.
func chartCases(t *testing.T, base string, folders ...string) []chartCase {
	t.Helper()
	var cases []chartCase
	for _, folder := range folders {
		err := filepath.WalkDir(filepath.Join(base, folder), func(p string, e fs.DirEntry, err error) error {
			if err != nil || e.Name() != "Chart.yaml" {
				return err
			}
			dir := filepath.Dir(p)
			rel, err := filepath.Rel(base, dir)
			if err != nil {
				return err
			}
			cases = append(cases, chartCase{name: rel, dir: dir})
			files, err := filepath.Glob(filepath.Join(dir, "ci", "*values.yaml"))
			for _, f := range files {
				cases = append(cases, chartCase{name: rel + " " + filepath.Base(f), dir: dir, values: "ci/" + filepath.Base(f)})
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return cases
}

// vendored is a folder with the umbrella chart "prometheus" and the four charts
// it needs, which are its neighbours in the corpora, in its charts/.
func vendored(t *testing.T, base string) string {
	t.Helper()
	dir, from := t.TempDir(), filepath.Join(base, "charts/prometheus-community")
	copyTo := func(chart, target string) {
		if err := os.CopyFS(filepath.Join(dir, target), os.DirFS(filepath.Join(from, chart))); err != nil {
			t.Fatal(err)
		}
	}
	copyTo("prometheus", "prometheus")
	for _, name := range []string{"alertmanager", "kube-state-metrics", "prometheus-node-exporter", "prometheus-pushgateway"} {
		copyTo(name, "prometheus/charts/"+name)
	}
	return dir
}

// TestEqualsHelm renders every chart of the corpora with Helm and with us.
// Both must fail, or both give the same objects in the same order. Values that
// differ between two runs of Helm itself are left out of the comparison.
func TestEqualsHelm(t *testing.T) {
	t.Parallel()
	base := corpora(t)
	cases := chartCases(t, base, "charts",
		"repositories/StarpTech-k8s-gitops/demo/config-repository",
		"repositories/stakater-xposer")
	for _, c := range chartCases(t, vendored(t, base), "prometheus") {
		if filepath.Base(c.dir) == "prometheus" {
			cases = append(cases, chartCase{name: "vendored " + c.name, dir: c.dir, values: c.values})
		}
	}
	if len(cases) < 200 {
		t.Fatalf("only %d cases found", len(cases))
	}
	var charts int
	count := map[string]int{}
	var table []string
	for _, c := range cases {
		if c.values == "" {
			charts++
		}
		kind, detail := compare(t, c)
		count[kind]++
		switch kind {
		case equal:
		case different:
			t.Errorf("%s: %s", c.name, detail)
		default:
			table = append(table, fmt.Sprintf("  %s: %s: %s", c.name, kind, detail))
		}
	}
	t.Logf("%d charts, %d value sets: %d equal, %d equal but for random values, %d fail in both, %d different\n%s",
		charts, len(cases), count[equal], count[random], count[bothFail], count[different], strings.Join(table, "\n"))
}

// The outcomes of a comparison.
const (
	equal     = "equal"
	random    = "equal but for random values"
	bothFail  = "both fail"
	different = "different"
)

func compare(t *testing.T, c chartCase) (kind, detail string) {
	t.Helper()
	r := render.Request{
		Files: os.DirFS(c.dir), Path: ".", Release: "example", Namespace: "default", KubeVersion: "1.36.0",
		Generate: render.Fresh(),
	}
	if c.values != "" {
		r.ValueFiles = []string{c.values}
	}
	want, wantErr := helmObjects(t, c)
	result, gotErr := helm.Renderer{}.Render(t.Context(), r)
	switch {
	case wantErr != nil && gotErr != nil:
		return bothFail, gotErr.Error()
	case gotErr != nil:
		return different, "only tug fails: " + gotErr.Error()
	case wantErr != nil:
		return different, "only Helm fails: " + wantErr.Error()
	}
	got, err := shapes(result.Objects)
	if err != nil {
		t.Fatal(err)
	}
	diff := cmp.Diff(want, got)
	if diff == "" {
		return equal, ""
	}
	again, err := helmObjects(t, c)
	if err != nil || len(result.Random) == 0 || cmp.Equal(want, again) {
		return different, diff
	}
	if diff := cmp.Diff(mask(want, again), mask(got, again)); diff != "" {
		return different, diff
	}
	var names []string
	for _, u := range result.Random {
		names = append(names, fmt.Sprintf("%s (%d calls)", u.Function, u.Calls))
	}
	return random, strings.Join(names, ", ")
}

// helmObjects is what Helm makes of c.
func helmObjects(t *testing.T, c chartCase) ([]map[string]any, error) {
	t.Helper()
	values := map[string]any{}
	if c.values != "" {
		f, err := os.Open(filepath.Join(c.dir, c.values))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if values, err = loader.LoadValues(f); err != nil {
			t.Fatal(err)
		}
	}
	return reference(t.Context(), c.dir, "example", "default", "1.36.0", values)
}

// mask replaces every text in a that b has differently, in a place of the same
// shape. What is random in b is thereby the same in all its masked variants.
func mask(a, b any) any {
	switch a := a.(type) {
	case []map[string]any:
		b, _ := b.([]map[string]any)
		out := make([]any, len(a))
		for i := range a {
			var other any
			if i < len(b) {
				other = b[i]
			}
			out[i] = mask(a[i], other)
		}
		return out
	case map[string]any:
		b, _ := b.(map[string]any)
		out := make(map[string]any, len(a))
		for k := range a {
			out[k] = mask(a[k], b[k])
		}
		return out
	case []any:
		b, _ := b.([]any)
		out := make([]any, len(a))
		for i := range a {
			var other any
			if i < len(b) {
				other = b[i]
			}
			out[i] = mask(a[i], other)
		}
		return out
	case string:
		if other, ok := b.(string); ok && other != a {
			return "random"
		}
	}
	return a
}
