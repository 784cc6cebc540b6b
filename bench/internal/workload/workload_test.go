package workload_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/tugops/tug/bench/internal/workload"
)

func TestObjectsAreWhatTheIssueNames(t *testing.T) {
	t.Parallel()
	kinds := map[string]int{}
	names := map[string]bool{}
	for _, o := range workload.All() {
		var parsed struct {
			Kind     string
			Metadata struct{ Name string }
			Spec     struct{ Replicas *int }
		}
		if err := yaml.Unmarshal(o.YAML, &parsed); err != nil {
			t.Fatalf("%s %s: %v", o.Kind.Resource, o.Name, err)
		}
		if parsed.Kind == "Deployment" && (parsed.Spec.Replicas == nil || *parsed.Spec.Replicas != 0) {
			t.Errorf("%s: replicas %v, want 0", o.Name, parsed.Spec.Replicas)
		}
		kinds[parsed.Kind]++
		names[o.Kind.Resource+"/"+parsed.Metadata.Name] = true
	}
	want := map[string]int{"ConfigMap": 250, "ServiceAccount": 250, "Service": 250, "Deployment": 250}
	if diff := cmp.Diff(want, kinds); diff != "" {
		t.Error(diff)
	}
	if len(names) != workload.Objects {
		t.Errorf("%d names, want %d", len(names), workload.Objects)
	}
}

func TestSameBytesEveryTime(t *testing.T) {
	t.Parallel()
	if !bytes.Equal(workload.Rendered(), workload.Rendered()) {
		t.Error("two streams differ")
	}
	a, b := t.TempDir(), t.TempDir()
	for _, dir := range []string{a, b} {
		if err := workload.WriteChart(filepath.Join(dir, "big")); err != nil {
			t.Fatal(err)
		}
		if err := workload.WriteUmbrella(filepath.Join(dir, "umbrella")); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(files(t, a), files(t, b)); diff != "" {
		t.Error(diff)
	}
}

func TestUmbrellaHasItsSubcharts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := workload.WriteUmbrella(dir); err != nil {
		t.Fatal(err)
	}
	found, err := filepath.Glob(filepath.Join(dir, "charts", "*", "Chart.yaml"))
	if err != nil || len(found) != workload.Subcharts {
		t.Errorf("%d subcharts, %v; want %d", len(found), err, workload.Subcharts)
	}
}

func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		all[name] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
