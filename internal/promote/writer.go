package promote

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/git"
)

// Repository is one whose branches are read and moved: a *git.Upstream.
type Repository interface {
	Refs(ctx context.Context) (git.Refs, error)
	At(ctx context.Context, hash string) (*git.Tree, error)
	Commit(on *git.Tree, c git.NewCommit) (*git.Tree, error)
	Push(ctx context.Context, moves ...git.Move) error
}

// Writer carries intents out in one repository.
type Writer struct {
	Repository Repository
	// Target says where the app of an intent keeps its versions in a tree.
	Target func(files fs.FS, in Intent) (Target, error)
	// Author and Committer of commits; their time is that of the commit.
	Author, Committer git.Signature
	Now               func() time.Time
	// Pause waits for a random while after an attempt, the first is 1, that took
	// so long.
	Pause func(ctx context.Context, attempt int, took time.Duration) error
	// Deadline ends the attempts.
	Deadline time.Time
	// DryRun decides and builds, and pushes nothing.
	DryRun bool
}

// Result is what became of the intents of one branch.
type Result struct {
	// Branch is the one that was written: the base, or that of a pull request.
	Branch string
	Base   string
	// Before and Commit are its tips; equal when nothing was written.
	Before, Commit string
	Outcomes       []Done
	// Attempts counts pushes.
	Attempts int
	// Foreign says that a person's commits are on the branch.
	Foreign bool
	// Superseded are versions that were pending before, for people.
	Superseded []string
	// Deleted says that the branch went, since nothing was left in it.
	Deleted bool
	// Pending are all outcomes of a pull request, those of earlier calls too.
	Pending []Outcome
	// Old and New are the files before and after, for a dry run.
	Old, New fs.FS `json:"-"`
}

// Done is an outcome with the commit that has it.
type Done struct {
	Outcome
	Commit string `json:"commit,omitempty"`
}

// All are the outcomes that the branch holds.
func (r Result) All() []Outcome {
	if len(r.Pending) > 0 {
		return r.Pending
	}
	var list []Outcome
	for _, d := range r.Outcomes {
		if d.Action == Promoted {
			list = append(list, d.Outcome)
		}
	}
	return list
}

// Changed reports whether any intent changed files.
func (r Result) Changed() bool { return r.Before != r.Commit }

// try is one attempt: what to push, made from the refs as they are.
type try struct {
	result Result
	move   *git.Move // nil for nothing
}

// Direct commits intents to a branch: one commit per intent, one push.
func (w *Writer) Direct(ctx context.Context, branch string, intents []Intent) (Result, error) {
	return w.repeat(ctx, branch, func(refs git.Refs) (try, error) {
		tip, err := w.tip(ctx, refs, branch)
		if err != nil {
			return try{}, err
		}
		done, top, err := w.chain(tip, intents)
		if err != nil {
			return try{}, err
		}
		t := try{result: Result{Branch: branch, Base: branch, Before: tip.Commit.Hash, Commit: top.Commit.Hash, Outcomes: done, Old: tip.Files, New: top.Files}}
		if top != tip {
			t.move = &git.Move{Branch: branch, Old: tip.Commit.Hash, New: top}
		}
		return t, nil
	})
}

// tip is the tree of a branch that must be there.
func (w *Writer) tip(ctx context.Context, refs git.Refs, branch string) (*git.Tree, error) {
	hash := refs.Branches[branch]
	if hash == "" {
		e := fault.New(fault.NotFound, "there is no branch %q", branch)
		var names []string
		for name := range refs.Branches {
			names = append(names, name)
		}
		for _, near := range fault.Nearest(branch, names, 1) {
			e.Hint("did you mean %q?", near)
		}
		return nil, e
	}
	return w.Repository.At(ctx, hash)
}

// chain applies intents one after the other, each to what the last one left.
func (w *Writer) chain(tip *git.Tree, intents []Intent) ([]Done, *git.Tree, error) {
	done := make([]Done, 0, len(intents))
	for _, in := range intents {
		o, err := w.apply(tip, in)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", in.Subject(), err)
		}
		d := Done{Outcome: o}
		if o.Action == Promoted {
			if tip, err = w.commit(tip, o.Files, func(string) string { return message([]Outcome{o}) }); err != nil {
				return nil, nil, err
			}
			d.Commit = tip.Commit.Hash
		}
		done = append(done, d)
	}
	return done, tip, nil
}

func (w *Writer) apply(tip *git.Tree, in Intent) (Outcome, error) {
	t, err := w.Target(tip.Files, in)
	if err != nil {
		return Outcome{}, err
	}
	return Apply(tip.Files, t, in)
}

