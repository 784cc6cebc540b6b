package github

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/forge"
	"github.com/tugops/tug/internal/forge/rest"
)

type status struct {
	State       string  `json:"state"`
	Context     string  `json:"context"`
	Description *string `json:"description"`
	URL         *string `json:"target_url"`
}

// SetStatus implements forge.Statuses. Writing one twice only adds to its
// history.
func (f *Forge) SetStatus(ctx context.Context, commit string, s forge.Status) error {
	limits := forge.GitHub.Limits()
	body := map[string]string{
		"state": string(s.State), "context": forge.Cut(s.Context, limits.StatusContext),
		"description": forge.Cut(s.Description, limits.StatusDescription),
	}
	if s.URL != "" {
		body["target_url"] = s.URL
	}
	_, err := f.api.Do(ctx, rest.Call{Method: http.MethodPost, Path: f.repo + "/statuses/" + url.PathEscape(commit), Body: body}, nil)
	return f.commitError(ctx, commit, err)
}

// commitError tells a commit that is not there from other bad requests.
func (f *Forge) commitError(ctx context.Context, commit string, err error) error {
	if rest.Code(err) != http.StatusUnprocessableEntity {
		return err
	}
	_, gone := f.api.Get(ctx, f.repo+"/git/commits/"+url.PathEscape(commit), nil, nil)
	if code := rest.Code(gone); code == http.StatusNotFound || code == http.StatusUnprocessableEntity {
		return fault.New(fault.NotFound, "commit %s: %w", forge.Abbreviated(commit), err).Hint("was it pushed?")
	}
	return err
}

// Statuses implements forge.Statuses. The runs of GitHub's own checks are no
// statuses and not among them.
func (f *Forge) Statuses(ctx context.Context, commit string) ([]forge.Status, error) {
	var list []forge.Status
	path, query := f.repo+"/commits/"+url.PathEscape(commit)+"/status", url.Values{"per_page": {"100"}}
	for {
		var page struct {
			Statuses []status `json:"statuses"`
		}
		answer, err := f.api.Get(ctx, path, query, &page)
		if err != nil {
			return nil, f.commitError(ctx, commit, err)
		}
		for _, s := range page.Statuses {
			list = append(list, s.word())
		}
		next, ok := rest.Next(answer)
		if !ok || len(page.Statuses) == 0 {
			break
		}
		query = next
	}
	slices.SortFunc(list, func(a, b forge.Status) int { return cmp.Compare(a.Context, b.Context) })
	return list, nil
}

func (s status) word() forge.Status {
	w := forge.Status{Context: s.Context, State: forge.StatusState(s.State)}
	if s.Description != nil {
		w.Description = *s.Description
	}
	if s.URL != nil {
		w.URL = *s.URL
	}
	return w
}
