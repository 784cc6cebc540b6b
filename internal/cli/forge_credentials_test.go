package cli

import (
	"net/url"
	"testing"
)

// TestForgeTokenForGit: the token goes to its forge, and to no other host.
func TestForgeTokenForGit(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		env    map[string]string
		url    string
		passes bool
	}{
		"named":              {map[string]string{"TUG_FORGE": "gitea=https://git.example"}, "https://git.example/team/config.git", true},
		"another":            {map[string]string{"TUG_FORGE": "gitea=https://git.example", "CI_SERVER_URL": "https://evil.example"}, "https://evil.example/team/config.git", false},
		"of the job":         {map[string]string{"CI_SERVER_URL": "https://gitlab.example"}, "https://gitlab.example/team/config.git", true},
		"workflow":           {map[string]string{"GITHUB_SERVER_URL": "https://github.com"}, "https://github.com/team/config.git", true},
		"public":             {map[string]string{"TUG_CONFIG_REPOSITORY": "https://github.com/team/config.git"}, "https://github.com/team/config.git", true},
		"nothing says so":    {map[string]string{"TUG_CONFIG_REPOSITORY": "https://git.example/team/config.git"}, "https://git.example/team/config.git", false},
		"without encryption": {map[string]string{"TUG_FORGE": "gitea=http://git.example"}, "http://git.example/team/config.git", false},
	} {
		e := &Env{Getenv: func(v string) string {
			if v == "TUG_FORGE_TOKEN" {
				return "canary-4T"
			}
			return test.env[v]
		}}
		u, err := url.Parse(test.url)
		if err != nil {
			t.Fatal(err)
		}
		c, ok := e.forgeCredentials().For(u)
		if ok != test.passes || ok && (c.Password != "canary-4T" || c.User == "") {
			t.Errorf("%s: %v, want %v", name, ok, test.passes)
		}
	}
	without := &Env{Getenv: func(v string) string { return map[string]string{"TUG_FORGE": "gitea=https://git.example"}[v] }}
	if list := without.forgeCredentials(); len(list) != 0 {
		t.Errorf("credentials without a token: %d", len(list))
	}
}
