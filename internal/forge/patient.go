package forge

import (
	"context"
	"errors"
	"slices"
)

// Patient repeats what can be repeated without doing anything twice. Adapters
// repeat single requests; this is about the operations whose outcome is only
// known after looking: opening, commenting, merging.
type Patient struct {
	Forge
	Retry Retry
}

var _ Forge = Patient{}

// OpenPullRequest implements PullRequests. When the answer is lost, the pull
// request is looked for before another is opened.
func (p Patient) OpenPullRequest(ctx context.Context, n NewPullRequest) (PullRequest, error) {
	var made PullRequest
	unsure := false
	err := p.Retry.Do(ctx, Always, func() (err error) {
		if unsure {
			found, ok, err := p.FindPullRequest(ctx, n.Head, n.Base)
			if err != nil {
				return err
			}
			if ok {
				made, err = p.complete(ctx, found, n)
				return err
			}
		}
		made, err = p.Forge.OpenPullRequest(ctx, n)
		if later, ok := AsLater(err); ok && later.Done != No || unsure && errors.Is(err, ErrDuplicate) {
			unsure = true
			if !ok { // it was not listed yet
				return &Later{Err: err, Done: No}
			}
		}
		return err
	})
	return made, err
}

// complete finishes what a lost answer left half done.
func (p Patient) complete(ctx context.Context, found PullRequest, n NewPullRequest) (PullRequest, error) {
	var c Change
	if found.Title != n.Title {
		c.Title = &n.Title
	}
	if found.Body != n.Body {
		c.Body = &n.Body
	}
	if want := slices.Sorted(slices.Values(n.Labels)); !slices.Equal(found.Labels, want) && len(want) > 0 {
		c.Labels = &want
	}
	if c == (Change{}) {
		return found, nil
	}
	return p.UpdatePullRequest(ctx, found.Number, c)
}

// UpsertComment implements Comments. It looks for the comment each time, so
// that one whose answer was lost is found.
func (p Patient) UpsertComment(ctx context.Context, number int, c Comment) (Posted, error) {
	var posted Posted
	err := p.Retry.Do(ctx, Always, func() (err error) {
		posted, err = p.Forge.UpsertComment(ctx, number, c)
		return err
	})
	return posted, err
}

// SetStatus implements Statuses.
func (p Patient) SetStatus(ctx context.Context, commit string, s Status) error {
	return p.Retry.Do(ctx, Always, func() error { return p.Forge.SetStatus(ctx, commit, s) })
}

// ClosePullRequest implements PullRequests.
func (p Patient) ClosePullRequest(ctx context.Context, number int, comment string) error {
	return p.Retry.Do(ctx, Always, func() error { return p.Forge.ClosePullRequest(ctx, number, comment) })
}

// MergePullRequest implements PullRequests. Adapters read the pull request
// after every answer that is no clear yes, so that a merge whose answer was
// lost is seen, and a race on the base is tried again.
func (p Patient) MergePullRequest(ctx context.Context, number int, reviewed string, o MergeOptions) (string, error) {
	var commit string
	err := p.Retry.Do(ctx, Always, func() (err error) {
		commit, err = p.Forge.MergePullRequest(ctx, number, reviewed, o)
		return err
	})
	return commit, err
}
