package git

import (
	"time"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/tugops/tug/internal/fault"
)

// clockSkew is how far the clocks of two committers may be apart: a commit
// that is older than the one that is looked for by more has it not behind it.
const clockSkew = 24 * time.Hour

// Ancestor reports whether a commit is rev itself or behind it. A commit that
// the repository does not hold, as in a shallow clone, is none.
func (r *Repo) Ancestor(commit, rev string) (bool, error) {
	from, err := r.resolve(rev)
	if err != nil {
		return false, err
	}
	if !plumbing.IsHash(commit) {
		return false, nil
	}
	target, err := r.store.commit(plumbing.NewHash(commit))
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	oldest := target.Committer.When.Add(-clockSkew)
	seen := map[plumbing.Hash]bool{from.Hash: true}
	for queue := []plumbing.Hash{from.Hash}; len(queue) > 0; queue = queue[1:] {
		if queue[0] == target.Hash {
			return true, nil
		}
		c, err := r.store.commit(queue[0])
		if fault.Is(err, fault.NotFound) {
			continue // behind the edge of a shallow clone
		}
		if err != nil {
			return false, err
		}
		if c.Committer.When.Before(oldest) {
			continue
		}
		for _, p := range c.ParentHashes {
			if !seen[p] {
				seen[p] = true
				queue = append(queue, p)
			}
		}
	}
	return false, nil
}
