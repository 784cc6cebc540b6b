package deploy

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/inventory"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/plan"
)

// maxErrorText bounds the error that a release keeps, in bytes.
const maxErrorText = 4 << 10

// begin writes what is about to be done before anything is done: the
// inventory old ∪ new and the pending release with its snapshot
// (cluster-semantics.md 6.2).
func (s *session) begin() error {
	rec := s.store.New(s.p.Plan.Env)
	if s.p.Record != nil {
		rec = s.p.Record.Copy()
	}
	rec.Head.Env = s.p.Plan.Env
	// A recorded snapshot knows nothing of tug.yaml: what it said last stands.
	if !s.p.Deleting && !s.p.recorded {
		rec.Head.Prune, rec.Head.Project = s.p.Snapshot.Prune, s.p.Snapshot.Project
	}
	if snap := s.p.Snapshot; snap != nil && snap.HoldsDecrypted() {
		rec.Head.Sensitive = true
	}
	s.takeControl(rec)
	rec.Head.Quarantine = s.o.Quarantine
	s.expect(rec)
	r, err := s.pending(s.lease.Context())
	if err != nil {
		return err
	}
	s.number = rec.Head.Begin(r, cmp.Or(s.o.History, defaultHistory))
	s.journal.begin(rec)
	return s.journal.use(func(rec *inventory.Record) error {
		return s.store.Save(s.lease.Context(), rec, s.lease.Epoch())
	})
}

// expect adds everything that is desired, and everything that carries our
// label, to the inventory. What is known to be as it should be is noted with
// what the lists showed.
func (s *session) expect(rec *inventory.Record) {
	changed := refsOf(s.p.Plan.Changes)
	// Drift that is left alone is no reason for doubt, but it must not be noted
	// as what was applied either.
	left := refsOf(s.p.Plan.Drift)
	var ahead []inventory.Item
	for _, d := range s.p.input.Desired {
		if plan.HookOf(d) != nil {
			continue
		}
		ref := d.Ref()
		it := inventory.Item{Ref: ref, Version: d.GVK().GroupVersion().String()}
		if c, compared := s.p.input.Compared[ref]; compared && !changed[ref] && !left[ref] && c.Live != nil {
			s.note(rec, it, d, c.Live)
			continue
		}
		if known, ok := rec.Item(ref); ok && known.Handed != "" {
			rec.Hand(ref, "")
		}
		if changed[ref] {
			rec.Doubt(ref)
		}
		ahead = append(ahead, it)
	}
	for _, c := range s.p.Plan.Changes {
		if c.Action == plan.Delete {
			ahead = append(ahead, inventory.Item{Ref: c.Ref, Version: c.Version, UID: c.UID})
		}
	}
	rec.Union(ahead)
	// What is handed over stays in the inventory, marked, until the other app
	// has taken it: it is deleted by neither meanwhile.
	for _, c := range s.p.Plan.Changes {
		if c.Action == plan.Drop && c.HandedTo != "" {
			rec.Hand(c.Ref, c.HandedTo)
		}
	}
}

func refsOf(changes []plan.Change) map[object.Ref]bool {
	refs := make(map[object.Ref]bool, len(changes))
	for _, c := range changes {
		refs[c.Ref] = true
	}
	return refs
}

// note confirms an object that was compared and needs no change.
func (s *session) note(rec *inventory.Record, it inventory.Item, want, live *object.Object) {
	l, err := object.LiveOf(live)
	if err != nil {
		return
	}
	it.UID, it.Entry, it.Generation, it.Applied = l.UID, object.EntryHash(l.Managers), l.Generation, want.Hash()
	rec.Confirm(it)
}

// pending is the release to be, with its snapshot stored.
func (s *session) pending(ctx context.Context) (inventory.Release, error) {
	r := inventory.Release{
		Env: s.p.Plan.Env, PlanHash: s.p.Plan.Hash, Started: time.Now().UTC().Truncate(time.Second),
		Changes: summary(s.p.Plan), By: s.e.Cluster.Identity(ctx), Message: cmp.Or(s.o.Message, s.p.message),
	}
	snap := s.p.Snapshot
	if snap == nil || s.p.Deleting {
		r.Message = cmp.Or(r.Message, "delete")
		return r, nil
	}
	r.Commit, r.Dirty = snap.Revision.Commit, snap.Revision.Dirty
	r.Message = cmp.Or(r.Message, snap.Revision.Message)
	data, err := encodeSnapshot(snap)
	if err != nil {
		return r, err
	}
	if r.Snapshot, err = s.store.WriteSnapshot(ctx, data, s.lease.Epoch()); err != nil {
		return r, fmt.Errorf("write snapshot: %w", err)
	}
	return r, nil
}

// release is the release that begin recorded, with how it ended.
func (s *session) release(failed error) inventory.Release {
	r := s.journal.release(s.number)
	r.Status, r.Changes = inventory.Deployed, s.result.String()
	if s.p.Deleting {
		r.Status = inventory.Deleted
	}
	if failed != nil {
		r.Status = inventory.Failed
		if fault.Is(failed, fault.Interrupted) {
			r.Status = inventory.Interrupted
		}
		r.Error = scrub(failed.Error(), s.p)
	}
	r.Finished = time.Now().UTC().Truncate(time.Second)
	return r
}

// close stores the end of the release, or removes the record with the app.
func (s *session) close(ctx context.Context, done inventory.Release, failed error) error {
	if s.gone {
		return nil
	}
	return s.journal.use(func(rec *inventory.Record) error {
		if s.removes(failed) {
			if err := s.store.Remove(ctx, rec); err != nil {
				return err
			}
			return s.lease.Remove(ctx)
		}
		rec.Head.Finish(s.number, done)
		if rec.Head.Annotations[inventory.AnnotationConsent] == s.p.Plan.Hash {
			delete(rec.Head.Annotations, inventory.AnnotationConsent)
		}
		return s.store.Save(ctx, rec, s.lease.Epoch())
	})
}

// removes reports whether the record goes with the app. It stays while the
// cluster has not confirmed that everything is gone.
func (s *session) removes(failed error) bool {
	return s.p.Deleting && failed == nil && !s.o.KeepHistory && s.result.Left() == 0
}

// summary counts the changes of a plan in the words of a release. It stays
// when the writer dies, and says that nobody knows how far it came.
func summary(p *plan.Plan) string {
	n := map[plan.Action]int{}
	for _, c := range p.Changes {
		n[c.Action]++
	}
	return fmt.Sprintf("planned: %d created, %d updated, %d deleted", n[plan.Create], n[plan.Update]+n[plan.Take], n[plan.Delete])
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
