package main

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tugops/tug/internal/forgetest"
	"github.com/tugops/tug/internal/kubetest"
)

// system runs the pipelines of tug init for one CI system.
type system interface {
	name() string
	// run gives the steps that an event makes it run, in order.
	run(d *delivery, e event) []ran
	// scopes says whose secrets a job or stage may see; others may see none.
	scopes() map[string]string
}

// TestPipelines runs the pipelines that tug init writes, from a commit in the code
// repository to objects in the cluster: what each step does, what it sees, and
// what it refuses.
func TestPipelines(t *testing.T) {
	t.Parallel()
	f := forgetest.New(t)
	for _, s := range []system{github{}, gitlab{}, jenkins{}} {
		t.Run(s.name(), func(t *testing.T) {
			if s.name() == "jenkins" {
				needsGroovy(t)
			}
			p := &pipelines{delivery: newDelivery(t, f, s.name()), system: s}
			p.strangers()
			p.publishes()
			p.previews()
			p.refuses()
			p.deploys()
		})
	}
}

func needsGroovy(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("groovy"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("CI runs Jenkins pipelines: groovy is missing, hack/install-pipeline-tools.sh installs it")
		}
		t.Skip("needs groovy: hack/install-pipeline-tools.sh")
	}
}

type pipelines struct {
	*delivery
	system system
}

// succeed runs an event, sees that each step saw its own secrets only, and wants
// every step to succeed.
func (p *pipelines) succeed(e event) []ran {
	p.t.Helper()
	steps := p.sees(e)
	for _, s := range steps {
		if s.Exit != 0 {
			p.t.Fatalf("%s: exit code %d\n%s\n%s", s.Job, s.Exit, s.Script, s.Out)
		}
	}
	return steps
}

// sees looks for secrets where they do not belong: in the environment of steps and
// in what they print.
func (p *pipelines) sees(e event) []ran {
	p.t.Helper()
	steps := p.system.run(p.delivery, e)
	used := map[string]bool{}
	for _, s := range steps {
		for scope, secrets := range p.secrets {
			for name, secret := range secrets {
				if name == "TUG_REGISTRY_USERNAME" {
					continue // it is no secret, and short
				}
				if strings.Contains(s.Out, secret) {
					p.t.Errorf("%s prints %s of %s", s.Job, name, scope)
				}
				for variable, value := range s.Env {
					if !strings.Contains(value, secret) {
						continue
					}
					used[scope] = true
					if p.system.scopes()[s.Job] != scope || e.fork || e.number > 0 && e.repo == p.code {
						p.t.Errorf("%s sees %s of %s in %s", s.Job, name, scope, variable)
					}
				}
			}
		}
	}
	if e.number == 0 && len(used) != 2 {
		p.t.Errorf("a push used secrets of %v, want those of two places", used)
	}
	return steps
}

// strangers open pull requests in both repositories: they are tested, checked and
// compared, without a secret.
func (p *pipelines) strangers() {
	p.t.Helper()
	e := p.change(p.code, "stranger", "README.md", "stranger\n")
	e.fork = true
	if steps := p.succeed(e); !did(steps, "make test") || !did(steps, "tug build") || did(steps, "--push") || did(steps, "promote") {
		p.t.Errorf("code: %+v", scripts(steps))
	}
	e = p.change(p.config, "stranger", "values/dev.yaml", p.app+":\n  replicas: 5\n")
	e.fork = true
	steps := p.succeed(e)
	if !did(steps, "tug check") || !did(steps, "tug diff") || did(steps, "--post") || did(steps, "deploy") {
		p.t.Errorf("config: %+v", scripts(steps))
	}
	report, err := os.ReadFile(steps[len(steps)-1].Dir + "/tug-preview.md")
	if err != nil || !strings.Contains(string(report), "replicas") {
		p.t.Errorf("report: %v\n%s", err, report)
	}
	if n := p.comments(e); n != 0 {
		p.t.Errorf("%d comments on a fork's pull request", n)
	}
}

