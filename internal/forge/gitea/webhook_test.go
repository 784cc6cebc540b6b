package gitea_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/forge"
	"github.com/tugops/tug/internal/forge/webhook"
	"github.com/tugops/tug/internal/forgetest"
)

// TestWebhook: what a real Gitea sends is accepted and read, by its own scheme
// and by GitHub's, whose headers it sends too.
func TestWebhook(t *testing.T) {
	t.Parallel()
	f := forgetest.New(t)
	repo := f.Repo(f.Organization("acme"), "config", "README.md", "hello\n")
	listener := forgetest.Listen(t)
	repo.Webhook(listener, "push")
	clone := repo.Clone(f.Admin)
	clone.Write("more.txt", "more\n")
	clone.Commit("more")
	clone.Git("push", "--quiet", "origin", "HEAD:refs/heads/promote/dev/shop")
	sent := listener.AwaitMatch("push", func(d forgetest.Delivery) bool { return bytes.Contains(d.Body, []byte("promote/dev/shop")) })
	want := webhook.Hint{Kind: webhook.Push, Repository: repo.URL(), Ref: "refs/heads/promote/dev/shop", Commit: repo.Tip("promote/dev/shop")}
	for _, scheme := range []webhook.Scheme{webhook.Gitea, webhook.GitHub} {
		clock := forge.SystemClock{}
		r, err := webhook.New(scheme, listener.Secret, webhook.NewSeen(10, time.Hour, clock), clock)
		if err != nil {
			t.Fatal(err)
		}
		d, err := r.Receive(sent.Header, bytes.NewReader(sent.Body))
		if err != nil || len(d.Hints) != 1 || d.Hints[0] != want || d.ID != sent.ID {
			t.Errorf("%s: %+v, %v; want %+v", scheme, d, err, want)
		}
		if _, err := r.Receive(sent.Header, bytes.NewReader(append(sent.Body, ' '))); !fault.Is(err, fault.Denied) {
			t.Errorf("%s, changed: %v", scheme, err)
		}
	}
}
