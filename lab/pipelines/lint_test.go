// Package pipelines lints what tug init writes for CI systems: workflows with
// actionlint, GitLab files against GitLab's own schema. It is a module of its own,
// so that the linters stay out of the product. What the pipelines do is tested in
// cmd/tug.
package pipelines

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/rhysd/actionlint"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/tugops/tug/internal/scaffold"
)

// generated are the files of a CI system, by repository.
func generated(t *testing.T, ci scaffold.CI, environments ...string) map[string][]scaffold.File {
	t.Helper()
	config, err := scaffold.Config{
		App: "shop", Environments: environments, Layout: scaffold.Umbrella, CI: ci,
		Image: "registry.example/team/shop", Kubernetes: "1.36", Branch: "main", Version: "v1.2.3",
	}.Files()
	if err != nil {
		t.Fatal(err)
	}
	code, err := scaffold.Code{
		App: "shop", Environments: environments, CI: ci, Image: "registry.example/team/shop", Source: "go: .",
		Test: "make test", Branch: "main", Version: "v1.2.3", ConfigRepository: "https://git.example/team/config.git",
	}.Files()
	if err != nil {
		t.Fatal(err)
	}
	return map[string][]scaffold.File{"config": config, "code": code}
}

func TestWorkflows(t *testing.T) {
	t.Parallel()
	seen := 0
	for _, environments := range [][]string{{"dev"}, {"dev", "test", "prod"}} {
		for kind, files := range generated(t, scaffold.GitHub, environments...) {
			for _, f := range files {
				if strings.HasPrefix(f.Path, ".github/workflows/") {
					seen++
					for _, problem := range lint(t, f.Path, f.Data) {
						t.Errorf("%s: %s", kind, problem)
					}
				}
			}
		}
	}
	if seen != 6 {
		t.Errorf("%d workflows, want 6", seen)
	}
}

// TestLinterFinds makes sure that silence means something.
func TestLinterFinds(t *testing.T) {
	t.Parallel()
	bad := "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    needs: nobody\n    steps: [{run: 'echo ${{ secret.X }}'}]\n"
	if problems := lint(t, "bad.yaml", []byte(bad)); len(problems) < 2 {
		t.Errorf("found %v", problems)
	}
}

func lint(t *testing.T, name string, data []byte) (problems []string) {
	t.Helper()
	l, err := actionlint.NewLinter(io.Discard, &actionlint.LinterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	found, err := l.Lint(name, data, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range found {
		problems = append(problems, e.Error())
	}
	return problems
}

func TestGitLabSchema(t *testing.T) {
	t.Parallel()
	s := gitlabSchema(t)
	for _, environments := range [][]string{{"dev"}, {"dev", "test", "prod"}} {
		for kind, files := range generated(t, scaffold.GitLab, environments...) {
			seen := false
			for _, f := range files {
				if f.Path == ".gitlab-ci.yml" {
					seen = true
					if err := s.Validate(value(t, f.Data)); err != nil {
						t.Errorf("%s: %v", kind, err)
					}
				}
			}
			if !seen {
				t.Errorf("%s has no .gitlab-ci.yml", kind)
			}
		}
	}
	if err := s.Validate(value(t, []byte("job: {script: [make], environment: {nmae: x}}"))); err == nil {
		t.Error("the schema lets anything pass")
	}
}

// value is YAML as JSON has it.
func value(t *testing.T, text []byte) any {
	t.Helper()
	var v any
	if err := yaml.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	v, err = jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func gitlabSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	file := os.Getenv("GITLAB_SCHEMA")
	data, err := os.ReadFile(file)
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("CI validates GitLab files: %v; hack/install-pipeline-tools.sh makes the schema", err)
		}
		t.Skip("needs GITLAB_SCHEMA, the schema that hack/install-pipeline-tools.sh makes")
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("gitlab-ci.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("gitlab-ci.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}
