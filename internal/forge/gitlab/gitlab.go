// Package gitlab is the adapter for GitLab: a dozen calls of its REST API,
// version 4. Merge requests are pull requests here, by their number in the
// project (iid).
package gitlab

import (
	"context"
	"net/http"
	"net/url"
	"sync"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/forge"
	"github.com/tugops/tug/internal/forge/rest"
	"github.com/tugops/tug/internal/outbound"
)

// Options are what an adapter needs.
type Options struct {
	Repository forge.Repository
	HTTP       *outbound.Client
	Login      rest.Login
	Retry      forge.Retry
}

// JobToken is the login of a CI job. GitLab lets it read a little and write
// almost nothing; Permissions says so.
func JobToken(token, from string) rest.Proof {
	return rest.Proof{Header: "JOB-TOKEN", Secret: token, From: from}
}

// Forge is one project on GitLab.
type Forge struct {
	at    forge.Repository
	api   *rest.Client
	repo  string
	meMu  sync.Mutex
	me    string
	known bool
}

var _ forge.Forge = (*Forge)(nil)

// New makes the adapter. It connects to nothing yet.
func New(o Options) *Forge {
	return &Forge{
		at: o.Repository, repo: "/projects/" + url.PathEscape(o.Repository.Path),
		api: &rest.Client{Base: o.Repository.Web + "/api/v4", HTTP: o.HTTP, Login: o.Login, Retry: o.Retry},
	}
}

// Kind implements forge.Forge.
func (f *Forge) Kind() forge.Kind { return forge.GitLab }

// Repository implements forge.Forge.
func (f *Forge) Repository() forge.Repository { return f.at }

// identity is the login of the token; empty when GitLab does not tell.
func (f *Forge) identity(ctx context.Context) (string, error) {
	f.meMu.Lock()
	defer f.meMu.Unlock()
	if f.known {
		return f.me, nil
	}
	var user struct {
		Username string `json:"username"`
	}
	_, err := f.api.Get(ctx, "/user", nil, &user)
	if err != nil && !fault.Is(err, fault.Denied) && !fault.Is(err, fault.NotFound) {
		return "", err
	}
	f.me, f.known = user.Username, true
	return f.me, nil
}

func (f *Forge) send(ctx context.Context, method, path string, body, out any) error {
	_, err := f.api.Do(ctx, rest.Call{Method: method, Path: path, Body: body, Once: method == http.MethodPost}, out)
	return err
}
