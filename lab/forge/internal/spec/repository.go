package spec

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/tugops/tug/lab/forge/internal/api"
)

// branch is the default branch of every repository.
const branch = "main"

func (r Repository) owner() string { owner, _, _ := strings.Cut(r.Name, "/"); return owner }

func (r Repository) path() string {
	owner, name, _ := strings.Cut(r.Name, "/")
	return "/repos/" + url.PathEscape(owner) + "/" + url.PathEscape(name)
}

func (f Forge) repository(ctx context.Context, r Repository) error {
	if err := f.create(ctx, r); err != nil {
		return err
	}
	for _, who := range slices.Sorted(maps.Keys(r.Collaborators)) {
		form := map[string]string{"permission": r.Collaborators[who]}
		if err := f.Admin.Call(ctx, http.MethodPut, r.path()+"/collaborators/"+url.PathEscape(who), form, nil); err != nil {
			return fmt.Errorf("collaborator %s: %w", who, err)
		}
	}
	for _, p := range r.Protection {
		if err := f.protect(ctx, r, p); err != nil {
			return fmt.Errorf("protection of %s: %w", p.Pattern, err)
		}
	}
	for _, w := range r.Webhooks {
		if err := f.webhook(ctx, r, w); err != nil {
			return fmt.Errorf("webhook %s: %w", w.URL, err)
		}
	}
	return nil
}

// create makes the repository and gives an empty one its first commit. The
// content of one that has commits is left alone.
func (f Forge) create(ctx context.Context, r Repository) error {
	var there struct {
		Empty bool `json:"empty"`
	}
	err := f.Admin.Call(ctx, http.MethodGet, r.path(), nil, &there)
	if api.Is(err, http.StatusNotFound) {
		_, name, _ := strings.Cut(r.Name, "/")
		form := map[string]any{"name": name, "private": r.Private, "default_branch": branch, "auto_init": r.From == ""}
		there.Empty = r.From != ""
		err = f.Admin.Call(ctx, http.MethodPost, "/orgs/"+url.PathEscape(r.owner())+"/repos", form, nil)
		if api.Is(err, http.StatusNotFound) {
			err = f.Admin.Call(ctx, http.MethodPost, "/admin/users/"+url.PathEscape(r.owner())+"/repos", form, nil)
		}
	}
	if err != nil || !there.Empty || r.From == "" {
		return err
	}
	return f.push(ctx, r)
}

// protect sets the rule of a pattern, whether there was one or not.
func (f Forge) protect(ctx context.Context, r Repository, p Protection) error {
	form := map[string]any{
		"rule_name":   p.Pattern,
		"enable_push": len(p.Push) > 0, "enable_push_whitelist": len(p.Push) > 0, "push_whitelist_usernames": list(p.Push),
		"enable_merge_whitelist": len(p.Merge) > 0, "merge_whitelist_usernames": list(p.Merge),
		"enable_status_check": len(p.Statuses) > 0, "status_check_contexts": list(p.Statuses),
		"required_approvals": p.Approvals, "dismiss_stale_approvals": p.DismissStale,
		"block_admin_merge_override": p.Strict,
	}
	rules := r.path() + "/branch_protections"
	var there []struct {
		Name string `json:"rule_name"`
	}
	if err := f.Admin.Call(ctx, http.MethodGet, rules, nil, &there); err != nil {
		return err
	}
	for _, rule := range there {
		if rule.Name == p.Pattern {
			return f.Admin.Call(ctx, http.MethodPatch, rules+"/"+url.PathEscape(p.Pattern), form, nil)
		}
	}
	return f.Admin.Call(ctx, http.MethodPost, rules, form, nil)
}

// webhook sets the hook of an address, whether there was one or not.
func (f Forge) webhook(ctx context.Context, r Repository, w Webhook) error {
	events := w.Events
	if len(events) == 0 {
		events = []string{"push", "create", "delete", "pull_request", "issue_comment", "status", "release", "repository"}
	}
	form := map[string]any{
		"type": "gitea", "active": true, "events": events,
		"config": map[string]string{"url": w.URL, "content_type": "json", "secret": w.Secret},
	}
	var there []struct {
		ID     int64             `json:"id"`
		Config map[string]string `json:"config"`
	}
	if err := f.Admin.Call(ctx, http.MethodGet, r.path()+"/hooks?limit=50", nil, &there); err != nil {
		return err
	}
	for _, hook := range there {
		if hook.Config["url"] == w.URL {
			return f.Admin.Call(ctx, http.MethodPatch, fmt.Sprintf("%s/hooks/%d", r.path(), hook.ID), form, nil)
		}
	}
	return f.Admin.Call(ctx, http.MethodPost, r.path()+"/hooks", form, nil)
}

// list is never null in JSON: Gitea takes null as "leave it".
func list(s []string) []string { return append([]string{}, s...) }
