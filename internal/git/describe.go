package git

import (
	"container/heap"
	"errors"
	"maps"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/tugops/tug/internal/fault"
)

// Description is the place of HEAD among the tags of a repository.
type Description struct {
	Commit Commit
	// Branch is empty when HEAD is detached.
	Branch string
	// Tags name the commit itself, sorted.
	Tags []string
	// Nearest are the tags of the nearest tagged commit behind it, sorted;
	// Distance counts the commits since.
	Nearest  []string
	Distance int
	// Shallow says that history ends early: a tag may lie behind the edge.
	Shallow bool
}

// maxCandidates is how many tagged commits are compared, as with git describe.
const maxCandidates = 10

// Describe finds the tags of HEAD and the nearest ones behind it, as git
// describe --tags does. Only tags that accept likes count.
func (r *Repo) Describe(accept func(tag string) bool) (Description, error) {
	head, err := r.head()
	if err != nil || head.IsZero() {
		return Description{Commit: head}, err
	}
	d := Description{Commit: head, Shallow: r.store.shallow}
	if head.Ref != "HEAD" {
		d.Branch = head.Ref
	}
	tags, err := r.tags(accept)
	if err != nil {
		return Description{}, err
	}
	at := plumbing.NewHash(head.Hash)
	d.Tags = tags[at]
	if len(d.Tags) > 0 {
		d.Nearest = d.Tags
		return d, nil
	}
	if len(tags) == 0 {
		return d, nil
	}
	found, distance, err := r.nearest(at, tags)
	d.Nearest, d.Distance = tags[found], distance
	return d, err
}

// tags are the accepted tags by the commit that they name.
func (r *Repo) tags(accept func(string) bool) (map[plumbing.Hash][]string, error) {
	named := map[string]plumbing.Hash{}
	r.store.mu.Lock()
	refs, err := r.store.git.IterReferences()
	if err == nil {
		err = refs.ForEach(func(ref *plumbing.Reference) error {
			if ref.Name().IsTag() && ref.Type() == plumbing.HashReference && accept(ref.Name().Short()) {
				named[ref.Name().Short()] = ref.Hash()
			}
			return nil
		})
		refs.Close()
	}
	r.store.mu.Unlock()
	if err != nil {
		return nil, fault.New(fault.Invalid, "read tags: %w", err)
	}
	tags := map[plumbing.Hash][]string{}
	for _, name := range slices.Sorted(maps.Keys(named)) {
		c, err := r.store.commit(named[name])
		if err != nil {
			continue // a tag of a file, or of a commit behind the edge of a shallow clone
		}
		tags[c.Hash] = append(tags[c.Hash], name)
	}
	return tags, nil
}

// candidate is a tagged commit; bit marks the commits that it has behind it.
type candidate struct {
	hash  plumbing.Hash
	bit   int
	depth int // commits seen that it has not
}

// nearest walks back, the newest commit first, until no open way can make any
// candidate's distance greater. It is zero when no tag is behind.
func (r *Repo) nearest(from plumbing.Hash, tags map[plumbing.Hash][]string) (plumbing.Hash, int, error) {
	start, err := r.store.commit(from)
	if err != nil {
		return plumbing.ZeroHash, 0, err
	}
	w := meeting{sides: map[plumbing.Hash]int{}}
	queued := map[plumbing.Hash]bool{from: true}
	w.reach(start, 0)
	var found []candidate
	for seen := 0; w.Len() > 0; seen++ {
		c := heap.Pop(&w).(*object.Commit)
		if len(tags[c.Hash]) > 0 && len(found) < maxCandidates {
			found = append(found, candidate{hash: c.Hash, bit: 1 << len(found), depth: seen})
			w.sides[c.Hash] |= 1 << (len(found) - 1)
		}
		for i := range found {
			if found[i].hash != c.Hash && w.sides[c.Hash]&found[i].bit == 0 {
				found[i].depth++
			}
		}
		if err := r.parents(&w, c, queued); err != nil {
			return plumbing.ZeroHash, 0, err
		}
		if len(found) > 0 && w.settled(1<<len(found)-1) {
			break
		}
	}
	if len(found) == 0 {
		return plumbing.ZeroHash, 0, nil
	}
	best := slices.MinFunc(found, func(a, b candidate) int { return a.depth - b.depth })
	return best.hash, best.depth, nil
}

// parents queues the parents of a commit, which candidates have behind them
// as they have the commit.
func (r *Repo) parents(w *meeting, c *object.Commit, queued map[plumbing.Hash]bool) error {
	for _, p := range c.ParentHashes {
		if queued[p] {
			w.sides[p] |= w.sides[c.Hash]
			continue
		}
		parent, err := r.store.commit(p)
		if fault.Is(err, fault.NotFound) || errors.Is(err, plumbing.ErrObjectNotFound) {
			continue // behind the edge of a shallow clone
		}
		if err != nil {
			return err
		}
		queued[p] = true
		w.reach(parent, w.sides[c.Hash])
	}
	return nil
}

// settled reports whether all open ways carry all bits.
func (m *meeting) settled(bits int) bool {
	return !slices.ContainsFunc(m.queue, func(c *object.Commit) bool { return m.sides[c.Hash]&bits != bits })
}
