package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
)

// shown is the number of errors or objects a message spells out before it
// counts the rest.
const shown = 3

// errStopped marks a step that was not taken because the run is ending.
var errStopped = errors.New("the run was stopped")

// about puts source and ref before err and keeps its kind and hints. A read
// that ended with the run's context is no error of the object.
func about(ref object.Ref, src object.Source, err error) error {
	if err == nil || errors.Is(err, errStopped) {
		return err
	}
	if fault.Is(err, fault.Interrupted) {
		return errStopped
	}
	kind := fault.KindOf(err)
	if !strings.Contains(err.Error(), ref.String()) {
		err = fmt.Errorf("%s: %w", ref, err)
	}
	if s := src.String(); s != "" && !strings.HasPrefix(err.Error(), s) {
		err = fmt.Errorf("%s: %w", s, err)
	}
	return fault.New(kind, "%w", err)
}

// join makes one fault of the errors of one stage: sorted by text, the first
// few in full and the number of the others. Its kind is that of the first.
func join(errs []error) error {
	errs = slices.DeleteFunc(slices.Clone(errs), func(err error) bool {
		return err == nil || errors.Is(err, errStopped)
	})
	slices.SortStableFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	if len(errs) < 2 {
		return first(errs)
	}
	lines := make([]string, 0, shown+1)
	for _, err := range errs[:min(shown, len(errs))] {
		lines = append(lines, err.Error())
	}
	if rest := len(errs) - shown; rest > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", rest))
	}
	all := fault.New(fault.KindOf(errs[0]), "%d objects failed:\n%s", len(errs), indent(lines))
	for _, err := range errs {
		for _, h := range fault.HintsOf(err) {
			if !slices.Contains(all.Hints, h) && len(all.Hints) < shown {
				all.Hints = append(all.Hints, h)
			}
		}
	}
	return all
}

// first is the first error of a list that has nil for what went well.
func first(errs []error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func indent(lines []string) string {
	text := strings.Join(lines, "\n")
	return "  " + strings.ReplaceAll(text, "\n", "\n  ")
}

// interrupted is the fault of a run whose context ended. A cause that is a
// fault itself (a lost Lease, say) decides the kind.
func interrupted(ctx context.Context, done string) error {
	cause := context.Cause(ctx)
	if f, ok := errors.AsType[*fault.Error](cause); ok {
		return fault.New(f.Kind, "stopped after %s: %w", done, cause)
	}
	return fault.New(fault.Interrupted, "interrupted after %s", done).
		Hint("what was done is recorded; run it again to go on, or go back with `tug rollback` (after a first release, `tug delete`)")
}
