package main

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// jenkins runs the shared libraries in testdata/pipelines/jenkins.groovy, with
// Debian's groovy. The credentials of the folder are there for every stage to ask
// for, those of a fork's build are the same: what it does not ask for it does not get.
type jenkins struct{}

func (jenkins) name() string { return "jenkins" }

func (jenkins) scopes() map[string]string {
	return map[string]string{"Preview": "preview", "Publish": "registry", "Promote": "config-repository", "Deploy dev": "dev", "Deploy prod": "prod"}
}

func (jenkins) run(d *delivery, e event) []ran {
	d.t.Helper()
	dir, work := d.checkout(e, false), d.t.TempDir()
	library, _ := filepath.Glob(filepath.Join(dir, "jenkins-library/vars/*.groovy"))
	if len(library) != 1 {
		d.t.Fatalf("libraries: %v", library)
	}
	env := d.base(map[string]string{
		"WORKSPACE": dir, "BRANCH_NAME": e.branch, "BUILD_NUMBER": "7", "GIT_URL": e.repo.URL(), "GIT_COMMIT": e.commit,
	}, e.planted)
	if e.number > 0 {
		maps.Copy(env, map[string]string{"CHANGE_ID": e.id(), "CHANGE_TARGET": "main", "BRANCH_NAME": "PR-" + e.id()})
	}
	if e.fork {
		env["CHANGE_FORK"] = "stranger"
	}
	in, out := filepath.Join(work, "build.json"), filepath.Join(work, "out.json")
	text, err := json.Marshal(map[string]any{
		"library": library[0], "name": strings.TrimSuffix(filepath.Base(library[0]), ".groovy"), "jenkinsfile": filepath.Join(dir, "Jenkinsfile"),
		"env": env, "credentials": d.jenkinsCredentials(e), "out": out,
	})
	if err == nil {
		err = os.WriteFile(in, text, 0o600)
	}
	if err != nil {
		d.t.Fatal(err)
	}
	harness, err := filepath.Abs("testdata/pipelines/jenkins.groovy")
	if err != nil {
		d.t.Fatal(err)
	}
	cmd := exec.CommandContext(d.t.Context(), "groovy", harness, in)
	cmd.Env = append(os.Environ(), "JAVA_HOME="+javaHome(d.t))
	log, err := cmd.CombinedOutput()
	if err != nil {
		d.t.Fatalf("groovy: %v\n%s", err, log)
	}
	var result struct {
		Error string
		Steps []struct {
			Stage, Script string
			Env           map[string]string
			Exit          int
		}
	}
	data, err := os.ReadFile(out)
	if err == nil {
		err = json.Unmarshal(data, &result)
	}
	if err != nil {
		d.t.Fatal(err)
	}
	var steps []ran
	for _, s := range result.Steps {
		if in, ok := s.Env["TUG_ENVIRONMENT"]; ok && s.Stage == "Deploy" {
			s.Stage += " " + in
		}
		for _, name := range []string{"dev", "prod"} {
			if strings.Contains(s.Env["KUBECONFIG"], "tug-kubeconfig-"+name+"-") {
				s.Env["KUBECONFIG"] = d.secrets[name]["KUBECONFIG_CONTENT"] // the file is gone by now
			}
		}
		steps = append(steps, ran{Job: s.Stage, Dir: dir, Script: s.Script, Env: s.Env, Exit: s.Exit, Out: string(log)})
	}
	if len(steps) == 0 {
		d.t.Fatalf("nothing was run: %s\n%s", result.Error, log)
	}
	return steps
}

// jenkinsCredentials are those of the folder: of the config repository, or of
// code repositories.
func (d *delivery) jenkinsCredentials(e event) map[string]map[string]string {
	if e.repo == d.code {
		return map[string]map[string]string{
			"tug-registry":    {"kind": "usernamePassword", "user": d.secrets["registry"]["TUG_REGISTRY_USERNAME"], "password": d.secrets["registry"]["TUG_REGISTRY_PASSWORD"]},
			"tug-forge-token": {"kind": "string", "text": d.secrets["config-repository"]["TUG_FORGE_TOKEN"]},
		}
	}
	return map[string]map[string]string{
		"tug-forge-token":     {"kind": "string", "text": d.secrets["preview"]["TUG_FORGE_TOKEN"]},
		"tug-kubeconfig-dev":  {"kind": "file", "text": d.secrets["dev"]["KUBECONFIG_CONTENT"]},
		"tug-kubeconfig-prod": {"kind": "file", "text": d.secrets["prod"]["KUBECONFIG_CONTENT"]},
	}
}
