package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tugops/tug/internal/forgetest"
	"github.com/tugops/tug/internal/gittest"
)

// promoting is a config repository on the lab forge and an identity that may
// write its branches and pull requests.
type promoting struct {
	t    *testing.T
	f    *forgetest.Forge
	repo *forgetest.Repo
	bot  forgetest.Login
}

const promotingProject = `apiVersion: tug.dev/v1alpha1
kind: Project
environments:
  dev: {namespace: a}
  prod: {namespace: b, promotion: pull-request}
apps:
  shop: {chart: shop, values: ["values/{{.env}}.yaml"], locks: ["app-locks/{{.env}}/"]}
  blog: {chart: shop, values: ["values/{{.env}}.yaml"], locks: ["app-locks/{{.env}}/"]}
`

func newPromoting(t *testing.T) *promoting {
	t.Helper()
	f := forgetest.New(t)
	bot := f.User("bot")
	repo := f.Repo(f.Organization("team", bot), "config",
		"tug.yaml", promotingProject, "shop/Chart.yaml", "apiVersion: v2\nname: shop\nversion: 1.0.0\n",
		"values/dev.yaml", "replicas: 1 # few\n", "values/prod.yaml", "replicas: 3 # more\n")
	repo.Allow(bot, "write")
	return &promoting{t: t, f: f, repo: repo, bot: bot.Login("write:repository", "write:issue", "read:user")}
}

// tug runs one command line with the credentials of the promotion alone.
func (p *promoting) tug(args ...string) (code int, stdout, stderr string) {
	p.t.Helper()
	at, err := url.Parse(p.repo.URL())
	if err != nil {
		p.t.Fatal(err)
	}
	at.User = url.UserPassword(p.bot.User, p.bot.Token)
	vars := map[string]string{
		"HOME": p.t.TempDir(), "TUG_CONFIG_REPOSITORY": p.repo.URL(), "TUG_CREDENTIALS": at.String(),
		"TUG_FORGE": "gitea=" + p.f.URL, "TUG_FORGE_TOKEN": p.bot.Token,
	}
	var out, errs bytes.Buffer
	env := &Env{Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs, Getenv: func(name string) string { return vars[name] }}
	code = Run(p.t.Context(), env, args)
	return code, out.String(), errs.String()
}

func (p *promoting) must(args ...string) string {
	p.t.Helper()
	code, out, errs := p.tug(args...)
	if code != 0 {
		p.t.Fatalf("tug %s: exit code %d\n%s%s", strings.Join(args, " "), code, out, errs)
	}
	return out
}

func (p *promoting) image(app, env string, n int, more ...string) []string {
	digest := fmt.Sprintf("%064x", n)
	return append([]string{
		"promote", "-a", app, "--env", env, "--sequence", fmt.Sprint(n), "--image", fmt.Sprintf("%s=registry.example/%s:1.%d@sha256:%s", app, app, n, digest),
	}, more...)
}

type pull struct {
	Number int
	Title  string
	Body   string
	State  string
	Head   struct{ Ref, Sha string }
}

func (p *promoting) pulls(state string) []pull {
	p.t.Helper()
	var list []pull
	p.f.Must(p.bot, "GET", p.repo.Path("/pulls?state="+state), nil, &list)
	return list
}

// merge merges, once the forge has found out that it can.
func (p *promoting) merge(number int) {
	p.t.Helper()
	for deadline := time.Now().Add(time.Minute); ; {
		status, text := p.f.Call(p.f.Admin, "POST", p.repo.Path(fmt.Sprintf("/pulls/%d/merge", number)), map[string]any{"Do": "merge"}, nil)
		if status == 200 {
			return
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("merge: %d %.300s", status, text)
		}
	}
}

func (p *promoting) clone(branch string) *gittest.Repo {
	c := p.repo.Clone(p.f.Admin)
	c.Git("checkout", "--quiet", branch)
	return c
}

