package forge

import (
	"context"
	"strings"
)

// State is that of a pull request.
type State string

// The states.
const (
	Open   State = "open"
	Closed State = "closed"
	Merged State = "merged"
)

// PullRequest is a pull request (GitLab: merge request) as it was read.
type PullRequest struct {
	Number      int
	URL         string // for people
	Title, Body string
	State       State
	// Head and Base are branches. HeadRepository is the path of the head's
	// repository; that of the forge unless the pull request is from a fork,
	// and empty when that fork is gone or not told.
	Head, Base, HeadRepository string
	// HeadCommit is what it would merge now; MergeCommit what merging made,
	// empty before.
	HeadCommit, MergeCommit string
	Author                  string
	Labels                  []string // in order
	Draft                   bool
	// Mergeable says whether the branches merge without conflict. Unknown is
	// usual right after a push: the forge finds out later. Gitea never says
	// No, as its answer is the same while it is finding out.
	Mergeable Answer
}

// Fork reports whether a pull request comes from another repository than r.
func (p PullRequest) Fork(r Repository) bool { return !strings.EqualFold(p.HeadRepository, r.Path) }

// NewPullRequest is what to open. Head and Base are branches of one
// repository. Labels that do not exist are created.
type NewPullRequest struct {
	Title, Body, Head, Base string
	Labels                  []string
}

// Change is what to change of a pull request; nil fields stay as they are.
// Labels replaces all of them.
type Change struct {
	Title, Body *string
	Labels      *[]string
}

// Method is how branches are merged.
type Method string

// The methods. The zero value is MergeCommit.
const (
	MergeCommit Method = "merge"
	Squash      Method = "squash"
	Rebase      Method = "rebase"
)

// MergeOptions say how to merge. Title and Message are of the commit, the
// forge's own when empty.
type MergeOptions struct {
	Method         Method
	Title, Message string
	// DeleteBranch removes the head after it. That it stays is no error.
	DeleteBranch bool
}

// PullRequests are those of a repository.
type PullRequests interface {
	// FindPullRequest gives the open pull request from a branch of this
	// repository into base, and false when there is none. Those of forks with
	// a branch of the same name are never found.
	FindPullRequest(ctx context.Context, head, base string) (PullRequest, bool, error)
	// PullRequest gives one in any state.
	PullRequest(ctx context.Context, number int) (PullRequest, error)
	// PullRequestsOf gives those that a commit is part of, in any state, the
	// newest first; none for a commit that the forge does not know.
	PullRequestsOf(ctx context.Context, commit string) ([]PullRequest, error)
	// OpenPullRequest opens one. When one from that head into that base is
	// open already, the error is a Conflict with ErrDuplicate.
	OpenPullRequest(ctx context.Context, p NewPullRequest) (PullRequest, error)
	// UpdatePullRequest changes title, body or labels.
	UpdatePullRequest(ctx context.Context, number int, c Change) (PullRequest, error)
	// ClosePullRequest closes one without merging and, unless comment is
	// empty, says why. One that is closed stays so; one that was merged is a
	// Conflict with ErrNotOpen.
	ClosePullRequest(ctx context.Context, number int, comment string) error
	// MergePullRequest merges what was reviewed and gives the commit on the
	// base. When the head is another by now it merges nothing: Conflict with
	// ErrHeadMoved. When it was merged already at the reviewed head, that is
	// the answer.
	MergePullRequest(ctx context.Context, number int, reviewed string, o MergeOptions) (commit string, err error)
}
