package agent

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tugops/tug/internal/fault"
)

// quiet reports whether every repository was read, or could not be, and no app
// has anything to do now.
func (l *loop) quiet() bool {
	for _, r := range l.repos {
		if r.checkout == nil && r.broken == nil {
			return false
		}
		if r.searching {
			return false
		}
	}
	for _, t := range l.apps {
		if t.Running || t.Looking || t.why == unknown || t.why == "" {
			return false
		}
	}
	return len(l.dirty) == 0 && len(l.a.inbox) == 0
}

// verdict is what is wrong when the agent ends after one round.
func (l *loop) verdict() error {
	var errs []error
	for _, r := range l.repos {
		if r.broken != nil {
			errs = append(errs, r.broken)
		}
	}
	for _, t := range l.apps {
		if t.failure != nil {
			errs = append(errs, fmt.Errorf("%s: %w", t.name(), t.failure))
		}
	}
	if len(errs) == 0 {
		return nil
	}
	slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return fault.New(fault.KindOf(errs[0]), "%w", errors.Join(errs...))
}
