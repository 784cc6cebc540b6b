package git

import (
	"container/heap"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/tugops/tug/internal/fault"
)

// MergeBase is the full hash of the newest commit that is behind both
// revisions: what `a...b` compares b with. Of several (criss-cross merges) it
// is the one with the latest committer date.
func (r *Repo) MergeBase(a, b string) (string, error) {
	w := meeting{sides: map[plumbing.Hash]int{}}
	for side, rev := range []string{a, b} {
		c, err := r.resolve(rev)
		if err != nil {
			return "", err
		}
		w.reach(c, 1<<side)
	}
	for w.Len() > 0 {
		c := heap.Pop(&w).(*object.Commit)
		sides := w.sides[c.Hash]
		if sides == 1|2 {
			return c.Hash.String(), nil
		}
		for _, p := range c.ParentHashes {
			if w.sides[p]&sides == sides {
				continue
			}
			parent, err := r.store.commit(p)
			if fault.Is(err, fault.NotFound) {
				continue // behind the edge of a shallow clone
			}
			if err != nil {
				return "", err
			}
			w.reach(parent, sides)
		}
	}
	f := fault.New(fault.NotFound, "%s and %s have no common commit", a, b)
	if r.store.shallow {
		return "", f.Hint("this is a shallow clone: fetch the rest with git fetch --unshallow")
	}
	return "", f.Hint("compare the two themselves: %s..%s", a, b)
}

// meeting walks back from two commits, the newest first.
type meeting struct {
	sides map[plumbing.Hash]int // from which sides a commit was reached
	queue []*object.Commit
}

func (m *meeting) reach(c *object.Commit, sides int) {
	m.sides[c.Hash] |= sides
	heap.Push(m, c)
}

func (m *meeting) Len() int { return len(m.queue) }
func (m *meeting) Less(i, j int) bool {
	return m.queue[i].Committer.When.After(m.queue[j].Committer.When)
}
func (m *meeting) Swap(i, j int) { m.queue[i], m.queue[j] = m.queue[j], m.queue[i] }
func (m *meeting) Push(x any)    { m.queue = append(m.queue, x.(*object.Commit)) }
func (m *meeting) Pop() any {
	last := m.queue[len(m.queue)-1]
	m.queue = m.queue[:len(m.queue)-1]
	return last
}
