package cli

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/forge"
)

func TestForgeOfRemote(t *testing.T) {
	t.Parallel()
	const canary = "c4n4ry"
	for name, tc := range map[string]struct {
		remote, env string
		want        string // kind, address, path; or a part of the error
	}{
		"github":               {"git@github.com:acme/shop.git", "GITHUB_TOKEN=" + canary, "github https://github.com acme/shop"},
		"gitlab groups":        {"https://gitlab.com/a/b/shop.git", "GITLAB_TOKEN=" + canary, "gitlab https://gitlab.com a/b/shop"},
		"set":                  {"https://git.example/a/b", "TUG_FORGE=gitea=https://git.example TUG_FORGE_TOKEN=" + canary, "gitea https://git.example a/b"},
		"set, over ssh":        {"ssh://git@127.0.0.1:2222/a/b.git", "TUG_FORGE=gitea=http://127.0.0.1:3000 GITEA_TOKEN=" + canary, "gitea http://127.0.0.1:3000 a/b"},
		"job of gitlab":        {"https://code.example/git/a/b/c", "CI_SERVER_URL=https://code.example/git CI_JOB_TOKEN=" + canary, "gitlab https://code.example/git a/b/c"},
		"job of gitea":         {"https://code.example/a/b", "GITEA_ACTIONS=true GITHUB_SERVER_URL=https://code.example GITEA_TOKEN=" + canary, "gitea https://code.example a/b"},
		"workflow on ghes":     {"https://code.example/a/b", "GITHUB_SERVER_URL=https://code.example GITHUB_TOKEN=" + canary, "github https://code.example a/b"},
		"bound credential":     {"https://gitlab.acme.example/a/b", "TUG_CREDENTIALS=https://:" + canary + "@gitlab.acme.example/a", "gitlab https://gitlab.acme.example a/b"},
		"unknown kind":         {"https://git.example/a/b", "TUG_FORGE_TOKEN=" + canary, "what kind of forge git.example"},
		"foreign host":         {"https://gitlab.evil.example/a/b", "GITLAB_TOKEN=" + canary, "nothing says that the token in GITLAB_TOKEN is for https://gitlab.evil.example"},
		"foreign host, set":    {"https://gitea.evil.example/a/b", "TUG_FORGE=gitea=https://git.example TUG_FORGE_TOKEN=" + canary, "nothing says that the token in TUG_FORGE_TOKEN is for https://gitea.evil.example"},
		"kind alone is none":   {"https://git.example/a/b", "TUG_FORGE=gitea TUG_FORGE_TOKEN=" + canary, "nothing says that the token in TUG_FORGE_TOKEN"},
		"scheme counts":        {"http://github.com/a/b", "GITHUB_TOKEN=" + canary, "nothing says that the token in GITHUB_TOKEN"},
		"credential of others": {"https://gitlab.acme.example/b/c", "TUG_CREDENTIALS=https://:" + canary + "@gitlab.acme.example/a", "there is no token for https://gitlab.acme.example"},
		"bad setting":          {"https://git.example/a/b", "TUG_FORGE=sourcehut", "no kind of forge"},
		"bad key":              {"https://github.com/a/b", "TUG_GITHUB_APP=1 TUG_GITHUB_APP_KEY=" + canary, "no RSA private key"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set := map[string]string{"HOME": t.TempDir()}
			for pair := range strings.FieldsSeq(tc.env) {
				key, value, _ := strings.Cut(pair, "=")
				set[key] = value
			}
			e := &Env{Getenv: func(key string) string { return set[key] }}
			f, err := e.forge(tc.remote)
			got := ""
			if err != nil {
				got = err.Error() + fmt.Sprint(fault.HintsOf(err))
			} else {
				got = string(f.Kind()) + " " + f.Repository().Web + " " + f.Repository().Path
			}
			if strings.Contains(tc.want, "https://") && err == nil && got != tc.want || !strings.Contains(got, tc.want) {
				t.Errorf("%s, want %s", got, tc.want)
			}
			if strings.Contains(got+fmt.Sprintf("%v %+v", f, f), canary) {
				t.Errorf("the token is shown: %s", got)
			}
			if err != nil && fault.KindOf(err) == fault.Internal {
				t.Errorf("no fault: %v", err)
			}
		})
	}
	if got := forgeTokens(forge.Gitea); got[0] != "TUG_FORGE_TOKEN" {
		t.Errorf("tokens: %q", got)
	}
}
