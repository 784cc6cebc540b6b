package forgetest

import (
	"net/http"
	"strings"
	"time"

	"github.com/tugops/tug/internal/gittest"
)

// Repo is a repository with a default branch main.
type Repo struct {
	Owner, Name string

	forge *Forge
}

// Repo makes a private repository of a user or organisation, with a name that
// starts with the given one. Its first commit has the given files (name,
// content, name, content, ...); without any it is empty.
func (f *Forge) Repo(owner, name string, files ...string) *Repo {
	f.t.Helper()
	r := &Repo{Owner: owner, Name: unique(name), forge: f}
	form := map[string]any{"name": r.Name, "private": true, "default_branch": "main"}
	status, text := f.Call(f.Admin, http.MethodPost, "/orgs/"+owner+"/repos", form, nil)
	if status == http.StatusNotFound {
		status, text = f.Call(f.Admin, http.MethodPost, "/admin/users/"+owner+"/repos", form, nil)
	}
	if status/100 != 2 {
		f.t.Fatalf("repository %s/%s: status %d: %s", owner, r.Name, status, text)
	}
	if len(files) > 0 {
		first := gittest.New(f.t)
		first.Write(files...)
		first.Commit("first")
		first.Git("push", "--quiet", r.URLAs(f.Admin), "HEAD:refs/heads/main")
		r.awaitContent()
	}
	return r
}

// awaitContent waits until the forge has noticed the first push: it does so
// after the push has ended, and has no pull requests (404) before.
func (r *Repo) awaitContent() {
	r.forge.t.Helper()
	timer, tick := time.NewTimer(patience), time.NewTicker(20*time.Millisecond)
	defer timer.Stop()
	defer tick.Stop()
	for {
		var now struct{ Empty bool }
		r.forge.Must(r.forge.Admin, http.MethodGet, r.Path(""), nil, &now)
		if !now.Empty {
			return
		}
		select {
		case <-tick.C:
		case <-timer.C:
			r.forge.t.Fatalf("%s/%s is still empty %s after the push", r.Owner, r.Name, patience)
		}
	}
}

// URL is the address for Git, without a user.
func (r *Repo) URL() string { return r.forge.URL + "/" + r.Owner + "/" + r.Name + ".git" }

// URLAs is URL with a user and token in it.
func (r *Repo) URLAs(who Login) string {
	return strings.Replace(r.URL(), "://", "://"+who.User+":"+who.Token+"@", 1)
}

// Path is where the API has the repository, "/repos/OWNER/NAME", with more
// behind it.
func (r *Repo) Path(more string) string { return "/repos/" + r.Owner + "/" + r.Name + more }

// Clone is a working clone of somebody's.
func (r *Repo) Clone(who Login) *gittest.Repo {
	r.forge.t.Helper()
	return gittest.CloneURL(r.forge.t, r.URLAs(who))
}

// Tip is the commit of a branch, "" if there is no such branch.
func (r *Repo) Tip(branch string) string {
	r.forge.t.Helper()
	var answer struct{ Commit struct{ ID string } }
	status, text := r.forge.Call(r.forge.Admin, http.MethodGet, r.Path("/branches/"+branch), nil, &answer)
	if status != http.StatusOK && status != http.StatusNotFound {
		r.forge.t.Fatalf("branch %s of %s/%s: status %d: %s", branch, r.Owner, r.Name, status, text)
	}
	return answer.Commit.ID
}

// Allow gives a user "read", "write" or "admin".
func (r *Repo) Allow(user User, permission string) {
	r.forge.t.Helper()
	r.forge.Must(r.forge.Admin, http.MethodPut, r.Path("/collaborators/"+user.Name), map[string]string{"permission": permission}, nil)
}

// Protection is what holds for branches that match Pattern ("main", "env/*",
// "**").
type Protection struct {
	Pattern   string
	Push      []string // users that may push; nobody else may
	Merge     []string // users that may merge; empty: all with write access
	Statuses  []string // contexts that must be successful before a merge
	Approvals int      // reviews that must approve before a merge
}

// Protect adds a rule. Site administrators may merge regardless.
func (r *Repo) Protect(p Protection) {
	r.forge.t.Helper()
	r.forge.Must(r.forge.Admin, http.MethodPost, r.Path("/branch_protections"), map[string]any{
		"rule_name":   p.Pattern,
		"enable_push": len(p.Push) > 0, "enable_push_whitelist": len(p.Push) > 0, "push_whitelist_usernames": p.Push,
		"enable_merge_whitelist": len(p.Merge) > 0, "merge_whitelist_usernames": p.Merge,
		"enable_status_check": len(p.Statuses) > 0, "status_check_contexts": p.Statuses,
		"required_approvals": p.Approvals,
	}, nil)
}

// Webhook tells a listener of events ("push", "pull_request", "status", ...).
func (r *Repo) Webhook(l *Listener, events ...string) {
	r.forge.t.Helper()
	r.forge.Must(r.forge.Admin, http.MethodPost, r.Path("/hooks"), map[string]any{
		"type": "gitea", "active": true, "events": events,
		"config": map[string]string{"url": l.URL, "content_type": "json", "secret": l.Secret},
	}, nil)
}
