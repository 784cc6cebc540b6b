package promote

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/git"
	"github.com/tugops/tug/internal/imagelock"
)

// History is what a revert needs of a repository beside Repository.
type History interface {
	Changed(a, b *git.Tree) ([]string, error)
}

// maxHistory is how many commits are looked at for a promotion.
const maxHistory = 200

// RevertBranch is the name of the branch of a revert's pull request.
func RevertBranch(environment, app string) string {
	return "revert/" + Branch(environment, app)[len("promote/"):]
}

// Revert proposes to take the last promotion of an app (and part, if one is
// named) back: the files that it changed become what they were before, as they
// are still what it made them. The lock file remembers the build that is rolled
// back, so that a late pipeline does not bring it back.
func (w *Writer) Revert(ctx context.Context, history History, base, branch string, of Intent) (Result, error) {
	return w.repeat(ctx, branch, func(refs git.Refs) (try, error) {
		tip, err := w.tip(ctx, refs, base)
		if err != nil {
			return try{}, err
		}
		t := try{result: Result{Branch: branch, Base: base, Before: refs.Branches[branch], Old: tip.Files}}
		if t.result.Before != "" {
			head, err := w.Repository.At(ctx, t.result.Before)
			if err != nil {
				return try{}, err
			}
			if _, ours := readPending(head); !ours {
				return try{}, fault.New(fault.Conflict, "branch %s has commits of others", branch).
					Hint("merge or close its pull request, and delete the branch")
			}
		}
		made, before, err := w.lastPromotion(ctx, tip, of)
		if err != nil {
			return try{}, err
		}
		o, err := undo(history, tip, made, before, of)
		if err != nil {
			return try{}, err
		}
		top, err := w.commit(tip, o.Files, func(tree string) string {
			return message([]Outcome{o}, "Reverts: "+made.Commit.Hash, trailerBase+": "+tip.Commit.Hash, trailerTree+": "+tree)
		})
		if err != nil {
			return try{}, err
		}
		t.move = &git.Move{Branch: branch, Old: t.result.Before, New: top}
		t.result.Commit, t.result.New = top.Commit.Hash, top.Files
		t.result.Outcomes = []Done{{Outcome: o, Commit: top.Commit.Hash}}
		return t, nil
	})
}

// lastPromotion looks back from a tip, the youngest commit first, for the last
// promotion of an app, and gives it with the commit before it.
func (w *Writer) lastPromotion(ctx context.Context, tip *git.Tree, of Intent) (made, before *git.Tree, err error) {
	queue, seen := []*git.Tree{tip}, map[string]bool{}
	for range maxHistory {
		if len(queue) == 0 {
			break
		}
		slices.SortStableFunc(queue, func(a, b *git.Tree) int { return b.Commit.Time.Compare(a.Commit.Time) })
		at := queue[0]
		queue = queue[1:]
		var parents []*git.Tree
		for _, hash := range at.Parents {
			p, err := w.Repository.At(ctx, hash)
			if err != nil {
				return nil, nil, err
			}
			if parents = append(parents, p); !seen[hash] {
				seen[hash] = true
				queue = append(queue, p)
			}
		}
		if promotes(at, of) && len(parents) == 1 {
			return at, parents[0], nil
		}
	}
	return nil, nil, fault.New(fault.NotFound, "%s: no promotion is among the last %d commits", of.Subject(), maxHistory).
		Hint("revert the commit that it came with by hand: git revert")
}

// promotes reports whether a commit promoted what an intent names.
func promotes(t *git.Tree, of Intent) bool {
	found := trailersOf(t)
	has := func(name, want string) bool { return slices.Contains(found[name], want) }
	return has(trailerIntent, first(found[trailerIntent])) && has(trailerApp, of.App) && (of.Environment == "" || has(trailerEnv, of.Environment)) &&
		(of.Part == "" || of.Part == of.App || has(trailerPart, of.Part))
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

// undo makes the files what they were before a commit.
func undo(history History, tip, made, before *git.Tree, of Intent) (Outcome, error) {
	names, err := history.Changed(before, made)
	if err != nil {
		return Outcome{}, err
	}
	o := Outcome{Intent: of, Action: Promoted, Files: map[string][]byte{}, Changes: []Change{}}
	o.Intent.Rollback, o.Intent.Key = true, "revert/"+made.Commit.Hash
	o.Was = first(trailersOf(made)[trailerVersion])
	for _, name := range names {
		var texts [3][]byte // now, as it was made, before
		for i, t := range []*git.Tree{tip, made, before} {
			if texts[i], err = readSmall(t.Files, name); err != nil {
				return Outcome{}, err
			}
		}
		if !bytes.Equal(texts[0], texts[1]) {
			return Outcome{}, fault.New(fault.Conflict, "%s: %s changed since commit %.12s promoted it", of.Subject(), name, made.Commit.Hash).
				Hint("promote the version that you want: tug promote … --rollback")
		}
		data := texts[2]
		if lock, err := imagelock.ReadLockFile(name, texts[0]); err == nil && lock.Format != "" {
			if data, err = remembering(name, lock, data, &o.Intent); err != nil {
				return Outcome{}, err
			}
		}
		o.Files[name] = data
		o.Changes = append(o.Changes, Change{File: name, What: "as before", To: fmt.Sprintf("%.12s", before.Commit.Hash)})
	}
	return o, nil
}

// remembering is the lock file of before with the highest builds of now.
func remembering(name string, now imagelock.LockFile, before []byte, in *Intent) ([]byte, error) {
	old := now
	old.Locks, old.Promotions = nil, nil
	if before != nil {
		f, err := imagelock.ReadLockFile(name, before)
		if err != nil {
			return nil, err
		}
		old = f
	}
	for _, p := range now.Promotions {
		was := ofPart(old.Promotions, p.Of)
		if was.Of == "" {
			was = imagelock.Promotion{Of: p.Of, Key: p.Key}
		}
		if p.Highest() > was.Sequence {
			was.Newest = p.Highest()
		}
		old.Promotions = withPart(old.Promotions, was)
		if p.Of == in.PartName() {
			in.Version, in.Sequence = was.Version, was.Sequence
		}
	}
	return old.Encode(old.Locks)
}
