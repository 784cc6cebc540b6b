package github

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

// pull is a pull request of the API, as far as it is used. Lists leave out
// merged, mergeable and mergeable_state.
type pull struct {
	Number   int     `json:"number"`
	URL      string  `json:"html_url"`
	Title    string  `json:"title"`
	Body     *string `json:"body"`
	State    string  `json:"state"`
	User     *user   `json:"user"`
	Labels   []label `json:"labels"`
	Draft    bool    `json:"draft"`
	MergedAt *string `json:"merged_at"`
	Commit   *string `json:"merge_commit_sha"` // before merging, a test merge
	Head     branch  `json:"head"`
	Base     branch  `json:"base"`

	Mergeable *bool  `json:"mergeable"`
	Rules     string `json:"mergeable_state"`
}

type user struct {
	Login string `json:"login"`
}

type label struct {
	Name string `json:"name"`
}

type branch struct {
	Ref  string `json:"ref"`
	SHA  string `json:"sha"`
	Repo *struct {
		FullName string `json:"full_name"`
	} `json:"repo"`
}

func (p pull) word() forge.PullRequest {
	w := forge.PullRequest{
		Number: p.Number, URL: p.URL, Title: p.Title, State: forge.State(p.State), Draft: p.Draft,
		Head: p.Head.Ref, Base: p.Base.Ref, HeadCommit: p.Head.SHA,
	}
	if p.Body != nil {
		w.Body = *p.Body
	}
	if p.User != nil {
		w.Author = p.User.Login
	}
	if p.Head.Repo != nil {
		w.HeadRepository = p.Head.Repo.FullName
	}
	for _, l := range p.Labels {
		w.Labels = append(w.Labels, l.Name)
	}
	slices.Sort(w.Labels)
	if p.MergedAt != nil {
		w.State = forge.Merged
		if p.Commit != nil {
			w.MergeCommit = *p.Commit
		}
	} else if p.Mergeable != nil {
		w.Mergeable = forge.Of(*p.Mergeable)
	}
	return w
}

// blocked is what mergeable_state says of rules; a state that may be gone at
// the next look says nothing.
func (p pull) blocked() string {
	switch p.Rules {
	case "blocked":
		return "a required check, review or other rule of the branch is not fulfilled"
	case "behind":
		return "the branch has to be up to date with its base"
	case "draft":
		return "it is a draft"
	}
	return ""
}

func (f *Forge) pull(number int) string { return f.repo + "/pulls/" + strconv.Itoa(number) }

func (f *Forge) issue(number int) string { return f.repo + "/issues/" + strconv.Itoa(number) }

// FindPullRequest implements forge.PullRequests.
func (f *Forge) FindPullRequest(ctx context.Context, head, base string) (forge.PullRequest, bool, error) {
	var found forge.PullRequest
	query := url.Values{"state": {"open"}, "head": {f.at.Owner() + ":" + head}, "base": {base}, "per_page": {"100"}}
	err := rest.List(ctx, f.api, f.repo+"/pulls", query, func(p pull) bool {
		// The filter knows owners, who may have a fork beside it.
		if w := p.word(); w.Head == head && w.Base == base && strings.EqualFold(w.HeadRepository, f.at.Path) {
			found = w
		}
		return found.Number == 0
	})
	return found, found.Number != 0, err
}

// PullRequest implements forge.PullRequests.
func (f *Forge) PullRequest(ctx context.Context, number int) (forge.PullRequest, error) {
	p, err := f.read(ctx, number)
	return p.word(), err
}

func (f *Forge) read(ctx context.Context, number int) (pull, error) {
	var p pull
	_, err := f.api.Get(ctx, f.pull(number), nil, &p)
	return p, err
}

// PullRequestsOf implements forge.PullRequests.
func (f *Forge) PullRequestsOf(ctx context.Context, commit string) ([]forge.PullRequest, error) {
	var found []forge.PullRequest
	path := f.repo + "/commits/" + url.PathEscape(commit) + "/pulls"
	err := rest.List(ctx, f.api, path, url.Values{"per_page": {"100"}}, func(p pull) bool { found = append(found, p.word()); return true })
	if code := rest.Code(err); code == http.StatusUnprocessableEntity || code == http.StatusNotFound {
		_, err = f.api.Get(ctx, f.repo, nil, nil) // no such commit, or no such repository
		return nil, err
	}
	slices.SortFunc(found, func(a, b forge.PullRequest) int { return b.Number - a.Number })
	return found, err
}

// OpenPullRequest implements forge.PullRequests.
func (f *Forge) OpenPullRequest(ctx context.Context, n forge.NewPullRequest) (forge.PullRequest, error) {
	var p pull
	err := f.send(ctx, http.MethodPost, f.repo+"/pulls", map[string]string{"title": n.Title, "body": n.Body, "head": n.Head, "base": n.Base}, &p)
	if rest.Code(err) == http.StatusUnprocessableEntity {
		return forge.PullRequest{}, f.duplicate(ctx, n, err)
	}
	if err != nil || len(n.Labels) == 0 {
		return p.word(), err
	}
	return f.UpdatePullRequest(ctx, p.Number, forge.Change{Labels: &n.Labels})
}

// duplicate looks whether there is one: 422 is the answer to any bad request.
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

// UpdatePullRequest implements forge.PullRequests. Labels are those of the
// issue with the same number.
func (f *Forge) UpdatePullRequest(ctx context.Context, number int, c forge.Change) (forge.PullRequest, error) {
	if c.Labels != nil {
		if err := f.send(ctx, http.MethodPut, f.issue(number)+"/labels", map[string]any{"labels": append([]string{}, *c.Labels...)}, nil); err != nil {
			return forge.PullRequest{}, err
		}
	}
	body := map[string]string{}
	if c.Title != nil {
		body["title"] = *c.Title
	}
	if c.Body != nil {
		body["body"] = *c.Body
	}
	if len(body) == 0 {
		return f.PullRequest(ctx, number)
	}
	var p pull
	err := f.send(ctx, http.MethodPatch, f.pull(number), body, &p)
	return p.word(), err
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
		if err := f.send(ctx, http.MethodPatch, f.pull(number), map[string]string{"state": "closed"}, nil); err != nil {
			return err
		}
	}
	if comment == "" {
		return nil
	}
	_, err = f.UpsertComment(ctx, number, forge.Comment{Name: "closed", Body: comment})
	return err
}
