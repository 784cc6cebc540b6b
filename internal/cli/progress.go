package cli

import (
	"cmp"
	"fmt"
	"log/slog"
	"strings"

	"github.com/tugops/tug/internal/event"
)

// manyObjects is the size of a phase from which on its objects are counted
// instead of listed.
const manyObjects = 60

// progress shows what happens while a command works. Close ends it and leaves
// the last state on the screen.
type progress interface {
	Event(event.Event)
	Close()
}

// newProgress is live on a terminal, plain lines in a pipe or between log
// lines, JSON lines where results are JSON, and nothing when quiet.
func (e *Env) newProgress() progress {
	switch {
	case e.Global.Quiet:
		return silent{}
	case e.Global.JSON():
		return newJSONLines(e.Stderr)
	case e.ErrTTY && e.Global.level() >= slog.LevelWarn && e.Getenv("TERM") != "dumb" && e.Getenv("CI") == "":
		return newLive(e.Stderr, e.style(true), e.Width)
	}
	return newLines(e.Stderr)
}

type silent struct{}

func (silent) Event(event.Event) {}
func (silent) Close()            {}

// line is what is worth a line of its own in a log, or "".
func line(ev event.Event) string {
	switch ev.Type {
	case event.Applied:
		if ev.Action == "" {
			return withMessage(ev)
		}
		return past(ev.Action) + " " + ev.Ref.String()
	case event.Deleted:
		return "deleted " + ev.Ref.String()
	case event.Deleting:
		return "deleting " + withMessage(ev)
	case event.Waiting:
		return "waiting for " + withMessage(ev)
	case event.Ready:
		return "ready " + withMessage(ev)
	case event.Failed:
		return "failed " + withMessage(ev)
	case event.Warning:
		return ev.Message
	case event.Released:
		return "recorded release " + ev.Message
	}
	return ""
}

// withMessage is the object and the first line of the message: the rest of a
// failure is in the error that ends the command.
func withMessage(ev event.Event) string {
	message, _, _ := strings.Cut(ev.Message, "\n")
	switch {
	case ev.Ref.Kind == "":
		return message
	case message == "" || strings.Contains(message, ev.Ref.String()):
		return cmp.Or(message, ev.Ref.String())
	}
	return ev.Ref.String() + ": " + message
}

// past is the past tense of an action.
func past(action string) string {
	switch action {
	case "create":
		return "created"
	case "update":
		return "updated"
	case "re-own":
		return "re-owned"
	case "take-over":
		return "took over"
	case "delete":
		return "deleted"
	case "run-hook":
		return "ran hook"
	}
	return action
}

func counted(ev event.Event) string {
	if ev.Total == 0 {
		return ev.Message
	}
	return fmt.Sprintf("%s (%d of %d)", ev.Message, ev.Done, ev.Total)
}
