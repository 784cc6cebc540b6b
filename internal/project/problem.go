package project

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/tugops/tug/internal/fault"
)

// Position is a place in tug.yaml. Line and Column are 1-based; 0 when the
// YAML parser does not say.
type Position struct {
	File   string `json:"file"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
}

// String is "file:line:column" as far as known.
func (p Position) String() string {
	switch {
	case p.Line == 0:
		return p.File
	case p.Column == 0:
		return fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Problem is one thing that is wrong with a project.
type Problem struct {
	At   Position
	Text string
	Hint string
}

// Error implements error: "tug.yaml:12:5: unknown key "replica"".
func (p Problem) Error() string {
	if p.At.File == "" {
		return p.Text
	}
	return p.At.String() + ": " + p.Text
}

// Problems are all that was found, in order of position.
type Problems []Problem

// maxShown bounds the text of an error; errors.As gives all of them.
const maxShown = 10

// Error has a line for each problem, ten at most.
func (ps Problems) Error() string {
	var lines []string
	for i, p := range ps {
		if i == maxShown {
			lines = append(lines, fmt.Sprintf("and %d more", len(ps)-maxShown))
			break
		}
		lines = append(lines, p.Error())
	}
	return strings.Join(lines, "\n")
}

// fault is one Invalid fault over all problems with the hints of those that
// its text shows, or nil when there is none. A hint says which problem it is
// for when there are several.
func (ps Problems) fault() error {
	if len(ps) == 0 {
		return nil
	}
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.At.File, b.At.File), cmp.Compare(a.At.Line, b.At.Line), cmp.Compare(a.At.Column, b.At.Column))
	})
	f := fault.New(fault.Invalid, "%w", ps)
	for _, p := range ps[:min(len(ps), maxShown)] {
		switch {
		case p.Hint == "":
		case len(ps) == 1 || p.At.File == "":
			f = f.Hint("%s", p.Hint)
		default:
			f = f.Hint("%s: %s", p.At, p.Hint)
		}
	}
	return f
}
