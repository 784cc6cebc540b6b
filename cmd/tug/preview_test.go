package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tugops/tug/internal/forgetest"
	"github.com/tugops/tug/internal/gittest"
)

// pull is a pull request on the lab forge with the clone that it was made in.
type pull struct {
	t      *testing.T
	forge  *forgetest.Forge
	repo   *forgetest.Repo
	bot    forgetest.Login
	clone  *gittest.Repo
	number string
}

const previewProject = `apiVersion: tug.dev/v1alpha1
kind: Project
environments:
  dev: {namespace: shop-dev, kubernetes: "1.36"}
  prod: {namespace: shop, kubernetes: "1.36"}
apps:
  web: {manifests: web}
`

func previewSecret(password string) string {
	return "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\nstringData: {user: shop, password: " + password + "}\n"
}

func openPull(t *testing.T) *pull {
	t.Helper()
	f := forgetest.New(t)
	user := f.User("preview")
	repo := f.Repo(f.Organization("shop"), "config", "tug.yaml", previewProject,
		".tug-check.yaml", "rules: {secret-plain: off}\n",
		"web/app.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata: {level: info}\n",
		"web/claim.yaml", "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data}\nspec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}\n",
		"web/secret.yaml", previewSecret("old-canary-4711"))
	repo.Allow(user, "write")
	p := &pull{t: t, forge: f, repo: repo, bot: user.Login("write:repository", "write:issue", "read:user")}
	p.clone = repo.Clone(p.bot)
	p.clone.Git("switch", "--quiet", "--create", "feature")
	p.clone.Write("web/app.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata: {level: debug}\n", "web/secret.yaml", previewSecret("new-canary-4711"))
	p.clone.Remove("web/claim.yaml")
	p.push("change")
	var opened struct{ Number json.Number }
	f.Must(p.bot, http.MethodPost, repo.Path("/pulls"), map[string]string{"base": "main", "head": "feature", "title": "change"}, &opened)
	p.number = opened.Number.String()
	return p
}

func (p *pull) push(message string) string {
	commit := p.clone.Commit(message)
	p.clone.Git("push", "--quiet", "--force", "origin", "feature")
	return commit
}

// tug runs in the clone with a token, and gives what it wrote.
func (p *pull) tug(token string, want int, args ...string) (stdout, stderr string) {
	p.t.Helper()
	cmd := exec.CommandContext(p.t.Context(), "tug", args...)
	cmd.Dir = p.clone.Dir
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + p.t.TempDir(), "CI=true", "TUG_STRICT=true",
		"TUG_FORGE=gitea=" + p.forge.URL, "TUG_FORGE_TOKEN=" + token,
	}
	var out, message bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &message
	_ = cmd.Run()
	if got := cmd.ProcessState.ExitCode(); got != want {
		p.t.Fatalf("tug %q: exit code %d, want %d:\n%s%s", args, got, want, &out, &message)
	}
	if strings.Contains(out.String()+message.String(), token) && token != "" {
		p.t.Error("the token is in the output")
	}
	return out.String(), message.String()
}

type comment struct {
	ID   json.Number
	Body string
}

func (p *pull) comments() (all []comment) {
	p.t.Helper()
	p.forge.Must(p.forge.Admin, http.MethodGet, p.repo.Path("/issues/"+p.number+"/comments"), nil, &all)
	return all
}

// status is the newest of the head, "STATE DESCRIPTION".
func (p *pull) status() string {
	p.t.Helper()
	var all []struct{ Status, Context, Description string }
	p.forge.Must(p.forge.Admin, http.MethodGet, p.repo.Path("/statuses/"+p.repo.Tip("feature")+"?sort=recentupdate"), nil, &all)
	if len(all) == 0 || all[0].Context != "tug/preview" {
		p.t.Fatalf("no status tug/preview: %+v", all)
	}
	return all[0].Status + " " + all[0].Description
}

