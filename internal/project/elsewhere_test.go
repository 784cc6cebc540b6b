package project

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/fault"
)

const elsewhere = `apiVersion: tug.dev/v1alpha1
kind: Project
environments:
  dev: {}
  prod: {branch: prod}
  live: {branch: main, repository: "https://git.example/live"}
apps:
  shop:
    chart: chart
    restartOn: config
    drift: detect
    ignore: [{kind: Deployment, path: spec.replicas}]
    humans: [kubectl*]
`

func TestEnvironmentsElsewhere(t *testing.T) {
	t.Parallel()
	p, err := Load(tree(map[string]string{FileName: elsewhere, "chart/Chart.yaml": "name: shop"}), ".")
	if err != nil {
		t.Fatal(err)
	}
	name, env, err := p.Environment("live")
	if err != nil || name != "live" || env.Branch != "main" || env.Repository != "https://git.example/live" {
		t.Errorf("environment %q %+v, %v", name, env, err)
	}
	specs, err := p.Select(Choice{Env: "prod", Namespace: "n"})
	if err != nil {
		t.Fatal(err)
	}
	s := specs[0]
	if s.Branch != "prod" || s.Repository != "" || s.RestartOn != RestartOnConfig || s.Drift != DriftDetect {
		t.Errorf("spec %+v", s)
	}
	if d := cmp.Diff([]Ignore{{Kind: "Deployment", Path: "spec.replicas"}}, s.Ignore); d != "" {
		t.Error(d)
	}
}

func TestOverLooksForPathsElsewhere(t *testing.T) {
	t.Parallel()
	p, err := Load(tree(map[string]string{"config/" + FileName: elsewhere}), "config")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Select(Choice{Env: "prod"}); !fault.Is(err, fault.Invalid) {
		t.Errorf("the chart is not here, but: %v", err)
	}
	there := p.Over(tree(map[string]string{"chart/Chart.yaml": "name: shop"}), ".")
	specs, err := there.Select(Choice{Env: "prod"})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"chart"}, specs[0].Paths); d != "" {
		t.Error(d)
	}
	if there.File != p.File || p.Root != "config" {
		t.Errorf("file %q, root %q", there.File, p.Root)
	}
}
