package promote

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"strings"

	"github.com/tugops/tug/internal/forge"
	"github.com/tugops/tug/internal/git"
)

// PullRequests is what is needed of a forge.
type PullRequests interface {
	FindPullRequest(ctx context.Context, head, base string) (forge.PullRequest, bool, error)
	OpenPullRequest(ctx context.Context, p forge.NewPullRequest) (forge.PullRequest, error)
	UpdatePullRequest(ctx context.Context, number int, c forge.Change) (forge.PullRequest, error)
	ClosePullRequest(ctx context.Context, number int, comment string) error
}

// Branch is the name of the branch of a group's pull request in an environment,
// which may be empty.
func Branch(environment, group string) string {
	if environment == "" {
		return "promote/" + group
	}
	return "promote/" + environment + "/" + group
}

// Propose adds intents to the one pull request of a branch into a base. While
// the branch is only tug's, it is one commit on the tip of the base that is
// written anew. A person's commits on it stay: intents are added on top. A
// branch in which nothing is left goes, and closes its pull request.
func (w *Writer) Propose(ctx context.Context, base, branch string, intents []Intent) (Result, error) {
	return w.repeat(ctx, branch, func(refs git.Refs) (try, error) {
		onto, err := w.tip(ctx, refs, base)
		if err != nil {
			return try{}, err
		}
		var head *git.Tree
		if hash := refs.Branches[branch]; hash != "" {
			if head, err = w.Repository.At(ctx, hash); err != nil {
				return try{}, err
			}
		}
		if head == nil || head.Commit.Hash == onto.Commit.Hash {
			return w.rewrite(base, branch, onto, head, pending{}, intents)
		}
		waiting, ours := readPending(head)
		if !ours {
			return w.onTop(base, branch, head, intents)
		}
		return w.rewrite(base, branch, onto, head, waiting, intents)
	})
}

// onTop adds intents to a branch that is a person's too.
func (w *Writer) onTop(base, branch string, head *git.Tree, intents []Intent) (try, error) {
	done, top, err := w.chain(head, intents)
	if err != nil {
		return try{}, err
	}
	t := try{result: Result{
		Branch: branch, Base: base, Before: head.Commit.Hash, Commit: top.Commit.Hash, Outcomes: done, Foreign: true, Old: head.Files, New: top.Files,
	}}
	if top != head {
		t.move = &git.Move{Branch: branch, Old: head.Commit.Hash, New: top}
	}
	return t, nil
}

// rewrite makes the branch anew from its base.
func (w *Writer) rewrite(base, branch string, onto, head *git.Tree, waiting pending, intents []Intent) (try, error) {
	refused := map[string]Outcome{} // by key
	for _, in := range intents {
		in, err := in.Filled()
		if err != nil {
			return try{}, err
		}
		action, why, err := waiting.add(in)
		if err != nil {
			return try{}, fmt.Errorf("%s: %w", in.Subject(), err)
		}
		if action != Promoted {
			refused[in.Key] = Outcome{Intent: in, Action: action, Why: why, Changes: []Change{}}
		}
	}
	all, files, err := w.squash(onto, waiting.intents)
	if err != nil {
		return try{}, err
	}
	left := pending{superseded: waiting.superseded}
	var outcomes []Outcome
	for _, o := range all {
		if o.Action == Promoted {
			left.intents, outcomes = append(left.intents, o.Intent), append(outcomes, o)
		}
	}
	t := try{result: Result{Branch: branch, Base: base, Superseded: left.superseded, Pending: outcomes, Old: onto.Files, New: onto.Files}}
	if head != nil {
		t.result.Before, t.result.Commit = head.Commit.Hash, head.Commit.Hash
	}
	top, err := w.proposal(onto, head, left, outcomes, files)
	if err != nil {
		return try{}, err
	}
	switch {
	case top == nil && head != nil:
		t.move = &git.Move{Branch: branch, Old: head.Commit.Hash}
		t.result.Deleted, t.result.Commit = true, ""
	case top != nil && top != head:
		t.move = &git.Move{Branch: branch, Old: t.result.Before, New: top}
		t.result.Commit = top.Commit.Hash
	}
	if top != nil {
		t.result.New = top.Files
	}
	t.result.Outcomes = asked(intents, all, refused, t.result.Commit)
	return t, nil
}

