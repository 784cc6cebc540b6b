package kustomize

import (
	"io/fs"
	"net/url"
	"path"
	"regexp"
	"strings"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/render"
)

// base is a Git tree that a kustomization refers to, in any of kustomize's
// spellings.
type base struct {
	url  string // of the repository
	path string // of the folder in it
	ref  string
}

var (
	userExp   = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]*@`)
	schemeExp = regexp.MustCompile(`(?i)^(ssh|https|http|file)://`)
)

// parseBase reads a reference as kustomize does: an optional git::, a scheme or
// user@host, the path of the repository, the path of the folder, ?ref=. The
// repository ends at "//", at ".git", after _git/NAME, or after two names. ok
// is false for what is no Git repository.
func parseBase(text string) (found base, ok bool) {
	if len(text) > 5 && strings.EqualFold(text[:5], "git::") {
		text = text[5:]
	}
	text, query, _ := strings.Cut(text, "?")
	if values, err := url.ParseQuery(query); err == nil {
		found.ref = values.Get("version")
		if ref := values.Get("ref"); ref != "" {
			found.ref = ref
		}
	}
	scheme := strings.ToLower(schemeExp.FindString(text))
	text = text[len(scheme):]
	user := userExp.FindString(text)
	text = text[len(user):]
	github := len(text) > 11 && strings.EqualFold(text[:10], "github.com") && (text[10] == '/' || text[10] == ':')
	if scheme == "file://" || scheme == "" && user == "" && !github {
		return base{}, false
	}
	separators := "/"
	if scheme == "" {
		separators = "/:"
	}
	end := strings.IndexAny(text, separators)
	if end <= 0 {
		return base{}, false
	}
	host, rest := text[:end+1], text[end+1:]
	if github && scheme == "" && user == "" {
		scheme, host = "https://", "github.com/"
	}
	repository, folder, ok := splitBase(rest)
	folder = path.Clean(strings.Trim(folder, "/"))
	if !ok || repository == "" || !fs.ValidPath(folder) {
		return base{}, false
	}
	found.url, found.path = scheme+user+host+repository, folder
	return found, true
}

func splitBase(rest string) (repository, folder string, ok bool) {
	if before, after, marked := strings.Cut(rest, "_git/"); marked {
		name, below, _ := strings.Cut(after, "/")
		return before + "_git/" + name, below, true
	}
	if before, after, marked := strings.Cut(rest, "//"); marked {
		return before, after, true
	}
	if before, after, marked := strings.Cut(rest, ".git"); marked {
		return before + ".git", after, true
	}
	parts := strings.SplitN(rest, "/", 3)
	if len(parts) < 2 {
		return "", "", false
	}
	if len(parts) == 3 {
		folder = parts[2]
	}
	return parts[0] + "/" + parts[1], folder, true
}

// isFileURL reports whether a URL names one file instead of a repository.
func isFileURL(value string) bool {
	u, err := url.Parse(value)
	if err != nil || !isURL(value) {
		return false
	}
	switch path.Ext(u.Path) {
	case ".yaml", ".yml", ".json":
		return true
	}
	return strings.EqualFold(u.Host, "raw.githubusercontent.com")
}

// remote gives the folder of a Git tree from outside the repository, at the
// commit that the lock says.
func (b *build) remote(n *node, ref reference) (place, error) {
	at := n.position(ref.value) // remote bases are few
	if isFileURL(ref.value) {
		return place{}, remoteFile(at, ref)
	}
	found, ok := parseBase(ref.value)
	if !ok {
		return place{}, notHere(at, ref).
			Hint("copy it into the repository (vendor it) and refer to its folder")
	}
	if b.request.Sources == nil {
		return place{}, notHere(at, ref).
			Hint("lock it with tug vendor lock, or copy it into the repository with tug vendor get and refer to its folder")
	}
	m, err := b.fetch(n, ref, found)
	if err != nil {
		return place{}, err
	}
	target := place{m, found.path}
	if _, err := fs.Stat(m.fsys, target.path); err != nil {
		return place{}, fault.New(fault.NotFound, "%s: %s: %s has no folder %q", at, ref.field, m.label, found.path)
	}
	return target, nil
}

// fetch gives the tree of a base, once.
func (b *build) fetch(n *node, ref reference, found base) (*mount, error) {
	key := render.TreeRef{URL: found.url, Ref: found.ref}
	if m, ok := b.trees[key]; ok {
		return m, nil
	}
	ask := key
	ask.From = n.source(ref.value)
	got, err := b.request.Sources.Tree(b.ctx, ask)
	if err != nil {
		return nil, err
	}
	fsys := got.Files
	if clean := path.Clean(got.Path); clean != "." && got.Path != "" {
		if fsys, err = fs.Sub(got.Files, clean); err != nil {
			return nil, fault.New(fault.Invalid, "%s: %w", n.position(ref.value), err)
		}
	}
	label := withoutUser(found.url)
	if got.Commit != "" {
		label += "@" + got.Commit[:min(len(got.Commit), 12)]
	}
	m := b.add(fsys, label)
	b.trees[key] = m
	return m, nil
}

// withoutUser takes what may be a password off a URL.
func withoutUser(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.User == nil {
		return address
	}
	u.User = nil
	return u.String()
}

func notHere(at string, ref reference) *fault.Error {
	return fault.New(fault.Invalid, "%s: %s: %q is outside the repository", at, ref.field, ref.value)
}

// remoteFile is the fault for a single file over HTTP: it has no commit that a
// lock could hold.
func remoteFile(at string, ref reference) error {
	return notHere(at, ref).
		Hint("a render reads nothing from the network; copy the file into the repository (tug vendor get) and refer to it there")
}

// source is where a kustomization says something, without the column.
func (n *node) source(text string) object.Source {
	src := object.Source{File: n.file.String()}
	if found := locate(n.data, text); found != nil {
		src.Line = found.Line
	}
	return src
}
