package inventory

import (
	"slices"

	"github.com/tugops/tug/internal/object"
)

// Item is the item of ref.
func (r *Record) Item(ref object.Ref) (Item, bool) {
	i, ok := r.find(ref)
	if !ok {
		return Item{}, false
	}
	return r.Items[i], true
}

// Union adds every item whose object is not in the inventory yet: the
// write-ahead step. Items that are there stay as they are, since what is known
// of them holds until an apply confirms otherwise.
func (r *Record) Union(items []Item) {
	known := len(r.Items)
	for _, it := range items {
		if _, ok := slices.BinarySearchFunc(r.Items[:known], it, compareItems); !ok {
			r.Items = append(r.Items, it)
		}
	}
	slices.SortStableFunc(r.Items, compareItems)
	r.Items = slices.CompactFunc(r.Items, func(a, b Item) bool { return a.Ref == b.Ref })
}

// Doubt forgets the confirmed state of an object that is about to be written.
// Until the write is confirmed the object may be in the old state or the new
// one, and metadata cannot tell them apart: an update that changes values only
// leaves our entry in managedFields, and many kinds have no generation.
func (r *Record) Doubt(ref object.Ref) {
	if i, ok := r.find(ref); ok {
		r.Items[i].Applied, r.Items[i].Entry, r.Items[i].Generation = "", "", 0
	}
}

// Confirm puts what an apply confirmed in the place of what was known.
func (r *Record) Confirm(it Item) {
	i, ok := r.find(it.Ref)
	if ok {
		r.Items[i] = it
		return
	}
	r.Items = slices.Insert(r.Items, i, it)
}

// Remove forgets an object: its deletion was confirmed, or it was taken over.
func (r *Record) Remove(ref object.Ref) {
	if i, ok := r.find(ref); ok {
		r.Items = slices.Delete(r.Items, i, i+1)
	}
}

// Hand marks an object as handed to the app with key to. It stays in the
// inventory, so that it can be shown as pending, until that app has taken it.
func (r *Record) Hand(ref object.Ref, to string) {
	if i, ok := r.find(ref); ok {
		r.Items[i].Handed = to
	}
}

// Copy is a copy whose items and releases can be changed independently.
func (r *Record) Copy() *Record {
	c := *r
	c.Items = slices.Clone(r.Items)
	c.Head.Releases = slices.Clone(r.Head.Releases)
	c.Head.Items = slices.Clone(r.Head.Items)
	return &c
}

// Latest is the newest release, or nil.
func (h *Head) Latest() *Release {
	if len(h.Releases) == 0 {
		return nil
	}
	return &h.Releases[0]
}

// Release is the release with a number, or nil.
func (h *Head) Release(number int) *Release {
	i := slices.IndexFunc(h.Releases, func(r Release) bool { return r.Number == number })
	if i < 0 {
		return nil
	}
	return &h.Releases[i]
}

// Begin puts a new pending release at the front and gives its number, one more
// than the highest. A release that is still pending was left by a writer that
// died: it becomes interrupted. Releases beyond keep (at least 1) are dropped,
// oldest first, but the newest deployed one stays: it is what a rollback needs.
func (h *Head) Begin(r Release, keep int) int {
	for i := range h.Releases {
		r.Number = max(r.Number, h.Releases[i].Number)
		if h.Releases[i].Status == Pending {
			h.Releases[i].Status = Interrupted
			h.Releases[i].Error = "its writer ended before it was finished"
		}
	}
	r.Number++
	r.Status = Pending
	h.Releases = slices.Insert(h.Releases, 0, r)
	h.trim(max(keep, 1))
	return r.Number
}

func (h *Head) trim(keep int) {
	deployed := slices.IndexFunc(h.Releases, func(r Release) bool { return r.Status == Deployed })
	kept := h.Releases[:0:0]
	for i, r := range h.Releases {
		if i < keep || i == deployed {
			kept = append(kept, r)
		}
	}
	h.Releases = kept
}

// Finish sets the end of the release with a number. A deployed one supersedes
// those that were deployed before it.
func (h *Head) Finish(number int, done Release) {
	for i := range h.Releases {
		r := &h.Releases[i]
		switch {
		case r.Number == number:
			r.Status, r.Error, r.Finished, r.Changes = done.Status, done.Error, done.Finished, done.Changes
		case done.Status == Deployed && r.Status == Deployed:
			r.Status = Superseded
		}
	}
}

func (r *Record) find(ref object.Ref) (int, bool) {
	return slices.BinarySearchFunc(r.Items, ref, func(it Item, ref object.Ref) int { return it.Ref.Compare(ref) })
}
