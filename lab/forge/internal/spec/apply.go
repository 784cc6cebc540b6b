package spec

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/tugops/tug/lab/forge/internal/api"
)

// Forge is where a spec is applied.
type Forge struct {
	// Admin logs in by password: Gitea gives tokens only then.
	Admin api.Client
	// Dir is the folder that Repository.From is relative to.
	Dir string
	// Secret makes a password.
	Secret func() string
}

// Apply makes what the spec says, and notes in the report what it made. What
// was noted before failed calls stays noted.
func (f Forge) Apply(ctx context.Context, s Spec, r *Report) error {
	for _, u := range s.Users {
		if err := f.user(ctx, u, r); err != nil {
			return fmt.Errorf("user %s: %w", u.Name, err)
		}
	}
	for _, o := range s.Organizations {
		if err := f.organization(ctx, o); err != nil {
			return fmt.Errorf("organization %s: %w", o.Name, err)
		}
		f.owns(r, o.Name)
	}
	for _, repo := range s.Repositories {
		if err := f.repository(ctx, repo); err != nil {
			return fmt.Errorf("repository %s: %w", repo.Name, err)
		}
		f.owns(r, repo.owner())
		r.Repositories[repo.Name] = f.git(repo.Name)
	}
	return nil
}

func (f Forge) owns(r *Report, owner string) {
	r.Charts[owner] = f.Admin.URL + "/api/packages/" + owner + "/helm"
}

func (f Forge) git(name string) string { return f.Admin.URL + "/" + name + ".git" }

// user makes the account and its tokens. Of one that exists, the password and
// the tokens that the report does not know are replaced.
func (f Forge) user(ctx context.Context, u User, r *Report) error {
	account := r.Users[u.Name]
	if u.Password != "" {
		account.Password = u.Password
	}
	if account.Password == "" {
		account.Password = f.Secret()
	}
	account.Admin = u.Admin
	form := map[string]any{
		"username": u.Name, "login_name": u.Name, "source_id": 0, "email": u.Name + "@forge.example",
		"password": account.Password, "must_change_password": false, "admin": u.Admin,
	}
	path := "/users/" + url.PathEscape(u.Name)
	err := f.Admin.Call(ctx, http.MethodGet, path, nil, nil)
	switch {
	case api.Is(err, http.StatusNotFound):
		err = f.Admin.Call(ctx, http.MethodPost, "/admin/users", form, nil)
		if err == nil && u.Admin {
			err = f.Admin.Call(ctx, http.MethodPatch, "/admin"+path, form, nil)
		}
	case err == nil:
		err = f.Admin.Call(ctx, http.MethodPatch, "/admin"+path, form, nil)
	}
	if err != nil {
		return err
	}
	account.Tokens = maps.Clone(account.Tokens)
	if account.Tokens == nil {
		account.Tokens = map[string]string{}
	}
	for _, name := range slices.Sorted(maps.Keys(u.Tokens)) {
		if account.Tokens[name], err = f.token(ctx, path, name, u.Tokens[name], account.Tokens[name]); err != nil {
			return fmt.Errorf("token %s: %w", name, err)
		}
	}
	r.Users[u.Name] = account
	return nil
}

// token is the value of a token: the known one if the forge still has it with
// these scopes, else a new one.
func (f Forge) token(ctx context.Context, user, name string, scopes []string, known string) (string, error) {
	var there []struct {
		ID     int64    `json:"id"`
		Name   string   `json:"name"`
		Last   string   `json:"token_last_eight"`
		Scopes []string `json:"scopes"`
	}
	if err := f.Admin.Call(ctx, http.MethodGet, user+"/tokens?limit=50", nil, &there); err != nil {
		return "", err
	}
	for _, t := range there {
		if t.Name != name {
			continue
		}
		if strings.HasSuffix(known, t.Last) && known != "" && sameSet(scopes, t.Scopes) {
			return known, nil
		}
		if err := f.Admin.Call(ctx, http.MethodDelete, fmt.Sprintf("%s/tokens/%d", user, t.ID), nil, nil); err != nil {
			return "", err
		}
	}
	var made struct {
		Value string `json:"sha1"`
	}
	err := f.Admin.Call(ctx, http.MethodPost, user+"/tokens", map[string]any{"name": name, "scopes": scopes}, &made)
	return made.Value, err
}

func sameSet(a, b []string) bool {
	return slices.Equal(slices.Compact(slices.Sorted(slices.Values(a))), slices.Compact(slices.Sorted(slices.Values(b))))
}

func (f Forge) organization(ctx context.Context, o Organization) error {
	visibility := "public"
	if o.Private {
		visibility = "private"
	}
	path := "/orgs/" + url.PathEscape(o.Name)
	err := f.Admin.Call(ctx, http.MethodGet, path, nil, nil)
	if api.Is(err, http.StatusNotFound) {
		err = f.Admin.Call(ctx, http.MethodPost, "/orgs", map[string]any{"username": o.Name, "visibility": visibility}, nil)
	}
	if err != nil {
		return err
	}
	var teams []struct {
		ID   int64  `json:"id"`
		Name string `json:"name"`
	}
	if err := f.Admin.Call(ctx, http.MethodGet, path+"/teams", nil, &teams); err != nil {
		return err
	}
	for _, team := range teams {
		if team.Name != "Owners" {
			continue
		}
		for _, owner := range o.Owners {
			member := fmt.Sprintf("/teams/%d/members/%s", team.ID, url.PathEscape(owner))
			if err := f.Admin.Call(ctx, http.MethodPut, member, nil, nil); err != nil {
				return err
			}
		}
		return nil
	}
	return errors.New("it has no team Owners")
}

// Owner makes an organisation unless an account or organisation of that name is
// there.
func (f Forge) Owner(ctx context.Context, name string) error {
	err := f.Admin.Call(ctx, http.MethodGet, "/users/"+url.PathEscape(name), nil, nil)
	if api.Is(err, http.StatusNotFound) {
		return f.organization(ctx, Organization{Name: name})
	}
	return err
}
