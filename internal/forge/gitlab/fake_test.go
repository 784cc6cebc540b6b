package gitlab_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/tugops/tug/internal/forge"
	"github.com/tugops/tug/internal/forge/contract"
)

// fake answers as GitLab's REST API does, from a world.
type fake struct {
	*contract.World
	mux *http.ServeMux
	who contract.User
}

type object = map[string]any

func newFake(world *contract.World) http.Handler {
	f := &fake{World: world, mux: http.NewServeMux()}
	project := "/api/v4/projects/{id}"
	for pattern, handle := range map[string]func(http.ResponseWriter, *http.Request){
		"GET /api/v4/user":                                            f.user,
		"GET /api/v4/personal_access_tokens/self":                     f.token,
		"GET " + project:                                              f.project,
		"GET " + project + "/merge_requests":                          f.list,
		"POST " + project + "/merge_requests":                         f.create,
		"GET " + project + "/merge_requests/{n}":                      f.get,
		"PUT " + project + "/merge_requests/{n}":                      f.edit,
		"PUT " + project + "/merge_requests/{n}/merge":                f.merge,
		"GET " + project + "/merge_requests/{n}/notes":                f.notes,
		"POST " + project + "/merge_requests/{n}/notes":               f.note,
		"PUT " + project + "/merge_requests/{n}/notes/{note}":         f.editNote,
		"DELETE " + project + "/merge_requests/{n}/notes/{note}":      f.removeNote,
		"POST " + project + "/statuses/{sha}":                         f.setStatus,
		"GET " + project + "/repository/commits/{sha}/statuses":       f.statuses,
		"GET " + project + "/repository/commits/{sha}/merge_requests": f.requestsOf,
		"GET " + project + "/repository/branches/{b}":                 f.branch,
		"GET " + project + "/approval_rules": func(w http.ResponseWriter, _ *http.Request) {
			contract.JSON(w, 404, object{"error": "404 Not Found"}) // the free edition
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
	if !ok {
		contract.JSON(w, 401, object{"message": "401 Unauthorized"})
		return
	}
	if f.who = user; r.Method != http.MethodGet && !user.Write {
		if strings.HasSuffix(r.URL.Path, "/merge") {
			contract.JSON(w, 401, object{"message": "401 Unauthorized"}) // documented so
			return
		}
		contract.JSON(w, 403, object{"error": "insufficient_scope", "error_description": "The request requires higher privileges than provided by the access token.", "scope": "api"})
		return
	}
	w.Header().Set("RateLimit-Remaining", "1999")
	f.mux.ServeHTTP(w, r)
}

func message(w http.ResponseWriter, code int, text any) {
	contract.JSON(w, code, object{"message": text})
}

func person(name string) object {
	return object{"id": 1, "username": name, "name": name, "state": "active", "locked": false}
}

func (f *fake) user(w http.ResponseWriter, _ *http.Request) {
	contract.JSON(w, 200, person(f.who.Name))
}

func (f *fake) token(w http.ResponseWriter, _ *http.Request) {
	scopes := []string{"read_api"}
	if f.who.Write {
		scopes = []string{"api"}
	}
	contract.JSON(w, 200, object{"id": 4, "name": "tug", "revoked": false, "scopes": scopes, "user_id": 3, "active": true, "expires_at": nil})
}

func (f *fake) project(w http.ResponseWriter, r *http.Request) {
	if r.PathValue("id") != f.Path {
		message(w, 404, "404 Project Not Found")
		return
	}
	level := 20
	if f.who.Write {
		level = 30
	}
	contract.JSON(w, 200, object{"id": 3, "path_with_namespace": f.Path, "default_branch": "main", "only_allow_merge_if_pipeline_succeeds": len(f.Checks) > 0,
		"permissions": object{"project_access": object{"access_level": level, "notification_level": 3}, "group_access": nil}})
}

func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func (f *fake) request(p *contract.Pull) object {
	state := map[forge.State]string{forge.Open: "opened", forge.Closed: "closed", forge.Merged: "merged"}[p.State]
	return object{
		"id": 100 + p.Number, "iid": p.Number, "project_id": 3, "title": p.Title, "description": p.Body, "state": state,
		"target_branch": p.Base, "source_branch": p.Head, "author": person(p.Author), "source_project_id": 3, "target_project_id": 3,
		"labels": append([]string{}, p.Labels...), "draft": false, "work_in_progress": false, "merge_status": "unchecked", "detailed_merge_status": "unchecked",
		"sha": p.HeadCommit, "merge_commit_sha": orNil(p.MergeCommit), "squash_commit_sha": nil, "has_conflicts": false,
		"web_url": fmt.Sprintf("https://gitlab.example/%s/-/merge_requests/%d", f.Path, p.Number),
	}
}

func (f *fake) one(p *contract.Pull) object {
	o := f.request(p)
	p.Looked++
	switch {
	case p.State != forge.Open:
		o["detailed_merge_status"] = "not_open"
	case p.Looked == 1:
		o["detailed_merge_status"] = "checking"
	case p.Clash:
		o["detailed_merge_status"], o["merge_status"], o["has_conflicts"] = "conflict", "cannot_be_merged", true
	case len(f.Missing(p)) > 0:
		o["detailed_merge_status"], o["merge_status"] = "ci_must_pass", "can_be_merged"
	default:
		o["detailed_merge_status"], o["merge_status"] = "mergeable", "can_be_merged"
	}
	return o
}

func (f *fake) list(w http.ResponseWriter, r *http.Request) {
	q, list := r.URL.Query(), []object{}
	for _, p := range f.Newest() {
		if q.Get("state") == "opened" && p.State != forge.Open || q.Get("source_branch") != "" && q.Get("source_branch") != p.Head || q.Get("target_branch") != "" && q.Get("target_branch") != p.Base {
			continue
		}
		list = append(list, f.request(p))
	}
	// One from a fork with the same branch, which is not ours.
	foreign := f.request(&contract.Pull{PullRequest: forge.PullRequest{Number: 900, State: forge.Open, Head: q.Get("source_branch"), Base: q.Get("target_branch")}})
	foreign["source_project_id"] = 99
	contract.JSON(w, 200, contract.Page(w, r, append([]object{foreign}, list...), 100))
}

func (f *fake) create(w http.ResponseWriter, r *http.Request) {
	b := contract.Read[struct {
		Title, Description, Labels string
		Source                     string `json:"source_branch"`
		Target                     string `json:"target_branch"`
	}](r)
	if f.Tip(b.Source) == "" {
		message(w, 400, object{"source_branch": []string{"does not exist"}})
		return
	}
	if p := f.OpenOf(b.Source, b.Target); p != nil {
		message(w, 409, []string{fmt.Sprintf("Another open merge request already exists for this source branch: !%d", p.Number)})
		return
	}
	p := f.Add(forge.PullRequest{Title: b.Title, Body: b.Description, Head: b.Source, Base: b.Target, Author: f.who.Name, Labels: split(b.Labels)})
	contract.JSON(w, 201, f.one(p))
}

func split(labels string) []string {
	if labels == "" {
		return nil
	}
	return strings.Split(labels, ",")
}

// found answers 404 when there is none.
func (f *fake) found(w http.ResponseWriter, r *http.Request) *contract.Pull {
	p := f.Pull(contract.Number(r, "n"))
	if p == nil {
		message(w, 404, "404 Not found")
	}
	return p
}

func (f *fake) get(w http.ResponseWriter, r *http.Request) {
	if p := f.found(w, r); p != nil {
		contract.JSON(w, 200, f.one(p))
	}
}

func (f *fake) edit(w http.ResponseWriter, r *http.Request) {
	p := f.found(w, r)
	if p == nil {
		return
	}
	b := contract.Read[struct {
		Title, Description, Labels *string
		Event                      string `json:"state_event"`
	}](r)
	if b.Title != nil {
		p.Title = *b.Title
	}
	if b.Description != nil {
		p.Body = *b.Description
	}
	if b.Labels != nil {
		p.Labels = split(*b.Labels)
	}
	if b.Event == "close" && p.State == forge.Open {
		p.State = forge.Closed
	}
	contract.JSON(w, 200, f.one(p))
}

func (f *fake) merge(w http.ResponseWriter, r *http.Request) {
	p := f.found(w, r)
	if p == nil {
		return
	}
	b := contract.Read[struct {
		SHA    string `json:"sha"`
		Remove bool   `json:"should_remove_source_branch"`
	}](r)
	switch {
	case p.State != forge.Open, p.Clash, len(f.Missing(p)) > 0:
		message(w, 405, "405 Method Not Allowed")
	case b.SHA != p.HeadCommit:
		message(w, 409, "SHA does not match HEAD of source branch: "+p.HeadCommit)
	case f.Races > 0:
		f.Races--
		message(w, 422, "Branch cannot be merged")
	default:
		f.Merge(p, b.Remove)
		contract.JSON(w, 200, f.one(p))
	}
}

func (f *fake) noteOf(n *contract.Note) object {
	return object{"id": n.ID, "type": nil, "body": n.Text, "author": person(n.Author), "system": false, "noteable_type": "MergeRequest", "noteable_iid": n.Pull, "internal": false}
}

func (f *fake) notes(w http.ResponseWriter, r *http.Request) {
	if f.found(w, r) == nil {
		return
	}
	list := []object{{"id": 1, "body": "changed the description", "author": person(f.who.Name), "system": true}}
	for _, n := range f.Notes {
		if n.Pull == contract.Number(r, "n") {
			list = append(list, f.noteOf(n))
		}
	}
	contract.JSON(w, 200, contract.Page(w, r, list, 100))
}

func (f *fake) note(w http.ResponseWriter, r *http.Request) {
	if p := f.found(w, r); p != nil {
		contract.JSON(w, 201, f.noteOf(f.Say(p.Number, f.who.Name, contract.Read[struct{ Body string }](r).Body)))
	}
}

func (f *fake) editNote(w http.ResponseWriter, r *http.Request) {
	for _, n := range f.Notes {
		if n.ID == contract.Number(r, "note") {
			n.Text = contract.Read[struct{ Body string }](r).Body
			contract.JSON(w, 200, f.noteOf(n))
			return
		}
	}
	message(w, 404, "404 Note Not Found")
}

func (f *fake) removeNote(w http.ResponseWriter, r *http.Request) {
	before := len(f.Notes)
	f.Notes = slices.DeleteFunc(f.Notes, func(n *contract.Note) bool { return n.ID == contract.Number(r, "note") })
	if len(f.Notes) == before {
		message(w, 404, "404 Note Not Found")
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (f *fake) setStatus(w http.ResponseWriter, r *http.Request) {
	sha := r.PathValue("sha")
	if !f.Known(sha) {
		message(w, 404, "404 Commit Not Found")
		return
	}
	b := contract.Read[struct {
		State, Name, Description string
		URL                      string `json:"target_url"`
	}](r)
	for _, s := range f.Latest(sha) {
		if s.Context == b.Name && string(s.State) == b.State && b.State == "pending" {
			message(w, 400, "Cannot transition status via :enqueue from :"+b.State+" (Reason(s): Status cannot transition via \"enqueue\")")
			return
		}
	}
	f.Statuses[sha] = append(f.Statuses[sha], forge.Status{Context: b.Name, State: forge.StatusState(b.State), Description: b.Description, URL: b.URL})
	contract.JSON(w, 201, object{"id": 93, "sha": sha, "status": b.State, "name": b.Name})
}

func (f *fake) statuses(w http.ResponseWriter, r *http.Request) {
	if !f.Known(r.PathValue("sha")) {
		message(w, 404, "404 Commit Not Found")
		return
	}
	list := []object{}
	for _, s := range f.Latest(r.PathValue("sha")) {
		list = append(list, object{"id": 93, "sha": r.PathValue("sha"), "ref": "main", "status": s.State, "name": s.Context, "target_url": orNil(s.URL), "description": orNil(s.Description), "allow_failure": false})
	}
	contract.JSON(w, 200, contract.Page(w, r, list, 100))
}

func (f *fake) requestsOf(w http.ResponseWriter, r *http.Request) {
	sha, list := r.PathValue("sha"), []object{}
	if !f.Known(sha) {
		message(w, 404, "404 Commit Not Found")
		return
	}
	for _, p := range f.Newest() {
		if p.HeadCommit == sha || p.MergeCommit == sha {
			list = append(list, f.request(p))
		}
	}
	contract.JSON(w, 200, contract.Page(w, r, list, 100))
}

func (f *fake) branch(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("b")
	if f.Tip(name) == "" {
		message(w, 404, "404 Branch Not Found")
		return
	}
	on := name == "main" && len(f.Checks) > 0
	contract.JSON(w, 200, object{"name": name, "commit": object{"id": f.Tip(name)}, "merged": false, "protected": on, "developers_can_push": !on, "developers_can_merge": true, "can_push": !on && f.who.Write, "default": name == "main"})
}
