package api

import (
	"sync"

	"github.com/tugops/tug/internal/event"
)

// maxFeed is how many facts a Feed keeps for readers that come late.
const maxFeed = 1000

// Feed keeps the last facts and wakes those who read them. Its Tell is an
// event.Facts.
type Feed struct {
	mu    sync.Mutex
	facts []event.Fact // the last ones
	total uint64       // how many there were: the ID of the newest
	more  chan struct{}
}

// NewFeed is empty.
func NewFeed() *Feed { return &Feed{more: make(chan struct{})} }

// Tell adds a fact.
func (f *Feed) Tell(fact event.Fact) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.facts = append(f.facts, fact)
	if len(f.facts) > maxFeed {
		f.facts = append([]event.Fact(nil), f.facts[len(f.facts)-maxFeed/2:]...)
	}
	f.total++
	close(f.more)
	f.more = make(chan struct{})
}

// After are the facts after an ID as far as they are kept, the ID of the first
// of them, and a channel that is closed when there are more. An ID that is yet
// to come is one of an earlier process: all are given.
func (f *Feed) After(id uint64) (facts []event.Fact, first uint64, more <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	oldest := f.total - uint64(len(f.facts)) // ID before the first that is kept
	if id < oldest || id > f.total {
		id = oldest
	}
	return append([]event.Fact(nil), f.facts[id-oldest:]...), id + 1, f.more
}

// Newest is the ID of the newest fact; 0 when there is none.
func (f *Feed) Newest() uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.total
}
