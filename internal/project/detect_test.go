package project

import (
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tugops/tug/internal/fault"
)

// files makes a file system of names; charts get a name.
func files(names ...string) fs.FS {
	m := map[string]string{}
	for _, name := range names {
		m[name] = ""
		if strings.HasSuffix(name, chartFile) {
			m[name] = "name: the-chart\n"
		}
	}
	return tree(m)
}

func TestDetect(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		files fs.FS
		path  string
		want  Spec
	}{
		"chart": {
			files("c/Chart.yaml", "c/values.yaml"), "c",
			Spec{App: "the-chart", Engine: Helm, Paths: []string{"c"}},
		},
		"chart by its file": {
			files("c/Chart.yaml"), "c/Chart.yaml",
			Spec{App: "the-chart", Engine: Helm, Paths: []string{"c"}},
		},
		"chart at the top": {
			files("Chart.yaml", "app-locks/a.yaml"), ".",
			Spec{App: "the-chart", Engine: Helm, Paths: []string{"."}, Locks: []string{"app-locks"}},
		},
		"packed chart": {
			files("charts/my-chart-1.2.3-rc.1.tgz"), "charts/my-chart-1.2.3-rc.1.tgz",
			Spec{App: "my-chart", Engine: Helm, Paths: []string{"charts/my-chart-1.2.3-rc.1.tgz"}},
		},
		"kustomization": {
			files("overlays/prod/kustomization.yml", "overlays/prod/x.yaml"), "overlays/prod/",
			Spec{App: "prod", Engine: Kustomize, Paths: []string{"overlays/prod"}},
		},
		"file of YAML": {
			files("a/web.yml"), "a/web.yml",
			Spec{App: "web", Engine: Plain, Paths: []string{"a/web.yml"}},
		},
		"folder of YAML": {
			files("web/a.yaml", "web/README.md"), "web",
			Spec{App: "web", Engine: Plain, Paths: []string{"web"}},
		},
		"folder of folders of YAML": {
			files("web/a/a.yaml", "web/b/b.json"), "web",
			Spec{App: "web", Engine: Plain, Paths: []string{"web"}},
		},
		"YAML with locks": {
			files("web/a.yaml", "web/more/b.yaml", "web/app-locks/l.yml", "web/.release/x.yaml"), "web",
			Spec{App: "web", Engine: Plain, Paths: []string{"web/a.yaml", "web/more"}, Locks: []string{"web/app-locks"}},
		},
		"chart beside locks, with outputs and scripts": {
			files("r/umbrella-chart/Chart.yaml", "r/app-locks/x.kbld.lock.yml", "r/state.yaml", "r/.release/state.yaml", "r/deploy.sh"), "r",
			Spec{App: "the-chart", Engine: Helm, Paths: []string{"r/umbrella-chart"}, Locks: []string{"r/app-locks"}},
		},
		"chart given, locks beside it": {
			files("umbrella-chart/Chart.yaml", "app-locks/x.kbld.lock.yml"), "umbrella-chart",
			Spec{App: "the-chart", Engine: Helm, Paths: []string{"umbrella-chart"}, Locks: []string{"app-locks"}},
		},
		"one chart in a folder": {
			files("chart/xposer/Chart.yaml"), "chart",
			Spec{App: "the-chart", Engine: Helm, Paths: []string{"chart/xposer"}},
		},
		"output when it is asked for": {
			files("r/umbrella-chart/Chart.yaml", "r/app-locks/x.yml", "r/.release/umbrella-chart/templates/a.yaml"), "r/.release",
			Spec{App: "named", Engine: Plain, Paths: []string{"r/.release"}, Locks: []string{"r/app-locks"}},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := Open(c.files, c.path)
			if err != nil {
				t.Fatal(err)
			}
			choice := Choice{}
			if c.want.App == "named" {
				choice.App = "named"
			}
			got, err := p.Select(choice)
			if err != nil {
				t.Fatal(err)
			}
			c.want.Promotion = Commit
			if diff := cmp.Diff([]Spec{c.want}, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestDetectRefuses(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		files      fs.FS
		path       string
		kind       fault.Kind
		want, hint string
	}{
		"two charts": {
			files("a/Chart.yaml", "b/Chart.yaml", "app-locks/x.yml"), ".",
			fault.Invalid, `"." holds several apps: a, b`, "choose with -a",
		},
		"chart and kustomization": {
			files("c/Chart.yaml", "c/kustomization.yaml"), "c",
			fault.Invalid, `"c" holds both Chart.yaml and kustomization.yaml`, "say which one",
		},
		"YAML beside a chart": {
			files("r/chart/Chart.yaml", "r/a.yaml"), "r",
			fault.Invalid, `"r" holds YAML files beside the app r/chart`, "give r/chart as PATH",
		},
		"YAML above a chart": {
			files("r/x/chart/Chart.yaml", "r/a.yaml"), "r",
			fault.Invalid, `"r" holds YAML files and, further down, r/x/chart`, "give one folder or file as PATH: r/x/chart",
		},
		"nothing": {
			files("r/README.md"), "r",
			fault.NotFound, `nothing to deploy in "r"`, "looked for tug.yaml, Chart.yaml, kustomization.yaml",
		},
		"further down": {
			files("r/x/y/Chart.yaml"), "r",
			fault.NotFound, `nothing to deploy in "r"`, "further down there is: r/x/y",
		},
		"below the project file": {
			files("r/tug.yaml", "r/values/README"), "r/values",
			fault.NotFound, `nothing to deploy in "r/values"`, "the project file is r/tug.yaml",
		},
		"missing": {
			files("umbrella-chart/Chart.yaml"), "umbrela-chart",
			fault.NotFound, `"umbrela-chart" does not exist`, `did you mean "umbrella-chart"?`,
		},
		"out of the repository": {files("a.yaml"), "../a", fault.NotFound, `"../a" does not exist`, ""},
		"neither":               {files("c.txt"), "c.txt", fault.Invalid, "neither a folder nor YAML", ""},
		"tug.yml":               {files("tug.yml"), ".", fault.Invalid, "tug.yml is not read", "rename it to tug.yaml"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Open(c.files, c.path)
			if !fault.Is(err, c.kind) {
				t.Fatalf("got %v, want a fault of kind %s", err, c.kind)
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("got  %s\nwant %s", err, c.want)
			}
			if hints := strings.Join(fault.HintsOf(err), "\n"); !strings.Contains(hints, c.hint) {
				t.Errorf("hints %q lack %q", hints, c.hint)
			}
		})
	}
}

// named are files in a folder that knows its name.
type named struct {
	fs.FS
	name string
}

func (n named) FolderName() string { return n.name }

func TestDetectedName(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		files  fs.FS
		choice Choice
		want   string
		kind   fault.Kind
	}{
		"no name":             {files("kustomization.yaml"), Choice{}, "", fault.Usage},
		"bad chart name":      {tree(map[string]string{"Chart.yaml": "name: My_Chart"}), Choice{}, "", fault.Usage},
		"given":               {files("kustomization.yaml"), Choice{App: "web"}, "web", ""},
		"given, bad":          {files("kustomization.yaml"), Choice{App: "Web"}, "", fault.Usage},
		"given for chart":     {files("Chart.yaml"), Choice{App: "my-app", Namespace: "default"}, "my-app", ""},
		"of the folder":       {named{files("kustomization.yaml"), "over"}, Choice{}, "over", ""},
		"of a folder of YAML": {named{files("a.yaml"), "over"}, Choice{}, "over", ""},
		"bad folder name":     {named{files("kustomization.yaml"), "My_Folder"}, Choice{}, "", fault.Usage},
		"chart, not folder":   {named{files("Chart.yaml"), "over"}, Choice{}, "the-chart", ""},
		"environment":         {files("Chart.yaml"), Choice{Env: "prod"}, "", fault.NotFound},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := Detect(c.files, ".")
			if err != nil {
				t.Fatal(err)
			}
			specs, err := p.Select(c.choice)
			if c.kind != "" {
				if !fault.Is(err, c.kind) {
					t.Fatalf("got %v, want a fault of kind %s", err, c.kind)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if specs[0].App != c.want {
				t.Errorf("got %q, want %q", specs[0].App, c.want)
			}
		})
	}
}

