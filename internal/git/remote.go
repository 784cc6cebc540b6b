package git

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// RemoteURL is where the repository comes from: the URL of the remote of the
// current branch, else of origin, else of the only remote; empty without one.
// Credentials, queries and fragments are not part of it.
func (r *Repo) RemoteURL() string {
	remotes := r.config.remotes()
	name := "origin"
	if head, err := r.head(); err == nil {
		if of := r.config["branch."+head.Ref+".remote"]; of != "" && of != "." {
			name = of
		}
	}
	if !slices.Contains(remotes, name) && len(remotes) == 1 {
		name = remotes[0]
	}
	return withoutCredentials(r.config["remote."+name+".url"])
}

// scpPassword is a password in "user:password@host:path", ssh's short form.
var scpPassword = regexp.MustCompile(`\A([^@/:]*):[^@/]*@`)

// withoutCredentials keeps the user of ssh (which is part of the address) and
// drops every password, and the user too for other protocols (where it is
// often a token).
func withoutCredentials(remote string) string {
	if !strings.Contains(remote, "://") {
		return scpPassword.ReplaceAllString(remote, "$1@")
	}
	u, err := url.Parse(remote)
	if err != nil {
		return "" // it cannot be told apart from its secrets
	}
	user := u.User
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	if strings.HasSuffix(u.Scheme, "ssh") && user != nil {
		u.User = url.User(user.Username())
	}
	return u.String()
}
