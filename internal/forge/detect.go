package forge

import (
	"net/url"
	"slices"
	"strings"

	"github.com/tugops/tug/internal/fault"
)

// Setting is what a person says of the forge of a repository: its kind, and
// where it is when the remote does not tell (ssh, or a path before the owner).
type Setting struct {
	Kind Kind   // empty when not said
	Web  string // empty when not said
}

// ParseSetting reads KIND or KIND=URL, as in TUG_FORGE: "gitea",
// "gitlab=https://git.example/gitlab". Empty is nothing said.
func ParseSetting(text, from string) (Setting, error) {
	if text == "" {
		return Setting{}, nil
	}
	name, web, has := strings.Cut(text, "=")
	kind := Kind(strings.ToLower(strings.TrimSpace(name)))
	if kind == "forgejo" {
		kind = Gitea
	}
	if !slices.Contains(Kinds(), kind) {
		return Setting{}, fault.New(fault.Usage, "%s: %q is no kind of forge that tug knows", from, name).
			Hint("the kinds are github, gitlab and gitea (Forgejo too); with an address: gitea=https://git.example")
	}
	if !has {
		return Setting{Kind: kind}, nil
	}
	u, err := url.Parse(strings.TrimSpace(web))
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return Setting{}, fault.New(fault.Usage, "%s: the address of the forge is no web address", from).
			Hint("the form is %s=https://git.example, without user and password", kind)
	}
	return Setting{Kind: kind, Web: u.Scheme + "://" + host(u) + strings.TrimRight(u.EscapedPath(), "/")}, nil
}

// Detect says which kind of forge a repository is on, and where: what the
// setting says, else what the host's name gives away.
func Detect(r Repository, s Setting) (Kind, Repository, error) {
	kind := s.Kind
	if kind == "" {
		kind = kindOf(r.Host())
	}
	if kind == "" {
		return "", Repository{}, fault.New(fault.Invalid, "what kind of forge %s is cannot be seen from its name", r.Host()).
			Hint("say it with TUG_FORGE: github, gitlab or gitea (Forgejo too)")
	}
	if s.Web != "" {
		r = s.place(r)
	} else if owner := r.Owner(); kind != GitLab && strings.Contains(owner, "/") {
		// Owners have no parts here, so that the first ones lead to the forge.
		i := strings.LastIndexByte(owner, '/')
		r = Repository{Web: r.Web + "/" + owner[:i], Path: owner[i+1:] + "/" + r.Name()}
	}
	return kind, r, nil
}

// place moves a path of the remote that leads to the forge to its address.
func (s Setting) place(r Repository) Repository {
	if u, err := url.Parse(s.Web); err == nil && u.Path != "" {
		r.Path = strings.TrimPrefix(r.Path, strings.Trim(u.Path, "/")+"/")
	}
	return Repository{Web: s.Web, Path: r.Path}
}

// kindOf knows public forges and names that say it.
func kindOf(host string) Kind {
	name, _, _ := strings.Cut(host, ":")
	switch name {
	case "github.com":
		return GitHub
	case "gitlab.com":
		return GitLab
	case "gitea.com", "codeberg.org":
		return Gitea
	}
	for label := range strings.SplitSeq(name, ".") {
		switch label {
		case "github", "ghe":
			return GitHub
		case "gitlab":
			return GitLab
		case "gitea", "forgejo":
			return Gitea
		}
	}
	return ""
}
