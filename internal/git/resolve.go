package git

import (
	"encoding/hex"
	"errors"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/tugops/tug/internal/fault"
)

// At is the tree of a revision, and its commit. The working tree is neither
// read nor changed. Revisions are those of gitrevisions(7) that name one commit
// by its place: branches, tags, remote branches, full and short hashes, HEAD
// and @, with any number of ~N, ^N and ^{commit} behind.
func (r *Repo) At(rev string) (fs.FS, Commit, error) {
	c, err := r.resolve(rev)
	if err != nil {
		return nil, Commit{}, err
	}
	files := &treeFS{
		store: r.store,
		root:  c.TreeHash,
		time:  c.Committer.When.UTC(),
		lfs:   filepath.Join(r.dirs.common, "lfs", "objects"),
	}
	if _, err := r.store.tree(c.TreeHash); err != nil {
		return nil, Commit{}, err
	}
	return files, commitOf(c, rev), nil
}

func (r *Repo) resolve(rev string) (*object.Commit, error) {
	if err := checkRevision(rev); err != nil {
		return nil, err
	}
	base, steps := rev, ""
	if at := strings.IndexAny(rev, "~^"); at >= 0 {
		base, steps = rev[:at], rev[at:]
	}
	h, err := r.base(base)
	if err != nil {
		return nil, err
	}
	c, err := r.store.commit(h)
	if err != nil {
		return nil, err
	}
	for steps != "" {
		if c, steps, err = r.step(rev, c, steps); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// checkRevision refuses what is no revision, or none that names one commit.
func checkRevision(rev string) error {
	bad := fault.New(fault.Usage, "revision %q", rev)
	const hint = "name one commit: a branch, a tag, a hash, or one of them with ~N behind"
	switch {
	case rev == "":
		return bad.Hint("the revision is empty; " + hint)
	case strings.HasPrefix(rev, "-"):
		return bad.Hint("a revision does not begin with a dash")
	case strings.Contains(rev, ".."):
		return bad.Hint("this is a range of commits; " + hint)
	case strings.Contains(rev, ":"):
		return bad.Hint("paths and searches in revisions are not used here; " + hint)
	case strings.Contains(rev, "@{"):
		return bad.Hint("the reflog and upstream branches are not read, since they differ from clone to clone; " + hint)
	}
	return nil
}

// step goes to a parent: ~N, ^N, or ^{commit} and ^{}, which stay.
func (r *Repo) step(rev string, c *object.Commit, steps string) (*object.Commit, string, error) {
	kind, rest := steps[0], steps[1:]
	for _, peel := range []string{"{commit}", "{}"} {
		if after, ok := strings.CutPrefix(rest, peel); ok && kind == '^' {
			return c, after, nil
		}
	}
	digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
	n := 1
	if digits > 0 {
		var err error
		if n, err = strconv.Atoi(rest[:digits]); err != nil {
			return nil, "", fault.New(fault.Usage, "revision %q: %w", rev, err)
		}
	} else if rest != "" && rest[0] != '~' && rest[0] != '^' {
		return nil, "", fault.New(fault.Usage, "revision %q: nothing known at %q", rev, steps).Hint("~N is the Nth ancestor, ^N the Nth parent")
	}
	rest = rest[digits:]
	if kind == '^' {
		if n == 0 {
			return c, rest, nil
		}
		c, err := r.parent(rev, c, n)
		return c, rest, err
	}
	for range n {
		var err error
		if c, err = r.parent(rev, c, 1); err != nil {
			return nil, "", err
		}
	}
	return c, rest, nil
}

func (r *Repo) parent(rev string, c *object.Commit, n int) (*object.Commit, error) {
	if n > len(c.ParentHashes) {
		return nil, fault.New(fault.NotFound, "revision %q: commit %s has %d parents", rev, c.Hash, len(c.ParentHashes))
	}
	return r.store.commit(c.ParentHashes[n-1])
}

// base finds what a revision begins with, in Git's order: a full hash, a ref,
// a short hash.
func (r *Repo) base(name string) (plumbing.Hash, error) {
	if name == "@" {
		name = "HEAD"
	}
	if plumbing.IsHash(name) {
		return plumbing.NewHash(name), nil
	}
	h, err := r.store.ref(name)
	if !errors.Is(err, plumbing.ErrReferenceNotFound) {
		return h, err
	}
	found, err := r.store.short(name)
	switch {
	case err != nil:
		return plumbing.ZeroHash, err
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		e := fault.New(fault.Invalid, "revision %q is short for %d commits", name, len(found))
		for _, h := range found[:min(len(found), 5)] {
			e.Hint("did you mean %s?", h)
		}
		return plumbing.ZeroHash, e
	}
	return plumbing.ZeroHash, r.unknown(name)
}

// minShort is Git's shortest abbreviation of a hash.
const minShort = 4

// short lists the commits (and tags of commits) whose hash begins so.
func (s *store) short(prefix string) ([]plumbing.Hash, error) {
	if len(prefix) < minShort || len(prefix) >= 40 {
		return nil, nil
	}
	prefix = strings.ToLower(prefix)
	whole, err := hex.DecodeString(prefix[:len(prefix)&^1])
	if err != nil || strings.Trim(prefix[len(prefix)-1:], "0123456789abcdef") != "" {
		return nil, nil
	}
	all, err := s.withPrefix(whole)
	if err != nil {
		return nil, err
	}
	var found []plumbing.Hash
	for _, h := range all {
		if !strings.HasPrefix(h.String(), prefix) {
			continue
		}
		if _, err := s.commit(h); err == nil {
			found = append(found, h)
		}
	}
	return found, nil
}
