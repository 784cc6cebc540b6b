// Package fault is the user-facing error: what is wrong, for which subject,
// and what to try. The kind of a fault decides the exit code of the command
// line (design.md section 3) and nothing else does.
//
// Adapters translate foreign errors (client-go, Helm, go-git) into a fault at
// their border, so that no other package has to know foreign error types.
// Inside, plain fmt.Errorf("step %q: %w", name, err) adds context once.
package fault

import (
	"errors"
	"fmt"
)

// Error is an error that a user can act on.
type Error struct {
	Kind Kind
	// Err says what happened, in lower case and without a full stop.
	Err error
	// Hints name the fix, one sentence each, most useful first.
	Hints []string
}

// New makes a fault of kind k. The message follows fmt.Errorf, %w included.
func New(k Kind, format string, args ...any) *Error {
	return &Error{Kind: k, Err: fmt.Errorf(format, args...)}
}

// Hint adds a hint and returns e, so that calls can be chained to New.
func (e *Error) Hint(format string, args ...any) *Error {
	e.Hints = append(e.Hints, fmt.Sprintf(format, args...))
	return e
}

// Error implements error.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap gives access to the cause.
func (e *Error) Unwrap() error { return e.Err }

// KindOf is the kind of the outermost fault in err, or Internal when there is
// none.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Internal
}

// Is reports whether the outermost fault in err has kind k. It is false for nil.
func Is(err error, k Kind) bool { return err != nil && KindOf(err) == k }

// HintsOf collects the hints of every fault in the chain of err, outermost
// first.
func HintsOf(err error) []string {
	var hints []string
	for err != nil {
		e, ok := errors.AsType[*Error](err)
		if !ok {
			return hints
		}
		hints = append(hints, e.Hints...)
		err = e.Err
	}
	return hints
}
