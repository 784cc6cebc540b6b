package forge_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/forge"
)

func TestParseRepository(t *testing.T) {
	t.Parallel()
	for remote, want := range map[string]string{
		"https://github.com/acme/shop.git":               "https://github.com acme/shop",
		"https://user:p4ss@github.com/acme/shop":         "https://github.com acme/shop",
		"https://GitHub.com:443/acme/shop/":              "https://github.com acme/shop",
		"http://127.0.0.1:3000/acme/shop.git":            "http://127.0.0.1:3000 acme/shop",
		"https://[2001:db8::1]:8443/acme/shop.git":       "https://[2001:db8::1]:8443 acme/shop",
		"ssh://git@[2001:db8::1]:22/acme/shop.git":       "https://[2001:db8::1] acme/shop",
		"git@github.com:acme/shop.git":                   "https://github.com acme/shop",
		"ssh://git@ssh.github.com:443/acme/shop.git":     "https://github.com acme/shop",
		"git@altssh.gitlab.com:group/sub/shop.git":       "https://gitlab.com group/sub/shop",
		"ssh://git@git.example:2222/group/sub/shop.git":  "https://git.example group/sub/shop",
		"git+ssh://git@git.example/acme/shop":            "https://git.example acme/shop",
		"git.example:acme/.github":                       "https://git.example acme/.github",
		"https://git.example/gitlab/group/sub/shop.git/": "https://git.example gitlab/group/sub/shop",
	} {
		r, err := forge.ParseRepository(remote)
		if got := r.Web + " " + r.Path; err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", remote, got, err, want)
		}
	}
}

func TestParseRepositoryRefuses(t *testing.T) {
	t.Parallel()
	const canary = "c4n4ry"
	for _, remote := range []string{
		"", "shop", "/srv/git/shop.git", "file:///srv/git/acme/shop", "https://github.com/shop", "https:///acme/shop",
		"https://git.example/acme/../admin", "https://git.example/acme/..%2fadmin", "https://git.example/acme/sh op",
		"https://git.example/acme/shop%3fx=1", "https://git.example/-x/shop", "ftp://u:" + canary + "@git.example/a/b",
		"https://u:" + canary + "%zz@git.example/a/b", "git@git.example:shop",
	} {
		_, err := forge.ParseRepository(remote)
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", remote, err)
		} else if strings.Contains(err.Error(), canary) {
			t.Errorf("%q: the password is in %v", remote, err)
		}
	}
}

func TestDetect(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ remote, setting, want string }{
		{"git@github.com:acme/shop.git", "", "github https://github.com acme/shop"},
		{"https://github.acme.example/acme/shop", "", "github https://github.acme.example acme/shop"},
		{"https://gitlab.com/a/b/c/d.git", "", "gitlab https://gitlab.com a/b/c/d"},
		{"https://codeberg.org/a/b", "", "gitea https://codeberg.org a/b"},
		{"https://forgejo.acme.example/a/b", "", "gitea https://forgejo.acme.example a/b"},
		{"https://git.example/a/b", "", ""},
		{"https://notgithub.example/a/b", "", ""},
		{"https://git.example/a/b", "forgejo", "gitea https://git.example a/b"},
		{"https://git.example/sub/a/b", "gitea", "gitea https://git.example/sub a/b"},
		{"https://git.example/sub/group/a/b", "gitlab=https://git.example/sub/", "gitlab https://git.example/sub group/a/b"},
		{"git@git.example:group/a/b.git", "gitlab=https://git.example/sub", "gitlab https://git.example/sub group/a/b"},
		{"ssh://git@127.0.0.1:2222/a/b.git", "gitea=http://127.0.0.1:3000", "gitea http://127.0.0.1:3000 a/b"},
	} {
		r, err := forge.ParseRepository(tc.remote)
		if err != nil {
			t.Fatal(err)
		}
		s, err := forge.ParseSetting(tc.setting, "TUG_FORGE")
		if err != nil {
			t.Fatal(err)
		}
		kind, at, err := forge.Detect(r, s)
		got := string(kind) + " " + at.Web + " " + at.Path
		if (err != nil) != (tc.want == "") || err == nil && got != tc.want {
			t.Errorf("%s %s: %q, %v; want %q", tc.remote, tc.setting, got, err, tc.want)
		}
	}
	for _, text := range []string{"sourcehut", "gitea=", "gitea=git.example", "gitea=https://u:p@git.example", "gitea=ssh://git.example"} {
		if _, err := forge.ParseSetting(text, "TUG_FORGE"); !fault.Is(err, fault.Usage) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestCommentText(t *testing.T) {
	t.Parallel()
	text, err := forge.Comment{Name: "preview/prod", Body: "hello"}.Text(forge.GitHub)
	if err != nil || text != "<!-- tug:preview/prod -->\nhello" {
		t.Errorf("%q, %v", text, err)
	}
	for text, want := range map[string]bool{
		text: true, "\r\n" + text: true, "> " + text: false, "look: " + text: false, "": false,
		"<!-- tug:preview -->": false,
	} {
		if forge.IsText(text, "preview/prod") != want {
			t.Errorf("%q: not %v", text, want)
		}
	}
	for _, c := range []forge.Comment{{Name: ""}, {Name: "a b"}, {Name: "a-->b"}, {Name: "a--b"}, {Name: "ok", Body: strings.Repeat("ä", forge.CommentLimit)}} {
		if _, err := c.Text(forge.Gitea); !fault.Is(err, fault.Invalid) {
			t.Errorf("%.20v: %v", c, err)
		}
	}
	if _, err := (forge.Comment{Name: "ok", Body: strings.Repeat("ä", forge.CommentLimit)}).Text(forge.GitLab); err != nil {
		t.Error(err)
	}
	if got := forge.Cut("äöü", 2); got != "ä…" {
		t.Errorf("cut: %q", got)
	}
	if errors.Is(forge.ErrHeadMoved, forge.ErrNotOpen) {
		t.Error("two errors are one")
	}
}
