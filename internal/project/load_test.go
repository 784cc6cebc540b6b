package project

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tugops/tug/internal/fault"
)

var update = flag.Bool("update", false, "write golden files")

// tree makes a file system of a txtar-like map of contents.
func tree(files map[string]string) fstest.MapFS {
	m := fstest.MapFS{}
	for name, text := range files {
		m[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return m
}

func TestLoadBad(t *testing.T) {
	t.Parallel()
	cases, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(cases) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range cases {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			_, err = Load(tree(map[string]string{FileName: string(data)}), ".")
			if !fault.Is(err, fault.Invalid) {
				t.Fatalf("Load: %v, want an Invalid fault", err)
			}
			got := "error: " + err.Error() + "\n"
			for _, hint := range fault.HintsOf(err) {
				got += "hint: " + hint + "\n"
			}
			golden(t, strings.TrimSuffix(file, ".yaml")+".want", got)
		})
	}
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

// design is the example of design.md section 4 without the keys that are not
// supported yet.
const design = `apiVersion: tug.dev/v1alpha1
kind: Project
environments:
  dev:  {cluster: dev-1, namespace: shop, kubernetes: "1.36"}
  prod: {cluster: prod-1, namespace: shop, kubernetes: "1.35", promotion: pull-request}
apps:
  shop:
    chart: umbrella-chart
    values: [values/common.yaml, "values/{{.env}}.yaml"]
    locks: ["app-locks/{{.env}}/"]
    dependsOn: [platform]
  platform:
    manifests: platform
`

func TestLoad(t *testing.T) {
	t.Parallel()
	p, err := Load(tree(map[string]string{"deep/repo/tug.yaml": design}), "deep/repo")
	if err != nil {
		t.Fatal(err)
	}
	want := &Project{
		File: "deep/repo/tug.yaml", Root: "deep/repo",
		Environments: map[string]Environment{
			"dev":  {Cluster: "dev-1", Namespace: "shop", Kubernetes: "1.36"},
			"prod": {Cluster: "prod-1", Namespace: "shop", Kubernetes: "1.35", Promotion: PullRequest},
		},
		Apps: map[string]App{
			"shop": {
				Chart: "umbrella-chart", Values: []string{"values/common.yaml", "values/{{.env}}.yaml"},
				Locks: []string{"app-locks/{{.env}}/"}, DependsOn: []string{"platform"},
			},
			"platform": {Manifests: Paths{"platform"}},
		},
	}
	if diff := cmp.Diff(want, p, cmpopts.IgnoreUnexported(Project{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestLoadMissing(t *testing.T) {
	t.Parallel()
	_, err := Load(fstest.MapFS{}, ".")
	if !fault.Is(err, fault.NotFound) {
		t.Errorf("got %v, want a NotFound fault", err)
	}
}

func TestLoadTooLarge(t *testing.T) {
	t.Parallel()
	_, err := Load(tree(map[string]string{FileName: strings.Repeat("#", maxFile+1)}), ".")
	if !fault.Is(err, fault.Invalid) {
		t.Errorf("got %v, want an Invalid fault", err)
	}
}

// TestAliasBomb: the work of a load is bounded although aliases multiply.
func TestAliasBomb(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("apiVersion: tug.dev/v1alpha1\nkind: Project\napps:\n  a:\n    chart: a\n    set:\n      a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n")
	for i := range 9 {
		ref := "*a" + string(rune('0'+i))
		b.WriteString("      a" + string(rune('1'+i)) + ": &a" + string(rune('1'+i)) + " [" + strings.Repeat(ref+" ,", 9) + ref + " ]\n")
	}
	_, err := Load(tree(map[string]string{FileName: b.String()}), ".")
	var ps Problems
	if !errors.As(err, &ps) || !strings.Contains(err.Error(), "aliases make more than") {
		t.Errorf("got %v", err)
	}
}

func TestProblemsAreComplete(t *testing.T) {
	t.Parallel()
	text := "apiVersion: tug.dev/v1alpha1\nkind: Project\napps: {a: {chart: a}}\n" + strings.Repeat("x", 1) + "0: 1\n"
	for i := range 30 {
		text += "k" + strings.Repeat("x", i+1) + ": 1\n"
	}
	_, err := Load(tree(map[string]string{FileName: text}), ".")
	var ps Problems
	if !errors.As(err, &ps) || len(ps) != 31 {
		t.Fatalf("got %d problems, want 31", len(ps))
	}
	if !strings.HasSuffix(err.Error(), "and 21 more") {
		t.Errorf("text: %s", err)
	}
}

func FuzzLoad(f *testing.F) {
	f.Add(design)
	bad, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range bad {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(data))
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := Load(tree(map[string]string{FileName: text}), ".")
		if err != nil {
			if !fault.Is(err, fault.Invalid) {
				t.Fatalf("not a user's error: %v", err)
			}
			return
		}
		if len(p.Apps) == 0 {
			t.Fatal("loaded a project without apps")
		}
		for env := range p.Environments {
			if specs, err := p.Select(Choice{Env: env, Namespace: "x"}); err == nil && len(specs) == 0 {
				t.Fatal("selected nothing without an error")
			}
		}
	})
}

// thousand is a repository of 1,000 apps.
func thousand() fstest.MapFS {
	var text strings.Builder
	text.WriteString("apiVersion: tug.dev/v1alpha1\nkind: Project\nenvironments:\n  dev: {cluster: dev-1, namespace: shop}\napps:\n")
	contents := map[string]string{"values/common.yaml": "", "values/dev.yaml": "", "app-locks/dev/x.yaml": ""}
	for i := range 1000 {
		name := "app-" + strconv.Itoa(i)
		text.WriteString("  " + name + ":\n    chart: charts/" + name + "\n    values: [values/common.yaml, \"values/{{.env}}.yaml\"]\n    locks: [\"app-locks/{{.env}}/\"]\n")
		contents["charts/"+name+"/Chart.yaml"] = "name: " + name
	}
	contents[FileName] = text.String()
	return tree(contents)
}

func BenchmarkLoad1000(b *testing.B) {
	files := thousand()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Load(files, "."); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSelect1000(b *testing.B) {
	p, err := Load(thousand(), ".")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		specs, err := p.Select(Choice{})
		if err != nil || len(specs) != 1000 {
			b.Fatal(len(specs), err)
		}
	}
}
