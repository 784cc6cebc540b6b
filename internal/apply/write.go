package apply

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/tugops/tug/internal/event"
	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/health"
	"github.com/tugops/tug/internal/inventory"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/plan"
)

// absent is a resource version that no object ever has. An apply that sends it
// creates the object, or is refused as a conflict when there is one: the
// server compares versions for existing objects only. This fences creates,
// which a UID cannot.
const absent = "1"

// applyAll sends the changes with the given indexes and joins their errors.
func (r *run) applyAll(ctx context.Context, indexes []int) error {
	errs := make([]error, len(indexes))
	var done atomic.Int64
	each(r.o.Parallel, len(indexes), func(k int) {
		i := indexes[k]
		errs[k] = r.applyOne(ctx, i)
		out := r.outcomes[i]
		if out.State == Done {
			r.emit(event.Event{Type: event.Applied, Ref: out.Ref, Action: string(out.Action),
				Done: int(done.Add(1)), Total: len(indexes)})
		}
		if out.State == Refused {
			r.emit(event.Event{Type: event.Failed, Ref: out.Ref, Message: errs[k].Error()})
		}
	})
	if err := join(errs); err != nil {
		return err
	}
	return first(errs)
}

// applyOne brings change i to its outcome.
func (r *run) applyOne(ctx context.Context, i int) error {
	begin := time.Now()
	out := &r.outcomes[i]
	c := r.changes[i]
	err := r.bring(ctx, c, out)
	out.Took = time.Since(begin)
	if err == nil {
		return nil
	}
	err = about(c.Ref, c.Source, err)
	if isStopped(err) {
		return err
	}
	out.State, out.Err = Refused, err
	r.failing.Store(true)
	return err
}

// bring sends c until it is confirmed, refused for good, or the run ends.
func (r *run) bring(ctx context.Context, c plan.Change, out *Outcome) error {
	if c.Action == plan.Drop {
		if c.HandedTo == "" {
			r.o.Journal.Deleted(c.Ref)
		}
		out.State = Done
		return nil
	}
	t := tries{}
	for {
		if ctx.Err() != nil {
			return errStopped
		}
		if c.Action == plan.Keep {
			return r.kept(ctx, c, out)
		}
		out.Tries++
		got, err := r.send(ctx, c)
		if err == nil {
			out.Action = c.Action
			return r.finish(ctx, c, got, out)
		}
		if c, err = r.again(ctx, c, err, &t); err != nil {
			return err
		}
	}
}

// send makes one server-side apply with the preconditions of c.
func (r *run) send(ctx context.Context, c plan.Change) (*object.Object, error) {
	if c.Desired == nil {
		return nil, fault.New(fault.Internal, "the plan has no object to apply")
	}
	if c.Action != plan.Create && c.UID == "" {
		return nil, fault.New(fault.Internal, "the plan has no UID to check the object by")
	}
	c, err := r.absorb(ctx, c)
	if err != nil {
		return nil, err
	}
	w := object.Write{Force: c.Force, UID: c.UID, ResourceVersion: c.ResourceVersion}
	if c.Action == plan.Create && c.UID == "" {
		w.ResourceVersion = absent
	}
	wctx, cancel := r.write(ctx)
	defer cancel()
	return r.c.Apply(wctx, c.Desired, w)
}

// finish journals a confirmed write, also when the step after it fails.
func (r *run) finish(ctx context.Context, c plan.Change, got *object.Object, out *Outcome) error {
	if err := r.confirm(c, got, out); err != nil {
		return err
	}
	return r.strip(ctx, c, got)
}

// confirm journals what the server stored and notes what to wait for.
func (r *run) confirm(c plan.Change, got *object.Object, out *Outcome) error {
	live, err := object.LiveOf(got)
	if err != nil {
		return err
	}
	out.State = Done
	r.o.Journal.Applied(inventory.Item{
		Ref: c.Ref, Version: c.Version, UID: live.UID, Applied: c.Applied,
		Entry: object.EntryHash(live.Managers), Generation: live.Generation,
	})
	t := Target{Ref: c.Ref, Version: c.Version, UID: live.UID, Generation: live.Generation,
		Group: c.Group, Brief: brief(got), Source: c.Source}
	ready := r.readyAtOnce(got)
	r.mu.Lock()
	defer r.mu.Unlock()
	if ready {
		delete(r.targets, c.Ref)
		return nil
	}
	r.targets[c.Ref] = t
	return nil
}

// readyAtOnce reports whether the answer of a write shows an object that
// nothing has to be waited for. Namespaces and CRDs are judged as the barrier
// after them does.
func (r *run) readyAtOnce(got *object.Object) bool {
	ref := got.Ref()
	if isNamespace(ref) || isDefinition(ref) {
		return defined(got).State == health.Ready
	}
	return !watched(ref.GroupKind()) || health.Of(got).State == health.Ready
}

// kept journals an object that needs no write after all.
func (r *run) kept(ctx context.Context, c plan.Change, out *Outcome) error {
	got, err := r.c.Get(ctx, gvkOf(c.Ref, c.Version), c.Ref.Namespace, c.Ref.Name)
	if err != nil {
		return err
	}
	if err := r.confirm(c, got, out); err != nil {
		return err
	}
	out.State = Unchanged
	return nil
}

func isStopped(err error) bool { return errors.Is(err, errStopped) }

// brief reports whether an object may vanish by itself once it is finished.
func brief(o *object.Object) bool {
	spec, _ := o.Fields["spec"].(map[string]any)
	_, ttl := spec["ttlSecondsAfterFinished"]
	return ttl
}
