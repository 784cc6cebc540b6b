package main

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/tugops/tug/internal/forgetest"
	"github.com/tugops/tug/internal/kubetest"
	"github.com/tugops/tug/internal/registrytest"
)

// delivery is what pipelines work with: two repositories on the lab forge, a
// registry that asks for a login, namespaces on the lab cluster, and the secrets
// of each place, of which none opens another.
type delivery struct {
	t            *testing.T
	forge        *forgetest.Forge
	registry     *registrytest.Registry
	app          string
	code, config *forgetest.Repo
	cluster      bool
	tools, home  string
	// secrets are those of the environments that CI systems have: registry,
	// config-repository, preview, dev, prod.
	secrets map[string]map[string]string
}

// event starts pipelines: a push to a branch, or a pull request.
type event struct {
	repo           *forgetest.Repo
	branch, commit string
	base           string
	number         int  // of the pull request; 0 for a push
	fork           bool // it comes from a stranger's fork
	// planted is in the environment of every step, as if somebody had put it there.
	planted map[string]string
}

func (e event) id() string { return strconv.Itoa(e.number) }

// ran is one step that was run.
type ran struct {
	Job, Dir, Script string
	Env              map[string]string
	Exit             int
	Out              string
}

func newDelivery(t *testing.T, f *forgetest.Forge, ci string) *delivery {
	t.Helper()
	id := make([]byte, 3)
	rand.Read(id)
	d := &delivery{t: t, forge: f, app: "shop-" + hex.EncodeToString(id), home: t.TempDir(), tools: t.TempDir(), cluster: os.Getenv("TUG_LAB_KUBECONFIG") != ""}
	d.registry = registrytest.New(t, registrytest.Options{User: "robot$ci", Password: "p/w@:" + hex.EncodeToString(id)})
	d.installer()
	promoter, previewer := f.User("promoter"), f.User("previewer")
	team := f.Organization("team")
	image := d.registry.Host + "/team/" + d.app
	d.config = f.Repo(team, "config", d.scaffold(nil, "config", "--ci", ci, "--image", image)...)
	d.config.Allow(promoter, "write")
	d.config.Allow(previewer, "write") // Gitea wants it for statuses; nothing here lets it push to main
	d.config.Protect(forgetest.Protection{Pattern: "main", Push: []string{promoter.Name}})
	d.code = f.Repo(team, "code", d.scaffold(map[string]string{
		"go.mod": "module example.com/shop\n\ngo 1.24\n", "main.go": "package main\n\nfunc main() {}\n", "Makefile": "test:\n\ttest -f main.go\n",
	}, "code", "--ci", ci, "--image", image, "--config-repository", d.config.URL())...)
	d.secrets = map[string]map[string]string{
		"registry":          {"TUG_REGISTRY_USERNAME": "robot$ci", "TUG_REGISTRY_PASSWORD": "p/w@:" + hex.EncodeToString(id)},
		"config-repository": {"TUG_FORGE_TOKEN": promoter.Login("write:repository", "write:issue", "read:user").Token},
		"preview":           {"TUG_FORGE_TOKEN": previewer.Login("write:repository", "write:issue", "read:user").Token},
		"dev":               {"KUBECONFIG_CONTENT": d.kubeconfig(d.app + "-dev")},
		"prod":              {"KUBECONFIG_CONTENT": d.kubeconfig(d.app)},
	}
	return d
}

// installer answers "go install" of tug, which is in no module proxy before its
// release, and leaves everything else to Go.
func (d *delivery) installer() {
	real, err := exec.LookPath("go")
	if err != nil {
		d.t.Fatal(err)
	}
	script := "#!/bin/sh\ncase \"$1 $2\" in \"install github.com/tugops/tug/cmd/tug@\"*) exit 0 ;; esac\nexec '" + real + "' \"$@\"\n"
	if err := os.WriteFile(filepath.Join(d.tools, "go"), []byte(script), 0o755); err != nil {
		d.t.Fatal(err)
	}
}

