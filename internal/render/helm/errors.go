package helm

import (
	"context"
	"errors"
	"regexp"
	"strings"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/render"
)

// The forms of Helm's errors (pkg/engine): one line with the place in
// parentheses, or a chain of places, outermost template first, each followed
// by indented lines for what was executed and what went wrong.
var (
	placedError = regexp.MustCompile(`(?s)^(?:parse|execution) error (?:at|in) \(([^)]*)\): (.*)$`)
	placeLine   = regexp.MustCompile(`^(\S.*?)(:\d+(?::\d+)?)?$`)
	place       = regexp.MustCompile(`^(.*?)((?::\d+){0,2})$`)
)

// templateHint fits what templates most often fail on: a value that is absent.
const templateHint = "correct the template, or give the value it needs with -f or --set"

// templateFault turns an error of the engine into a fault that names the
// template inside the repository, line and column included.
func (r *run) templateFault(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if errors.Is(err, render.ErrRunaway) {
		return fault.New(fault.Invalid, "%s: %w", r.root, err)
	}
	text := strings.TrimRight(err.Error(), "\n")
	if m := placedError.FindStringSubmatch(text); m != nil {
		return fault.New(fault.Invalid, "template %s: %s", r.locate(m[1]), m[2]).Hint(templateHint)
	}
	if f := r.chainFault(text); f != nil {
		return f
	}
	return fault.New(fault.Invalid, "%s: %s", r.root, strings.TrimPrefix(text, "template: "))
}

// chainFault reads the chain form. The innermost place is where it went wrong,
// the outermost is the file that was being rendered.
func (r *run) chainFault(text string) error {
	var places []string
	var what, message string
	for line := range strings.SplitSeq(text, "\n") {
		trimmed := strings.TrimSpace(line)
		switch {
		case trimmed == "":
		case !strings.HasPrefix(line, " ") && r.known(line):
			places = append(places, line)
		case strings.HasPrefix(trimmed, "executing "):
			what = strings.TrimSuffix(trimmed, ":")
		default:
			message = trimmed
		}
	}
	if len(places) == 0 || message == "" {
		return nil
	}
	inner, outer := r.locate(places[len(places)-1]), r.locate(places[0])
	if inner == outer {
		return fault.New(fault.Invalid, "template %s: %s: %s", inner, what, message).Hint(templateHint)
	}
	return fault.New(fault.Invalid, "template %s: %s: %s (rendering %s)", inner, what, message, outer).Hint(templateHint)
}

// known reports whether a line is a place in one of our templates.
func (r *run) known(line string) bool {
	m := placeLine.FindStringSubmatch(line)
	return m != nil && r.paths[m[1]] != ""
}

// locate replaces the engine's name of a template in "name:line:col".
func (r *run) locate(at string) string {
	m := place.FindStringSubmatch(at)
	return r.path(m[1]) + m[2]
}

// path is where a template of the engine lies in the repository.
func (r *run) path(name string) string {
	if p, ok := r.paths[name]; ok {
		return p
	}
	return name
}
