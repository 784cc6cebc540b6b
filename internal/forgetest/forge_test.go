package forgetest_test

import (
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/forgetest"
)

func TestMain(m *testing.M) { os.Exit(forgetest.Main(m)) }

// TestPullRequest is what a promotion does, up to the merge.
func TestPullRequest(t *testing.T) {
	t.Parallel()
	f := forgetest.New(t)
	bot := f.User("bot")
	repo := f.Repo(f.Organization("shop"), "config", "app.yaml", "version: 1\n")
	repo.Allow(bot, "write")
	repo.Protect(forgetest.Protection{Pattern: "main", Statuses: []string{"tug/check"}})
	listener := forgetest.Listen(t)
	repo.Webhook(listener, "push", "pull_request", "status")
	login := bot.Login("write:repository", "write:issue")

	clone := repo.Clone(login)
	clone.Git("switch", "--quiet", "--create", "promote/app")
	clone.Write("app.yaml", "version: 2\n")
	commit := clone.Commit("app: 2")
	clone.Git("push", "--quiet", "origin", "promote/app")
	if tip := repo.Tip("promote/app"); tip != commit {
		t.Errorf("pushed %s, the forge has %q", commit, tip)
	}

	var pull struct {
		Number json.Number
		State  string
		Head   struct{ Sha string }
	}
	f.Must(login, http.MethodPost, repo.Path("/pulls"), map[string]string{"base": "main", "head": "promote/app", "title": "app: 2"}, &pull)
	if pull.State != "open" || pull.Head.Sha != commit {
		t.Errorf("pull request: %+v, want it open at %s", pull, commit)
	}
	merge := map[string]string{"Do": "merge", "head_commit_id": commit}
	if status, text := f.Call(login, http.MethodPost, repo.Path("/pulls/"+pull.Number.String()+"/merge"), merge, nil); status != http.StatusMethodNotAllowed {
		t.Errorf("merge before the check: status %d: %s", status, text)
	}
	f.Must(login, http.MethodPost, repo.Path("/statuses/"+commit), map[string]string{"state": "success", "context": "tug/check"}, nil)
	f.Must(login, http.MethodPost, repo.Path("/pulls/"+pull.Number.String()+"/merge"), merge, nil)
	clone.Git("fetch", "--quiet", "origin", "main")
	if diff := cmp.Diff("version: 2", clone.Git("show", "origin/main:app.yaml")); diff != "" {
		t.Errorf("main after the merge (-want +got):\n%s", diff)
	}

	opened := listener.AwaitMatch("pull_request", func(d forgetest.Delivery) bool { return strings.Contains(string(d.Body), `"opened"`) })
	for _, delivery := range []forgetest.Delivery{listener.Await("push"), opened, listener.Await("status")} {
		if !delivery.Signed(listener.Secret) || delivery.Signed(listener.Secret+"x") || delivery.ID == "" {
			t.Errorf("%s %q: not signed with the secret of the webhook", delivery.Event, delivery.ID)
		}
	}
}

// TestRefusals shows that the forge enforces what identities may do.
func TestRefusals(t *testing.T) {
	t.Parallel()
	f := forgetest.New(t)
	bot, person := f.User("bot"), f.User("person")
	owner := f.User("owner")
	repo := f.Repo(owner.Name, "config", "a", "1\n")
	repo.Allow(bot, "write")
	repo.Allow(person, "write")
	repo.Protect(forgetest.Protection{Pattern: "main", Push: []string{person.Name}})
	repo.Protect(forgetest.Protection{Pattern: "env/*"})

	push := func(who forgetest.Login, branch string) error {
		clone := repo.Clone(who)
		clone.Write("a", branch+who.User)
		clone.Commit("change")
		_, err := clone.TryGit(nil, "push", "origin", "HEAD:refs/heads/"+branch)
		return err
	}
	write := bot.Login("write:repository")
	for _, test := range []struct {
		name    string
		who     forgetest.Login
		branch  string
		refusal string // "" is success
	}{
		{"read-only token", bot.Login("read:repository"), "free", "403"},
		{"protected branch", write, "main", "protected branch"},
		{"new protected branch", write, "env/prod", "protected branch"},
		{"other branch", write, "free", ""},
		{"who may push", person.Login("write:repository"), "main", ""},
	} {
		before := repo.Tip(test.branch)
		err := push(test.who, test.branch)
		if test.refusal == "" {
			if err != nil || repo.Tip(test.branch) == before {
				t.Errorf("%s: push to %s: %v", test.name, test.branch, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), test.refusal) || repo.Tip(test.branch) != before {
			t.Errorf("%s: push to %s: %v, want %q and an unchanged branch", test.name, test.branch, err, test.refusal)
		}
	}
	form := map[string]string{"state": "success", "context": "x"}
	if status, _ := f.Call(bot.Login("read:repository"), http.MethodPost, repo.Path("/statuses/"+repo.Tip("main")), form, nil); status != http.StatusForbidden {
		t.Errorf("commit status with a read-only token: status %d", status)
	}
	if status, _ := f.Call(f.User("stranger").Login("all"), http.MethodGet, repo.Path(""), nil, nil); status != http.StatusNotFound {
		t.Errorf("private repository for a stranger: status %d", status)
	}
}
