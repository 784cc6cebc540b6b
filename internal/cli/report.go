package cli

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"

	"github.com/tugops/tug/internal/fault"
)

// problem is the JSON form of an error or warning: one object on a line of its
// own on stderr, beside the events of progress.
type problem struct {
	Type     string     `json:"type"` // error or warning
	Kind     fault.Kind `json:"kind,omitempty"`
	Message  string     `json:"message"`
	Hints    []string   `json:"hints,omitempty"`
	ExitCode int        `json:"exitCode,omitempty"`
}

// report prints an error: one "tug: error:" line (with the lines of its
// message indented under it) and one "tug: hint:" line per hint.
func (e *Env) report(err error) {
	kind, hints := fault.KindOf(err), fault.HintsOf(err)
	text := e.sensitive.Mask(err.Error())
	for i := range hints {
		hints[i] = e.sensitive.Mask(hints[i])
	}
	if kind == fault.Internal {
		hints = append(hints, "this error has no explanation of its own; if it looks like a bug in tug, please report it with --log-level debug")
	}
	if e.Global.JSON() {
		data, jsonErr := json.Marshal(problem{Type: "error", Kind: kind, Message: text, Hints: hints, ExitCode: kind.ExitCode()})
		if jsonErr == nil {
			fmt.Fprintf(e.Stderr, "%s\n", data)
			return
		}
	}
	s := e.style(e.ErrTTY)
	label, message := s.bad("error:"), text
	if kind == fault.Pending {
		label = s.note("note:")
	}
	fmt.Fprintf(e.Stderr, "tug: %s %s\n", label, strings.ReplaceAll(strings.TrimRight(message, "\n"), "\n", "\n  "))
	for _, h := range hints {
		fmt.Fprintf(e.Stderr, "tug: %s %s\n", s.note("hint:"), h)
	}
}

// warn prints warnings to stderr, one line each, unless --quiet.
func (e *Env) warn(warnings ...string) {
	if e.Global.Quiet || e.Global.level() > slog.LevelWarn {
		return
	}
	s := e.style(e.ErrTTY)
	for _, w := range warnings {
		w = e.sensitive.Mask(w)
		if e.Global.JSON() {
			data, err := json.Marshal(problem{Type: "warning", Message: w})
			if err == nil {
				fmt.Fprintf(e.Stderr, "%s\n", data)
				continue
			}
		}
		fmt.Fprintf(e.Stderr, "tug: %s %s\n", s.note("warning:"), w)
	}
}