// squash applies intents to a base, each to what the last one left.
func (w *Writer) squash(onto *git.Tree, intents []Intent) ([]Outcome, map[string][]byte, error) {
	files := map[string][]byte{}
	var all []Outcome
	at := onto
	for _, in := range intents {
		o, err := w.apply(at, in)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", in.Subject(), err)
		}
		if o.Action == Promoted {
			maps.Copy(files, o.Files)
			if at, err = w.commit(onto, files, func(string) string { return "" }); err != nil {
				return nil, nil, err
			}
		}
		all = append(all, o)
	}
	return all, files, nil
}

// proposal is the one commit of the branch: nil when nothing is left, the head
// when it is that already.
func (w *Writer) proposal(onto, head *git.Tree, left pending, outcomes []Outcome, files map[string][]byte) (*git.Tree, error) {
	if len(outcomes) == 0 {
		return nil, nil
	}
	lines, err := left.lines()
	if err != nil {
		return nil, err
	}
	text := func(base, tree string) string {
		return message(outcomes, append(lines[:len(lines):len(lines)], trailerBase+": "+base, trailerTree+": "+tree)...)
	}
	if head != nil && len(head.Parents) == 1 && head.Message == text(head.Parents[0], head.Hash) && unchangedSince(head, files) {
		return head, nil // the same on an older base, into which it still fits
	}
	return w.commit(onto, files, func(tree string) string { return text(onto.Commit.Hash, tree) })
}

// unchangedSince reports whether a branch has these files already.
func unchangedSince(head *git.Tree, files map[string][]byte) bool {
	for name, want := range files {
		got, err := fs.ReadFile(head.Files, name)
		if err != nil || string(got) != string(want) {
			return false
		}
	}
	return true
}

// asked are the outcomes of the intents that were given, in their order.
func asked(intents []Intent, all []Outcome, refused map[string]Outcome, commit string) []Done {
	var list []Done
	for _, in := range intents {
		in, err := in.Filled()
		if err != nil {
			continue // rewrite refused it
		}
		d := Done{Outcome: Outcome{Intent: in, Action: Superseded, Why: "a later intent of this call took its place", Changes: []Change{}}}
		if o, ok := refused[in.Key]; ok {
			d.Outcome = o
		}
		for _, o := range all {
			if o.Intent.Key == in.Key || len(in.Images) == 0 && in.Version == "" && o.Intent.App == in.App && o.Intent.Environment == in.Environment && o.Intent.PartName() == in.PartName() {
				d.Outcome = o
				if o.Action == Promoted {
					d.Commit = commit
				}
			}
		}
		list = append(list, d)
	}
	return list
}

// Publish brings the pull request along with its branch: opens it, writes title
// and body anew, or closes it. It gives false when there is none.
func Publish(ctx context.Context, pulls PullRequests, r Result) (forge.PullRequest, bool, error) {
	p, open, err := pulls.FindPullRequest(ctx, r.Branch, r.Base)
	if err != nil {
		return p, false, err
	}
	if r.Deleted || r.Commit == "" {
		if !open {
			return p, false, nil
		}
		return p, false, pulls.ClosePullRequest(ctx, p.Number, "Nothing is left to promote: "+r.Base+" has it, or something newer.")
	}
	if len(r.All()) == 0 {
		return p, open, nil
	}
	title, body := title(r.All()), body(r)
	if !open {
		p, err = pulls.OpenPullRequest(ctx, forge.NewPullRequest{Title: title, Body: body, Head: r.Branch, Base: r.Base})
		if !errors.Is(err, forge.ErrDuplicate) {
			return p, err == nil, err
		}
		if p, open, err = pulls.FindPullRequest(ctx, r.Branch, r.Base); err != nil || !open {
			return p, false, err
		}
	}
	if r.Foreign || p.Title == title && strings.TrimSpace(strings.ReplaceAll(p.Body, "\r\n", "\n")) == strings.TrimSpace(body) {
		return p, true, nil // a person's pull request keeps a person's words
	}
	p, err = pulls.UpdatePullRequest(ctx, p.Number, forge.Change{Title: &title, Body: &body})
	return p, err == nil, err
}
