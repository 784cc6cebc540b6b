package forge

import (
	"errors"

	"github.com/tugops/tug/internal/fault"
)

// Refusal is what is known after a forge did not merge: forges answer the same
// codes for races, conflicts and rules, so that the pull request is read again
// and decides, never the text of the answer.
type Refusal struct {
	// Now is the pull request, read after the refusal.
	Now PullRequest
	// Reviewed is the head that was to be merged.
	Reviewed string
	// Blocked names the rule that keeps it from merging, where the forge
	// tells; empty otherwise.
	Blocked string
	// Said is what the forge answered, for people.
	Said error
}

// Decide gives the commit when it was merged after all, else the error. One
// that another try may not have is Later.
func (r Refusal) Decide() (commit string, err error) {
	p := r.Now
	if r.Said == nil {
		r.Said = errors.New("the forge says that it merged, but does not show it")
	}
	switch {
	case p.State == Merged && p.HeadCommit == r.Reviewed:
		return p.MergeCommit, nil
	case p.State == Merged:
		return "", conflict(p, ErrNotOpen).Hint("it was merged with %s, not with the reviewed %s", Abbreviated(p.HeadCommit), Abbreviated(r.Reviewed))
	case p.State == Closed:
		return "", conflict(p, ErrNotOpen).Hint("somebody closed it: reopen it, or promote again")
	case p.HeadCommit != r.Reviewed:
		return "", conflict(p, ErrHeadMoved).Hint("%s is at %s, reviewed was %s: review it again", p.Head, Abbreviated(p.HeadCommit), Abbreviated(r.Reviewed))
	case p.Mergeable == No:
		return "", conflict(p, ErrConflicts).Hint("bring %s up to date with %s", p.Head, p.Base)
	case r.Blocked != "":
		return "", fault.New(fault.NotReady, "pull request #%d: the forge does not merge it yet: %s", p.Number, r.Blocked).
			Hint("merge it again when that is done: %s", p.URL)
	case p.Mergeable == Yes:
		return "", fault.New(fault.NotReady, "pull request #%d: %w", p.Number, &Later{Err: r.Said, Done: No}).
			Hint("the branches do not conflict: a check, an approval or another rule is missing: %s", p.URL)
	}
	return "", fault.New(fault.Conflict, "pull request #%d: %w (or the forge is still finding out)", p.Number, &Later{Err: ErrConflicts, Done: No}).
		Hint("bring %s up to date with %s", p.Head, p.Base)
}

func conflict(p PullRequest, why error) *fault.Error {
	return fault.New(fault.Conflict, "pull request #%d: %w", p.Number, why)
}

// Abbreviated is a commit for people.
func Abbreviated(commit string) string {
	if len(commit) > 12 {
		return commit[:12]
	}
	return commit
}
