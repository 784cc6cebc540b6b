package gitlab

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/forge"
	"github.com/tugops/tug/internal/forge/rest"
)

// request is a merge request of the API, as far as it is used.
type request struct {
	IID         int     `json:"iid"`
	URL         string  `json:"web_url"`
	Title       string  `json:"title"`
	Description *string `json:"description"`
	State       string  `json:"state"`
	Author      struct {
		Username string `json:"username"`
	} `json:"author"`
	Labels        []string `json:"labels"`
	Draft         bool     `json:"draft"`
	Source        string   `json:"source_branch"`
	Target        string   `json:"target_branch"`
	SourceProject int64    `json:"source_project_id"`
	TargetProject int64    `json:"target_project_id"`
	SHA           string   `json:"sha"`
	MergeCommit   *string  `json:"merge_commit_sha"`
	SquashCommit  *string  `json:"squash_commit_sha"`
	Conflicts     bool     `json:"has_conflicts"`
	Detailed      string   `json:"detailed_merge_status"`
	Status        string   `json:"merge_status"` // before 15.6
}

func (r request) word(at forge.Repository) forge.PullRequest {
	w := forge.PullRequest{
		Number: r.IID, URL: r.URL, Title: r.Title, Author: r.Author.Username, Labels: slices.Sorted(slices.Values(r.Labels)), Draft: r.Draft,
		Head: r.Source, Base: r.Target, HeadCommit: r.SHA,
	}
	if r.Description != nil {
		w.Body = *r.Description
	}
	if r.SourceProject == r.TargetProject {
		w.HeadRepository = at.Path
	}
	switch r.State {
	case "opened":
		w.State, w.Mergeable = forge.Open, r.mergeable()
	case "locked": // it is merging
		w.State = forge.Open
	case "merged":
		w.State, w.MergeCommit = forge.Merged, r.merged()
	default:
		w.State = forge.Closed
	}
	return w
}

// merged is the commit on the target: of the merge, else of the squash, else
// the branch was moved there.
func (r request) merged() string {
	for _, c := range []*string{r.MergeCommit, r.SquashCommit} {
		if c != nil && *c != "" {
			return *c
		}
	}
	return r.SHA
}

func (r request) mergeable() forge.Answer {
	switch r.Detailed {
	case "conflict", "broken_status":
		return forge.No
	case "checking", "unchecked", "preparing", "approvals_syncing", "":
		if r.Detailed != "" || r.Status != "can_be_merged" && r.Status != "cannot_be_merged" {
			return forge.Unknown
		}
		return forge.Of(r.Status == "can_be_merged")
	}
	return forge.Of(!r.Conflicts)
}

// blocked is the rule that GitLab names; its words are plain enough.
func (r request) blocked() string {
	switch r.Detailed {
	case "", "mergeable", "conflict", "broken_status", "checking", "unchecked", "preparing", "approvals_syncing", "not_open":
		return ""
	}
	return strings.ReplaceAll(r.Detailed, "_", " ")
}

func (f *Forge) request(number int) string { return f.repo + "/merge_requests/" + strconv.Itoa(number) }

// FindPullRequest implements forge.PullRequests.
func (f *Forge) FindPullRequest(ctx context.Context, head, base string) (forge.PullRequest, bool, error) {
	var found forge.PullRequest
	query := url.Values{"state": {"opened"}, "source_branch": {head}, "target_branch": {base}, "scope": {"all"}, "per_page": {"100"}}
	err := rest.List(ctx, f.api, f.repo+"/merge_requests", query, func(r request) bool {
		if w := r.word(f.at); w.Head == head && w.Base == base && !w.Fork(f.at) {
			found = w
		}
		return found.Number == 0
	})
	return found, found.Number != 0, err
}

// PullRequest implements forge.PullRequests.
func (f *Forge) PullRequest(ctx context.Context, number int) (forge.PullRequest, error) {
	r, err := f.read(ctx, number)
	if err != nil {
		return forge.PullRequest{}, err
	}
	return r.word(f.at), nil
}

