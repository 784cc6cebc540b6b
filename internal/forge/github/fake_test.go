package github_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/tugops/tug/internal/forge"
	"github.com/tugops/tug/internal/forge/contract"
)

// fake answers as GitHub's REST API does, from a world.
type fake struct {
	*contract.World
	mux *http.ServeMux
	who contract.User
}

type object = map[string]any

const docs = "https://docs.github.com/rest"

func newFake(world *contract.World) http.Handler {
	f := &fake{World: world, mux: http.NewServeMux()}
	repo := "/api/v3/repos/" + world.Path
	for pattern, handle := range map[string]func(http.ResponseWriter, *http.Request){
		"GET /api/v3/user":                         f.user,
		"GET " + repo:                              f.repository,
		"GET " + repo + "/pulls":                   f.list,
		"POST " + repo + "/pulls":                  f.create,
		"GET " + repo + "/pulls/{n}":               f.get,
		"PATCH " + repo + "/pulls/{n}":             f.edit,
		"PUT " + repo + "/pulls/{n}/merge":         f.merge,
		"PUT " + repo + "/issues/{n}/labels":       f.labels,
		"GET " + repo + "/issues/{n}/comments":     f.comments,
		"POST " + repo + "/issues/{n}/comments":    f.comment,
		"PATCH " + repo + "/issues/comments/{id}":  f.editComment,
		"DELETE " + repo + "/issues/comments/{id}": f.removeComment,
		"POST " + repo + "/statuses/{sha}":         f.setStatus,
		"GET " + repo + "/commits/{sha}/status":    f.status,
		"GET " + repo + "/commits/{sha}/pulls":     f.pullsOf,
		"GET " + repo + "/git/commits/{sha}":       f.commit,
		"GET " + repo + "/branches/{b...}":         f.branch,
		"GET " + repo + "/rules/branches/{b...}":   f.rules,
		"GET " + repo + "/git/ref/heads/{b...}": func(w http.ResponseWriter, r *http.Request) {
			if f.Tip(r.PathValue("b")) == "" {
				notFound(w)
				return
			}
			contract.JSON(w, 200, object{"ref": "refs/heads/" + r.PathValue("b"), "object": object{"type": "commit", "sha": f.Tip(r.PathValue("b"))}})
		},
		"DELETE " + repo + "/git/refs/heads/{b...}": func(w http.ResponseWriter, r *http.Request) {
			delete(f.Branches, r.PathValue("b"))
			w.WriteHeader(http.StatusNoContent)
		},
	} {
		f.mux.HandleFunc(pattern, handle)
	}
	return f
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.Lock()
	defer f.Unlock()
	user, ok := f.Users[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
	if !ok || r.Header.Get("X-GitHub-Api-Version") != "2022-11-28" || r.Header.Get("Accept") != "application/vnd.github+json" {
		contract.JSON(w, 401, object{"message": "Bad credentials", "documentation_url": docs, "status": "401"})
		return
	}
	if f.who = user; r.Method != http.MethodGet && !user.Write {
		contract.JSON(w, 403, object{"message": "Must have push access to repository", "documentation_url": docs, "status": "403"})
		return
	}
	w.Header().Set("X-OAuth-Scopes", "repo, read:user")
	w.Header().Set("X-RateLimit-Remaining", "4999")
	f.mux.ServeHTTP(w, r)
}

func notFound(w http.ResponseWriter) {
	contract.JSON(w, 404, object{"message": "Not Found", "documentation_url": docs, "status": "404"})
}

func invalid(w http.ResponseWriter, resource, text string) {
	contract.JSON(w, 422, object{"message": "Validation Failed", "errors": []object{{"resource": resource, "code": "custom", "message": text}}, "documentation_url": docs, "status": "422"})
}

func person(name string) object {
	return object{"login": name, "id": 1, "type": "User", "site_admin": false}
}

func (f *fake) user(w http.ResponseWriter, _ *http.Request) {
	contract.JSON(w, 200, person(f.who.Name))
}

func (f *fake) repository(w http.ResponseWriter, _ *http.Request) {
	contract.JSON(w, 200, object{"id": 1296269, "full_name": f.Path, "private": true, "default_branch": "main",
		"permissions": object{"admin": false, "maintain": false, "push": f.who.Write, "triage": f.who.Write, "pull": true}})
}

// pull is as lists have it; one adds what only a single read has.
func (f *fake) pull(p *contract.Pull) object {
	state, merged := string(p.State), any(nil)
	if p.State == forge.Merged {
		state, merged = "closed", "2026-11-30T12:00:00Z"
	}
	labels := []object{}
	for i, l := range p.Labels {
		labels = append(labels, object{"id": i, "name": l, "color": "ededed", "default": false, "description": nil})
	}
	commit := any(p.MergeCommit)
	if p.MergeCommit == "" {
		commit = "e5bd3914e2e596debea16f433f57875b5b90bcd6" // of the test merge
	}
	repo := object{"id": 1296269, "full_name": f.Path}
	body := any(p.Body)
	if p.Body == "" {
		body = nil
	}
	return object{
		"number": p.Number, "url": "https://api.github.com/x", "html_url": fmt.Sprintf("https://github.example/%s/pull/%d", f.Path, p.Number),
		"state": state, "title": p.Title, "body": body, "user": person(p.Author), "labels": labels, "draft": p.Draft, "merged_at": merged, "merge_commit_sha": commit,
		"head": object{"label": "acme:" + p.Head, "ref": p.Head, "sha": p.HeadCommit, "repo": repo},
		"base": object{"label": "acme:" + p.Base, "ref": p.Base, "sha": f.Tip(p.Base), "repo": repo},
	}
}

func (f *fake) one(p *contract.Pull) object {
	o := f.pull(p)
	p.Looked++
	o["merged"], o["mergeable"], o["mergeable_state"] = p.State == forge.Merged, nil, "unknown"
	if p.Looked > 1 && p.State == forge.Open {
		o["mergeable"], o["mergeable_state"] = !p.Clash, "clean"
		switch {
		case p.Clash:
			o["mergeable_state"] = "dirty"
		case len(f.Missing(p)) > 0:
			o["mergeable_state"] = "blocked"
		}
	}
	return o
}

func (f *fake) list(w http.ResponseWriter, r *http.Request) {
	q, list := r.URL.Query(), []object{}
	for _, p := range f.Newest() {
		open := p.State == forge.Open
		if q.Get("state") == "open" && !open || q.Get("base") != "" && q.Get("base") != p.Base || q.Get("head") != "" && q.Get("head") != "acme:"+p.Head {
			continue
		}
		list = append(list, f.pull(p))
	}
	contract.JSON(w, 200, contract.Page(w, r, list, 100))
}

func (f *fake) create(w http.ResponseWriter, r *http.Request) {
	b := contract.Read[struct{ Title, Body, Head, Base string }](r)
	switch {
	case f.Tip(b.Head) == "":
		contract.JSON(w, 422, object{"message": "Validation Failed", "errors": []object{{"resource": "PullRequest", "field": "head", "code": "invalid"}}, "documentation_url": docs, "status": "422"})
	case f.OpenOf(b.Head, b.Base) != nil:
		invalid(w, "PullRequest", "A pull request already exists for acme:"+b.Head+".")
	default:
		contract.JSON(w, 201, f.one(f.Add(forge.PullRequest{Title: b.Title, Body: b.Body, Head: b.Head, Base: b.Base, Author: f.who.Name})))
	}
}

func (f *fake) get(w http.ResponseWriter, r *http.Request) {
	if p := f.Pull(contract.Number(r, "n")); p != nil {
		contract.JSON(w, 200, f.one(p))
		return
	}
	notFound(w)
}

func (f *fake) edit(w http.ResponseWriter, r *http.Request) {
	p := f.Pull(contract.Number(r, "n"))
	if p == nil {
		notFound(w)
		return
	}
	b := contract.Read[struct{ Title, Body, State *string }](r)
	if b.Title != nil {
		p.Title = *b.Title
	}
	if b.Body != nil {
		p.Body = *b.Body
	}
	if b.State != nil && *b.State == "closed" && p.State == forge.Open {
		p.State = forge.Closed
	}
	contract.JSON(w, 200, f.one(p))
}

func (f *fake) labels(w http.ResponseWriter, r *http.Request) {
	p := f.Pull(contract.Number(r, "n"))
	if p == nil {
		notFound(w)
		return
	}
	p.Labels = contract.Read[struct{ Labels []string }](r).Labels
	contract.JSON(w, 200, []object{})
}

func (f *fake) merge(w http.ResponseWriter, r *http.Request) {
	p := f.Pull(contract.Number(r, "n"))
	b := contract.Read[struct {
		SHA    string `json:"sha"`
		Method string `json:"merge_method"`
	}](r)
	refuse := func(code int, text string) {
		contract.JSON(w, code, object{"message": text, "documentation_url": docs, "status": fmt.Sprint(code)})
	}
	switch {
	case p == nil:
		notFound(w)
	case p.State != forge.Open, p.Clash:
		refuse(405, "Pull Request is not mergeable")
	case b.SHA != p.HeadCommit:
		refuse(409, "Head branch was modified. Review and try the merge again.")
	case len(f.Missing(p)) > 0:
		refuse(405, `Required status check "tug/check" is expected.`)
	case f.Races > 0:
		f.Races--
		refuse(405, "Base branch was modified. Review and try the merge again.")
	default:
		contract.JSON(w, 200, object{"sha": f.Merge(p, false), "merged": true, "message": "Pull Request successfully merged"})
	}
}

func (f *fake) note(n *contract.Note) object {
	return object{"id": n.ID, "html_url": fmt.Sprintf("https://github.example/%s/pull/%d#issuecomment-%d", f.Path, n.Pull, n.ID), "body": n.Text, "user": person(n.Author)}
}

func (f *fake) comments(w http.ResponseWriter, r *http.Request) {
	list := []object{}
	for _, n := range f.Notes {
		if n.Pull == contract.Number(r, "n") {
			list = append(list, f.note(n))
		}
	}
	contract.JSON(w, 200, contract.Page(w, r, list, 100))
}

func (f *fake) comment(w http.ResponseWriter, r *http.Request) {
	if f.Pull(contract.Number(r, "n")) == nil {
		notFound(w)
		return
	}
	contract.JSON(w, 201, f.note(f.Say(contract.Number(r, "n"), f.who.Name, contract.Read[struct{ Body string }](r).Body)))
}

func (f *fake) editComment(w http.ResponseWriter, r *http.Request) {
	for _, n := range f.Notes {
		if n.ID == contract.Number(r, "id") {
			n.Text = contract.Read[struct{ Body string }](r).Body
			contract.JSON(w, 200, f.note(n))
			return
		}
	}
	notFound(w)
}

func (f *fake) removeComment(w http.ResponseWriter, r *http.Request) {
	before := len(f.Notes)
	f.Notes = slices.DeleteFunc(f.Notes, func(n *contract.Note) bool { return n.ID == contract.Number(r, "id") })
	if len(f.Notes) == before {
		notFound(w)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (f *fake) setStatus(w http.ResponseWriter, r *http.Request) {
	sha := r.PathValue("sha")
	if !f.Known(sha) {
		contract.JSON(w, 422, object{"message": "No commit found for SHA: " + sha, "documentation_url": docs, "status": "422"})
		return
	}
	b := contract.Read[struct {
		State, Context, Description string
		URL                         string `json:"target_url"`
	}](r)
	if len([]rune(b.Description)) > 140 {
		invalid(w, "Status", "description is too long (maximum is 140 characters)")
		return
	}
	f.Statuses[sha] = append(f.Statuses[sha], forge.Status{Context: b.Context, State: forge.StatusState(b.State), Description: b.Description, URL: b.URL})
	contract.JSON(w, 201, object{"state": b.State, "context": b.Context})
}

func (f *fake) status(w http.ResponseWriter, r *http.Request) {
	list := []object{}
	for _, s := range f.Latest(r.PathValue("sha")) {
		url := any(s.URL)
		if s.URL == "" {
			url = nil
		}
		list = append(list, object{"id": 1, "state": s.State, "context": s.Context, "description": s.Description, "target_url": url})
	}
	contract.JSON(w, 200, object{"state": "pending", "sha": r.PathValue("sha"), "total_count": len(list), "statuses": contract.Page(w, r, list, 100)})
}

func (f *fake) pullsOf(w http.ResponseWriter, r *http.Request) {
	sha, list := r.PathValue("sha"), []object{}
	if !f.Known(sha) {
		contract.JSON(w, 422, object{"message": "No commit found for SHA: " + sha, "documentation_url": docs, "status": "422"})
		return
	}
	for _, p := range f.Newest() {
		if p.HeadCommit == sha || p.MergeCommit == sha {
			list = append(list, f.pull(p))
		}
	}
	contract.JSON(w, 200, contract.Page(w, r, list, 100))
}

func (f *fake) commit(w http.ResponseWriter, r *http.Request) {
	if !f.Known(r.PathValue("sha")) {
		notFound(w)
		return
	}
	contract.JSON(w, 200, object{"sha": r.PathValue("sha")})
}

func (f *fake) branch(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("b")
	if _, details := strings.CutSuffix(name, "/protection"); details {
		contract.JSON(w, 403, object{"message": "Resource not accessible by personal access token", "documentation_url": docs, "status": "403"})
		return
	}
	if f.Tip(name) == "" {
		contract.JSON(w, 404, object{"message": "Branch not found", "documentation_url": docs, "status": "404"})
		return
	}
	on := name == "main" && len(f.Checks) > 0
	level, checks := "off", []string{}
	if on {
		level, checks = "non_admins", f.Checks
	}
	contract.JSON(w, 200, object{"name": name, "commit": object{"sha": f.Tip(name)}, "protected": on,
		"protection": object{"enabled": on, "required_status_checks": object{"enforcement_level": level, "contexts": checks, "checks": []object{}}}})
}

func (f *fake) rules(w http.ResponseWriter, r *http.Request) {
	list := []object{}
	if r.PathValue("b") == "main" && len(f.Checks) > 0 {
		var checks []object
		for _, c := range f.Checks {
			checks = append(checks, object{"context": c, "integration_id": nil})
		}
		list = append(list,
			object{"type": "pull_request", "ruleset_id": 1, "parameters": object{"required_approving_review_count": 0}},
			object{"type": "required_status_checks", "ruleset_id": 1, "parameters": object{"required_status_checks": checks, "strict_required_status_checks_policy": false}})
	}
	contract.JSON(w, 200, contract.Page(w, r, list, 100))
}
