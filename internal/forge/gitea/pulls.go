package gitea

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/forge"
	"github.com/tugops/tug/internal/forge/rest"
)

// pull is a pull request of the API, as far as it is used.
type pull struct {
	Number int    `json:"number"`
	URL    string `json:"html_url"`
	Title  string `json:"title"`
	Body   string `json:"body"`
	State  string `json:"state"`
	User   struct {
		Login string `json:"login"`
	} `json:"user"`
	Labels    []label `json:"labels"`
	Draft     bool    `json:"draft"`
	Mergeable bool    `json:"mergeable"`
	Merged    bool    `json:"merged"`
	Commit    string  `json:"merge_commit_sha"`
	Head      branch  `json:"head"`
	Base      branch  `json:"base"`
}

type branch struct {
	Label string `json:"label"`
	SHA   string `json:"sha"`
	Repo  *struct {
		FullName string `json:"full_name"`
	} `json:"repo"`
}

type label struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
}

// word translates. The API says mergeable: false while it is finding out, so
// that only true means something.
func (p pull) word() forge.PullRequest {
	w := forge.PullRequest{
		Number: p.Number, URL: p.URL, Title: p.Title, Body: p.Body, State: forge.State(p.State), Author: p.User.Login,
		Head: p.Head.Label, Base: p.Base.Label, HeadCommit: p.Head.SHA, Draft: p.Draft,
	}
	if p.Head.Repo != nil {
		w.HeadRepository = p.Head.Repo.FullName
	}
	for _, l := range p.Labels {
		w.Labels = append(w.Labels, l.Name)
	}
	slices.Sort(w.Labels)
	switch {
	case p.Merged:
		w.State, w.MergeCommit = forge.Merged, p.Commit
	case p.Mergeable:
		w.Mergeable = forge.Yes
	}
	return w
}

func (f *Forge) pull(number int) string { return f.repo + "/pulls/" + strconv.Itoa(number) }

// own reports whether a pull request is of a branch of this repository.
func (f *Forge) own(p forge.PullRequest) bool { return strings.EqualFold(p.HeadRepository, f.at.Path) }

// FindPullRequest implements forge.PullRequests. The API's own search by base
// and head also finds closed ones, and only the first: all open ones are read.
func (f *Forge) FindPullRequest(ctx context.Context, head, base string) (forge.PullRequest, bool, error) {
	var found forge.PullRequest
	query := url.Values{"state": {"open"}, "sort": {"recentupdate"}, "base_branch": {base}, "limit": {"50"}}
	err := rest.List(ctx, f.api, f.repo+"/pulls", query, func(p pull) bool {
		w := p.word()
		if w.Head == head && w.Base == base && f.own(w) {
			found = w
		}
		return found.Number == 0
	})
	return found, found.Number != 0, err
}

// PullRequest implements forge.PullRequests.
func (f *Forge) PullRequest(ctx context.Context, number int) (forge.PullRequest, error) {
	var p pull
	_, err := f.api.Get(ctx, f.pull(number), nil, &p)
	return p.word(), err
}

// PullRequestsOf implements forge.PullRequests. The API knows the pull request
// whose merging made a commit; that a commit is the head of one is looked up
// among the 500 that changed last.
func (f *Forge) PullRequestsOf(ctx context.Context, commit string) ([]forge.PullRequest, error) {
	var found []forge.PullRequest
	var merged pull
	_, err := f.api.Get(ctx, f.repo+"/commits/"+url.PathEscape(commit)+"/pull", nil, &merged)
	switch {
	case err == nil:
		found = append(found, merged.word())
	case !fault.Is(err, fault.NotFound):
		return nil, err
	}
	seen := 0
	query := url.Values{"state": {"all"}, "sort": {"recentupdate"}, "limit": {"50"}}
	err = rest.List(ctx, f.api, f.repo+"/pulls", query, func(p pull) bool {
		if w := p.word(); w.HeadCommit == commit && !slices.ContainsFunc(found, func(x forge.PullRequest) bool { return x.Number == w.Number }) {
			found = append(found, w)
		}
		seen++
		return seen < 500
	})
	slices.SortFunc(found, func(a, b forge.PullRequest) int { return b.Number - a.Number })
	return found, err
}

// OpenPullRequest implements forge.PullRequests.
func (f *Forge) OpenPullRequest(ctx context.Context, n forge.NewPullRequest) (forge.PullRequest, error) {
	labels, err := f.labelIDs(ctx, n.Labels)
	if err != nil {
		return forge.PullRequest{}, err
	}
	var p pull
	body := map[string]any{"title": n.Title, "body": n.Body, "head": n.Head, "base": n.Base, "labels": labels}
	_, err = f.api.Do(ctx, rest.Call{Method: http.MethodPost, Path: f.repo + "/pulls", Body: body, Once: true}, &p)
	if rest.Code(err) == http.StatusConflict {
		return forge.PullRequest{}, f.duplicate(ctx, n, err)
	}
	return p.word(), err
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
	return fault.New(fault.Conflict, "%w: #%d", forge.ErrDuplicate, found.Number).Hint("update it: %s", found.URL)
}

