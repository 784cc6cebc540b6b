package cli

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tugops/tug/internal/event"
	"github.com/tugops/tug/internal/object"
)

// liveRows is how many waiting objects are shown at once.
const liveRows = 8

// live shows progress on a terminal: what is finished scrolls up, below it one
// bar for the phase and the objects that are still missing, with the reason.
type live struct {
	mu      sync.Mutex
	w       io.Writer
	s       style
	width   func() int
	drawn   int // lines of the block on the screen
	phase   event.Event
	done    int
	many    bool
	waiting map[object.Ref]string
	began   time.Time
	stop    chan struct{}
	stopped chan struct{}
}

func newLive(w io.Writer, s style, width func() int) *live {
	l := &live{w: w, s: s, width: width, waiting: map[object.Ref]string{}, began: time.Now(), stop: make(chan struct{}), stopped: make(chan struct{})}
	go l.tick()
	return l
}

// tick redraws the block, so that the clock in it moves.
func (l *live) tick() {
	defer close(l.stopped)
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-l.stop:
			return
		case <-ticker.C:
			l.mu.Lock()
			l.draw(nil)
			l.mu.Unlock()
		}
	}
}

// Close implements progress.
func (l *live) Close() {
	close(l.stop)
	<-l.stopped
	l.mu.Lock()
	defer l.mu.Unlock()
	l.phase = event.Event{}
	clear(l.waiting)
	l.draw(nil)
}

// Event implements progress.
func (l *live) Event(ev event.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch ev.Type {
	case event.PhaseStarted:
		l.phase, l.done, l.many = ev, ev.Done, ev.Total > manyObjects
		return
	case event.PhaseFinished:
		l.phase = event.Event{}
		l.draw([]string{l.s.good("✓") + " " + subject(ev) + ": " + counted(ev)})
		return
	case event.Waiting, event.Deleting:
		l.waiting[ev.Ref] = ev.Message
		return
	}
	delete(l.waiting, ev.Ref)
	l.done++
	if text := l.finished(ev); text != "" {
		l.draw([]string{text})
	}
}

// finished is the line that scrolls up for an event, or "".
func (l *live) finished(ev event.Event) string {
	switch ev.Type {
	case event.Failed:
		return "  " + l.s.bad("✗") + " " + line(ev)
	case event.Warning:
		return "  " + l.s.note("!") + " " + line(ev)
	case event.Released:
		return l.s.good("✓") + " " + line(ev)
	}
	if l.many {
		return ""
	}
	return "  " + l.s.good("✓") + " " + line(ev)
}

// draw prints finished lines above the block and the block again.
func (l *live) draw(finished []string) {
	var b strings.Builder
	if l.drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dA\x1b[J", l.drawn)
	}
	for _, text := range finished {
		b.WriteString(text + "\n")
	}
	block := l.block()
	for _, text := range block {
		b.WriteString(text + "\n")
	}
	l.drawn = len(block)
	if b.Len() > 0 {
		io.WriteString(l.w, b.String()) //nolint:errcheck // a lost progress line must not fail the work
	}
}

// block is the part that is redrawn: a bar and what is waited for.
func (l *live) block() []string {
	if l.phase.Message == "" {
		return nil
	}
	width := l.width()
	if width <= 20 {
		width = 80
	}
	head := fmt.Sprintf("%s: %s", subject(l.phase), l.phase.Message)
	if l.phase.Total > 0 {
		head += fmt.Sprintf(" %s %d/%d", bar(l.done, l.phase.Total), min(l.done, l.phase.Total), l.phase.Total)
	}
	rows := []string{cut(head, width-8) + " " + l.s.dim(time.Since(l.began).Round(time.Second).String())}
	refs := slices.SortedFunc(maps.Keys(l.waiting), object.Ref.Compare)
	for i, ref := range refs {
		if i == liveRows {
			rows = append(rows, l.s.dim(fmt.Sprintf("    and %d more", len(refs)-i)))
			break
		}
		rows = append(rows, l.s.note(cut("  … "+ref.String()+": "+l.waiting[ref], width-1)))
	}
	return rows
}

// bar is a progress bar of 20 cells.
func bar(done, total int) string {
	full := min(20, done*20/max(1, total))
	return strings.Repeat("█", full) + strings.Repeat("░", 20-full)
}

// cut shortens text to a number of columns.
func cut(text string, width int) string {
	text = strings.ReplaceAll(text, "\n", " ")
	runes := []rune(text)
	if len(runes) <= width || width < 2 {
		return text
	}
	return string(runes[:width-1]) + "…"
}