// TestPromotePullRequest: there is one pull request, which follows the builds,
// and closes itself when nothing is left in it.
func TestPromotePullRequest(t *testing.T) {
	t.Parallel()
	p := newPromoting(t)
	out := p.must(p.image("shop", "prod", 1)...)
	open := p.pulls("open")
	if len(open) != 1 || open[0].Title != "Promote shop 1.1 to prod" || open[0].Head.Ref != "promote/prod/shop" || !strings.Contains(out, "pull request "+p.f.URL) {
		t.Fatalf("%+v\n%s", open, out)
	}
	p.must(p.image("shop", "prod", 3, "--set-value", "replicas=5")...)
	p.must(p.image("shop", "prod", 2)...)
	again := p.pulls("open")
	if len(again) != 1 || again[0].Number != open[0].Number || again[0].Title != "Promote shop 1.3 to prod" || !strings.Contains(again[0].Body, "~~shop 1.1~~") {
		t.Fatalf("%+v", again)
	}
	c := p.clone("promote/prod/shop")
	if got := c.Git("rev-list", "--count", "origin/main..HEAD"); got != "1" {
		t.Errorf("%s commits", got)
	}
	if got := c.Git("show", "HEAD:values/prod.yaml"); got != "replicas: 5 # more" {
		t.Error(got)
	}
	// The same again touches nothing.
	tip := p.repo.Tip("promote/prod/shop")
	p.must(p.image("shop", "prod", 3, "--set-value", "replicas=5")...)
	if got := p.repo.Tip("promote/prod/shop"); got != tip {
		t.Errorf("the branch moved from %s to %s", tip, got)
	}
	// Merged: the next build opens the next one, from the new base.
	p.merge(open[0].Number)
	if out := p.must(p.image("shop", "prod", 3, "--set-value", "replicas=5")...); !strings.Contains(out, "unchanged") {
		t.Error(out)
	}
	p.must(p.image("shop", "prod", 4)...)
	next := p.pulls("open")
	if len(next) != 1 || next[0].Number == open[0].Number || strings.Contains(next[0].Body, "~~") {
		t.Fatalf("%+v", next)
	}
	// What it holds gets into the base by another way: it closes itself.
	c = p.clone("main")
	c.Git("merge", "--quiet", "--squash", "origin/promote/prod/shop")
	c.Commit("by hand")
	c.Git("push", "--quiet", "origin", "main")
	if out := p.must(p.image("shop", "prod", 4)...); !strings.Contains(out, "nothing is left in promote/prod/shop") {
		t.Error(out)
	}
	if got := p.pulls("open"); len(got) != 0 {
		t.Errorf("%+v", got)
	}
}

// TestPromoteKeepsCommitsOfOthers: once a person commits to the branch it is
// not written anew.
func TestPromoteKeepsCommitsOfOthers(t *testing.T) {
	t.Parallel()
	p := newPromoting(t)
	p.must(p.image("shop", "prod", 1)...)
	c := p.clone("promote/prod/shop")
	c.Write("values/prod.yaml", "replicas: 7 # by hand\n")
	c.Commit("more of them")
	c.Git("push", "--quiet", "origin", "promote/prod/shop")
	out := p.must(p.image("shop", "prod", 2)...)
	if !strings.Contains(out, "has commits of others, which stay") {
		t.Error(out)
	}
	p.must(p.image("shop", "prod", 3)...)
	c.Git("fetch", "--quiet")
	if got := c.Git("log", "--format=%s", "origin/main..origin/promote/prod/shop"); got != "Promote shop 1.3 to prod\nPromote shop 1.2 to prod\nmore of them\nPromote shop 1.1 to prod" {
		t.Errorf("log:\n%s", got)
	}
	if got := c.Git("show", "origin/promote/prod/shop:values/prod.yaml"); got != "replicas: 7 # by hand" {
		t.Error(got)
	}
	if open := p.pulls("open"); len(open) != 1 {
		t.Errorf("%+v", open)
	}
	// An amended commit of ours is theirs too.
	p.must(p.image("blog", "prod", 1)...)
	c.Git("fetch", "--quiet")
	c.Git("checkout", "--quiet", "promote/prod/blog")
	c.Write("note.txt", "mine\n")
	c.Git("add", "--all")
	c.Git("commit", "--quiet", "--amend", "--no-edit")
	c.Git("push", "--quiet", "--force", "origin", "promote/prod/blog")
	p.must(p.image("blog", "prod", 2)...)
	c.Git("fetch", "--quiet")
	if got := c.Git("show", "origin/promote/prod/blog:note.txt"); got != "mine" {
		t.Error(got)
	}
}

// TestPromoteGroup: apps of a group share a pull request, whoever comes when.
func TestPromoteGroup(t *testing.T) {
	t.Parallel()
	p := newPromoting(t)
	p.must(p.image("shop", "prod", 1, "--group", "all")...)
	p.must(p.image("blog", "prod", 9, "--group", "all")...)
	p.must(p.image("shop", "prod", 2, "--group", "all")...)
	open := p.pulls("open")
	if len(open) != 1 || open[0].Title != "Promote 2 apps to prod" || !strings.Contains(open[0].Body, "`1.2`") || !strings.Contains(open[0].Body, "`1.9`") {
		t.Fatalf("%+v", open)
	}
	c := p.clone("promote/prod/all")
	if got := c.Git("diff", "--name-only", "origin/main"); got != "app-locks/prod/blog.lock.yaml\napp-locks/prod/shop.lock.yaml" {
		t.Errorf("files:\n%s", got)
	}
}

