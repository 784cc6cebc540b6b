package project_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/project"
)

func stepFiles(then string) fstest.MapFS {
	return fstest.MapFS{
		"tug.yaml": {Data: []byte(`apiVersion: tug.dev/v1alpha1
kind: Project
environments: {prod: {namespace: shop}, dev: {namespace: dev}}
apps:
  shop:
    chart: chart
` + then)},
		"chart/Chart.yaml":                 {Data: []byte("apiVersion: v2\nname: shop\nversion: 1.0.0\n")},
		"overlays/prod/kustomization.yaml": {Data: []byte("namePrefix: a-\n")},
		"overlays/empty/x.txt":             {Data: []byte("")},
		"fns/scale.yaml":                   {Data: []byte("kind: X\n")},
		"steps/a.yaml":                     {Data: []byte("")},
	}
}

func TestSteps(t *testing.T) {
	t.Parallel()
	p, err := project.Open(stepFiles(`    then: [{kustomize: "overlays/{{.env}}"}, {krm: fns/scale.yaml}]
    environments:
      prod: {then: [{ytt: steps}]}
`), ".")
	if err != nil {
		t.Fatal(err)
	}
	specs, err := p.Select(project.Choice{Env: "prod"})
	if err != nil {
		t.Fatal(err)
	}
	want := []project.Step{{Kustomize: "overlays/prod"}, {KRM: "fns/scale.yaml"}, {Ytt: "steps"}}
	if d := cmp.Diff(want, specs[0].Then); d != "" {
		t.Error(d)
	}
}

func TestStepProblems(t *testing.T) {
	t.Parallel()
	for then, want := range map[string]string{
		"    then: [{kustomize: overlays/prod, krm: fns}]\n": "tug.yaml:7:12: a step has both krm and kustomize",
		"    then: [{}]\n":                                                             "tug.yaml:7:12: a step says nothing",
		"    then: [{kustomise: a}]\n":                                                 `tug.yaml:7:13: unknown key "kustomise"`,
		"    then: overlays/prod\n":                                                    "then is text where a list is needed",
		"    then: [{kustomize: 'overlays/{{.enviroment}}'}]\n":                        "tug.yaml:7:24: unknown template {{.enviroment}}",
		"    then: [{kustomize: overlays/prd}]\n":                                      `tug.yaml:7:24: step "overlays/prd" does not exist`,
		"    then: [{kustomize: overlays/empty}]\n":                                    `tug.yaml:7:24: kustomization "overlays/empty" has no kustomization.yaml`,
		"    then: [{krm: ../fns}]\n":                                                  `tug.yaml:7:18: path "../fns" leads out of the repository`,
		"    environments: {prod: {then: [{ytt: gone}]}}\n":                            `tug.yaml:7:40: step "gone" does not exist`,
		"    environments: {prod: {then: [{ytt: steps, krm: fns}]}}\n":                 "tug.yaml:7:34: a step has both krm and ytt",
		"    environments: {prod: {then: [{ytt: '{{.cluster}}'}]}}\n":                  "{{.cluster}} has no value",
		"    then: [{krm: ''}]\n":                                                      "is empty",
		"    then: [null]\n":                                                           "a step says nothing",
		"    then: [{kustomize: overlays/prod}, {ytt: steps}, {krm: fns/scale.yam}]\n": `did you mean "fns/scale.yaml"?`,
	} {
		p, err := project.Open(stepFiles(then), ".")
		if err == nil {
			_, err = p.Select(project.Choice{Env: "prod"})
		}
		if err == nil || !strings.Contains(err.Error()+strings.Join(fault.HintsOf(err), " "), want) {
			t.Errorf("%s: error %v, want %q", then, err, want)
		}
	}
}
