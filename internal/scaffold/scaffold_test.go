package scaffold_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"go.yaml.in/yaml/v3"

	"github.com/tugops/tug/internal/scaffold"
)

var update = flag.Bool("update", false, "rewrite testdata/*.txtar")

func config(layout scaffold.Layout, ci scaffold.CI) scaffold.Config {
	return scaffold.Config{
		App: "shop", Environments: []string{"dev", "test", "prod"}, Layout: layout, CI: ci,
		Image: "registry.example/team/shop", Kubernetes: "1.36", Branch: "main", Version: "v1.2.3",
	}
}

func code(ci scaffold.CI) scaffold.Code {
	return scaffold.Code{
		App: "shop", Environments: []string{"dev"}, CI: ci, Image: "registry.example/team/shop", Source: "go: ./cmd/shop",
		Test: "make test", Branch: "main", Version: "v1.2.3", ConfigRepository: "https://git.example/team/config.git",
	}
}

// TestFiles compares with testdata: a repository of each kind and layout, and
// what each CI system adds.
func TestFiles(t *testing.T) {
	t.Parallel()
	for _, layout := range scaffold.Layouts() {
		golden(t, "config-"+string(layout), must(t)(config(layout, scaffold.NoCI).Files()))
	}
	golden(t, "code", must(t)(code(scaffold.NoCI).Files()))
	for _, ci := range scaffold.CIs() {
		var first []scaffold.File
		for _, layout := range scaffold.Layouts() {
			added := more(t, must(t)(config(layout, ci).Files()), must(t)(config(layout, scaffold.NoCI).Files()))
			if first == nil {
				first = added
				golden(t, "config-"+string(ci), added)
			}
			if diff := cmp.Diff(first, added); diff != "" {
				t.Errorf("%s: pipelines differ with the layout:\n%s", ci, diff)
			}
		}
		golden(t, "code-"+string(ci), more(t, must(t)(code(ci).Files()), must(t)(code(scaffold.NoCI).Files())))
	}
}

// TestValuesStayValues puts in texts that YAML has other readings for.
func TestValuesStayValues(t *testing.T) {
	t.Parallel()
	given := code(scaffold.GitHub)
	given.Test, given.Branch = "make: all", "2026.1"
	var workflow struct {
		On struct {
			Push struct{ Branches []any }
		}
		Jobs map[string]struct {
			Steps []struct{ Name, Run string }
		}
	}
	for _, f := range must(t)(given.Files()) {
		if strings.HasSuffix(f.Path, "build.yaml") && strings.HasPrefix(f.Path, ".github") {
			if err := yaml.Unmarshal(f.Data, &workflow); err != nil {
				t.Fatal(err)
			}
		}
	}
	if diff := cmp.Diff([]any{"2026.1"}, workflow.On.Push.Branches); diff != "" {
		t.Error(diff)
	}
	for _, step := range workflow.Jobs["test"].Steps {
		if step.Name == "Test" && step.Run != "make: all" {
			t.Errorf("the test became %q", step.Run)
		}
	}
	if len(workflow.Jobs) != 3 {
		t.Errorf("%d jobs, want test, publish and promote", len(workflow.Jobs))
	}
}

func must(t *testing.T) func([]scaffold.File, error) []scaffold.File {
	return func(files []scaffold.File, err error) []scaffold.File {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return files
	}
}

// more are the files that a CI system adds; those of without are unchanged.
func more(t *testing.T, with, without []scaffold.File) (added []scaffold.File) {
	t.Helper()
	known := map[string]string{}
	for _, f := range without {
		known[f.Path] = string(f.Data)
	}
	for _, f := range with {
		text, ok := known[f.Path]
		if !ok {
			added = append(added, f)
		} else if text != string(f.Data) {
			t.Errorf("%s differs with a CI system", f.Path)
		}
	}
	return added
}

func golden(t *testing.T, name string, files []scaffold.File) {
	t.Helper()
	got := &txtar.Archive{}
	for _, f := range files {
		got.Files = append(got.Files, txtar.File{Name: f.Path, Data: f.Data})
	}
	file := filepath.Join("testdata", name+".txtar")
	if *update {
		if err := os.WriteFile(file, txtar.Format(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(txtar.Format(got))); diff != "" {
		t.Errorf("%s (-want +got, -update rewrites it):\n%s", file, diff)
	}
}
