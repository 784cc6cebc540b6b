package gitea_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"testing"

	"github.com/tugops/tug/internal/forge"
	"github.com/tugops/tug/internal/forge/contract"
	"github.com/tugops/tug/internal/forge/gitea"
	"github.com/tugops/tug/internal/forge/rest"
	"github.com/tugops/tug/internal/forgetest"
	"github.com/tugops/tug/internal/outbound"
)

func TestMain(m *testing.M) { os.Exit(forgetest.Main(m)) }

// TestContract runs against a real Gitea.
func TestContract(t *testing.T) {
	t.Parallel()
	contract.Run(t, target)
}

// scopes are those of the promotion's token.
func scopes() []string { return []string{"write:repository", "write:issue", "read:user"} }

func target(t *testing.T) contract.Target {
	f := forgetest.New(t)
	bot, reader := f.User("bot"), f.User("reader")
	repo := f.Repo(f.Organization("acme"), "config", "README.md", "hello\n")
	repo.Allow(bot, "write")
	repo.Allow(reader, "read")
	writer := bot.Login(scopes()...)
	root, err := url.Parse(f.URL)
	if err != nil {
		t.Fatal(err)
	}
	path, pushes := repo.Owner+"/"+repo.Name, 0
	commit := func(t *testing.T, from, to string) string {
		t.Helper()
		pushes++
		file := map[string]string{"operation": "create", "path": fmt.Sprintf("apps/%d", pushes), "content": base64.StdEncoding.EncodeToString([]byte(to))}
		f.Must(f.Admin, http.MethodPost, repo.Path("/contents"), map[string]any{"branch": from, "new_branch": to, "message": "more", "files": []any{file}}, nil)
		return repo.Tip(to)
	}
	return contract.Target{
		Handler: &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(root) }},
		Path:    path, Writer: writer.Token, WriterName: bot.Name,
		Reader: reader.Login("read:repository", "read:issue", "read:user").Token,
		Open: func(d contract.Dial) forge.Forge {
			return gitea.New(gitea.Options{
				Repository: forge.Repository{Web: d.Web, Path: path}, HTTP: outbound.New(outbound.Policy{Silence: d.Silence}, nil),
				Login: rest.Bearer(d.Token, "GITEA_TOKEN"), Retry: d.Retry,
			})
		},
		Branch: func(t *testing.T, name string) string { return commit(t, "main", name) },
		Push:   func(t *testing.T, name string) string { return commit(t, name, name) },
		Tip:    func(_ *testing.T, name string) string { return repo.Tip(name) },
		Clash: func(t *testing.T, _ string) { // the branch added the file that was made last
			pushes--
			commit(t, "main", "main")
		},
		Protect: func(_ *testing.T, checks ...string) {
			repo.Protect(forgetest.Protection{Pattern: "main", Statuses: checks})
		},
		Comment: func(_ *testing.T, number int, text string) {
			f.Must(f.Admin, http.MethodPost, repo.Path(fmt.Sprintf("/issues/%d/comments", number)), map[string]string{"body": text}, nil)
		},
		Comments: func(_ *testing.T, number int) []string {
			var list []struct{ Body string }
			f.Must(f.Admin, http.MethodGet, repo.Path(fmt.Sprintf("/issues/%d/comments", number)), nil, &list)
			var texts []string
			for _, c := range list {
				texts = append(texts, c.Body)
			}
			return texts
		},
		Count: func(*testing.T) int {
			var list []struct{ Number int }
			f.Must(f.Admin, http.MethodGet, repo.Path("/pulls?state=open&limit=50"), nil, &list)
			return len(list)
		},
	}
}
