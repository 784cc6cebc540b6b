package notify

import (
	"time"

	"github.com/tugops/tug/internal/event"
)

// Bounds of a memory.
const (
	repeatAfter  = 30 * time.Minute
	maxRemembers = 10_000
)

// memory knows what was told of each trouble since it began or ended, so that
// the same is not told again until something else happened, or half an hour
// has passed.
type memory struct {
	troubles map[string]*told
	size     int // keys of all troubles
}

type told struct {
	phase Phase
	keys  map[string]time.Time
}

// again reports whether a fact says nothing new, and remembers it otherwise.
func (m *memory) again(f event.Fact, now time.Time) bool {
	t := m.of(f, now)
	if phase := PhaseOf(f.Kind); phase != Plain && phase != t.phase {
		m.size -= len(t.keys)
		t.phase, t.keys = phase, map[string]time.Time{}
	}
	key := f.Key()
	at, known := t.keys[key]
	if known && now.Sub(at) < repeatAfter && !now.Before(at) {
		return true
	}
	if !known {
		m.size++
	}
	t.keys[key] = now
	return false
}

// of is what was told of the trouble of a fact. A full memory is emptied: then
// something may be told twice.
func (m *memory) of(f event.Fact, now time.Time) *told {
	if m.size >= maxRemembers {
		m.drop(now)
	}
	if m.troubles == nil {
		m.troubles = map[string]*told{}
	}
	t := m.troubles[trouble(f)]
	if t == nil {
		t = &told{phase: Plain, keys: map[string]time.Time{}}
		m.troubles[trouble(f)] = t
	}
	return t
}

// drop forgets what is out of date, and everything when that is not enough.
func (m *memory) drop(now time.Time) {
	for name, t := range m.troubles {
		for key, at := range t.keys {
			if now.Sub(at) >= repeatAfter {
				delete(t.keys, key)
				m.size--
			}
		}
		if len(t.keys) == 0 {
			delete(m.troubles, name)
		}
	}
	if m.size >= maxRemembers/2 {
		clear(m.troubles)
		m.size = 0
	}
}

// forget lets a fact be told again.
func (m *memory) forget(f event.Fact) {
	t := m.troubles[trouble(f)]
	if t == nil {
		return
	}
	if _, known := t.keys[f.Key()]; known {
		delete(t.keys, f.Key())
		m.size--
	}
}
