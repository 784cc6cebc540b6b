package gitea

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"

	"github.com/tugops/tug/internal/forge"
	"github.com/tugops/tug/internal/forge/rest"
)

type status struct {
	State       string `json:"status"`
	Context     string `json:"context"`
	Description string `json:"description"`
	URL         string `json:"target_url"`
}

// SetStatus implements forge.Statuses.
func (f *Forge) SetStatus(ctx context.Context, commit string, s forge.Status) error {
	// The API takes statuses of commits that are not there for its own error,
	// which would be waited for.
	if _, err := f.api.Get(ctx, f.repo+"/git/commits/"+url.PathEscape(commit), url.Values{"stat": {"false"}, "verification": {"false"}, "files": {"false"}}, nil); err != nil {
		return err
	}
	limits := forge.Gitea.Limits()
	body := map[string]string{
		"state": string(s.State), "context": forge.Cut(s.Context, limits.StatusContext),
		"description": forge.Cut(s.Description, limits.StatusDescription), "target_url": s.URL,
	}
	_, err := f.api.Do(ctx, rest.Call{Method: http.MethodPost, Path: f.repo + "/statuses/" + url.PathEscape(commit), Body: body}, nil)
	return err
}

// Statuses implements forge.Statuses.
func (f *Forge) Statuses(ctx context.Context, commit string) ([]forge.Status, error) {
	var list []forge.Status
	path, query := f.repo+"/commits/"+url.PathEscape(commit)+"/status", url.Values{"limit": {"50"}}
	for {
		var page struct {
			Statuses []status `json:"statuses"`
		}
		answer, err := f.api.Get(ctx, path, query, &page)
		if err != nil {
			return nil, err
		}
		for _, s := range page.Statuses {
			list = append(list, forge.Status{Context: s.Context, State: state(s.State), Description: s.Description, URL: s.URL})
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

// state translates; a warning is no failure, and what was skipped did not fail.
func state(s string) forge.StatusState {
	switch s {
	case "success", "warning", "skipped":
		return forge.Success
	case "failure":
		return forge.Failure
	case "pending":
		return forge.Pending
	}
	return forge.Errored
}
