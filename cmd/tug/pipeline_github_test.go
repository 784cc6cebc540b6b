package main

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// workflow is the part of a GitHub workflow that tug init uses; an unknown key is
// an error.
type workflow struct {
	Name        string
	On          yaml.Node
	Permissions map[string]string
	Concurrency yaml.Node
	Jobs        yaml.Node
}

type workflowJob struct {
	If          string
	Needs       string
	RunsOn      string `yaml:"runs-on"`
	Environment string
	Permissions map[string]string
	Concurrency yaml.Node
	Env         map[string]string
	Steps       []workflowStep
}

type workflowStep struct {
	Name, If, Uses, Run string
	Env                 map[string]string
	With                map[string]string
}

// github runs workflows as their runner does: steps in order, the environment of
// the job and the step, the secrets of the job's environment only.
type github struct{}

func (github) name() string { return "github" }

func (github) scopes() map[string]string {
	return map[string]string{"preview": "preview", "publish": "registry", "promote": "config-repository", "dev": "dev", "prod": "prod"}
}

func (github) run(d *delivery, e event) []ran {
	d.t.Helper()
	var steps []ran
	artifacts := filepath.Join(d.t.TempDir(), "artifacts")
	files, _ := filepath.Glob(filepath.Join(d.checkout(e, false), ".github/workflows/*.yaml"))
	for _, file := range files {
		var w workflow
		strictYAML(d.t, file, &w)
		if !w.starts(d.t, e) {
			continue
		}
		done := map[string]bool{}
		for i := 0; i < len(w.Jobs.Content); i += 2 {
			id := w.Jobs.Content[i].Value
			var job workflowJob
			decodeStrict(d.t, w.Jobs.Content[i+1], &job)
			if job.Needs != "" && !done[job.Needs] {
				continue
			}
			r := &workflowRun{d: d, e: e, id: id, job: job, artifacts: artifacts}
			if job.If != "" && !conditionHolds(d.t, strings.Trim(job.If, "${} "), r.value) {
				continue
			}
			ok := r.all()
			steps = append(steps, r.steps...)
			done[id] = ok
		}
	}
	return steps
}

// starts reports whether an event starts the workflow.
func (w workflow) starts(t *testing.T, e event) bool {
	t.Helper()
	var on map[string]struct{ Branches, Tags []string }
	if err := w.On.Decode(&on); err != nil {
		t.Fatal(err)
	}
	if e.number > 0 {
		pull, ok := on["pull_request"]
		return ok && (len(pull.Branches) == 0 || slices.Contains(pull.Branches, "main"))
	}
	push, ok := on["push"]
	return ok && slices.Contains(push.Branches, e.branch)
}

type workflowRun struct {
	d         *delivery
	e         event
	id        string
	job       workflowJob
	artifacts string
	temp, dir string
	steps     []ran
}

func (r *workflowRun) value(name string) (string, bool) {
	repository := r.e.repo.Owner + "/" + r.e.repo.Name
	if secret, ok := strings.CutPrefix(name, "secrets."); ok {
		return r.d.secrets[r.job.Environment][secret], true // one that is not there is empty
	}
	head := repository
	if r.e.fork {
		head = "stranger/fork"
	}
	v, ok := map[string]string{
		"runner.temp": r.temp, "github.event.pull_request.number": r.e.id(), "github.base_ref": "main",
		"github.event.pull_request.head.repo.full_name": head, "github.repository": repository,
		"github.server_url": r.d.forge.URL, "github.token": r.d.secrets["preview"]["TUG_FORGE_TOKEN"],
		"github.event_name": map[bool]string{true: "pull_request", false: "push"}[r.e.number > 0],
	}[name]
	return v, ok
}

// all runs the steps of a job; after a failure only those that ask for it.
func (r *workflowRun) all() bool {
	r.temp, r.dir = r.d.t.TempDir(), r.d.t.TempDir()
	failed := false
	for _, s := range r.job.Steps {
		if failed && !strings.Contains(s.If, "cancelled()") || s.If != "" && !conditionHolds(r.d.t, strings.Trim(s.If, "${} "), r.value) {
			continue
		}
		if s.Uses != "" {
			r.use(s)
			continue
		}
		env := r.d.base(map[string]string{
			"GITHUB_ACTIONS": "true", "GITEA_ACTIONS": "true", "GITHUB_SERVER_URL": r.d.forge.URL, "GITHUB_RUN_NUMBER": "7",
			"GITHUB_SHA": r.e.commit, "GITHUB_REPOSITORY": r.e.repo.Owner + "/" + r.e.repo.Name,
		}, r.e.planted)
		for name, text := range mapsInOrder(r.job.Env, s.Env) {
			env[name] = expandExpressions(r.d.t, text, r.value)
		}
		step := r.d.shell(r.id, r.dir, expandExpressions(r.d.t, s.Run, r.value), env)
		r.steps = append(r.steps, step)
		failed = failed || step.Exit != 0
	}
	return !failed
}

// use does what the actions do that the workflows use.
func (r *workflowRun) use(s workflowStep) {
	action, _, _ := strings.Cut(s.Uses, "@")
	switch action {
	case "actions/checkout":
		r.dir = r.d.checkout(r.e, s.With["persist-credentials"] != "false")
	case "actions/setup-go":
	case "actions/upload-artifact":
		copyFile(r.d.t, filepath.Join(r.dir, s.With["path"]), filepath.Join(r.artifacts, s.With["name"], s.With["path"]), s.With["if-no-files-found"] == "ignore")
	case "actions/download-artifact":
		files, _ := filepath.Glob(filepath.Join(r.artifacts, s.With["name"], "*"))
		for _, f := range files {
			copyFile(r.d.t, f, filepath.Join(r.dir, filepath.Base(f)), false)
		}
	default:
		r.d.t.Fatalf("job %s uses %s, which is not known here", r.id, s.Uses)
	}
}

func mapsInOrder(all ...map[string]string) map[string]string {
	out := map[string]string{}
	for _, m := range all {
		maps.Copy(out, m)
	}
	return out
}

func copyFile(t *testing.T, from, to string, mayLack bool) {
	t.Helper()
	data, err := os.ReadFile(from)
	if os.IsNotExist(err) && mayLack {
		return
	}
	if err == nil {
		err = os.MkdirAll(filepath.Dir(to), 0o755)
	}
	if err == nil {
		err = os.WriteFile(to, data, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}
