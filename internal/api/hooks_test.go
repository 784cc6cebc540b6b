package api_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/api"
	"github.com/tugops/tug/internal/forge/webhook"
)

const hookSecret = "canary-9f3e71c2d4e5f6a7"

// stopped is a clock that stands where it is put.
type stopped struct {
	mu  sync.Mutex
	now time.Time
}

func (s *stopped) Now() time.Time { s.mu.Lock(); defer s.mu.Unlock(); return s.now }

func (s *stopped) Wait(ctx context.Context, _ time.Duration) error { return ctx.Err() }

func (s *stopped) pass(d time.Duration) { s.mu.Lock(); s.now = s.now.Add(d); s.mu.Unlock() }

// hooks runs a receiver of Gitea's webhooks; hints and results are collected.
type hooks struct {
	*httptest.Server
	clock   *stopped
	log     *locked
	mu      sync.Mutex
	hints   []string
	results []string
}

func newHooks(t *testing.T) *hooks {
	t.Helper()
	h := &hooks{clock: &stopped{now: at}, log: &locked{}}
	receiver, err := webhook.New(webhook.Gitea, hookSecret, webhook.NewSeen(100, time.Hour, h.clock), h.clock)
	if err != nil {
		t.Fatal(err)
	}
	hint := func(x webhook.Hint) bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.hints = append(h.hints, string(x.Kind)+" "+x.Repository+" "+x.Ref)
		return strings.HasSuffix(x.Repository, "/config.git") || strings.HasSuffix(x.Repository, "/config")
	}
	observe := func(result string) { h.mu.Lock(); h.results = append(h.results, result); h.mu.Unlock() }
	mux := http.NewServeMux()
	log := slog.New(slog.NewTextHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	mux.Handle("/webhooks/{name}", api.NewHooks(map[string]*webhook.Receiver{"forge": receiver}, hint, observe, log, h.clock.Now))
	h.Server = httptest.NewServer(mux)
	t.Cleanup(h.Close)
	return h
}

// last is the last result.
func (h *hooks) last() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.results[len(h.results)-1]
}

// post sends a push, signed with a secret, and gives code and text.
func (h *hooks) post(t *testing.T, path, body, secret, id string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	r.Header.Set("X-Gitea-Signature", hex.EncodeToString(mac.Sum(nil)))
	r.Header.Set("X-Gitea-Event", "push")
	r.Header.Set("X-Gitea-Delivery", id)
	res, err := h.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

func push(repository string) string {
	return `{"ref":"refs/heads/main","after":"0123456789abcdef0123456789abcdef01234567","repository":{"full_name":"shop/` + repository + `","clone_url":"https://git.example/shop/` + repository + `.git"}}`
}

func TestHooks(t *testing.T) {
	t.Parallel()
	h := newHooks(t)
	for _, tc := range []struct {
		name, path, body, secret, id string
		code                         int
		result                       string
	}{
		{"a push", "/webhooks/forge", push("config"), hookSecret, "1", http.StatusAccepted, "accepted"},
		{"again", "/webhooks/forge", push("config"), hookSecret, "1", http.StatusOK, "ignored"},
		{"again under another ID", "/webhooks/forge", push("config"), hookSecret, "2", http.StatusOK, "ignored"},
		{"of another repository", "/webhooks/forge", push("other"), hookSecret, "3", http.StatusOK, "ignored"},
		{"with another secret", "/webhooks/forge", push("config"), "another-secret-of-16", "4", http.StatusUnauthorized, "refused"},
		{"to another name", "/webhooks/none", push("config"), hookSecret, "5", http.StatusUnauthorized, "refused"},
		{"that is no JSON", "/webhooks/forge", "{", hookSecret, "6", http.StatusBadRequest, "refused"},
		{"that is too large", "/webhooks/forge", strings.Repeat(" ", webhook.BodyLimit+10), hookSecret, "7", http.StatusBadRequest, "refused"},
	} {
		code, text := h.post(t, tc.path, tc.body, tc.secret, tc.id)
		if result := h.last(); code != tc.code || result != tc.result || strings.Contains(text, "canary") {
			t.Errorf("%s: %d %s %s", tc.name, code, result, text)
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if d := cmp.Diff([]string{"push https://git.example/shop/config.git refs/heads/main", "push https://git.example/shop/other.git refs/heads/main"}, h.hints); d != "" {
		t.Error(d)
	}
	if strings.Contains(h.log.String(), "canary") {
		t.Error("the log tells the secret")
	}
	res, err := h.Client().Get(h.URL + "/webhooks/forge")
	if err != nil {
		t.Fatal(err)
	}
	if res.Body.Close(); res.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", res.StatusCode)
	}
}

// TestFloodOfHooks: an address whose requests are refused is soon turned away
// unread, and heard again after a minute.
func TestFloodOfHooks(t *testing.T) {
	t.Parallel()
	h := newHooks(t)
	codes := map[int]int{}
	for range 100 {
		code, _ := h.post(t, "/webhooks/forge", push("config"), "another-secret-of-16", "x")
		codes[code]++
	}
	if d := cmp.Diff(map[int]int{http.StatusUnauthorized: 30, http.StatusTooManyRequests: 70}, codes); d != "" {
		t.Error(d)
	}
	h.clock.pass(time.Minute)
	if code, text := h.post(t, "/webhooks/forge", push("config"), hookSecret, "1"); code != http.StatusAccepted {
		t.Errorf("after a minute: %d %s", code, text)
	}
}
