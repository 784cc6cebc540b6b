package git

import (
	"errors"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/tugops/tug/internal/fault"
)

// refRules are the places where Git looks for a name, in its order
// (gitrevisions(7), "<refname>").
func refRules() []string {
	return []string{"%", "refs/%", "refs/tags/%", "refs/heads/%", "refs/remotes/%", "refs/remotes/%/HEAD"}
}

// ref is the object that a ref names, ErrReferenceNotFound when there is none.
func (s *store) ref(name string) (plumbing.Hash, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, rule := range refRules() {
		full := strings.ReplaceAll(rule, "%", name)
		if rule == "%" && !strings.HasPrefix(name, "refs/") && strings.ToUpper(name) != name {
			continue // only HEAD, FETCH_HEAD and their like stand at the top
		}
		ref, err := s.follow(plumbing.ReferenceName(full))
		if err == nil {
			return ref.Hash(), nil
		}
	}
	return plumbing.ZeroHash, plumbing.ErrReferenceNotFound
}

// follow resolves symbolic refs; the caller holds the lock.
func (s *store) follow(name plumbing.ReferenceName) (*plumbing.Reference, error) {
	const maxSymbolic = 5 // Git's own limit
	for range maxSymbolic {
		ref, err := s.git.Reference(name)
		if err != nil {
			return nil, err
		}
		if ref.Type() == plumbing.HashReference {
			return ref, nil
		}
		name = ref.Target()
	}
	return nil, plumbing.ErrReferenceNotFound
}

func (s *store) withPrefix(prefix []byte) ([]plumbing.Hash, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []plumbing.Hash
	for _, objects := range s.objects {
		found, err := objects.HashesWithPrefix(prefix)
		if err != nil {
			return nil, fault.New(fault.Invalid, "list objects: %w", err)
		}
		all = append(all, found...)
	}
	slices.SortFunc(all, func(a, b plumbing.Hash) int { return strings.Compare(a.String(), b.String()) })
	return slices.Compact(all), nil
}

// head is the commit of HEAD with its branch, zero when there is none yet.
func (r *Repo) head() (Commit, error) {
	r.store.mu.Lock()
	top, err := r.store.git.Reference(plumbing.HEAD)
	r.store.mu.Unlock()
	if err != nil {
		return Commit{}, fault.New(fault.Invalid, "read HEAD: %w", err)
	}
	name := "HEAD"
	if top.Type() == plumbing.SymbolicReference {
		name = top.Target().Short()
	}
	h, err := r.store.ref("HEAD")
	if errors.Is(err, plumbing.ErrReferenceNotFound) {
		return Commit{}, nil
	}
	c, err := r.store.commit(h)
	if err != nil {
		return Commit{}, err
	}
	return commitOf(c, name), nil
}

// unknown is the error for a revision that does not exist.
func (r *Repo) unknown(name string) error {
	e := fault.New(fault.NotFound, "no branch, tag or commit %q", name)
	names, err := r.Names()
	if err != nil {
		return e
	}
	for _, n := range names {
		if strings.HasSuffix(n, "/"+name) {
			e.Hint("did you mean %q?", n)
		}
	}
	for _, near := range fault.Nearest(name, names, 3) {
		e.Hint("did you mean %q?", near)
	}
	if len(e.Hints) > 0 {
		return e
	}
	if r.store.shallow {
		return e.Hint("this is a shallow clone: fetch the rest with git fetch --unshallow")
	}
	return e.Hint("if it is new on the remote, run git fetch first")
}

// Names are the short names of branches, tags and remote branches.
func (r *Repo) Names() ([]string, error) {
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	refs, err := r.store.git.IterReferences()
	if err != nil {
		return nil, err
	}
	defer refs.Close()
	var names []string
	err = refs.ForEach(func(ref *plumbing.Reference) error {
		if n := ref.Name(); n.IsBranch() || n.IsTag() || n.IsRemote() {
			names = append(names, n.Short())
		}
		return nil
	})
	slices.Sort(names)
	return names, err
}
