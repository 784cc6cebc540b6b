package deploy

import (
	"sync"

	"github.com/tugops/tug/internal/inventory"
	"github.com/tugops/tug/internal/object"
)

// journal notes confirmed steps in the record that is saved at the end. It is
// kept in memory: what is lost with the process is owned all the same, through
// the write-ahead inventory and the label (cluster-semantics.md 2.3, 6.2).
type journal struct {
	mu    sync.Mutex
	rec   *inventory.Record
	early []inventory.Item // confirmed before there was a record
}

// begin sets the record to note in.
func (j *journal) begin(rec *inventory.Record) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.rec = rec
	for _, it := range j.early {
		rec.Confirm(it)
	}
}

// Applied implements apply.Journal.
func (j *journal) Applied(it inventory.Item) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.rec.Confirm(it)
}

// Deleted implements apply.Journal.
func (j *journal) Deleted(ref object.Ref) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.rec.Remove(ref)
}

// release is a copy of the release with a number.
func (j *journal) release(number int) inventory.Release {
	j.mu.Lock()
	defer j.mu.Unlock()
	return *j.rec.Head.Release(number)
}

// use calls f with the record while nothing is noted in it.
func (j *journal) use(f func(rec *inventory.Record) error) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return f(j.rec)
}