// TestPromoteProtectedBranch: a refusal that is no race is told from one.
func TestPromoteProtectedBranch(t *testing.T) {
	t.Parallel()
	p := newPromoting(t)
	p.repo.Protect(forgetest.Protection{Pattern: "main"})
	before := p.repo.Tip("main")
	code, _, errs := p.tug(p.image("shop", "dev", 1)...)
	if code != 4 || !strings.Contains(errs, "refused the push to branch main") || !strings.Contains(errs, "--pr") {
		t.Errorf("exit code %d\n%s", code, errs)
	}
	if got := p.repo.Tip("main"); got != before {
		t.Error("main moved")
	}
	p.must(p.image("shop", "dev", 1, "--pr")...)
	if open := p.pulls("open"); len(open) != 1 || open[0].Head.Ref != "promote/dev/shop" {
		t.Errorf("%+v", open)
	}
	reader := p.f.User("reader")
	p.repo.Allow(reader, "read")
	p.bot = reader.Login("read:repository")
	if code, _, errs := p.tug(p.image("blog", "dev", 1)...); code != 4 {
		t.Errorf("a reader: exit code %d\n%s", code, errs)
	}
}

// TestPromoteRaces: builds of many apps at once all land; of one app the newest
// stays. A base that is pushed by force under them is no harm.
func TestPromoteRaces(t *testing.T) {
	t.Parallel()
	p := newPromoting(t)
	const n = 8
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			app := []string{"shop", "blog"}[i%2]
			code, out, errs := p.tug(p.image(app, "dev", i+1)...)
			if code != 0 {
				t.Errorf("%d: exit code %d\n%s%s", i, code, out, errs)
			}
		})
	}
	all.Go(func() {
		c := p.clone("main")
		c.Write("by-hand.txt", "1\n")
		c.Commit("by hand")
		// The forge refuses whoever comes while it moves the branch for another.
		var err error
		for range n * 4 {
			if _, err = c.TryGit(nil, "push", "--quiet", "--force", "origin", "main"); err == nil {
				return
			}
		}
		t.Error("push by hand: ", err)
	})
	all.Wait()
	for app, want := range map[string]int{"blog": n, "shop": n - 1} {
		// A forced push may have taken one away; the same again puts it there.
		out := p.must(p.image(app, "dev", want, "--output", "json")...)
		var done []struct{ Action string }
		if err := json.Unmarshal([]byte(out), &done); err != nil || len(done) != 1 || !slices.Contains([]string{"unchanged", "promoted"}, done[0].Action) {
			t.Errorf("%s: %v\n%s", app, err, out)
		}
	}
	c := p.clone("main")
	for app, want := range map[string]int{"blog": n, "shop": n - 1} {
		if got := c.Git("show", "HEAD:app-locks/dev/"+app+".lock.yaml"); !strings.Contains(got, fmt.Sprintf("sequence: %d\n", want)) {
			t.Errorf("%s:\n%s", app, got)
		}
	}
}

// TestRollbackPullRequest: the last promotion is taken back to the byte, by a
// pull request, and a late pipeline does not bring it back.
func TestRollbackPullRequest(t *testing.T) {
	t.Parallel()
	p := newPromoting(t)
	p.must(p.image("shop", "dev", 1)...)
	before := p.repo.Tip("main")
	p.must(p.image("shop", "dev", 2, "--set-value", "replicas=9")...)
	p.must(p.image("blog", "dev", 1)...)
	out := p.must("rollback", "--pr", "-a", "shop", "-e", "dev")
	open := p.pulls("open")
	if len(open) != 1 || open[0].Title != "Roll back shop to 1.1 in dev" || open[0].Head.Ref != "revert/dev/shop" || !strings.Contains(out, "shop/dev: 1.2 -> 1.1") {
		t.Fatalf("%+v\n%s", open, out)
	}
	p.must("rollback", "--pr", "-a", "shop", "-e", "dev")
	if again := p.pulls("open"); len(again) != 1 || again[0].Number != open[0].Number {
		t.Errorf("%+v", again)
	}
	p.merge(open[0].Number)
	c := p.clone("main")
	if got := c.Git("diff", before, "HEAD", "--", "values"); got != "" {
		t.Error(got)
	}
	if got := c.Git("diff", "--unified=0", before, "HEAD", "--", "app-locks/dev/shop.lock.yaml"); !strings.HasSuffix(got, "+  newest: 2") {
		t.Error(got)
	}
	if out := p.must(p.image("shop", "dev", 2)...); !strings.Contains(out, "superseded, build 2 was rolled back to 1") {
		t.Error(out)
	}
	if code, _, errs := p.tug("rollback", "--pr", "-a", "shop", "-e", "prod"); code != 1 || !strings.Contains(errs, "no promotion is among") {
		t.Errorf("exit code %d\n%s", code, errs)
	}
}
