// Package github is the adapter for GitHub, github.com and Enterprise: a dozen
// calls of the REST API, version 2022-11-28, with a token or as a GitHub App.
package github

import (
	"context"
	"net/http"
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
	// Login is a token, or an *App.
	Login rest.Login
	Retry forge.Retry
	// Identity is the login of the token where GitHub does not tell it:
	// "github-actions[bot]" for the token of a workflow.
	Identity string
}

// Forge is one repository on GitHub.
type Forge struct {
	at    forge.Repository
	api   *rest.Client
	app   *App // nil with a token
	repo  string
	meMu  sync.Mutex
	me    string
	known bool
}

var _ forge.Forge = (*Forge)(nil)

// New makes the adapter. It connects to nothing yet.
func New(o Options) *Forge {
	f := &Forge{
		at: o.Repository, me: o.Identity, known: o.Identity != "",
		repo: "/repos/" + url.PathEscape(o.Repository.Owner()) + "/" + url.PathEscape(o.Repository.Name()),
		api:  client(o.Repository.Web, o.HTTP, o.Login, o.Retry),
	}
	if app, ok := o.Login.(*App); ok {
		f.app = app
	}
	return f
}

func client(web string, h *outbound.Client, login rest.Login, r forge.Retry) *rest.Client {
	return &rest.Client{
		Base: base(web), HTTP: h, Login: login, Retry: r, Accept: "application/vnd.github+json",
		Header: map[string]string{"X-GitHub-Api-Version": "2022-11-28"},
	}
}

// base is where the API of a GitHub is.
func base(web string) string {
	if web == "https://github.com" {
		return "https://api.github.com"
	}
	if host, ok := strings.CutPrefix(web, "https://"); ok && strings.HasSuffix(host, ".ghe.com") {
		return "https://api." + host
	}
	return web + "/api/v3"
}

// Kind implements forge.Forge.
func (f *Forge) Kind() forge.Kind { return forge.GitHub }

// Repository implements forge.Forge.
func (f *Forge) Repository() forge.Repository { return f.at }

// identity is the login of the token; empty when GitHub does not tell.
func (f *Forge) identity(ctx context.Context) (string, error) {
	f.meMu.Lock()
	defer f.meMu.Unlock()
	if f.known {
		return f.me, nil
	}
	var err error
	if f.app != nil {
		f.me, err = f.app.identity(ctx)
	} else {
		var user struct {
			Login string `json:"login"`
		}
		_, err = f.api.Get(ctx, "/user", nil, &user)
		f.me = user.Login
	}
	if err != nil && !fault.Is(err, fault.Denied) && !fault.Is(err, fault.NotFound) {
		return "", err
	}
	f.known = true
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

func (f *Forge) send(ctx context.Context, method, path string, body, out any) error {
	_, err := f.api.Do(ctx, rest.Call{Method: method, Path: path, Body: body, Once: method == http.MethodPost}, out)
	return err
}
