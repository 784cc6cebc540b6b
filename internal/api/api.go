// Package api is the agent's read-only HTTP API. It shows what the agent knows
// (State) to callers whom the cluster would show it: every request carries the
// caller's own Kubernetes token, and access reviews under that token decide
// what the answer holds. A token lives as long as its request; it is neither
// kept nor logged.
//
// The OpenAPI document that is served is made from the routes and from the
// types of the answers; a test holds every answer against it.
package api

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/tugops/tug/internal/object"
)

// State is what the agent knows. Answers hold no secrets: values of Secrets
// and decrypted values are masked. An app or release that is not there is a
// NotFound fault.
type State interface {
	// Apps are all apps, sorted by namespace and name.
	Apps(ctx context.Context) ([]App, error)
	// Tree is what an app owns, and what controllers made of it.
	Tree(ctx context.Context, k Key) ([]Node, error)
	// Plan is what would change now; empty when nothing would.
	Plan(ctx context.Context, k Key) (Plan, error)
	// Drift are the objects that differ from what was deployed.
	Drift(ctx context.Context, k Key) ([]Drifted, error)
	// Releases are those that are recorded, newest first.
	Releases(ctx context.Context, k Key) ([]Release, error)
	// Diff is what changed between two releases.
	Diff(ctx context.Context, k Key, from, to int) ([]Change, error)
}

// Callers ask the cluster what a caller may see.
type Callers interface {
	// Denied are the accesses that the caller with this token does not have. A
	// Denied fault means that the cluster does not know the token.
	Denied(ctx context.Context, token string, wanted []object.Access) ([]object.Access, error)
	// Resource is the plural name of a kind, "" when it is not served.
	Resource(ctx context.Context, ref object.Ref) (string, error)
}

// Config is what a Server works with.
type Config struct {
	State   State
	Callers Callers
	Feed    *Feed
	// Ready says why the agent is not ready, nil when it is.
	Ready func() error
	Log   *slog.Logger
	// Observe hears of each request; nil drops it.
	Observe func(route string, code int, took time.Duration)
	// Version is that of tug.
	Version string
	// Timeout bounds one answer; 20 s when zero. Recheck is how often a stream
	// asks again what its caller may see; 1 min when zero. Requests and Streams
	// bound what is under way; 64 and 32 when zero.
	Timeout, Recheck  time.Duration
	Requests, Streams int
}

// Server answers requests.
type Server struct {
	config   Config
	mux      *http.ServeMux
	requests chan struct{}
	streams  chan struct{}
}

var _ http.Handler = (*Server)(nil)

// New makes a server.
func New(c Config) *Server {
	if c.Timeout == 0 {
		c.Timeout = 20 * time.Second
	}
	if c.Recheck == 0 {
		c.Recheck = time.Minute
	}
	if c.Requests == 0 {
		c.Requests = 64
	}
	if c.Streams == 0 {
		c.Streams = 32
	}
	if c.Observe == nil {
		c.Observe = func(string, int, time.Duration) {}
	}
	s := &Server{config: c, mux: http.NewServeMux(), requests: make(chan struct{}, c.Requests), streams: make(chan struct{}, c.Streams)}
	for _, r := range s.routes() {
		s.mux.Handle("GET "+r.path, s.wrap(r))
	}
	return s
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		fail(w, http.StatusMethodNotAllowed, "this API is read-only")
		return
	}
	if _, pattern := s.mux.Handler(r); pattern == "" {
		fail(w, http.StatusNotFound, "there is nothing here", "see /openapi.json")
		return
	}
	s.mux.ServeHTTP(w, r)
}
