package gitlab

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
	Status      string  `json:"status"`
	Name        string  `json:"name"`
	Description *string `json:"description"`
	URL         *string `json:"target_url"`
}

// SetStatus implements forge.Statuses. GitLab refuses to set a state again, so
// that it is only set when it differs; a description beside the same pending
// state cannot be changed there.
func (f *Forge) SetStatus(ctx context.Context, commit string, s forge.Status) error {
	limits := forge.GitLab.Limits()
	s.Context, s.Description = forge.Cut(s.Context, limits.StatusContext), forge.Cut(s.Description, limits.StatusDescription)
	if same, err := f.stands(ctx, commit, s); err != nil || same {
		return err
	}
	body := map[string]string{"state": sent(s.State), "name": s.Context, "description": s.Description}
	if s.URL != "" {
		body["target_url"] = s.URL
	}
	call := rest.Call{Method: http.MethodPost, Path: f.repo + "/statuses/" + url.PathEscape(commit), Body: body}
	_, err := f.api.Do(ctx, call, nil)
	if rest.Code(err) == http.StatusBadRequest { // another job may have set it meanwhile
		if same, readErr := f.stands(ctx, commit, s); readErr == nil && same {
			return nil
		}
	}
	return err
}

// stands reports whether a status is there already. Of one that is pending
// only the state counts.
func (f *Forge) stands(ctx context.Context, commit string, s forge.Status) (bool, error) {
	list, err := f.Statuses(ctx, commit)
	if err != nil {
		return false, err
	}
	for _, have := range list {
		if have.Context == s.Context && sent(have.State) == sent(s.State) {
			return s.State == forge.Pending || have.Description == s.Description && have.URL == s.URL, nil
		}
	}
	return false, nil
}

// sent is a state in GitLab's words.
func sent(s forge.StatusState) string {
	switch s {
	case forge.Pending, forge.Success:
		return string(s)
	}
	return "failed"
}

// Statuses implements forge.Statuses. Jobs of pipelines are among them.
func (f *Forge) Statuses(ctx context.Context, commit string) ([]forge.Status, error) {
	var list []forge.Status
	path := f.repo + "/repository/commits/" + url.PathEscape(commit) + "/statuses"
	err := rest.List(ctx, f.api, path, url.Values{"per_page": {"100"}}, func(s status) bool { list = append(list, s.word()); return true })
	slices.SortStableFunc(list, func(a, b forge.Status) int { return cmp.Compare(a.Context, b.Context) })
	return list, err
}

func (s status) word() forge.Status {
	w := forge.Status{Context: s.Name}
	switch s.Status {
	case "success", "skipped":
		w.State = forge.Success
	case "failed":
		w.State = forge.Failure
	case "canceled", "canceling":
		w.State = forge.Errored
	default:
		w.State = forge.Pending
	}
	if s.Description != nil {
		w.Description = *s.Description
	}
	if s.URL != nil {
		w.URL = *s.URL
	}
	return w
}
