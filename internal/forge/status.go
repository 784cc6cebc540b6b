package forge

import "context"

// StatusState is how a check on a commit went.
type StatusState string

// The states.
const (
	Pending StatusState = "pending"
	Success StatusState = "success"
	Failure StatusState = "failure" // it ran and found something
	Errored StatusState = "error"   // it could not run
)

// Status is the outcome of one check on one commit. A newer one of the same
// context takes the place of an older one.
type Status struct {
	// Context names the check, as branch protection does: "tug/preview".
	Context string
	State   StatusState
	// Description is cut to what the forge takes.
	Description string
	// URL leads to more; may be empty.
	URL string
}

// Statuses are those of commits.
type Statuses interface {
	// SetStatus writes one; the same twice is the same as once.
	SetStatus(ctx context.Context, commit string, s Status) error
	// Statuses gives the newest of every context, by context.
	Statuses(ctx context.Context, commit string) ([]Status, error)
}

// Cut shortens text to limit runes and shows that it did.
func Cut(text string, limit int) string {
	runes := []rune(text)
	if len(runes) <= limit {
		return text
	}
	return string(runes[:max(limit-1, 0)]) + "…"
}
