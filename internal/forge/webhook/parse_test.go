package webhook_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/forge/webhook"
)

const (
	sha    = "1111111111111111111111111111111111111111"
	none   = "0000000000000000000000000000000000000000"
	digest = "sha256:2222222222222222222222222222222222222222222222222222222222222222"
)

func TestParse(t *testing.T) {
	t.Parallel()
	const at = "https://git.example/acme/config.git"
	for name, tc := range map[string]struct {
		scheme webhook.Scheme
		header http.Header
		body   string
		want   []webhook.Hint
	}{
		"github push": {webhook.GitHub, header("X-GitHub-Event", "push"), `{"ref":"refs/heads/main","after":"` + sha + `","repository":{"clone_url":"` + at + `"}}`,
			[]webhook.Hint{{Kind: webhook.Push, Repository: at, Ref: "refs/heads/main", Commit: sha}}},
		"github branch removed": {webhook.GitHub, header("X-GitHub-Event", "push"), `{"ref":"refs/heads/x","after":"` + none + `","deleted":true,"repository":{"clone_url":"` + at + `"}}`,
			[]webhook.Hint{{Kind: webhook.Delete, Repository: at, Ref: "refs/heads/x"}}},
		"gitea pull request": {webhook.Gitea, header("X-Gitea-Event", "pull_request"), `{"action":"opened","number":7,"pull_request":{"number":7,"head":{"ref":"promote/prod/shop","sha":"` + sha + `"}},"repository":{"html_url":"https://git.example/acme/config"}}`,
			[]webhook.Hint{{Kind: webhook.PullRequest, Repository: "https://git.example/acme/config", Ref: "refs/heads/promote/prod/shop", Commit: sha, Number: 7, Action: "opened"}}},
		"github comment": {webhook.GitHub, header("X-GitHub-Event", "issue_comment"), `{"action":"created","issue":{"number":7,"pull_request":{"url":"x"}},"repository":{"clone_url":"` + at + `"}}`,
			[]webhook.Hint{{Kind: webhook.Comment, Repository: at, Number: 7, Action: "created"}}},
		"github status, whose commit is an object": {webhook.GitHub, header("X-GitHub-Event", "status"), `{"sha":"` + sha + `","commit":{"sha":"` + sha + `"},"repository":{"clone_url":"` + at + `"}}`,
			[]webhook.Hint{{Kind: webhook.Status, Repository: at, Commit: sha}}},
		"gitlab push": {webhook.GitLab, nil, `{"object_kind":"push","ref":"refs/heads/main","after":"` + sha + `","project":{"git_http_url":"` + at + `"}}`,
			[]webhook.Hint{{Kind: webhook.Push, Repository: at, Ref: "refs/heads/main", Commit: sha}}},
		"gitlab merge request": {webhook.Standard, nil, `{"object_kind":"merge_request","project":{"git_http_url":"` + at + `"},"object_attributes":{"iid":7,"action":"open","source_branch":"a","last_commit":{"id":"` + sha + `"}}}`,
			[]webhook.Hint{{Kind: webhook.PullRequest, Repository: at, Ref: "refs/heads/a", Commit: sha, Number: 7, Action: "open"}}},
		"bitbucket cloud": {webhook.Bitbucket, header("X-Event-Key", "repo:push"), `{"repository":{"links":{"html":{"href":"https://bitbucket.org/acme/config"}}},"push":{"changes":[{"new":{"type":"tag","name":"v1","target":{"hash":"` + sha + `"}}},{"new":null,"old":{"type":"branch","name":"x"}}]}}`,
			[]webhook.Hint{{Kind: webhook.Push, Repository: "https://bitbucket.org/acme/config", Ref: "refs/tags/v1", Commit: sha}, {Kind: webhook.Delete, Repository: "https://bitbucket.org/acme/config", Ref: "refs/heads/x"}}},
		"bitbucket data center": {webhook.Bitbucket, header("X-Event-Key", "repo:refs_changed"), `{"repository":{"links":{"clone":[{"name":"ssh","href":"ssh://git@git.example/a/b.git"},{"name":"http","href":"` + at + `"}]}},"changes":[{"ref":{"id":"refs/heads/main"},"toHash":"` + sha + `"}]}`,
			[]webhook.Hint{{Kind: webhook.Push, Repository: at, Ref: "refs/heads/main", Commit: sha}}},
		"azure": {webhook.Azure, nil, `{"id":"1","eventType":"git.push","resource":{"refUpdates":[{"name":"refs/heads/main","newObjectId":"` + sha + `"}],"repository":{"remoteUrl":"https://user@dev.azure.com/acme/_git/config"}}}`,
			[]webhook.Hint{{Kind: webhook.Push, Repository: "https://dev.azure.com/acme/_git/config", Ref: "refs/heads/main", Commit: sha}}},
		"harbor": {webhook.Harbor, nil, `{"type":"PUSH_ARTIFACT","event_data":{"resources":[{"digest":"` + digest + `","tag":"1.2","resource_url":"harbor.example:8443/acme/shop:1.2"},{"digest":"` + digest + `","resource_url":"harbor.example/acme/shop@` + digest + `"}]}}`,
			[]webhook.Hint{{Kind: webhook.Artifact, Repository: "harbor.example:8443/acme/shop", Ref: "1.2", Commit: digest, Action: "PUSH_ARTIFACT"}, {Kind: webhook.Artifact, Repository: "harbor.example/acme/shop", Commit: digest, Action: "PUSH_ARTIFACT"}}},
		"nexus": {webhook.Nexus, nil, `{"action":"CREATED","repositoryName":"docker","component":{"name":"acme/shop","version":"1.2"}}`,
			[]webhook.Hint{{Kind: webhook.Artifact, Repository: "docker/acme/shop", Ref: "1.2", Action: "CREATED"}}},
		"generic": {webhook.Generic, nil, `{"kind":"push","repository":"` + at + `","ref":"refs/heads/main","commit":"` + sha + `"}`,
			[]webhook.Hint{{Kind: webhook.Push, Repository: at, Ref: "refs/heads/main", Commit: sha}}},
		"what cannot be": {webhook.Generic, nil, `{"kind":"rm -rf","repository":"https://u:p@git.example/a?x#y","ref":"--upload-pack=x","commit":"; reboot","action":"a\nb","number":-4}`,
			[]webhook.Hint{{Kind: webhook.Other, Repository: "https://git.example/a"}}},
		"files": {webhook.Generic, nil, `{"repository":"file:///etc/passwd","ref":"refs/heads/../x"}`, []webhook.Hint{{Kind: webhook.Other}}},
	} {
		h := tc.header
		if h == nil {
			h = http.Header{}
		}
		got, err := webhook.Parse(tc.scheme, h, []byte(tc.body))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if d := cmp.Diff(tc.want, got); d != "" {
			t.Errorf("%s: %s", name, d)
		}
		form := h.Clone()
		form.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
		got, err = webhook.Parse(tc.scheme, form, []byte(url.Values{"payload": {tc.body}}.Encode()))
		if d := cmp.Diff(tc.want, got); err != nil || d != "" {
			t.Errorf("%s as a form: %v %s", name, err, d)
		}
	}
}

