package main

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/forgetest"
	"github.com/tugops/tug/internal/gittest"
	"github.com/tugops/tug/internal/kubetest"
	"github.com/tugops/tug/internal/object"
)

// change is a pull request of the config repository.
type change struct {
	Number pullNumber
	State  string
	Merged bool
	Title  string
	Body   string
	Head   struct{ Ref, Sha string }
}

func (d *story) pull(number pullNumber) change {
	d.t.Helper()
	var c change
	d.f.Must(d.reviewer, http.MethodGet, d.config.Path("/pulls/"+number.String()), nil, &c)
	return c
}

// promotes opens a pull request with the identity of promotions: in the code
// repository, or for a rollback in a clone of the config repository.
func (d *story) promotes(args ...string) change {
	d.t.Helper()
	dir := d.codeRepo.Clone(d.build.login).Dir // what a code pipeline has checked out
	c := d.pull(numberIn(d.t, d.tug(d.promote, dir, 0, args...)))
	if c.State != "open" || c.Merged {
		d.t.Errorf("pull request: %+v", c)
	}
	return c
}

// checkout is the config repository with the head of a change, as a pipeline
// checks it out.
func (d *story) checkout(who *identity, ref string) *gittest.Repo {
	d.t.Helper()
	clone := d.config.Clone(who.login)
	clone.Git("checkout", "--quiet", "--detach", "origin/"+ref)
	return clone
}

// previews is what the config pipeline does for a pull request. The merge waits
// for it.
func (d *story) previews(c change, want ...string) {
	d.t.Helper()
	if status, text := d.merge(d.reviewer, c); status != http.StatusMethodNotAllowed {
		d.t.Errorf("merged without a preview: %d %s", status, text)
	}
	report := filepath.Join(d.t.TempDir(), "preview.md")
	d.tug(d.preview, d.checkout(d.preview, c.Head.Ref).Dir, 0, "diff", "origin/main...HEAD", "--post", "--report", report)
	d.reports = append(d.reports, read(d.t, report))
	comments := d.comments(c)
	if len(comments) != 1 {
		d.t.Fatalf("%d comments, want one:\n%s", len(comments), comments)
	}
	for _, part := range want {
		if !strings.Contains(comments[0], part) {
			d.t.Errorf("the comment has no %q:\n%s", part, comments[0])
		}
	}
	if got := d.status(c.Head.Sha); !strings.HasPrefix(got, "success ") {
		d.t.Errorf("status %q: %s", got, d.raw(d.config.Path("/statuses/"+c.Head.Sha)))
	}
}

func (d *story) comments(c change) []string {
	d.t.Helper()
	var list []comment
	d.f.Must(d.f.Admin, http.MethodGet, d.config.Path("/issues/"+c.Number.String()+"/comments"), nil, &list)
	var texts []string
	for _, item := range list {
		texts = append(texts, item.Body)
	}
	return texts
}

// status is the newest one that previews gave a commit, "STATE DESCRIPTION".
func (d *story) status(commit string) string {
	d.t.Helper()
	var all []struct{ Status, Context, Description string }
	d.f.Must(d.f.Admin, http.MethodGet, d.config.Path("/statuses/"+commit+"?sort=recentupdate"), nil, &all)
	for _, s := range all {
		if s.Context == d.check {
			return s.Status + " " + s.Description
		}
	}
	return ""
}

// merge tries to merge the head that was reviewed, and gives the answer. The
// forge first finds out whether it can: until then it says "try later".
func (d *story) merge(who forgetest.Login, c change) (status int, text string) {
	d.t.Helper()
	kubetest.Eventually(d.t, patience, "the forge knows whether "+c.Head.Ref+" can be merged", func() bool {
		status, text = d.f.Call(who, http.MethodPost, d.config.Path("/pulls/"+c.Number.String()+"/merge"), map[string]any{"Do": "merge", "head_commit_id": c.Head.Sha}, nil)
		return !strings.Contains(text, "try again later")
	})
	return status, text
}

func (d *story) merges(c change) {
	d.t.Helper()
	if status, text := d.merge(d.reviewer, c); status != http.StatusOK {
		d.t.Fatalf("merge: %d %s", status, text)
	}
	if !d.pull(c.Number).Merged {
		d.t.Error("it is not merged")
	}
}

// deploys is what the config pipeline does after a merge: the version runs, by
// its digest, with the secret of the environment.
func (d *story) deploys(env, version string) {
	d.t.Helper()
	who, namespace := d.deploy[env], d.namespaces[env]
	out := d.tug(who, d.checkout(who, "main").Dir, 0, "deploy", "-e", env, "-a", "shop", "--yes")
	if !strings.Contains(out, "shop/"+env+": release ") {
		d.t.Errorf("deploy says:\n%s", out)
	}
	reader := kubetest.As(d.t, "reader")
	live := reader.Get(object.Ref{Group: "apps", Kind: "Deployment", Namespace: namespace, Name: "shop"})
	if live == nil {
		d.t.Fatal("nothing runs")
	}
	if diff := cmp.Diff(d.f.Registry+"/"+d.org+"/shop@"+d.digests[version], firstImage(live)); diff != "" {
		d.t.Errorf("image in %s (-want +got):\n%s", env, diff)
	}
	secret := reader.Get(object.Ref{Kind: "Secret", Namespace: namespace, Name: "shop"})
	if data, err := json.Marshal(secret.Fields); err != nil || !holds(data, []byte(d.secrets["the password of "+env])) {
		d.t.Errorf("the secret of %s is not there: %v", env, err)
	}
}

// firstImage is that of the first container of a deployment.
func firstImage(o *object.Object) string {
	var at any = o.Fields
	for _, key := range []string{"spec", "template", "spec", "containers"} {
		fields, _ := at.(map[string]any)
		at = fields[key]
	}
	if list, ok := at.([]any); ok && len(list) > 0 {
		first, _ := list[0].(map[string]any)
		image, _ := first["image"].(string)
		return image
	}
	return ""
}