// corpora is the folder of real repositories, as TUG_CORPORA says.
func corpora(t *testing.T) fs.FS {
	t.Helper()
	dir := os.Getenv("TUG_CORPORA")
	if dir == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("TUG_CORPORA is not set")
		}
		t.Skip("TUG_CORPORA is not set")
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return root.FS()
}

func TestDetectRealRepositories(t *testing.T) {
	t.Parallel()
	all := corpora(t)
	const deus = "repositories/StarpTech-k8s-gitops/demo/config-repository"
	const xposer = "repositories/stakater-xposer/deployments/kubernetes"
	cases := map[string]struct {
		path string
		want Spec
	}{
		"Deus":             {deus, Spec{App: "umbrella-chart", Engine: Helm, Paths: []string{deus + "/umbrella-chart"}, Locks: []string{deus + "/app-locks"}}},
		"Deus, chart":      {deus + "/umbrella-chart", Spec{App: "umbrella-chart", Engine: Helm, Paths: []string{deus + "/umbrella-chart"}, Locks: []string{deus + "/app-locks"}}},
		"Deus, state":      {deus + "/state.yaml", Spec{App: "state", Engine: Plain, Paths: []string{deus + "/state.yaml"}, Locks: []string{deus + "/app-locks"}}},
		"Xposer, charts":   {xposer + "/chart", Spec{App: "xposer", Engine: Helm, Paths: []string{xposer + "/chart/xposer"}}},
		"Xposer, chart":    {xposer + "/chart/xposer", Spec{App: "xposer", Engine: Helm, Paths: []string{xposer + "/chart/xposer"}}},
		"Xposer, folder":   {xposer + "/manifests", Spec{App: "manifests", Engine: Plain, Paths: []string{xposer + "/manifests"}}},
		"Xposer, one file": {xposer + "/xposer.yaml", Spec{App: "xposer", Engine: Plain, Paths: []string{xposer + "/xposer.yaml"}}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := Open(all, c.path)
			if err != nil {
				t.Fatal(err)
			}
			got, err := p.Select(Choice{})
			if err != nil {
				t.Fatal(err)
			}
			c.want.Promotion = Commit
			if diff := cmp.Diff([]Spec{c.want}, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	if _, err := Open(all, xposer); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), xposer+"/chart/xposer") {
		t.Errorf("a folder of YAML above a chart: %v", err)
	}
}
