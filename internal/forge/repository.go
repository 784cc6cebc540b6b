package forge

import (
	"net"
	"net/url"
	"regexp"
	"strings"

	"github.com/tugops/tug/internal/fault"
)

// Repository is where a repository is on a forge.
type Repository struct {
	// Web is the address of the forge without a final slash:
	// https://git.example:3000, with a path where the forge has one.
	Web string
	// Path is owner/name; GitLab's groups may be several.
	Path string
}

// Owner is the path without the name.
func (r Repository) Owner() string {
	owner, _ := split(r.Path)
	return owner
}

// Name is the last part of the path.
func (r Repository) Name() string {
	_, name := split(r.Path)
	return name
}

// Host is host and port of the forge.
func (r Repository) Host() string {
	u, err := url.Parse(r.Web)
	if err != nil {
		return ""
	}
	return u.Host
}

// URL is the page of the repository.
func (r Repository) URL() string { return r.Web + "/" + r.Path }

// String implements fmt.Stringer.
func (r Repository) String() string {
	return strings.TrimPrefix(strings.TrimPrefix(r.URL(), "https://"), "http://")
}

func split(path string) (owner, name string) {
	i := strings.LastIndexByte(path, '/')
	if i < 0 {
		return "", path
	}
	return path[:i], path[i+1:]
}

// short is ssh's "user@host:path".
var short = regexp.MustCompile(`\A(?:[A-Za-z0-9_.-]+@)?([A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9A-Fa-f:]+\]):([^:\s][^\s]*)\z`)

// segment is one part of a path on a forge; it cannot leave its place in a URL.
var segment = regexp.MustCompile(`\A[A-Za-z0-9_.][A-Za-z0-9_.-]*\z`)

// ParseRepository reads the URL of a Git remote: https, http, ssh, or ssh's
// short form. A password in it is ignored and never shown. The forge is taken
// to be at the root of the host, over https for ssh remotes; Setting.Place
// corrects that.
func ParseRepository(remote string) (Repository, error) {
	remote = strings.TrimPrefix(strings.TrimSpace(remote), "git+")
	if !strings.Contains(remote, "://") {
		m := short.FindStringSubmatch(remote)
		if m == nil {
			return Repository{}, notRemote("it is no URL")
		}
		return place("https://"+sshAlias(m[1]), m[2])
	}
	u, err := url.Parse(remote)
	if err != nil || u.Hostname() == "" {
		return Repository{}, notRemote("it is no URL with a host")
	}
	switch scheme := strings.ToLower(u.Scheme); scheme {
	case "https", "http":
		return place(scheme+"://"+host(u), u.Path)
	case "ssh":
		return place("https://"+bracketed(sshAlias(u.Hostname())), u.Path) // the port is that of ssh
	default:
		return Repository{}, notRemote("a forge is not reached over " + scheme)
	}
}

func notRemote(why string) error {
	// The text may hold a password anywhere: it is not shown.
	return fault.New(fault.Invalid, "the address of the repository names no forge: %s", why).
		Hint("the forms are https://host/owner/name.git, ssh://git@host/owner/name.git and git@host:owner/name.git")
}

func place(web, path string) (Repository, error) {
	path = strings.TrimSuffix(strings.Trim(path, "/"), ".git")
	parts := strings.Split(path, "/")
	if len(parts) < 2 {
		return Repository{}, fault.New(fault.Invalid, "repository path %q on %s has no owner", path, web).
			Hint("the form is owner/name")
	}
	for _, part := range parts {
		if !segment.MatchString(part) || part == "." || part == ".." {
			return Repository{}, fault.New(fault.Invalid, "repository path %q on %s: %q is no name on a forge", path, web, part)
		}
	}
	return Repository{Web: web, Path: path}, nil
}

// sshAlias is the host of the forge behind hosts that exist for ssh on port 443.
func sshAlias(name string) string {
	switch name = strings.ToLower(name); name {
	case "ssh.github.com":
		return "github.com"
	case "altssh.gitlab.com":
		return "gitlab.com"
	}
	return name
}

func host(u *url.URL) string {
	name, port := strings.ToLower(u.Hostname()), u.Port()
	if port == "" || port == "443" && strings.EqualFold(u.Scheme, "https") || port == "80" && strings.EqualFold(u.Scheme, "http") {
		return bracketed(name)
	}
	return net.JoinHostPort(name, port)
}

// bracketed writes IPv6 addresses as URLs do.
func bracketed(name string) string {
	if strings.Contains(name, ":") && !strings.HasPrefix(name, "[") {
		return "[" + name + "]"
	}
	return name
}