// UpdatePullRequest implements forge.PullRequests.
func (f *Forge) UpdatePullRequest(ctx context.Context, number int, c forge.Change) (forge.PullRequest, error) {
	body := map[string]any{}
	if c.Title != nil {
		body["title"] = *c.Title
	}
	if c.Body != nil {
		body["body"] = *c.Body
	}
	if c.Labels != nil {
		labels, err := f.labelIDs(ctx, *c.Labels)
		if err != nil {
			return forge.PullRequest{}, err
		}
		body["labels"] = labels
	}
	var p pull
	_, err := f.api.Do(ctx, rest.Call{Method: http.MethodPatch, Path: f.pull(number), Body: body}, &p)
	return p.word(), err
}

// labelIDs finds labels of the repository by name, and creates those that are
// missing.
func (f *Forge) labelIDs(ctx context.Context, names []string) ([]int64, error) {
	ids := []int64{}
	if len(names) == 0 {
		return ids, nil
	}
	known := map[string]int64{}
	path := f.repo + "/labels"
	if err := rest.List(ctx, f.api, path, url.Values{"limit": {"50"}}, func(l label) bool { known[l.Name] = l.ID; return true }); err != nil {
		return nil, err
	}
	for _, name := range names {
		id, ok := known[name]
		if !ok {
			var made label
			body := map[string]string{"name": name, "color": "#5319e7"}
			if _, err := f.api.Do(ctx, rest.Call{Method: http.MethodPost, Path: path, Body: body, Once: true}, &made); err != nil {
				return nil, err
			}
			id = made.ID
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// ClosePullRequest implements forge.PullRequests.
func (f *Forge) ClosePullRequest(ctx context.Context, number int, comment string) error {
	p, err := f.PullRequest(ctx, number)
	if err != nil {
		return err
	}
	if p.State == forge.Merged {
		return fault.New(fault.Conflict, "close pull request #%d: %w: it was merged", number, forge.ErrNotOpen)
	}
	if p.State == forge.Open {
		_, err := f.api.Do(ctx, rest.Call{Method: http.MethodPatch, Path: f.pull(number), Body: map[string]string{"state": "closed"}}, nil)
		if err != nil {
			return err
		}
	}
	if comment == "" {
		return nil
	}
	_, err = f.UpsertComment(ctx, number, forge.Comment{Name: "closed", Body: comment})
	return err
}

// MergePullRequest implements forge.PullRequests.
func (f *Forge) MergePullRequest(ctx context.Context, number int, reviewed string, o forge.MergeOptions) (string, error) {
	method := o.Method
	if method == "" {
		method = forge.MergeCommit
	}
	body := map[string]any{
		"Do": method, "head_commit_id": reviewed,
		"MergeTitleField": o.Title, "MergeMessageField": o.Message,
	}
	_, said := f.api.Do(ctx, rest.Call{Method: http.MethodPost, Path: f.pull(number) + "/merge", Body: body, Once: true}, nil)
	if fault.Is(said, fault.Denied) || said != nil && rest.Code(said) == 0 && !errors.As(said, new(*forge.Later)) {
		return "", said
	}
	now, err := f.PullRequest(ctx, number)
	if err != nil {
		return "", err
	}
	r := forge.Refusal{Now: now, Reviewed: reviewed, Said: said}
	if said != nil && now.State == forge.Open && now.HeadCommit == reviewed {
		if r.Blocked, err = f.blocked(ctx, now); err != nil {
			return "", err
		}
	}
	merged, err := r.Decide()
	if err == nil && o.DeleteBranch && f.own(now) {
		f.deleteHead(ctx, now.Head, reviewed)
	}
	return merged, err
}

// deleteHead removes a merged branch, unless somebody pushed to it meanwhile.
// That it stays is no error. The API's own way to do it with the merge keeps
// the branch now and then, and looks at no commit.
func (f *Forge) deleteHead(ctx context.Context, head, reviewed string) {
	var b struct {
		Commit struct {
			ID string `json:"id"`
		} `json:"commit"`
	}
	path := f.repo + "/branches/" + ref(head)
	if _, err := f.api.Get(ctx, path, nil, &b); err == nil && b.Commit.ID == reviewed {
		_, _ = f.api.Do(ctx, rest.Call{Method: http.MethodDelete, Path: path}, nil)
	}
}

// blocked is the rule of the base that keeps a pull request from merging.
func (f *Forge) blocked(ctx context.Context, p forge.PullRequest) (string, error) {
	if p.Draft {
		return "it is a draft", nil
	}
	rules, may, err := f.rules(ctx, p.Base)
	if err != nil {
		return "", err
	}
	if may == forge.No {
		return "", fault.New(fault.Denied, "merge pull request #%d: this token may not merge into %s", p.Number, p.Base).
			Hint("the rules of the branch name who may")
	}
	if len(rules.Checks) == 0 {
		return "", nil
	}
	have, err := f.Statuses(ctx, p.HeadCommit)
	if err != nil {
		return "", err
	}
	if missing := forge.Missing(rules.Checks, have); len(missing) > 0 {
		return "checks are missing or not successful: " + strings.Join(missing, ", "), nil
	}
	return "", nil
}
