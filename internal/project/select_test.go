package project

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/fault"
)

const shopFile = `apiVersion: tug.dev/v1alpha1
kind: Project
environments:
  dev:
    cluster: dev-1
    namespace: shop-dev
    kubernetes: "1.36"
    apis: [monitoring.coreos.com/v1]
  prod: {cluster: prod-1, namespace: shop, promotion: pull-request}
apps:
  shop:
    chart: umbrella-chart
    values: [values/common.yaml, "values/{{.env}}.yaml"]
    set: {replicas: 2, image.tag: "1.20", annotations: {a.b: x}, a\.b: y}
    locks: ["app-locks/{{ .env }}/", "locks/{{.namespace}}-{{.cluster}}.yaml"]
    dependsOn: [platform, metrics]
    history: 3
    environments:
      dev: {}
      prod: {values: [values/big.yaml], set: {replicas: 9}, namespace: shop-{{.}}}
  platform:
    kustomize: platform/{{.env}}
    namespace: platform
    prune: true
  metrics:
    manifests: [metrics, extra.yaml]
    dependsOn: [platform]
    environments: [dev]
`

func shop(t *testing.T, edits ...string) *Project {
	t.Helper()
	text := strings.NewReplacer(append([]string{", namespace: shop-{{.}}", ""}, edits...)...).Replace(shopFile)
	files := tree(map[string]string{
		"conf/tug.yaml":                        text,
		"conf/umbrella-chart/Chart.yaml":       "name: umbrella\n",
		"conf/values/common.yaml":              "",
		"conf/values/dev.yaml":                 "",
		"conf/values/prod.yaml":                "",
		"conf/values/big.yaml":                 "",
		"conf/app-locks/dev/shop.lock.yaml":    "",
		"conf/locks/shop-dev-dev-1.yaml":       "",
		"conf/locks/shop-prod-1.yaml":          "",
		"conf/platform/dev/kustomization.yaml": "",
		"conf/platform/prod/kustomization.yml": "",
		"conf/metrics/a.yaml":                  "",
		"conf/extra.yaml":                      "",
	})
	p, err := Load(files, "conf")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestSelect(t *testing.T) {
	t.Parallel()
	got, err := shop(t).Select(Choice{Env: "dev"})
	if err != nil {
		t.Fatal(err)
	}
	dev := Spec{
		Env: "dev", Cluster: "dev-1", KubeVersion: "1.36",
		APIVersions: []string{"monitoring.coreos.com/v1"}, Promotion: Commit,
	}
	platform, metrics, shop := dev, dev, dev
	platform.App, platform.Namespace, platform.Engine, platform.Prune = "platform", "platform", Kustomize, true
	platform.Paths = []string{"conf/platform/dev"}
	platform.Declared = Position{File: "conf/tug.yaml", Line: 21, Column: 3}
	metrics.App, metrics.Namespace, metrics.Engine = "metrics", "shop-dev", Plain
	metrics.Paths = []string{"conf/metrics", "conf/extra.yaml"}
	metrics.DependsOn = []string{"platform"}
	metrics.Declared = Position{File: "conf/tug.yaml", Line: 25, Column: 3}
	shop.App, shop.Namespace, shop.Engine, shop.History = "shop", "shop-dev", Helm, 3
	shop.Paths = []string{"conf/umbrella-chart"}
	shop.ValueFiles = []string{"conf/values/common.yaml", "conf/values/dev.yaml"}
	shop.Set = []Inline{{Name: "conf/tug.yaml:14:10", Data: []byte(`{"a.b":"y","annotations":{"a.b":"x"},"image":{"tag":"1.20"},"replicas":2}`)}}
	shop.Locks = []string{"conf/app-locks/dev", "conf/locks/shop-dev-dev-1.yaml"}
	shop.DependsOn = []string{"metrics", "platform"}
	shop.Declared = Position{File: "conf/tug.yaml", Line: 11, Column: 3}
	if diff := cmp.Diff([]Spec{platform, metrics, shop}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSelectPlace(t *testing.T) {
	t.Parallel()
	_, err := shop(t).Select(Choice{Env: "prod", App: "shop", Namespace: "elsewhere"})
	if err == nil || !strings.Contains(err.Error(), `lock file "conf/locks/elsewhere-prod-1.yaml" does not exist`) {
		t.Errorf("the chosen namespace is not in the templates: %v", err)
	}
	got, err := shop(t).Select(Choice{Env: "prod", App: "shop", KubeVersion: "v1.30"})
	if err != nil {
		t.Fatal(err)
	}
	s := got[0]
	if len(got) != 1 || s.App != "shop" {
		t.Fatalf("selected %v", got)
	}
	want := []string{"conf/values/common.yaml", "conf/values/prod.yaml", "conf/values/big.yaml"}
	if diff := cmp.Diff(want, s.ValueFiles); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
	if len(s.Set) != 2 || string(s.Set[1].Data) != `{"replicas":9}` {
		t.Errorf("set: %v", s.Set)
	}
	if s.KubeVersion != "v1.30" || s.Promotion != PullRequest {
		t.Errorf("version %q, promotion %q", s.KubeVersion, s.Promotion)
	}
	if diff := cmp.Diff([]string{"platform"}, s.DependsOn); diff != "" {
		t.Errorf("dependsOn holds only apps of the environment (-want +got):\n%s", diff)
	}
	if len(s.Warnings) != 1 || !strings.Contains(s.Warnings[0], `tug.yaml:15:13: there are no locks in "conf/app-locks/prod" yet`) {
		t.Errorf("warnings: %q", s.Warnings)
	}
}

func TestSelectRefuses(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		edits  []string
		choice Choice
		kind   fault.Kind
		want   string
		hint   string
	}{
		"no environment chosen": {nil, Choice{}, fault.Usage, "no environment is chosen", "choose one with -e: dev, prod"},
		"unknown environment":   {nil, Choice{Env: "pord"}, fault.NotFound, `environment "pord" does not exist`, `did you mean "prod"?`},
		"unknown app":           {nil, Choice{Env: "dev", App: "shpo"}, fault.NotFound, `app "shpo" does not exist`, `did you mean "shop"?`},
		"not in environment":    {nil, Choice{Env: "prod", App: "metrics"}, fault.NotFound, `app "metrics" is not in environment "prod"`, "its environments: dev"},
		"bad namespace":         {nil, Choice{Env: "dev", Namespace: "A"}, fault.Usage, `namespace "A" is not a DNS label`, ""},
		"bad version":           {nil, Choice{Env: "dev", KubeVersion: "new"}, fault.Usage, `"new" is not a Kubernetes version`, ""},
		"missing values file": {
			[]string{"values/big.yaml", "values/bgi.yaml"},
			Choice{Env: "prod", App: "shop"},
			fault.Invalid, `conf/tug.yaml:20:23: values file "conf/values/bgi.yaml" does not exist`, `did you mean "conf/values/big.yaml"?`,
		},
		"missing chart": {
			[]string{"chart: umbrella-chart", "chart: umbrela-chart"},
			Choice{Env: "dev", App: "shop"},
			fault.Invalid, `conf/tug.yaml:12:12: chart "conf/umbrela-chart" does not exist`, `did you mean "conf/umbrella-chart"?`,
		},
		"not a chart": {
			[]string{"chart: umbrella-chart", "chart: values"},
			Choice{Env: "dev", App: "shop"},
			fault.Invalid, `conf/tug.yaml:12:12: chart "conf/values" has no Chart.yaml`, "",
		},
		"leads out": {
			[]string{"chart: umbrella-chart", "chart: ../../etc"},
			Choice{Env: "dev", App: "shop"},
			fault.Invalid, `conf/tug.yaml:12:12: path "../../etc" leads out of the repository`, "",
		},
		"absolute": {
			[]string{"chart: umbrella-chart", "chart: /etc"},
			Choice{Env: "dev", App: "shop"},
			fault.Invalid, `conf/tug.yaml:12:12: path "/etc" leads out of the repository`, "",
		},
		"template without value": {
			[]string{"    cluster: dev-1\n", ""},
			Choice{Env: "dev", App: "shop"},
			fault.Invalid, `{{.cluster}} has no value for app "shop"`, "",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := shop(t, c.edits...).Select(c.choice)
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

func TestSelectWithoutEnvironments(t *testing.T) {
	t.Parallel()
	files := tree(map[string]string{
		"tug.yaml": "apiVersion: tug.dev/v1alpha1\nkind: Project\napps:\n  b: {manifests: x.yaml}\n  a: {manifests: [x.yaml], dependsOn: [b]}\n",
		"x.yaml":   "",
	})
	p, err := Load(files, ".")
	if err != nil {
		t.Fatal(err)
	}
	specs, err := p.Select(Choice{})
	if err != nil {
		t.Fatal(err)
	}
	if len(specs) != 2 || specs[0].App != "b" || specs[1].App != "a" || specs[0].Env != "" {
		t.Errorf("got %+v", specs)
	}
	if _, err := p.Select(Choice{Env: "dev"}); !fault.Is(err, fault.NotFound) {
		t.Errorf("got %v, want NotFound", err)
	}
}

// TestOrderThroughAbsentApps: an order that goes through an app of another
// environment still holds.
func TestOrderThroughAbsentApps(t *testing.T) {
	t.Parallel()
	files := tree(map[string]string{"x.yaml": "", "tug.yaml": `apiVersion: tug.dev/v1alpha1
kind: Project
environments: {dev: {}, prod: {}}
apps:
  a: {manifests: x.yaml, dependsOn: [m]}
  m: {manifests: x.yaml, dependsOn: [z], environments: [prod]}
  z: {manifests: x.yaml}
`})
	p, err := Load(files, ".")
	if err != nil {
		t.Fatal(err)
	}
	specs, err := p.Select(Choice{Env: "dev"})
	if err != nil {
		t.Fatal(err)
	}
	if len(specs) != 2 || specs[0].App != "z" || specs[1].App != "a" {
		t.Errorf("got %+v", specs)
	}
}

func TestProblemsCanBeFound(t *testing.T) {
	t.Parallel()
	_, err := shop(t, "values/big.yaml", "no.yaml", "values/common.yaml", "neither.yaml").Select(Choice{Env: "prod"})
	var ps Problems
	if !errors.As(err, &ps) || len(ps) != 2 {
		t.Errorf("got %v, want two problems", err)
	}
}

func TestEnvironmentOfTheProjectAbove(t *testing.T) {
	t.Parallel()
	p, err := Open(files("tug.yaml", "umbrella-chart/Chart.yaml"), "umbrella-chart")
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.Select(Choice{Env: "prod"})
	if hints := fault.HintsOf(err); !fault.Is(err, fault.NotFound) || len(hints) != 2 || !strings.Contains(hints[0], "the project file is tug.yaml") {
		t.Errorf("got %v, hints %q", err, hints)
	}
}

// A path that a symbolic link leads out of the repository is not one that does
// not exist, and a folder of locks there is not one that is empty.
func TestSelectLinksOut(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"outside/values.yaml": "", "outside/locks/a.yaml": "", "repo/chart/Chart.yaml": "name: a\n",
		"repo/tug.yaml": "apiVersion: tug.dev/v1alpha1\nkind: Project\napps:\n  a: {chart: chart, values: [linked.yaml], locks: [locks]}\n",
	} {
		file := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	err := errors.Join(os.Symlink("../outside/values.yaml", filepath.Join(dir, "repo/linked.yaml")), os.Symlink("../outside/locks", filepath.Join(dir, "repo/locks")))
	if err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(filepath.Join(dir, "repo"))
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	p, err := Load(root.FS(), ".")
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.Select(Choice{})
	if err == nil || strings.Contains(err.Error(), "does not exist") || !strings.Contains(err.Error(), `values file "linked.yaml": path escapes`) || !strings.Contains(err.Error(), `lock file "locks": path escapes`) {
		t.Errorf("got %v", err)
	}
}
