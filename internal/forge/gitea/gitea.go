// Package gitea is the adapter for Gitea and Forgejo: a dozen calls of their
// API, version 1. What it relies on was seen with Gitea 1.26; the contract
// suite runs against a real one.
package gitea

import (
	"context"
	"net/url"
	"strings"
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

// Forge is one repository on Gitea.
type Forge struct {
	at    forge.Repository
	api   *rest.Client
	repo  string // path of the repository in the API
	meMu  sync.Mutex
	me    string
	known bool
}

var _ forge.Forge = (*Forge)(nil)

// New makes the adapter. It connects to nothing yet.
func New(o Options) *Forge {
	return &Forge{
		at:   o.Repository,
		repo: "/repos/" + url.PathEscape(o.Repository.Owner()) + "/" + url.PathEscape(o.Repository.Name()),
		api:  &rest.Client{Base: o.Repository.Web + "/api/v1", HTTP: o.HTTP, Login: o.Login, Retry: o.Retry},
	}
}

// Kind implements forge.Forge.
func (f *Forge) Kind() forge.Kind { return forge.Gitea }

// Repository implements forge.Forge.
func (f *Forge) Repository() forge.Repository { return f.at }

// identity is the login of the token; empty when it may not ask (the scope
// read:user is missing).
func (f *Forge) identity(ctx context.Context) (string, error) {
	f.meMu.Lock()
	defer f.meMu.Unlock()
	if f.known {
		return f.me, nil
	}
	var user struct {
		Login string `json:"login"`
	}
	_, err := f.api.Get(ctx, "/user", nil, &user)
	if err != nil && !fault.Is(err, fault.Denied) && !fault.Is(err, fault.NotFound) {
		return "", err
	}
	f.me, f.known = user.Login, true
	return f.me, nil
}

// ref escapes a branch, whose slashes stay.
func ref(branch string) string {
	parts := strings.Split(branch, "/")
	for i, p := range parts {
		parts[i] = url.PathEscape(p)
	}
	return strings.Join(parts, "/")
}
