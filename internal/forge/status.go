package forge

import (
	"context"
	"slices"
	"strings"
)

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

// Missing are the required checks, names or patterns (* for any characters),
// that no successful status answers; also the contexts that a pattern selects
// and that are not successful.
func Missing(required []string, have []Status) []string {
	var missing []string
	for _, pattern := range required {
		any := false
		for _, s := range have {
			if !matches(pattern, s.Context) {
				continue
			}
			any = true
			if s.State != Success && !slices.Contains(missing, s.Context) {
				missing = append(missing, s.Context)
			}
		}
		if !any {
			missing = append(missing, pattern)
		}
	}
	return missing
}

func matches(pattern, name string) bool {
	before, after, has := strings.Cut(pattern, "*")
	if !has {
		return pattern == name
	}
	rest, ok := strings.CutPrefix(name, before)
	if !ok {
		return false
	}
	for i := 0; i <= len(rest); i++ {
		if matches(after, rest[i:]) {
			return true
		}
	}
	return false
}
