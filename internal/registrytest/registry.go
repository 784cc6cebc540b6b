// Package registrytest runs a real OCI registry and chart repositories in the
// process of a test, on loopback, and fills them with images and charts.
package registrytest

import (
	"crypto/subtle"
	"log/slog"
	"math/rand"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// Registry is a running registry; it stops with its test.
type Registry struct {
	// Host is "127.0.0.1:port", the first part of every reference.
	Host string

	t       testing.TB
	options Options

	mu       sync.Mutex
	requests []string
	pushed   int64
}

// Options configure a registry; the zero value is open to everybody.
type Options struct {
	// User and Password are asked for (HTTP basic authentication) when
	// Password is set.
	User, Password string
	// Wrap puts a handler before the registry, to delay, count or break.
	Wrap func(http.Handler) http.Handler
}

// New starts a registry.
func New(t testing.TB, options Options) *Registry {
	t.Helper()
	r := &Registry{t: t, options: options}
	handler := registry.New(registry.Logger(slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)))
	if options.Wrap != nil {
		handler = options.Wrap(handler)
	}
	server := httptest.NewServer(r.guard(handler))
	t.Cleanup(server.Close)
	r.Host = strings.TrimPrefix(server.URL, "http://")
	return r
}

// Push makes an image of its own for every call, pushes it as
// "repository:tag" (without the host) and gives its digest.
func (r *Registry) Push(image string) string {
	r.t.Helper()
	img, err := random.Image(512, 2, random.WithSource(r.source()))
	if err != nil {
		r.t.Fatal(err)
	}
	if err := remote.Write(r.reference(image), img, remote.WithAuth(r.login())); err != nil {
		r.t.Fatal(err)
	}
	return r.digest(img.Digest())
}

// PushIndex is Push for an image index of two platforms.
func (r *Registry) PushIndex(image string) string {
	r.t.Helper()
	index, err := random.Index(512, 1, 2, random.WithSource(r.source()))
	if err != nil {
		r.t.Fatal(err)
	}
	if err := remote.WriteIndex(r.reference(image), index, remote.WithAuth(r.login())); err != nil {
		r.t.Fatal(err)
	}
	return r.digest(index.Digest())
}

// Digest is what a pushed tag means now.
func (r *Registry) Digest(image string) string {
	r.t.Helper()
	d, err := remote.Head(r.reference(image), remote.WithAuth(r.login()))
	if err != nil {
		r.t.Fatal(err)
	}
	return d.Digest.String()
}

// Requests lists what was asked so far, as "METHOD /path".
func (r *Registry) Requests() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string{}, r.requests...)
}

func (r *Registry) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.mu.Lock()
		r.requests = append(r.requests, req.Method+" "+req.URL.Path)
		r.mu.Unlock()
		if !r.options.allows(req) {
			w.Header().Set("WWW-Authenticate", `Basic realm="registry"`)
			http.Error(w, `{"errors":[{"code":"UNAUTHORIZED"}]}`, http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, req)
	})
}

func (o Options) allows(req *http.Request) bool {
	if o.Password == "" {
		return true
	}
	user, password, _ := req.BasicAuth()
	want := o.User + ":" + o.Password
	return subtle.ConstantTimeCompare([]byte(user+":"+password), []byte(want)) == 1
}

// source makes the images of a test the same in every run, and each different
// from the others.
func (r *Registry) source() rand.Source {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pushed++
	return rand.NewSource(r.pushed)
}

func (r *Registry) login() authn.Authenticator {
	if r.options.Password == "" {
		return authn.Anonymous
	}
	return &authn.Basic{Username: r.options.User, Password: r.options.Password}
}

func (r *Registry) reference(image string) name.Reference {
	r.t.Helper()
	ref, err := name.ParseReference(r.Host + "/" + image)
	if err != nil {
		r.t.Fatal(err)
	}
	return ref
}

func (r *Registry) digest(h v1.Hash, err error) string {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
	return h.String()
}
