package git

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"

	"github.com/tugops/tug/internal/fault"
)

// tree is one folder of a commit.
type tree struct {
	entries []treeEntry // by name
	names   map[string]int
}

type treeEntry struct {
	name string
	mode filemode.FileMode
	hash plumbing.Hash
}

func (t *tree) entry(name string) (treeEntry, bool) {
	i, ok := t.names[name]
	if !ok {
		return treeEntry{}, false
	}
	return t.entries[i], true
}

// tree reads a folder, from memory when it was read before.
func (s *store) tree(h plumbing.Hash) (*tree, error) {
	s.mu.Lock()
	t := s.trees[h]
	s.mu.Unlock()
	if t != nil {
		return t, nil
	}
	data, kind, err := s.read(h, maxMeta)
	if err != nil {
		return nil, err
	}
	if kind != plumbing.TreeObject {
		return nil, fault.New(fault.Invalid, "object %s is a %s, not a tree", h, kind)
	}
	if t, err = decodeTree(h, data); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.trees) >= treeCache {
		clear(s.trees)
	}
	s.trees[h] = t
	return t, nil
}

// decodeTree is strict about names: Git itself refuses to check out the ones
// refused here, and a caller could join them into a path.
func decodeTree(h plumbing.Hash, data []byte) (*tree, error) {
	t := &tree{names: map[string]int{}}
	for len(data) > 0 {
		head, rest, ok := bytes.Cut(data, []byte{0})
		mode, name, sp := strings.Cut(string(head), " ")
		bits, err := strconv.ParseUint(mode, 8, 32)
		if !ok || !sp || err != nil || len(rest) < len(plumbing.Hash{}) {
			return nil, fault.New(fault.Invalid, "tree %s is damaged", h).Hint("git fsck says more")
		}
		if badName(name) || t.names[name] > 0 || len(t.entries) > 0 && t.entries[0].name == name {
			return nil, fault.New(fault.Invalid, "tree %s holds a file with the forbidden name %q", h, name).
				Hint("git fsck says more; somebody may have made this commit to harm its readers")
		}
		e := treeEntry{name: name, mode: filemode.FileMode(bits)}
		copy(e.hash[:], rest)
		t.names[name] = len(t.entries)
		t.entries = append(t.entries, e)
		data = rest[len(e.hash):]
	}
	slices.SortFunc(t.entries, func(a, b treeEntry) int { return strings.Compare(a.name, b.name) })
	for i, e := range t.entries {
		t.names[e.name] = i
	}
	return t, nil
}

func badName(name string) bool {
	return name == "" || name == "." || name == ".." || strings.EqualFold(name, ".git") || strings.ContainsAny(name, "/\\")
}