func (w *Writer) commit(on *git.Tree, files map[string][]byte, message func(string) string) (*git.Tree, error) {
	c := git.NewCommit{Author: w.Author, Committer: w.Committer, Message: message, Files: files}
	c.Author.Time = w.Now()
	c.Committer.Time = c.Author.Time
	return w.Repository.Commit(on, c)
}

// repeat makes attempts until one is through. After a push that did not go
// through, or of which nothing is known, the refs are read again: our commit is
// there, or the branch moved and everything is decided anew, or it did not move
// and the refusal is for good.
func (w *Writer) repeat(ctx context.Context, branch string, decide func(git.Refs) (try, error)) (Result, error) {
	still := 0 // refusals of a branch that did not move
	var lost []Done
	for attempt := 1; ; attempt++ {
		began := w.Now()
		t, err := w.attempt(ctx, decide)
		if fault.Is(err, fault.Unavailable) && w.Now().Before(w.Deadline) && !w.DryRun {
			if err := w.Pause(ctx, attempt, w.Now().Sub(began)); err != nil {
				return Result{}, err
			}
			continue
		}
		if err != nil {
			return Result{}, err
		}
		t.result.Attempts = attempt
		t.result.Outcomes = found(t.result.Outcomes, lost)
		if t.move == nil || w.DryRun {
			return t.result, nil
		}
		err = w.Repository.Push(ctx, *t.move)
		if err == nil {
			return t.result, nil
		}
		refused, said := errors.AsType[*git.Refused](err)
		if !said && !errors.Is(err, git.ErrMoved) {
			return Result{}, err
		}
		if said {
			verdict, verr := w.verdict(ctx, *t.move)
			switch {
			case verr != nil:
				return Result{}, verr
			case verdict == landed:
				return t.result, nil
			case verdict == moved && refused.Unknown:
				lost = t.result.Outcomes // they may be below what moved it
			case verdict == stayed && !refused.Unknown:
				if still++; still > 1 {
					return Result{}, permanent(refused, branch)
				}
			}
		}
		if w.Now().After(w.Deadline) {
			return Result{}, late(branch, attempt, err)
		}
		if err := w.Pause(ctx, attempt, w.Now().Sub(began)); err != nil {
			return Result{}, err
		}
	}
}

func (w *Writer) attempt(ctx context.Context, decide func(git.Refs) (try, error)) (try, error) {
	refs, err := w.Repository.Refs(ctx)
	if err != nil {
		return try{}, err
	}
	return decide(refs)
}

// found puts commits that got no answer back into outcomes that say now that
// they are there.
func found(outcomes, lost []Done) []Done {
	for i, d := range outcomes {
		for _, l := range lost {
			if d.Action == Unchanged && l.Action == Promoted && l.Intent.Key == d.Intent.Key {
				outcomes[i] = l
			}
		}
	}
	return outcomes
}

type verdict int

const (
	landed verdict = iota // the branch is at our commit
	moved                 // it is at another
	stayed                // it is where it was
)

// verdict reads what became of a move. A server that does not answer is asked
// again: only it knows.
func (w *Writer) verdict(ctx context.Context, m git.Move) (verdict, error) {
	refs, err := w.Repository.Refs(ctx)
	for attempt := 1; fault.Is(err, fault.Unavailable) && w.Now().Before(w.Deadline); attempt++ {
		if err := w.Pause(ctx, attempt, 0); err != nil {
			return stayed, err
		}
		refs, err = w.Repository.Refs(ctx)
	}
	if err != nil {
		return stayed, fmt.Errorf("whether the push went through is not known; the same command again finds out: %w", err)
	}
	want := ""
	if m.New != nil {
		want = m.New.Commit.Hash
	}
	switch refs.Branches[m.Branch] {
	case want:
		return landed, nil
	case m.Old:
		return stayed, nil
	}
	return moved, nil
}

// permanent is a refusal that another attempt does not change.
func permanent(r *git.Refused, branch string) error {
	return fault.New(fault.Denied, "%w", r).
		Hint("branch %s did not move, so that this is no race: it is protected, or a hook of the server said no", branch).
		Hint("open a pull request instead: --pr, or promotion: pull-request for the environment in tug.yaml")
}

func late(branch string, attempts int, err error) error {
	return fault.New(fault.Unavailable, "branch %s could not be moved in time, after %d attempts: %w", branch, attempts, err).
		Hint("many others write to it; try again, or give it longer with --wait-timeout").
		Hint("several intents in one call share one push: --intents FILE")
}
