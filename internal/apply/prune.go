package apply

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/tugops/tug/internal/event"
	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/plan"
)

// prune deletes wave by wave. Each wave is gone before the next one starts, so
// that controllers can still finish what waits for them; only the last one is
// left to itself when the run does not wait.
func (r *run) prune(ctx context.Context, from, to int) error {
	for from < to {
		end := from
		for end < to && r.changes[end].Wave == r.changes[from].Wave {
			end++
		}
		if err := r.pruneWave(ctx, r.indexes(from, end), r.o.Wait || end < to); err != nil {
			return err
		}
		from = end
	}
	return nil
}

// pruneWave deletes the changes with the given indexes. What the cluster
// accepted before an error is still confirmed, so that the record knows.
func (r *run) pruneWave(ctx context.Context, indexes []int, wait bool) error {
	errs := make([]error, len(indexes))
	dooms := make([]*doomed, len(indexes))
	begin := time.Now()
	each(r.o.Parallel, len(indexes), func(k int) {
		i := indexes[k]
		dooms[k], errs[k] = r.pruneOne(ctx, i)
	})
	var done atomic.Int64
	accepted := make([]*doomed, 0, len(indexes))
	for _, d := range dooms {
		if d != nil {
			accepted = append(accepted, d)
		}
	}
	for _, d := range accepted {
		d.gone = func() {
			out := &r.outcomes[d.index]
			out.State, out.Took = Done, time.Since(begin)
			r.o.Journal.Deleted(d.ref)
			r.emit(event.Event{Type: event.Deleted, Ref: d.ref, Action: string(plan.Delete),
				Done: int(done.Add(1)), Total: len(indexes)})
		}
	}
	err := r.confirmGone(ctx, accepted, wait && join(errs) == nil)
	if failed := join(errs); failed != nil {
		return failed
	}
	if err == nil {
		err = first(errs)
	}
	return err
}

// pruneOne sends the delete of change i. It gives nil when there is nothing to
// confirm.
func (r *run) pruneOne(ctx context.Context, i int) (*doomed, error) {
	c, out := r.changes[i], &r.outcomes[i]
	if c.Action != plan.Delete {
		return nil, r.applyOne(ctx, i)
	}
	d := &doomed{index: i, ref: c.Ref, version: c.Version, uid: c.UID}
	err := about(c.Ref, c.Source, r.remove(ctx, d, c.ResourceVersion, out))
	switch {
	case err == nil:
		out.State = Accepted
		return d, nil
	case isStopped(err):
		return nil, err
	}
	out.State, out.Err = Refused, err
	r.emit(event.Event{Type: event.Failed, Ref: c.Ref, Message: err.Error()})
	return nil, err
}

// remove sends the delete of d with UID and resourceVersion as preconditions
// until it is accepted: the server deletes just what was looked at. Whenever
// the object changed meanwhile, its owner and UID are checked again. d.uid is
// set where it was not known.
func (r *run) remove(ctx context.Context, d *doomed, version string, out *Outcome) error {
	t := tries{}
	c := plan.Change{Ref: d.ref, Version: d.version, Action: plan.Delete}
	for {
		if ctx.Err() != nil {
			return errStopped
		}
		err := r.removeOnce(ctx, d, version, out)
		switch {
		case err == nil, fault.Is(err, fault.NotFound), fault.Is(err, fault.Gone):
			return nil
		case errors.Is(err, errForeign):
			return err
		case fault.Is(err, fault.Conflict) && t.races < maxRaces:
			t.races++
			version = ""
			continue
		}
		why, limit := r.passing(c, err)
		if why == "" {
			return err
		}
		if err := r.pause(ctx, d.ref, why, limit, err, &t); err != nil {
			return err
		}
	}
}

// removeOnce reads d first where a precondition is not known.
func (r *run) removeOnce(ctx context.Context, d *doomed, version string, out *Outcome) error {
	gvk := gvkOf(d.ref, d.version)
	if d.uid == "" || version == "" {
		live, err := r.c.GetLive(ctx, gvk, d.ref.Namespace, d.ref.Name)
		if err != nil {
			return err
		}
		if d.uid != "" && live.UID != d.uid {
			return nil // ours is gone, and this is somebody else's
		}
		if err := r.mayDelete(live, d.uid != ""); err != nil {
			return err
		}
		d.uid, version = live.UID, live.ResourceVersion
	}
	out.Tries++
	wctx, cancel := r.write(ctx)
	defer cancel()
	return r.c.Delete(wctx, gvk, d.ref.Namespace, d.ref.Name, object.Write{UID: d.uid, ResourceVersion: version})
}

// errForeign marks objects that are not ours to write or delete.
var errForeign = errors.New("not ours")

// mayDelete checks the owner of what was read again: never another app, and
// without our label only an object whose UID is in the record.
func (r *run) mayDelete(live object.Live, known bool) error {
	if owner := r.foreign(live); owner != "" {
		return foreignFault(owner)
	}
	if live.Labels[object.LabelApp] == "" && !known {
		return fault.New(fault.Conflict, "%w: it carries no mark of this app, and the plan did not see it", errForeign).
			Hint("delete it by hand if it is to go")
	}
	return nil
}
