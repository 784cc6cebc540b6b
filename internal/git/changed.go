package git

import (
	"path"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
)

// Changed lists the files that differ between two trees, sorted. Folders that
// are the same are not looked into.
func (u *Upstream) Changed(a, b *Tree) ([]string, error) {
	list, err := u.changed("", a.root, b.root)
	slices.Sort(list)
	return list, err
}

func (u *Upstream) changed(folder string, a, b plumbing.Hash) ([]string, error) {
	if a == b {
		return nil, nil
	}
	var sides [2]*tree
	for i, h := range []plumbing.Hash{a, b} {
		sides[i] = &tree{names: map[string]int{}}
		if !h.IsZero() {
			var err error
			if sides[i], err = u.store.tree(h); err != nil {
				return nil, err
			}
		}
	}
	var list []string
	for i, side := range sides {
		for _, e := range side.entries {
			other, there := sides[1-i].entry(e.name)
			if there && (i == 1 || other.hash == e.hash && other.mode == e.mode) {
				continue // seen from the other side, or the same
			}
			name := path.Join(folder, e.name)
			var inA, inB plumbing.Hash
			for j, entry := range []treeEntry{e, other} {
				if entry.mode != filemode.Dir {
					if entry.name != "" && !slices.Contains(list, name) {
						list = append(list, name)
					}
				} else if j == 0 {
					inA = entry.hash
				} else {
					inB = entry.hash
				}
			}
			below, err := u.changed(name, inA, inB)
			if err != nil {
				return nil, err
			}
			list = append(list, below...)
		}
	}
	return list, nil
}
