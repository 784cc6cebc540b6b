// Package forge is what tug knows of forges (GitHub, GitLab, Gitea and
// Forgejo) in words of its own: pull requests, comments, commit statuses and
// what a token may do. It makes no connection; forge/github, forge/gitlab and
// forge/gitea do, and all pass the suite of forge/contract.
//
// Git itself is the only way to write code: a push that names the old commit
// is the one compare-and-swap that every forge has. What is here is about the
// code, never the code.
//
// Errors are faults. Denied: the token may not. NotFound: no such repository,
// pull request or commit, or the token may not see it. Conflict: somebody was
// faster; ErrHeadMoved, ErrNotOpen and ErrConflicts say how. NotReady: the
// forge waits for checks or approvals. Unavailable: no usable answer in time.
// No error holds a token.
package forge

import "errors"

// Kind is a family of forges with one API.
type Kind string

// The kinds. Gitea stands for Forgejo too.
const (
	GitHub Kind = "github"
	GitLab Kind = "gitlab"
	Gitea  Kind = "gitea"
)

// Kinds are all kinds.
func Kinds() []Kind { return []Kind{GitHub, GitLab, Gitea} }

// Forge is one repository on a forge. Callers take the small interfaces that
// they need.
type Forge interface {
	PullRequests
	Comments
	Statuses
	Access
	// Kind says which limits and words apply.
	Kind() Kind
	// Repository is the one that all methods are about.
	Repository() Repository
}

// What a Conflict is about, for errors.Is.
var (
	// ErrHeadMoved: the branch has other commits than those reviewed.
	ErrHeadMoved = errors.New("the branch has moved since it was reviewed")
	// ErrNotOpen: the pull request was closed, or merged at another commit.
	ErrNotOpen = errors.New("the pull request is not open")
	// ErrConflicts: the forge cannot merge the two branches.
	ErrConflicts = errors.New("the branches conflict")
	// ErrDuplicate: there is an open pull request of that branch already.
	ErrDuplicate = errors.New("there is an open pull request of that branch already")
)

// Answer is yes, no, or that the forge does not say (yet).
type Answer int

// The answers; Unknown is the zero value.
const (
	Unknown Answer = iota
	Yes
	No
)

// String implements fmt.Stringer.
func (a Answer) String() string {
	switch a {
	case Yes:
		return "yes"
	case No:
		return "no"
	}
	return "unknown"
}

// Of is Yes or No.
func Of(b bool) Answer {
	if b {
		return Yes
	}
	return No
}

// Limits are what a forge stores of texts, in characters (runes).
type Limits struct {
	Title, Body, Comment, StatusDescription, StatusContext int
}

// The limits of comments, for callers that cut their reports.
const (
	// CommentLimit of GitHub. Gitea has none of its own; the same is used
	// there, since its pages become unusable long before.
	CommentLimit = 65_536
	// GitLabCommentLimit is that of GitLab.
	GitLabCommentLimit = 1_000_000
)

// Limits are those of a kind.
func (k Kind) Limits() Limits {
	if k == GitLab {
		return Limits{Title: 255, Body: GitLabCommentLimit, Comment: GitLabCommentLimit, StatusDescription: 255, StatusContext: 255}
	}
	return Limits{Title: 255, Body: CommentLimit, Comment: CommentLimit, StatusDescription: 140, StatusContext: 255}
}
