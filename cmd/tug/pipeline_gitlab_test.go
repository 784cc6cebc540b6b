package main

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// gitlabJob is the part of a GitLab job that tug init uses; an unknown key is an
// error.
type gitlabJob struct {
	Image         string
	Stage         string
	Needs         []string
	BeforeScript  []string `yaml:"before_script"`
	Script        []string
	AfterScript   []string `yaml:"after_script"`
	Variables     map[string]string
	ResourceGroup string `yaml:"resource_group"`
	Environment   struct{ Name, Action string }
	Rules         []struct{ If string }
	Artifacts     struct {
		When    string
		Paths   []string
		Reports map[string]string
	}
}

// gitlab runs pipelines as a runner does: jobs by stage, the variables of the
// job's environment only, artifacts handed on.
type gitlab struct{}

func (gitlab) name() string { return "gitlab" }

func (gitlab) scopes() map[string]string {
	return map[string]string{"preview": "preview", "publish": "registry", "promote": "config-repository", "deploy-dev": "dev", "deploy-prod": "prod"}
}

func (gitlab) run(d *delivery, e event) []ran {
	d.t.Helper()
	var file yaml.Node
	strictYAML(d.t, filepath.Join(d.checkout(e, false), ".gitlab-ci.yml"), &file)
	var stages []string
	var standard gitlabJob
	variables := map[string]string{}
	jobs, order := map[string]gitlabJob{}, []string{}
	for i := 0; i < len(file.Content[0].Content); i += 2 {
		switch key, value := file.Content[0].Content[i].Value, file.Content[0].Content[i+1]; key {
		case "stages":
			decodeStrict(d.t, value, &stages)
		case "default":
			decodeStrict(d.t, value, &standard)
		case "variables":
			decodeStrict(d.t, value, &variables)
		default:
			var job gitlabJob
			decodeStrict(d.t, value, &job)
			jobs[key], order = job, append(order, key)
		}
	}
	slices.SortStableFunc(order, func(a, b string) int {
		return slices.Index(stages, jobs[a].Stage) - slices.Index(stages, jobs[b].Stage)
	})
	r := &gitlabRun{d: d, e: e, artifacts: d.t.TempDir(), variables: variables, before: standard.BeforeScript}
	for _, name := range order {
		if !r.job(name, jobs[name]) {
			break
		}
	}
	return r.steps
}

type gitlabRun struct {
	d         *delivery
	e         event
	artifacts string
	variables map[string]string
	before    []string
	steps     []ran
}

// predefined are the variables that GitLab sets, as far as they are used.
func (r *gitlabRun) predefined(dir string) map[string]string {
	v := map[string]string{
		"CI": "true", "CI_PROJECT_DIR": dir, "CI_COMMIT_SHA": r.e.commit, "CI_PIPELINE_IID": "7", "CI_PIPELINE_SOURCE": "push",
		"CI_PROJECT_URL": strings.TrimSuffix(r.e.repo.URL(), ".git"), "CI_COMMIT_BRANCH": r.e.branch,
		"TUG_FORGE": "gitea=" + r.d.forge.URL, // stands in for CI_SERVER_URL: the forge of the test is no GitLab
	}
	if r.e.number > 0 {
		delete(v, "CI_COMMIT_BRANCH")
		maps.Copy(v, map[string]string{
			"CI_PIPELINE_SOURCE": "merge_request_event", "CI_MERGE_REQUEST_IID": r.e.id(), "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
			"CI_MERGE_REQUEST_PROJECT_ID": "1", "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": map[bool]string{true: "2", false: "1"}[r.e.fork],
			"CI_MERGE_REQUEST_DIFF_BASE_SHA": r.e.base,
		})
	}
	return v
}

func (r *gitlabRun) job(name string, job gitlabJob) bool {
	dir := r.d.checkout(r.e, true)
	env := r.d.base(r.predefined(dir), r.e.planted)
	runs := len(job.Rules) == 0
	for _, rule := range job.Rules {
		// Rules see what GitLab sets, and no variable with an environment scope.
		runs = runs || conditionHolds(r.d.t, rule.If, func(name string) (string, bool) {
			v, ok := env[strings.TrimPrefix(name, "$")]
			return v, ok || strings.HasPrefix(name, "$CI_")
		})
	}
	if !runs {
		return true
	}
	if !r.e.fork {
		maps.Copy(env, r.d.secrets[job.Environment.Name])
	}
	for key, value := range mapsInOrder(r.variables, job.Variables) {
		env[key] = os.Expand(value, func(name string) string { return env[name] })
	}
	files, _ := filepath.Glob(filepath.Join(r.artifacts, "*"))
	for _, f := range files {
		copyFile(r.d.t, f, filepath.Join(dir, filepath.Base(f)), false)
	}
	step := r.d.shell(name, dir, strings.Join(slices.Concat(r.before, job.Script), "\n"), env)
	r.steps = append(r.steps, step)
	if len(job.AfterScript) > 0 {
		r.steps = append(r.steps, r.d.shell(name, dir, strings.Join(job.AfterScript, "\n"), env))
	}
	paths := job.Artifacts.Paths
	for _, report := range job.Artifacts.Reports {
		paths = append(paths, report)
	}
	for _, p := range paths {
		copyFile(r.d.t, filepath.Join(dir, p), filepath.Join(r.artifacts, p), step.Exit != 0)
	}
	return step.Exit == 0
}