// FuzzParse: whatever is sent, hints are few and cannot leave their place.
func FuzzParse(f *testing.F) {
	for i := range webhook.Schemes() {
		f.Add(uint8(i), "push", []byte(`{"ref":"refs/heads/main","after":"`+sha+`","repository":{"clone_url":"https://git.example/a/b"},"changes":[{"ref":{"id":"refs/heads/main"}}]}`))
		f.Add(uint8(i), "pull_request", []byte(`{"object_kind":"merge_request","pull_request":{"number":1},"resource":{},"event_data":{"resources":[{"resource_url":"a:b@c"}]}}`))
	}
	f.Fuzz(func(t *testing.T, n uint8, event string, body []byte) {
		schemes := webhook.Schemes()
		hints, err := webhook.Parse(schemes[int(n)%len(schemes)], http.Header{"X-Github-Event": {event}, "X-Event-Key": {event}}, body)
		if err != nil {
			return
		}
		if len(hints) > 100 {
			t.Fatalf("%d hints", len(hints))
		}
		for _, h := range hints {
			for _, text := range []string{h.Repository, h.Ref, h.Commit, h.Action} {
				if len(text) > 600 || strings.HasPrefix(text, "-") || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
					t.Fatalf("%q of %+v", text, h)
				}
			}
			u, err := url.Parse(h.Repository)
			if strings.Contains(h.Repository+h.Ref, "..") || strings.Contains(h.Repository, "://") && (err != nil || u.User != nil || u.RawQuery != "") {
				t.Fatalf("%+v", h)
			}
		}
	})
}
