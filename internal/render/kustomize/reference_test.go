package kustomize_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/render"
	"github.com/tugops/tug/internal/render/kustomize"
)

// reference is one build of Kustomize's own tests: the files, the folder, and
// what came of it. They are collected by a test harness of Kustomize that
// writes them down, into the folder that TUG_KUSTOMIZE_CASES names.
type reference struct {
	Name  string            `json:"name"`
	Files map[string]string `json:"files"`
	Path  string            `json:"path"`
	YAML  string            `json:"yaml"`
	Error string            `json:"error"`
}

// differences are the cases that tug does not build as Kustomize does.
func differences() map[string]string {
	return map[string]string{
		"TestAddManagedbyLabel":                "an option of the program that tug does not have; buildMetadata does the same",
		"TestDuplicateKeys":                    "a key that stands twice is refused everywhere",
		"TestGeneratorOverlaysBinaryData":      "the cases are written down as JSON, which has no bytes",
		"TestNameReferenceDeploymentIssue3489": "the case is built from the parent of the root",
	}
}

// TestKustomizesOwn builds the cases of Kustomize's own tests. The order of the
// objects is another (they are run without sorting), and errors are only
// counted: what tug refuses and Kustomize does not is a failure.
func TestKustomizesOwn(t *testing.T) {
	t.Parallel()
	dir := os.Getenv("TUG_KUSTOMIZE_CASES")
	if dir == "" {
		t.Skip("TUG_KUSTOMIZE_CASES is not set: no cases of Kustomize's own tests")
	}
	cases, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(cases) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	var equal, bothFail, looser int
	for _, file := range cases {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var c reference
		if err := json.Unmarshal(data, &c); err != nil {
			t.Fatal(err)
		}
		got, err := c.build(t)
		if why := differences()[c.Name]; why != "" {
			t.Logf("%s: %s", c.Name, why)
			continue
		}
		switch {
		case err != nil && c.Error != "":
			bothFail++
		case err == nil && c.Error != "":
			looser++
			t.Logf("%s: only kustomize fails: %.200s", c.Name, c.Error)
		case err != nil:
			t.Errorf("%s: only tug fails: %v", c.Name, err)
		default:
			want, err := object.ReadYAML("want", []byte(c.YAML))
			if err != nil {
				t.Logf("%s: %v", c.Name, err)
				continue
			}
			if d := cmp.Diff(sorted(t, want), sorted(t, got)); d != "" {
				t.Errorf("%s: %s", c.Name, d)
				continue
			}
			equal++
		}
	}
	t.Logf("%d equal, %d fail in both, %d fail in kustomize only", equal, bothFail, looser)
}

func (c reference) build(t *testing.T) ([]*object.Object, error) {
	t.Helper()
	files := fstest.MapFS{}
	for name, text := range c.Files {
		files[strings.TrimPrefix(filepath.Clean("/"+name), "/")] = &fstest.MapFile{Data: []byte(text)}
	}
	path := strings.TrimPrefix(filepath.Clean("/"+c.Path), "/")
	if path == "" {
		path = "."
	}
	var k kustomize.Renderer
	got, err := k.Render(t.Context(), render.Request{Files: files, Path: path})
	return got.Objects, err
}

func sorted(t *testing.T, objects []*object.Object) []string {
	t.Helper()
	var list []string
	for _, o := range objects {
		data, err := json.MarshalIndent(o.Fields, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, string(data))
	}
	slices.Sort(list)
	return list
}
