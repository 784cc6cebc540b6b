// Package problem is what one look at one object gives: which rule it breaks,
// at which field, and how to mend it. The packages that look (schema, score)
// know nothing of files, apps and configuration; check adds those.
package problem

import "fmt"

// Severity says how bad a finding is.
type Severity string

// The severities, worst first.
const (
	// Error is what an API server refuses, or what must not be in Git.
	Error Severity = "error"
	// Warning is what works today and hurts tomorrow, or may be missing.
	Warning Severity = "warning"
	// Info is worth knowing.
	Info Severity = "info"
)

// Rank orders severities: Error is 3, what is none is 0.
func (s Severity) Rank() int {
	switch s {
	case Error:
		return 3
	case Warning:
		return 2
	case Info:
		return 1
	}
	return 0
}

// Problem is one thing that is wrong with an object.
type Problem struct {
	// Rule is the ID of the rule that says so.
	Rule string
	// Severity overrides the rule's own; empty to leave it.
	Severity Severity
	// Path is the field; nil for the object as a whole.
	Path Path
	// Text says what is wrong, in one sentence without a full stop. It never
	// holds the value of a Secret.
	Text string
	// Hint names the fix; empty when the text says it all.
	Hint string
}

// New makes a problem; the text follows fmt.Sprintf.
func New(rule string, path Path, format string, args ...any) Problem {
	return Problem{Rule: rule, Path: path, Text: fmt.Sprintf(format, args...)}
}

// WithHint gives p with a fix.
func (p Problem) WithHint(format string, args ...any) Problem {
	p.Hint = fmt.Sprintf(format, args...)
	return p
}

// As gives p with a severity of its own.
func (p Problem) As(s Severity) Problem {
	p.Severity = s
	return p
}
