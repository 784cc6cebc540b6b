package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tugops/tug/internal/corpustest"
	"github.com/tugops/tug/internal/gittest"
	"github.com/tugops/tug/internal/kubetest"
	"github.com/tugops/tug/internal/object"
)

// TestDeliveryCorpora sends what the forerunners have the same way: Stakater's
// Xposer and Deus' demo, as they are.
func TestDeliveryCorpora(t *testing.T) {
	t.Parallel()
	t.Run("xposer", xposerDelivery)
	t.Run("demo", demoDelivery)
}

// copied is a repository of the corpora as a clone of the code repository.
func (d *story) copied(steps ...string) *gittest.Repo {
	d.t.Helper()
	clone := d.codeRepo.Clone(d.developer)
	from := corpustest.Dir(d.t, append([]string{"repositories"}, steps...)...)
	clone.Git("rm", "-r", "--quiet", ".")
	if err := os.CopyFS(clone.Dir, os.DirFS(from)); err != nil {
		d.t.Fatal(err)
	}
	if out, err := exec.CommandContext(d.t.Context(), "chmod", "-R", "u+w", clone.Dir).CombinedOutput(); err != nil {
		d.t.Fatalf("%v %s", err, out)
	}
	clone.Commit("as it is")
	clone.Git("push", "--quiet", "origin", "main")
	return clone
}

// xposerDelivery: a chart without an image, and an umbrella with
// requirements.yaml and a values file per chart that takes it.
func xposerDelivery(t *testing.T) {
	t.Parallel()
	d := newStory(t)
	code := d.copied("stakater-xposer")
	for _, tag := range []string{"v0.0.20", "v0.0.21"} {
		code.Write(".version", strings.TrimPrefix(tag, "v")+"\n")
		code.Commit("release " + tag)
		code.Git("tag", tag)
		code.Git("push", "--quiet", "origin", "main", tag)
		out := d.tug(d.build, code.Dir, 0, "build", "--push", "--charts", d.f.ChartURL(d.org))
		if !strings.Contains(out, "chart xposer "+tag+": "+d.f.ChartURL(d.org)) || strings.Contains(out, "\nimage ") {
			t.Errorf("build %s:\n%s", tag, out)
		}
	}
	files := []string{
		"tug.yaml", "apiVersion: tug.dev/v1alpha1\nkind: Project\nenvironments:\n  dev: {namespace: " + d.namespaces["dev"] + `, kubernetes: "1.36", promotion: pull-request}` +
			"\napps:\n  tools: {chart: tools, values: [values/xposer.yaml]}\n",
		".tug-check.yaml", "rules: {container-resources: off}\n",
		"tools/Chart.yaml", "apiVersion: v1\nname: tools\nversion: 1.0.0\n",
		"tools/requirements.yaml", "dependencies:\n# one entry per chart\n- name: xposer\n  version: v0.0.20\n  repository: " + d.f.ChartURL(d.org) + "\n",
		"values/xposer.yaml", "xposer:\n  xposer:\n    config: {domain: shop.example} # ours\n",
	}
	clone := d.config.Clone(d.developer)
	clone.Write(files...)
	clone.Commit("the tools")
	clone.Git("push", "--quiet", "origin", "main")
	d.protect()
	c := d.promotes("promote", "-a", "tools", "-e", "dev", "--part", "xposer", "v0.0.21", "--repository", d.config.URL())
	if got := d.config.Clone(d.reviewer).Git("diff", "--name-only", "origin/main", "origin/"+c.Head.Ref); !strings.Contains(got, "tools/requirements.yaml") {
		t.Errorf("the pull request changes %s", got)
	}
	d.previews(c, "xposer-v0.0.20 → xposer-v0.0.21")
	d.merges(c)
	const rbac = "rbac.authorization.k8s.io" // the chart has a Role of its own
	d.accounts["dev"].Allow(d.namespaces["dev"], kubetest.Rule("bind,escalate", rbac, "roles"), kubetest.Rule("get,list,watch,create,patch", rbac, "roles,rolebindings"))
	who := d.deploy["dev"]
	d.tug(who, d.checkout(who, "main").Dir, 0, "deploy", "-e", "dev", "--yes")
	d.runs("dev", "xposer", "stakater/xposer")
}

// runs looks for a deployment with an image.
func (d *story) runs(env, name, image string) {
	d.t.Helper()
	live := kubetest.As(d.t, "reader").Get(object.Ref{Group: "apps", Kind: "Deployment", Namespace: d.namespaces[env], Name: name})
	if live == nil {
		d.t.Fatalf("%s does not run in %s", name, env)
	}
	if got := firstImage(live); !strings.Contains(got, image) {
		d.t.Errorf("%s runs %s, want %s", name, got, image)
	}
}

// demoDelivery is build.sh's job and Deus' configuration repository, with the
// lab's registry in place of docker.io.
func demoDelivery(t *testing.T) {
	t.Parallel()
	if !hasBuildah(t) {
		t.Skip("there is no buildah: hack/install-buildah.sh installs it")
	}
	d := newStory(t)
	d.check = "tug/preview/umbrella-chart" // the repository has no tug.yaml: its chart is what is compared
	code := d.copied("StarpTech-k8s-gitops", "demo", "demo-service-repository")
	hub := d.f.Registry + "/" + d.org
	d.f.Image(d.org + "/library/busybox:latest") // as docker.io has it
	out := d.tug(d.build, code.Dir, 0, "build", "--push", "--map-registry", "docker.io="+hub)
	if !strings.Contains(out, "image demo-service: "+hub+"/starptech/demo-service:") || !strings.Contains(out, "lock: demo-service.kbld.lock.yml") {
		t.Errorf("build:\n%s", out)
	}
	clone := d.config.Clone(d.developer)
	from := corpustest.Dir(t, "repositories", "StarpTech-k8s-gitops", "demo", "config-repository")
	if err := os.CopyFS(clone.Dir, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	clone.Commit("as it is")
	clone.Git("push", "--quiet", "origin", "main")
	d.protect()
	lock := filepath.Join(code.Dir, "demo-service.kbld.lock.yml")
	c := d.pull(numberIn(t, d.tug(d.promote, code.Dir, 0, "promote", "-a", "demo-service", "--lock", lock, "--repository", d.config.URL(), "--pr")))
	if got := d.config.Clone(d.reviewer).Git("diff", "--name-only", "origin/main", "origin/"+c.Head.Ref); got != "app-locks/demo-service.kbld.lock.yml" {
		t.Errorf("the pull request changes %s", got)
	}
	d.previews(c, "/starptech/demo-service@sha256:")
	d.merges(c)
	who := d.deploy["dev"]
	d.tug(who, d.checkout(who, "main").Dir, 0, "deploy", "-a", "shop", "-n", d.namespaces["dev"], "--yes")
	d.runs("dev", "shop-demo-service", hub+"/starptech/demo-service@sha256:")
}
