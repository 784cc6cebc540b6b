package api_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tugops/tug/internal/api"
	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
)

var at = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

func ref(group, kind, namespace, name string) object.Ref {
	return object.Ref{Group: group, Kind: kind, Namespace: namespace, Name: name}
}

// state is an agent with two apps in two namespaces.
type state struct{ one, two string }

func (s state) Apps(context.Context) ([]api.App, error) {
	return []api.App{
		{Name: "shop", Environment: "prod", Namespace: s.one, Controller: "agent", Health: "ready", Release: 3, Deployed: at, Commit: "0123", Subject: "Sell more"},
		{Name: "till", Namespace: s.two, Health: "failed", Message: "Deployment till: 0 of 1 pods", Drifted: 1},
	}, nil
}

func (s state) Tree(_ context.Context, k api.Key) ([]api.Node, error) {
	pod := api.Node{Ref: ref("", "Pod", k.Namespace, "web-1"), Health: "ready"}
	return []api.Node{
		{Ref: ref("apps", "Deployment", k.Namespace, "web"), Health: "ready", Children: []api.Node{{Ref: ref("apps", "ReplicaSet", k.Namespace, "web-1"), Health: "ready", Children: []api.Node{pod}}}},
		{Ref: ref("", "Secret", k.Namespace, "db"), Health: "ready"},
		{Ref: ref("no.such.group", "Gone", k.Namespace, "x"), Health: "unknown"},
	}, nil
}

func (s state) changes(k api.Key) []api.Change {
	return []api.Change{
		{Action: "update", Ref: ref("apps", "Deployment", k.Namespace, "web"), Fields: []api.Field{{Path: "spec.replicas", From: 1, To: 3}}},
		{Action: "update", Ref: ref("", "Secret", k.Namespace, "db"), Fields: []api.Field{{Path: "data.password", From: object.Masked, To: object.Masked}}},
	}
}

func (s state) Plan(_ context.Context, k api.Key) (api.Plan, error) {
	return api.Plan{Hash: "abc", Commit: "0123", Changes: s.changes(k), Brakes: []string{"it deletes much"}}, nil
}

func (s state) Drift(_ context.Context, k api.Key) ([]api.Drifted, error) {
	return []api.Drifted{{Ref: ref("apps", "Deployment", k.Namespace, "web"), Reason: "changed", Manager: "kubectl-edit", Since: at, Fields: []api.Field{{Path: "spec.replicas", From: 0, To: 3}}}}, nil
}

func (s state) Releases(context.Context, api.Key) ([]api.Release, error) {
	return []api.Release{{Number: 3, Status: "deployed", Commit: "0123", Changes: "1 created", By: "me", Started: at, Finished: at}}, nil
}

func (s state) Diff(_ context.Context, k api.Key, from, to int) ([]api.Change, error) {
	if to > 3 || from > 3 {
		return nil, fault.New(fault.NotFound, "there is no release %d", max(from, to))
	}
	return s.changes(k), nil
}

// callers are those that the test says: what each token may, as
// "verb resource namespace".
type callers map[string][]string

func (c callers) Denied(_ context.Context, token string, wanted []object.Access) ([]object.Access, error) {
	rights, known := c[token]
	if !known {
		return nil, fault.New(fault.Denied, "Unauthorized: %s", token)
	}
	var denied []object.Access
	for _, a := range wanted {
		allowed := false
		for _, right := range rights {
			allowed = allowed || right == a.Verb+" "+a.Resource+" "+a.Namespace
		}
		if !allowed {
			denied = append(denied, a)
		}
	}
	return denied, nil
}

func (callers) Resource(_ context.Context, r object.Ref) (string, error) {
	if r.Kind == "Gone" {
		return "", nil
	}
	return strings.ToLower(r.Kind) + "s", nil
}

// serve runs a serverwith its log.
func serve(t *testing.T, c api.Config) (*httptest.Server, *locked) {
	t.Helper()
	log := &locked{}
	c.Log = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	if c.State == nil {
		c.State = state{"one", "two"}
	}
	if c.Feed == nil {
		c.Feed = api.NewFeed()
	}
	if c.Ready == nil {
		c.Ready = func() error { return nil }
	}
	server := httptest.NewServer(api.New(c))
	t.Cleanup(server.Close)
	return server, log
}

// locked is a log that several requests write.
type locked struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// String is what was logged so far.
func (l *locked) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// get makes a request with a token.
func get(t *testing.T, server *httptest.Server, path, token string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = res.Body.Close() })
	return res
}

// leaving are callers whose tokens end when the channel is closed.
type leaving struct {
	callers
	gone chan struct{}
}

func (l leaving) Denied(ctx context.Context, token string, wanted []object.Access) ([]object.Access, error) {
	select {
	case <-l.gone:
		return nil, fault.New(fault.Denied, "Unauthorized")
	default:
		return l.callers.Denied(ctx, token, wanted)
	}
}