func (f *Forge) read(ctx context.Context, number int) (request, error) {
	var r request
	_, err := f.api.Get(ctx, f.request(number), nil, &r)
	return r, err
}

// PullRequestsOf implements forge.PullRequests.
func (f *Forge) PullRequestsOf(ctx context.Context, commit string) ([]forge.PullRequest, error) {
	var found []forge.PullRequest
	path := f.repo + "/repository/commits/" + url.PathEscape(commit) + "/merge_requests"
	err := rest.List(ctx, f.api, path, url.Values{"per_page": {"100"}}, func(r request) bool { found = append(found, r.word(f.at)); return true })
	if fault.Is(err, fault.NotFound) {
		_, err = f.api.Get(ctx, f.repo, nil, nil) // no such commit, or no such project
		return nil, err
	}
	slices.SortFunc(found, func(a, b forge.PullRequest) int { return b.Number - a.Number })
	return found, err
}

// OpenPullRequest implements forge.PullRequests.
func (f *Forge) OpenPullRequest(ctx context.Context, n forge.NewPullRequest) (forge.PullRequest, error) {
	labels, err := joined(n.Labels)
	if err != nil {
		return forge.PullRequest{}, err
	}
	var r request
	body := map[string]string{"title": n.Title, "description": n.Body, "source_branch": n.Head, "target_branch": n.Base, "labels": labels}
	err = f.send(ctx, http.MethodPost, f.repo+"/merge_requests", body, &r)
	if rest.Code(err) == http.StatusConflict {
		return forge.PullRequest{}, f.duplicate(ctx, n, err)
	}
	if err != nil {
		return forge.PullRequest{}, err
	}
	return r.word(f.at), nil
}

// joined is how the API takes labels; none may have a comma.
func joined(labels []string) (string, error) {
	for _, l := range labels {
		if strings.Contains(l, ",") {
			return "", fault.New(fault.Invalid, "label %q: GitLab takes no comma in a label", l)
		}
	}
	return strings.Join(labels, ","), nil
}

// duplicate looks whether there is one; the code alone may mean other things.
func (f *Forge) duplicate(ctx context.Context, n forge.NewPullRequest, said error) error {
	found, ok, err := f.FindPullRequest(ctx, n.Head, n.Base)
	if err != nil {
		return err
	}
	if !ok {
		return said
	}
	return fault.New(fault.Conflict, "%w: !%d", forge.ErrDuplicate, found.Number).Hint("update it: %s", found.URL)
}

// UpdatePullRequest implements forge.PullRequests.
func (f *Forge) UpdatePullRequest(ctx context.Context, number int, c forge.Change) (forge.PullRequest, error) {
	body := map[string]string{}
	if c.Title != nil {
		body["title"] = *c.Title
	}
	if c.Body != nil {
		body["description"] = *c.Body
	}
	if c.Labels != nil {
		labels, err := joined(*c.Labels)
		if err != nil {
			return forge.PullRequest{}, err
		}
		body["labels"] = labels
	}
	if len(body) == 0 {
		return f.PullRequest(ctx, number)
	}
	var r request
	if err := f.send(ctx, http.MethodPut, f.request(number), body, &r); err != nil {
		return forge.PullRequest{}, err
	}
	return r.word(f.at), nil
}

// ClosePullRequest implements forge.PullRequests.
func (f *Forge) ClosePullRequest(ctx context.Context, number int, comment string) error {
	p, err := f.PullRequest(ctx, number)
	if err != nil {
		return err
	}
	if p.State == forge.Merged {
		return fault.New(fault.Conflict, "close merge request !%d: %w: it was merged", number, forge.ErrNotOpen)
	}
	if p.State == forge.Open {
		if err := f.send(ctx, http.MethodPut, f.request(number), map[string]string{"state_event": "close"}, nil); err != nil {
			return err
		}
	}
	if comment == "" {
		return nil
	}
	_, err = f.UpsertComment(ctx, number, forge.Comment{Name: "closed", Body: comment})
	return err
}
