package helm_test

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/render"
	"github.com/tugops/tug/internal/render/helm"
)

// TestExpectedOutputOfOpenTelemetry renders the examples of the OpenTelemetry
// charts, which come with the output their authors got from Helm.
func TestExpectedOutputOfOpenTelemetry(t *testing.T) {
	t.Parallel()
	charts := filepath.Join(corpora(t), "charts/open-telemetry")
	examples, err := filepath.Glob(filepath.Join(charts, "*/examples/*/rendered"))
	if err != nil {
		t.Fatal(err)
	}
	for _, rendered := range examples {
		example := filepath.Dir(rendered)
		got, err := renderExample(t, example)
		if err != nil {
			t.Errorf("%s: %v", example, err)
			continue
		}
		if d := cmp.Diff(normalised(t, expected(t, rendered)), normalised(t, got)); d != "" {
			t.Errorf("%s: %s", example, d)
		}
	}
	t.Logf("%d examples", len(examples))
	if len(examples) < 20 {
		t.Errorf("only %d examples found", len(examples))
	}
}

// renderExample renders an example with each of its values files in turn. Like
// the authors' --output-dir, a later render replaces files of an earlier one.
func renderExample(t *testing.T, example string) ([]*object.Object, error) {
	t.Helper()
	chart := filepath.Dir(filepath.Dir(example))
	values, err := filepath.Glob(filepath.Join(example, "*values.yaml"))
	if err != nil || len(values) == 0 {
		t.Fatalf("%s: no values files, %v", example, err)
	}
	files := map[string][]*object.Object{}
	for _, v := range values {
		got, err := helm.Renderer{}.Render(t.Context(), render.Request{
			Files: os.DirFS(chart), Path: ".", Release: "example", Namespace: "default", KubeVersion: "1.29",
			ValueFiles: []string{"examples/" + filepath.Base(example) + "/" + filepath.Base(v)},
		})
		if err != nil {
			return nil, err
		}
		written := map[string][]*object.Object{}
		for _, o := range got.Objects {
			written[o.Source.File] = append(written[o.Source.File], o)
		}
		maps.Copy(files, written)
	}
	return slices.Concat(slices.Collect(maps.Values(files))...), nil
}

func expected(t *testing.T, dir string) []*object.Object {
	t.Helper()
	var objects []*object.Object
	err := filepath.WalkDir(dir, func(p string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		found, err := object.ReadYAML(filepath.Base(p), data)
		objects = append(objects, found...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return objects
}

// normalised leaves out what the authors of the charts leave out as well: the
// chart's version, checksums and white space at the end of lines.
func normalised(t *testing.T, objects []*object.Object) []any {
	t.Helper()
	sorted := slices.SortedFunc(slices.Values(objects), func(a, b *object.Object) int { return a.Ref().Compare(b.Ref()) })
	plain, err := shapes(sorted)
	if err != nil {
		t.Fatal(err)
	}
	out := make([]any, len(plain))
	for i := range plain {
		out[i] = tidy(plain[i])
	}
	return out
}

var trailing = regexp.MustCompile(`(?m)[ \t]+$`)

func tidy(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, below := range v {
			if key == "helm.sh/chart" || key == "checksum/config" {
				delete(v, key)
				continue
			}
			v[key] = tidy(below)
		}
	case []any:
		for i := range v {
			v[i] = tidy(v[i])
		}
	case string:
		return strings.TrimRight(trailing.ReplaceAllString(v, ""), "\n")
	}
	return v
}
