package cli

import (
	"fmt"
	"io"
	"sync"

	"github.com/tugops/tug/internal/event"
)

// lines shows progress as plain lines, for logs and pipes.
type lines struct {
	mu   sync.Mutex
	w    io.Writer
	many bool // the phase has too many objects to list them
}

func newLines(w io.Writer) *lines { return &lines{w: w} }

// Event implements progress.
func (l *lines) Event(ev event.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch ev.Type {
	case event.PhaseStarted:
		l.many = ev.Total > manyObjects
		fmt.Fprintf(l.w, "%s: %s\n", subject(ev), counted(ev))
		return
	case event.PhaseFinished:
		if l.many {
			fmt.Fprintf(l.w, "%s: %s done\n", subject(ev), counted(ev))
		}
		return
	case event.Applied, event.Deleted, event.Deleting, event.Ready:
		if l.many {
			return
		}
	}
	if text := line(ev); text != "" {
		fmt.Fprintf(l.w, "  %s\n", text)
	}
}

// Close implements progress.
func (l *lines) Close() {}

func subject(ev event.Event) string {
	if ev.Env == "" {
		return ev.App
	}
	return ev.App + "/" + ev.Env
}