// scaffold runs tug init in a folder with some files, and gives all of them.
func (d *delivery) scaffold(files map[string]string, args ...string) (pairs []string) {
	d.t.Helper()
	dir := d.t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			d.t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(d.t.Context(), "tug", append([]string{"-C", dir, "init", args[0], "--app", d.app}, args[1:]...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		d.t.Fatalf("tug init: %v\n%s", err, out)
	}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		if name == "Jenkinsfile" { // the forge has a name that says nothing of its kind
			data = bytes.Replace(data, []byte("branch: 'main'"), []byte("branch: 'main', forge: 'gitea="+d.forge.URL+"'"), 1)
		}
		pairs = append(pairs, filepath.ToSlash(name), string(data))
		return err
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return pairs
}

// kubeconfig is that of a user who may do everything in one new namespace only.
func (d *delivery) kubeconfig(namespace string) string {
	if !d.cluster {
		return "apiVersion: v1\nkind: Config # of " + namespace + "\n"
	}
	kubetest.As(d.t, "platform-team").Create("apiVersion: v1\nkind: Namespace\nmetadata: {name: " + namespace + "}\n")
	d.t.Cleanup(func() { (&lab{t: d.t}).remove(namespace) })
	data, err := os.ReadFile(kubetest.User(d.t, namespace, kubetest.Rule("*", "*", "*")).Kubeconfig)
	if err != nil {
		d.t.Fatal(err)
	}
	return strings.TrimSpace(string(data))
}

// checkout is a clone at the commit of an event, which keeps the token of the
// clone or not.
func (d *delivery) checkout(e event, keeps bool) string {
	d.t.Helper()
	clone := e.repo.Clone(d.forge.Admin)
	clone.Git("checkout", "--quiet", "--detach", e.commit)
	if !keeps {
		clone.Git("remote", "set-url", "origin", e.repo.URL())
	}
	return clone.Dir
}

// push is the event of a branch's tip.
func (d *delivery) push(repo *forgetest.Repo) event {
	return event{repo: repo, branch: "main", commit: repo.Tip("main")}
}

// change is the event of a pull request that changes a file.
func (d *delivery) change(repo *forgetest.Repo, branch, file, content string) event {
	d.t.Helper()
	c := repo.Clone(d.forge.Admin)
	base := c.Git("rev-parse", "HEAD")
	c.Git("checkout", "--quiet", "-b", branch)
	c.Write(file, content)
	commit := c.Commit("change " + file)
	c.Git("push", "--quiet", "origin", branch)
	var pull struct{ Number int }
	d.forge.Must(d.forge.Admin, "POST", repo.Path("/pulls"), map[string]string{"head": branch, "base": "main", "title": branch}, &pull)
	return event{repo: repo, branch: branch, commit: commit, base: base, number: pull.Number}
}

// base is the environment of an agent: nothing of the process that runs the test
// but where Go keeps things.
func (d *delivery) base(more ...map[string]string) map[string]string {
	env := map[string]string{
		"PATH": d.tools + string(os.PathListSeparator) + os.Getenv("PATH"), "HOME": d.home, "GOTOOLCHAIN": "local", "GOFLAGS": "-trimpath",
		"GIT_CONFIG_NOSYSTEM": "1", "GOCACHE": goEnv(d.t, "GOCACHE"), "GOMODCACHE": goEnv(d.t, "GOMODCACHE"),
	}
	for _, m := range more {
		maps.Copy(env, m)
	}
	return env
}

func goEnv(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "env", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// shell runs the script of a step.
func (d *delivery) shell(job, dir, script string, env map[string]string) ran {
	d.t.Helper()
	r := ran{Job: job, Dir: dir, Script: script, Env: maps.Clone(env)}
	cmd := exec.CommandContext(d.t.Context(), "bash", "-e", "-o", "pipefail", "-c", script)
	cmd.Dir = dir
	for name, value := range env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	out, err := cmd.CombinedOutput()
	r.Out = string(out)
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		r.Exit = exit.ExitCode()
	} else if err != nil {
		d.t.Fatalf("%s: %v", script, err)
	}
	return r
}

func strictYAML(t *testing.T, file string, into any) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	if err := dec.Decode(into); err != nil {
		t.Fatalf("%s: %v", filepath.Base(file), err)
	}
}

// decodeStrict refuses keys that a runner here would pass over.
func decodeStrict(t *testing.T, node *yaml.Node, into any) {
	t.Helper()
	data, err := yaml.Marshal(node)
	if err != nil {
		t.Fatal(err)
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	if err := dec.Decode(into); err != nil {
		t.Fatalf("%v in\n%s", err, data)
	}
}

// javaHome is where the java of PATH is.
func javaHome(t *testing.T) string {
	t.Helper()
	program, err := exec.LookPath("java")
	if err == nil {
		program, err = filepath.EvalSymlinks(program)
	}
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Dir(filepath.Dir(program))
}
