package git

import (
	"strings"
	"testing"
)

// Whatever calls itself a repository, what is accepted cannot be read as an
// option or a command, holds no password, and names the same place again.
func FuzzParseRemote(f *testing.F) {
	for _, text := range []string{
		"https://example.com/org/repo.git", "git+ssh://git@example.com:22/repo", "git@example.com:org/repo.git", "file:///srv/repo.git",
		"ssh://-oProxyCommand=x/repo", "ext::sh -c x", "https://user:secret@example.com/a", "--upload-pack=x", "https://[::1]:8443/a/../b", "git@host:-x",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := parseRemote(text)
		if err != nil {
			return
		}
		switch {
		case strings.HasPrefix(r.user, "-"), strings.HasPrefix(r.host, "-"), strings.HasPrefix(r.path, "-"), r.path == "":
			t.Errorf("%q: accepted as %+v", text, r)
		case r.scheme != "file" && r.host == "":
			t.Errorf("%q: no host in %+v", text, r)
		case strings.ContainsAny(r.host+r.user, " \n\r\t\x00/"):
			t.Errorf("%q: accepted as %+v", text, r)
		}
		again, err := parseRemote(r.String())
		if err != nil || again.String() != r.String() {
			t.Errorf("%q is %q, which is %+v, %v", text, r.String(), again, err)
		}
	})
}
