package forge

import "context"

// Right is what a token may do with one kind of thing.
type Right int

// The rights. NotSaid is that the forge does not tell without trying.
const (
	NotSaid Right = iota
	None
	Read
	Write
)

// String implements fmt.Stringer.
func (r Right) String() string {
	switch r {
	case None:
		return "none"
	case Read:
		return "read"
	case Write:
		return "write"
	}
	return "unknown"
}

// Permissions are what a token may do in the repository, as far as the forge
// says: the smaller of what its identity and its scopes allow.
type Permissions struct {
	// Identity is the login of the token's user or app; empty when unknown.
	Identity                     string
	Code, PullRequests, Statuses Right
	// Admin says whether it may change the settings of the repository, branch
	// protection among them.
	Admin Answer
	// Scopes are the token's, in the forge's own words; empty when the forge
	// does not list them.
	Scopes []string
	// Everywhere says whether it reaches beyond this repository.
	Everywhere Answer
}

// Protection are the rules of one branch.
type Protection struct {
	Branch string
	// Exists is false for a branch that is not there (yet); its rules may be.
	Exists    bool
	Protected Answer
	// Push says whether this token may push to it directly.
	Push Answer
	// Checks are the contexts of statuses that a merge waits for, in order:
	// names, or patterns in which * stands for any characters.
	Checks []string
	// Approvals is how many reviews a merge waits for.
	Approvals int
}

// Access is what may be done.
type Access interface {
	// Permissions of the token that the forge was given.
	Permissions(ctx context.Context) (Permissions, error)
	// Protection of a branch, for that token.
	Protection(ctx context.Context, branch string) (Protection, error)
}
