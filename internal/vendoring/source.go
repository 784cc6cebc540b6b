package vendoring

import (
	"context"
	"net/url"
	"path"
	"strings"

	"github.com/tugops/tug/internal/fault"
)

// The types of sources.
const (
	Git   = "git"
	Chart = "chart"
	OCI   = "oci"
	HTTP  = "http"
)

// Source says where a package comes from.
type Source struct {
	Type string `yaml:"type" json:"type"`
	// URL of the Git repository, chart repository, OCI repository (oci://…) or
	// archive.
	URL string `yaml:"url" json:"url"`
	// Directory in a Git repository, "." for all of it.
	Directory string `yaml:"directory,omitempty" json:"directory,omitempty"`
	// Ref is a branch, tag or commit of Git, or the tag or digest of an artifact.
	Ref string `yaml:"ref,omitempty" json:"ref,omitempty"`
	// Name and Version (exact or a range) of a chart.
	Name    string `yaml:"name,omitempty" json:"name,omitempty"`
	Version string `yaml:"version,omitempty" json:"version,omitempty"`
	// SHA256 is what an archive must have, in hex.
	SHA256 string `yaml:"sha256,omitempty" json:"sha256,omitempty"`
}

// String names the source for messages.
func (s Source) String() string {
	text := s.URL
	if s.Type == Git && s.Directory != "." {
		text += "/" + s.Directory
	}
	if s.Name != "" {
		text += " chart " + s.Name
	}
	if v := s.Ref + s.Version; v != "" {
		text += "@" + v
	}
	return text
}

// Resolved is what a source led to.
type Resolved struct {
	Commit  string `yaml:"commit,omitempty" json:"commit,omitempty"`
	Version string `yaml:"version,omitempty" json:"version,omitempty"`
	Digest  string `yaml:"digest,omitempty" json:"digest,omitempty"`
}

// String is the shortest name of it.
func (r Resolved) String() string {
	switch {
	case r.Version != "":
		return r.Version
	case len(r.Commit) > 12:
		return r.Commit[:12]
	case r.Commit != "":
		return r.Commit
	case len(r.Digest) > 19:
		return r.Digest[:19]
	}
	return r.Digest
}

// Fetched is a package as it is upstream.
type Fetched struct {
	Tree     Tree
	Resolved Resolved
}

// Fetcher brings packages. It takes a source with the exact version, commit or
// digest of an earlier fetch to that very content.
type Fetcher interface {
	Fetch(ctx context.Context, s Source) (Fetched, error)
}

// at is the source of what was fetched before.
func (s Source) at(r Resolved) Source {
	switch s.Type {
	case Git:
		s.Ref = r.Commit
	case Chart:
		s.Version = r.Version
	case OCI:
		s.Ref = r.Digest
	}
	return s
}

// with is the source at another version.
func (s Source) with(version string) Source {
	switch {
	case version == "":
	case s.Type == Chart:
		s.Version = version
	default:
		s.Ref = version
	}
	return s
}

// ParseSource reads what tug vendor get is given: REPO.git[/PATH][@REF] (also
// over ssh and file://), oci://REPOSITORY[:TAG][@DIGEST], the URL of an
// archive, or a chart repository when chart names a chart.
func ParseSource(text, chart string) (Source, error) {
	if chart != "" {
		name, version, _ := strings.Cut(chart, "@")
		return checked(Source{Type: Chart, URL: strings.TrimSuffix(text, "/"), Name: name, Version: version})
	}
	plain := text
	if i := strings.IndexAny(plain, "?#"); i >= 0 {
		plain = plain[:i]
	}
	switch {
	case strings.HasPrefix(text, "oci://"):
		return checked(parseOCI(text))
	case isArchive(plain) && isWeb(text):
		return checked(Source{Type: HTTP, URL: text})
	}
	return parseGit(text)
}

func isWeb(text string) bool {
	return strings.HasPrefix(text, "https://") || strings.HasPrefix(text, "http://")
}

func isArchive(text string) bool {
	for _, end := range []string{".tar.gz", ".tgz", ".tar", ".zip"} {
		if strings.HasSuffix(text, end) {
			return true
		}
	}
	return false
}

func parseOCI(text string) Source {
	s := Source{Type: OCI, URL: text}
	if name, digest, ok := strings.Cut(text, "@"); ok {
		s.URL, s.Ref = name, digest
	}
	slash := strings.LastIndexByte(s.URL, '/')
	if i := strings.LastIndexByte(s.URL, ':'); i > slash {
		if s.Ref == "" {
			s.Ref = s.URL[i+1:]
		}
		s.URL = s.URL[:i]
	}
	return s
}

