package git

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"path"
	"regexp"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/tugops/tug/internal/fault"
)

// remote is the address of a repository, without credentials.
type remote struct {
	scheme string // https, http, ssh or file
	user   string // of ssh
	host   string // with port
	path   string // with a leading slash; relative to the home folder for short
	short  bool   // user@host:path
}

// String is the URL.
func (r remote) String() string {
	if r.short {
		return r.user + "@" + r.host + ":" + r.path
	}
	u := url.URL{Scheme: r.scheme, Host: r.host, Path: r.path}
	if r.user != "" {
		u.User = url.User(r.user)
	}
	return u.String()
}

// key names the folder of the cache.
func (r remote) key() string {
	sum := sha256.Sum256([]byte(strings.TrimSuffix(r.String(), ".git")))
	return hex.EncodeToString(sum[:16])
}

// shortForm is ssh's "user@host:path"; nothing in it can be taken for an option.
var shortForm = regexp.MustCompile(`\A([A-Za-z0-9_][A-Za-z0-9_.-]*)@([A-Za-z0-9][A-Za-z0-9.-]*):([^-:\s][^\s]*)\z`)

var plainHost = regexp.MustCompile(`\A(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9][A-Za-z0-9._-]*)(:[0-9]{1,5})?\z`)

// parseRemote accepts the protocols that tug speaks, and nothing that another
// program could read as an option or a command (CVE-2025-21613).
func parseRemote(text string) (remote, error) {
	bare := strings.TrimPrefix(text, "git+")
	if m := shortForm.FindStringSubmatch(bare); m != nil && !strings.Contains(bare, "://") {
		return remote{scheme: "ssh", user: m[1], host: m[2], path: m[3], short: true}, nil
	}
	bad := func(why string) (remote, error) {
		return remote{}, fault.New(fault.Invalid, "repository %q: %s", withoutCredentials(text), why).
			Hint("use https://host/path.git, ssh://git@host/path.git or git@host:path.git")
	}
	u, err := url.Parse(bare)
	if err != nil || !strings.Contains(bare, "://") || strings.ContainsAny(bare, "\x00\n\r\t ") {
		return bad("this is no URL")
	}
	r := remote{scheme: strings.ToLower(u.Scheme), host: strings.ToLower(u.Host), path: path.Clean("/" + u.Path)}
	switch r.scheme {
	case "file":
		if r.host != "" && r.host != "localhost" {
			return bad("a file URL names no host")
		}
		r.host = ""
		return r, nil
	case "https", "http":
		if u.User != nil {
			return bad("credentials do not belong into a URL; docs/sources.md says where they do")
		}
	case "ssh":
		if _, set := u.User.Password(); set {
			return bad("credentials do not belong into a URL; docs/sources.md says where they do")
		}
		r.user = u.User.Username()
		if strings.HasPrefix(r.user, "-") {
			return bad("the user begins with a dash")
		}
	default:
		return bad(fmt.Sprintf("protocol %q is not supported", r.scheme))
	}
	if !plainHost.MatchString(r.host) || r.path == "/" {
		return bad("host or path is missing or malformed")
	}
	if u.RawQuery != "" || u.Fragment != "" {
		return bad("a query or fragment has no meaning here")
	}
	return r, nil
}

// checkRef accepts what can name a branch, tag or commit on a server.
func checkRef(ref string) error {
	if ref == "" || ref == "HEAD" || isHash(ref) {
		return nil
	}
	full := ref
	if !strings.HasPrefix(ref, "refs/") {
		full = "refs/heads/" + ref
	}
	if strings.HasPrefix(ref, "-") || plumbing.ReferenceName(full).Validate() != nil {
		return fault.New(fault.Invalid, "ref %q is no name of a branch or tag, and no commit", ref).
			Hint("name a branch, a tag, or all 40 digits of a commit")
	}
	return nil
}

func isHash(ref string) bool { return plumbing.IsHash(ref) && strings.ToLower(ref) == ref }
