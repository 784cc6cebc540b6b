package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/tugops/tug/internal/forgetest"
	"github.com/tugops/tug/internal/gittest"
	"github.com/tugops/tug/internal/kubetest"
)

// story is an organisation on the lab forge, namespaces on the lab cluster,
// and the identities between them.
type story struct {
	t   *testing.T
	f   *forgetest.Forge
	org string
	// codeRepo and config are the two repositories; code is a developer's clone.
	codeRepo, config *forgetest.Repo
	code             *gittest.Repo
	namespaces       map[string]string // by environment

	developer, reviewer     forgetest.Login
	build, promote, preview *identity
	deploy                  map[string]*identity // by environment
	accounts                map[string]*kubetest.Restricted
	check                   string // the status that merges wait for

	locks, digests map[string]string // files and digests of the image shop, by version
	recipients     map[string]string // public keys, by environment
	secrets        map[string]string // what nobody may tell, by name
	told           bytes.Buffer      // what every command wrote
	reports        []string
}

// identity is a row of design.md section 7: who may do what, by which
// credentials.
type identity struct {
	name  string
	login forgetest.Login // on the forge and in its registries
	env   []string        // the last of a name wins
}

// with is the identity with more in its environment.
func (i *identity) with(env ...string) *identity {
	more := *i
	more.env = slices.Concat(i.env, env)
	return &more
}

// variable is NAME=VALUE of the environment.
func (i *identity) variable(name string) string {
	for _, v := range slices.Backward(i.env) {
		if strings.HasPrefix(v, name+"=") {
			return v
		}
	}
	return name + "="
}

func newStory(t *testing.T) *story {
	t.Helper()
	f := forgetest.New(t)
	d := &story{
		t: t, f: f, namespaces: map[string]string{"dev": kubetest.Namespace(t), "prod": kubetest.Namespace(t)},
		deploy: map[string]*identity{}, accounts: map[string]*kubetest.Restricted{}, check: "tug/preview", locks: map[string]string{}, digests: map[string]string{}, secrets: map[string]string{}, recipients: map[string]string{},
	}
	developer, reviewer := f.User("developer"), f.User("reviewer")
	build, promote, preview, deploy := f.User("build"), f.User("promote"), f.User("preview"), f.User("deploy")
	d.org = f.Organization("shop")
	f.Must(f.Admin, "PATCH", "/orgs/"+d.org, map[string]any{"visibility": "private"}, nil)
	d.team("publish", "write", build)
	d.team("pull", "read", promote, preview, deploy, developer, reviewer)

	d.codeRepo = f.Repo(d.org, "code", d.codeFiles()...)
	d.codeRepo.Allow(developer, "write")
	d.codeRepo.Allow(build, "read")
	d.config = f.Repo(d.org, "config", "README.md", "what runs where\n")
	for user, right := range map[forgetest.User]string{promote: "write", preview: "write", deploy: "read", developer: "write", reviewer: "write"} {
		d.config.Allow(user, right)
	}

	d.developer = developer.Login("write:repository", "read:package")
	d.reviewer = reviewer.Login("write:repository")
	d.build = d.identity("build", build.Login("read:repository", "write:package"))
	d.promote = d.identity("promote", promote.Login("write:repository", "write:issue", "read:user", "read:package"))
	d.preview = d.identity("preview", preview.Login("write:repository", "write:issue", "read:user", "read:package"))
	login := deploy.Login("read:repository", "read:package")
	for env, namespace := range d.namespaces {
		key := d.ageKey(env)
		account := kubetest.User(t, namespace, deployRules()...)
		d.accounts[env] = account
		d.deploy[env] = d.identity("deploy-"+env, login).with("KUBECONFIG="+account.Kubeconfig, "SOPS_AGE_KEY="+key.String())
		d.secrets["the cluster token of "+env] = kubeToken(t, account.Kubeconfig)
	}
	d.code = d.codeRepo.Clone(d.developer)
	return d
}

// team gives users a right to the packages of the organisation, and to nothing
// else in it.
func (d *story) team(name, right string, users ...forgetest.User) {
	d.t.Helper()
	var team struct{ ID int }
	d.f.Must(d.f.Admin, "POST", "/orgs/"+d.org+"/teams", map[string]any{
		"name": name, "permission": "read", "units_map": map[string]string{"repo.packages": right},
	}, &team)
	for _, u := range users {
		d.f.Must(d.f.Admin, "PUT", fmt.Sprintf("/teams/%d/members/%s", team.ID, u.Name), nil, nil)
	}
}

// identity gives a login its own home, with a login to the registry as Docker
// keeps it. Strict: what is not of its row is refused by tug.
func (d *story) identity(name string, login forgetest.Login) *identity {
	d.t.Helper()
	d.secrets["the token of "+name] = login.Token
	home := d.t.TempDir()
	d.logIn(home, login)
	env := []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home, "CI=true", "TUG_STRICT=true", "TUG_CACHE_DIR=" + filepath.Join(home, "cache"),
		"TUG_CREDENTIALS=" + strings.Replace(d.f.URL, "://", "://"+login.User+":"+login.Token+"@", 1),
	}
	for name, value := range goCaches() {
		env = append(env, name+"="+value)
	}
	if name == "promote" || name == "preview" {
		env = append(env, "TUG_FORGE=gitea="+d.f.URL, "TUG_FORGE_TOKEN="+login.Token)
	}
	return &identity{name: name, login: login, env: env}
}

// logIn writes a login to the registry into a home.
func (d *story) logIn(home string, login forgetest.Login) {
	d.t.Helper()
	auth := base64.StdEncoding.EncodeToString([]byte(login.User + ":" + login.Token))
	write(d.t, filepath.Join(home, ".docker", "config.json"), fmt.Sprintf(`{"auths": {%q: {"auth": %q}}}`, d.f.Registry, auth))
}

// tug runs as somebody in a folder, keeps what it wrote, and gives it.
func (d *story) tug(who *identity, dir string, want int, args ...string) string {
	d.t.Helper()
	cmd := exec.CommandContext(d.t.Context(), "tug", args...)
	cmd.Dir, cmd.Env = dir, who.env
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	_ = cmd.Run()
	fmt.Fprintf(&d.told, "%s: tug %s\n%s", who.name, strings.Join(args, " "), &out)
	if got := cmd.ProcessState.ExitCode(); got != want {
		d.t.Fatalf("%s: tug %q: exit code %d, want %d:\n%s", who.name, args, got, want, &out)
	}
	return out.String()
}

var shopDigest = regexp.MustCompile(`(?m)/shop$\n  digest: (sha256:[0-9a-f]{64})$`)

// digest is that of the image shop in a lock file.
func (d *story) digest(file string) string {
	d.t.Helper()
	m := shopDigest.FindStringSubmatch(read(d.t, file))
	if m == nil {
		d.t.Fatalf("there is no digest of shop:\n%s", read(d.t, file))
	}
	return m[1]
}

// ageKey makes the private key of an environment.
func (d *story) ageKey(env string) *age.X25519Identity {
	d.t.Helper()
	key, err := age.GenerateX25519Identity()
	if err != nil {
		d.t.Fatal(err)
	}
	d.secrets["the key of "+env] = key.String()
	d.recipients[env] = key.Recipient().String()
	return key
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