// TestPreview is what a config pipeline does for a pull request, on a real
// forge and with the rights of the preview only.
func TestPreview(t *testing.T) {
	t.Parallel()
	p := openPull(t)
	report := filepath.Join(t.TempDir(), "preview.md")
	_, stderr := p.tug(p.bot.Token, 0, "diff", "origin/main...HEAD", "--post", "--report", report)
	if !strings.Contains(stderr, "comment written: "+p.forge.URL) {
		t.Errorf("stderr: %s", stderr)
	}
	first := p.comments()
	if len(first) != 1 {
		t.Fatalf("%d comments, want one", len(first))
	}
	for _, want := range []string{
		"**2 of 2 apps differ in dev, prod: 2 deleted, 4 changed; ",
		"| `web` | `prod` | 1 | 2 |  | **deletes 1 object that holds other things or data** |",
		"- delete PersistentVolumeClaim data\n", "data.level: info → debug\n", "data.password: (secret 1) → (secret 2)\n", "### `" + p.repo.Tip("main")[:12] + "` → `" + p.repo.Tip("feature")[:12] + "`\n",
	} {
		if !strings.Contains(first[0].Body, want) {
			t.Errorf("the comment has no %q:\n%s", want, first[0].Body)
		}
	}
	written, err := os.ReadFile(report)
	if err != nil || !strings.HasSuffix(first[0].Body, string(written)) {
		t.Errorf("the report is not the comment: %v\n%s", err, written)
	}
	for _, text := range []string{first[0].Body, p.status(), stderr, string(written)} {
		if strings.Contains(text, "canary-4711") {
			t.Errorf("a value of a Secret is in:\n%s", text)
		}
	}
	if got := p.status(); !strings.HasPrefix(got, "success 2 of 2 apps differ") {
		t.Errorf("status %q", got)
	}

	// The same again changes nothing, in the words of the forge as well.
	stdout, _ := p.tug(p.bot.Token, 0, "diff", "origin/main...HEAD", "--post", "--output", "json")
	var result struct {
		Changed bool
		Comment string
	}
	if err := json.Unmarshal([]byte(stdout), &result); err != nil || result.Changed || result.Comment == "" {
		t.Errorf("%v: %s", err, stdout)
	}

	// A new commit updates the comment in place; a render that fails is told.
	p.clone.Write("web/app.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web\n")
	p.push("broken")
	p.tug(p.bot.Token, 1, "diff", "origin/main...HEAD", "--post", "--pr", p.number)
	next := p.comments()
	if len(next) != 1 || next[0].ID != first[0].ID || !strings.Contains(next[0].Body, "#### Cannot be rendered") || !strings.Contains(next[0].Body, "web/app.yaml:") {
		t.Errorf("comments: %+v", next)
	}
	if got := p.status(); !strings.HasPrefix(got, "failure ") {
		t.Errorf("status %q", got)
	}

	// A project that cannot be read has a status of its own, and no comment.
	p.clone.Write("tug.yaml", "apiVersion: tug.dev/v1alpha1\nkind: Project\nenvironments: {dev: {}}\napps: {web: {manifests: nowhere, locks: 3}}\n")
	p.push("unreadable")
	p.tug(p.bot.Token, 1, "diff", "origin/main...HEAD", "--post", "--pr", p.number)

	// Findings of the checks fail it.
	p.clone.Write("tug.yaml", previewProject, "web/app.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndatta: {level: debug}\n")
	p.push("typo")
	p.tug(p.bot.Token, 5, "diff", "origin/main...HEAD", "--post", "--pr", p.number)
	if body := p.comments()[0].Body; !strings.Contains(body, "| error | `web/app.yaml:4` | `unknown field \"datta\"` | `schema-unknown-field` |") {
		t.Errorf("comment:\n%s", body)
	}
	if got := p.status(); !strings.HasPrefix(got, "failure ") {
		t.Errorf("status %q", got)
	}
}

// TestPreviewRefused: a pull request that moved on, a token that may only read,
// another token's forge, no pull request at all.
func TestPreviewRefused(t *testing.T) {
	t.Parallel()
	p := openPull(t)
	compared := p.clone.Git("rev-parse", "HEAD")
	p.clone.Write("web/more.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: more}\n")
	p.push("more")
	_, stderr := p.tug(p.bot.Token, 7, "diff", "origin/main", compared, "--post", "--pr", p.number)
	if !strings.Contains(stderr, "it has moved on") {
		t.Errorf("stderr: %s", stderr)
	}
	reader := p.forge.User("reader")
	p.repo.Allow(reader, "read")
	p.tug(reader.Login("read:repository", "read:issue").Token, 4, "diff", "origin/main...HEAD", "--post", "--pr", p.number)
	p.tug("", 4, "diff", "origin/main...HEAD", "--post", "--pr", p.number)
	p.tug(p.bot.Token, 2, "diff", "origin/main", "--post", "--pr", p.number)
	if n := len(p.comments()); n != 0 {
		t.Errorf("%d comments", n)
	}
	p.forge.Must(p.forge.Admin, http.MethodPatch, p.repo.Path("/pulls/"+p.number), map[string]string{"state": "closed"}, nil)
	_, stderr = p.tug(p.bot.Token, 1, "diff", "origin/main...HEAD", "--post")
	if !strings.Contains(stderr, "is in no open pull request") {
		t.Errorf("stderr: %s", stderr)
	}
}
