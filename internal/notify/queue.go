package notify

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tugops/tug/internal/event"
)

// maxQueue is how many facts wait for one channel.
const maxQueue = 100

// queue holds the facts that wait for one channel. When it is full, the oldest
// of the least severe ones make room and are counted.
type queue struct {
	mu     sync.Mutex
	facts  []event.Fact
	out    map[event.Kind]int // left out
	closed bool
	// more has one element when something was added or the queue was closed.
	more chan struct{}
}

func newQueue() *queue { return &queue{more: make(chan struct{}, 1), out: map[event.Kind]int{}} }

// add gives the fact that made room, if one had to.
func (q *queue) add(f event.Fact) (dropped event.Fact, full bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return f, true
	}
	q.facts = append(q.facts, f)
	if len(q.facts) > maxQueue {
		i := least(q.facts)
		dropped, full = q.facts[i], true
		q.facts = slices.Delete(q.facts, i, i+1)
		q.out[dropped.Kind]++
	}
	q.wake()
	return dropped, full
}

func (q *queue) wake() {
	select {
	case q.more <- struct{}{}:
	default:
	}
}

// least is the index of the oldest of the least severe facts.
func least(facts []event.Fact) int {
	found := 0
	for i, f := range facts {
		if !f.Severity.AtLeast(facts[found].Severity) {
			found = i
		}
	}
	return found
}

// take is the next fact, or a summary of what was left out before it.
// Done says that there will be none.
func (q *queue) take(now time.Time) (f event.Fact, ok, done bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.out) > 0 && len(q.facts) <= maxQueue/2 {
		f = summary(q.out, now)
		clear(q.out)
		return f, true, false
	}
	if len(q.facts) == 0 {
		return event.Fact{}, false, q.closed
	}
	f = q.facts[0]
	q.facts = slices.Delete(q.facts, 0, 1)
	return f, true, false
}

// close lets the queue run empty.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.wake()
}

// rest is what was not taken.
func (q *queue) rest() []event.Fact {
	q.mu.Lock()
	defer q.mu.Unlock()
	left := q.facts
	q.facts = nil
	return left
}

func summary(out map[event.Kind]int, now time.Time) event.Fact {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(out)) {
		parts = append(parts, fmt.Sprintf("%d %s", out[k], k))
	}
	return event.Fact{Time: now, Kind: KindLeftOut, Severity: event.SeverityWarning, Message: "left out: " + strings.Join(parts, ", ")}
}