// parseGit reads kpt's spelling.
func parseGit(text string) (Source, error) {
	where, ref := cutRef(text)
	s := Source{Type: Git, Ref: ref, Directory: "."}
	switch i := strings.Index(where+"/", ".git/"); {
	case i >= 0:
		s.URL, s.Directory = where[:i+4], strings.Trim(where[min(i+4, len(where)):], "/")
	case strings.Contains(strings.TrimPrefix(where, schemeOf(where)), "//"):
		rest := strings.TrimPrefix(where, schemeOf(where))
		repo, dir, _ := strings.Cut(rest, "//")
		s.URL, s.Directory = schemeOf(where)+repo, strings.Trim(dir, "/")
	case hasOwner(where):
		parts := strings.SplitN(strings.TrimPrefix(where, "https://"), "/", 4)
		s.URL = "https://" + strings.Join(parts[:3], "/")
		if len(parts) == 4 {
			s.Directory = strings.Trim(parts[3], "/")
		}
	default:
		return Source{}, fault.New(fault.Usage, "in %q it is not clear where the repository ends and the folder begins", clean(text)).
			Hint("end the repository with .git: https://host/repository.git/folder@ref").
			Hint("for a chart of an HTTP repository, add --chart NAME")
	}
	if s.Directory == "" {
		s.Directory = "."
	}
	s.Directory = path.Clean(s.Directory)
	return checked(s)
}

// cutRef cuts "@ref" off, but not the user of ssh.
func cutRef(text string) (where, ref string) {
	i := strings.LastIndexByte(text, '@')
	if i < 0 {
		return text, ""
	}
	before := strings.TrimPrefix(text[:i], schemeOf(text))
	if !strings.Contains(before, "/") && !strings.Contains(before, ":") {
		return text, "" // git@host:…
	}
	if schemeOf(text) != "" && !strings.Contains(before, "/") {
		return text, ""
	}
	return text[:i], text[i+1:]
}

func schemeOf(text string) string {
	if i := strings.Index(text, "://"); i >= 0 {
		return text[:i+3]
	}
	return ""
}

// hasOwner tells forges whose repositories are always OWNER/NAME.
func hasOwner(where string) bool {
	rest, ok := strings.CutPrefix(where, "https://")
	if !ok || strings.Count(rest, "/") < 2 {
		return false
	}
	host, _, _ := strings.Cut(rest, "/")
	return host == "github.com" || host == "bitbucket.org" || host == "codeberg.org"
}

// clean is a URL without its password, for messages.
func clean(text string) string {
	if u, err := url.Parse(text); err == nil && u.User != nil {
		u.User = url.User("…")
		return u.String()
	}
	return text
}

// checked refuses what cannot be recorded: passwords, and ways out.
func checked(s Source) (Source, error) {
	if u, err := url.Parse(s.URL); err == nil && u.User != nil {
		if _, secret := u.User.Password(); secret || isWeb(s.URL) {
			return Source{}, fault.New(fault.Usage, "%s holds a credential, which would be recorded in the repository", clean(s.URL)).
				Hint("leave it out: credentials come from netrc, the Docker configuration or Helm's repositories file")
		}
	}
	if s.Type == Git && (s.Directory == ".." || strings.HasPrefix(s.Directory, "../") || strings.HasPrefix(s.Directory, "/")) {
		return Source{}, fault.New(fault.Usage, "folder %q leads out of the repository", s.Directory)
	}
	if strings.HasPrefix(s.Ref, "-") || strings.HasPrefix(s.Version, "-") {
		return Source{}, fault.New(fault.Usage, "%q is no version", s.Ref+s.Version)
	}
	if s.URL == "" || s.Type != Git && schemeOf(s.URL) == "" {
		return Source{}, fault.New(fault.Usage, "%q is no source", s.URL).Hint("sources are URLs: https://…, oci://…, ssh://… or git@host:…")
	}
	return s, nil
}

// Folder is the name that a package gets when none is given.
func (s Source) Folder() string {
	switch {
	case s.Type == Chart:
		return s.Name
	case s.Type == Git && s.Directory != ".":
		return path.Base(s.Directory)
	}
	name := path.Base(strings.TrimSuffix(s.URL, "/"))
	for _, end := range []string{".git", ".tar.gz", ".tgz", ".tar", ".zip"} {
		name = strings.TrimSuffix(name, end)
	}
	if i := strings.LastIndexByte(name, ':'); i >= 0 {
		name = name[i+1:]
	}
	return name
}