// publishes is a push to the code repository: the image is in the registry, and
// its digest in the config repository.
func (p *pipelines) publishes() {
	p.t.Helper()
	before := p.config.Tip("main")
	steps := p.succeed(p.push(p.code))
	if !did(steps, "tug build --push") || !did(steps, "tug promote") {
		p.t.Fatalf("%+v", scripts(steps))
	}
	if p.config.Tip("main") == before {
		p.t.Fatal("nothing was promoted")
	}
	c := p.config.Clone(p.forge.Admin)
	lock := c.Git("show", "HEAD:app-locks/dev/"+p.app+".lock.yaml")
	tag := regexp.MustCompile(`(?m)^  tag: (.*)$`).FindStringSubmatch(lock)
	if tag == nil {
		p.t.Fatalf("no tag in the lock:\n%s", lock)
	}
	want := "- imageRepo: " + p.registry.Host + "/team/" + p.app + "\n  digest: " + p.registry.Digest("team/"+p.app+":"+tag[1]) + "\n"
	if !strings.Contains(lock, want) {
		p.t.Errorf("no %q in the lock:\n%s", want, lock)
	}
}

// previews is a pull request of the team: one comment and a status.
func (p *pipelines) previews() {
	p.t.Helper()
	e := p.change(p.config, "more", "values/prod.yaml", p.app+":\n  replicas: 3\n")
	p.succeed(e)
	p.succeed(e)
	if n := p.comments(e); n != 1 {
		p.t.Errorf("%d comments, want one that is updated", n)
	}
	var status struct{ State string }
	p.forge.Must(p.forge.Admin, "GET", p.config.Path("/commits/"+e.commit+"/status"), nil, &status)
	if status.State != "success" {
		p.t.Errorf("status %q", status.State)
	}
}

func (p *pipelines) comments(e event) int {
	var list []struct{ Body string }
	p.forge.Must(p.forge.Admin, "GET", e.repo.Path("/issues/"+e.id()+"/comments"), nil, &list)
	return len(list)
}

// refuses: a stage that is given a credential of another does nothing, by exit
// code 4.
func (p *pipelines) refuses() {
	p.t.Helper()
	preview := p.change(p.config, "planted", "values/prod.yaml", p.app+":\n  replicas: 4\n")
	preview.planted = map[string]string{"KUBECONFIG": "/etc/hosts"}
	build := p.push(p.code)
	build.planted = map[string]string{"SOPS_AGE_KEY": "AGE-SECRET-KEY-PLANTED"}
	deploy := p.push(p.config)
	deploy.planted = map[string]string{"GITLAB_TOKEN": "planted"}
	for command, e := range map[string]event{"tug check": preview, "tug build --push": build, "tug deploy": deploy} {
		found := false
		steps := p.system.run(p.delivery, e)
		for _, s := range steps {
			if strings.Contains(s.Script, command) {
				found = true
				if s.Exit != 4 || !strings.Contains(s.Out, "--strict: ") {
					p.t.Errorf("%s with a foreign credential: exit code %d\n%s", command, s.Exit, s.Out)
				}
			}
		}
		if !found || did(steps, "tug promote") {
			p.t.Errorf("%s: %v", command, scripts(steps))
		}
	}
	if n := p.comments(preview); n != 0 {
		p.t.Errorf("%d comments by a preview that was refused", n)
	}
}

// deploys is a push to the config repository: both environments, each with its
// own kubeconfig.
func (p *pipelines) deploys() {
	p.t.Helper()
	if !p.cluster {
		if os.Getenv("CI") == "true" {
			p.t.Fatal("CI deploys: TUG_LAB_KUBECONFIG is not set")
		}
		p.t.Log("nothing is deployed without a lab cluster: make lab")
		return
	}
	steps := p.succeed(p.push(p.config))
	if !did(steps, "tug deploy") {
		p.t.Fatalf("%+v", scripts(steps))
	}
	for _, namespace := range []string{p.app + "-dev", p.app} {
		if _, err := kubetest.Client(p.t).Get(p.t.Context(), schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}, namespace, p.app); err != nil {
			p.t.Errorf("namespace %s: %v", namespace, err)
		}
	}
}

func did(steps []ran, text string) bool {
	for _, s := range steps {
		if strings.Contains(s.Script, text) {
			return true
		}
	}
	return false
}

func scripts(steps []ran) (list []string) {
	for _, s := range steps {
		list = append(list, s.Job+": "+s.Script)
	}
	return list
}
