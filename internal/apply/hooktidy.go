package apply

import (
	"context"
	"fmt"
	"slices"

	"github.com/tugops/tug/internal/event"
	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/health"
	"github.com/tugops/tug/internal/object"
)

// clear deletes the hook objects of an earlier run whose policy asks for it,
// and waits until they are gone.
func (r *run) clear(ctx context.Context, indexes []int) error {
	errs := make([]error, len(indexes))
	dooms := make([]*doomed, len(indexes))
	each(r.o.Parallel, len(indexes), func(k int) {
		if r.hasPolicy(indexes[k], beforeCreation) {
			dooms[k], errs[k] = r.clearOne(ctx, indexes[k])
		}
	})
	if err := join(errs); err != nil {
		return err
	}
	if err := first(errs); err != nil {
		return err
	}
	dooms = slices.DeleteFunc(dooms, func(d *doomed) bool { return d == nil })
	if len(dooms) == 0 {
		return nil
	}
	return r.confirmGone(ctx, dooms, true)
}

func (r *run) hasPolicy(i int, policy string) bool {
	h := r.changes[i].Hook
	if h == nil || len(h.Delete) == 0 {
		return policy == beforeCreation
	}
	return slices.Contains(h.Delete, policy)
}

// clearOne deletes one earlier hook object; nil when there is none. Only what
// is ours goes: by its label, or by the UID that the plan decided about.
func (r *run) clearOne(ctx context.Context, i int) (*doomed, error) {
	c := r.changes[i]
	live, err := r.c.GetLive(ctx, gvkOf(c.Ref, c.Version), c.Ref.Namespace, c.Ref.Name)
	if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Gone) {
		return nil, nil
	}
	if err == nil {
		err = r.mayDelete(live, c.UID != "" && live.UID == c.UID)
	}
	if err != nil {
		return nil, about(c.Ref, c.Source, err)
	}
	d := &doomed{ref: c.Ref, version: c.Version, uid: live.UID, gone: func() {
		r.emit(event.Event{Type: event.Deleted, Ref: c.Ref, Message: "hook of an earlier release"})
	}}
	if err := r.remove(ctx, d, live.ResourceVersion, &Outcome{}); err != nil {
		return nil, about(c.Ref, c.Source, err)
	}
	return d, nil
}

// tidy deletes hooks whose policy asks for it once they ended, and confirms
// that within a bounded time. A failure is a warning: the hook did its work,
// and the label still finds what is left.
func (r *run) tidy(ctx context.Context, indexes []int, policy string) {
	if ctx.Err() != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, settling)
	defer cancel()
	dooms := make([]*doomed, len(indexes))
	each(r.o.Parallel, len(indexes), func(k int) {
		i := indexes[k]
		if !r.hasPolicy(i, policy) {
			return
		}
		var err error
		if dooms[k], err = r.clearOne(ctx, i); err != nil {
			r.warn(i, policy, err)
		}
	})
	dooms = slices.DeleteFunc(dooms, func(d *doomed) bool { return d == nil })
	if err := r.confirmGone(ctx, dooms, true); err != nil {
		r.warn(indexes[0], policy, err)
	}
}

func (r *run) warn(i int, policy string, err error) {
	text := "the delete was not confirmed in time"
	if !isStopped(err) {
		text = err.Error()
	}
	r.emit(event.Event{Type: event.Warning, Ref: r.changes[i].Ref,
		Message: fmt.Sprintf("hook was not deleted (%s): %s", policy, text)})
}

// completion judges hooks. What is well for an object of the app is not
// enough here: a Pod that runs, and a Job that is suspended, have not ended.
func completion(o *object.Object) health.Status {
	status := health.Of(o)
	if status.State != health.Ready {
		return status
	}
	if o.Ref().Kind == "Pod" && mapAt(o.Fields, "status")["phase"] != "Succeeded" {
		return health.Status{State: health.Progressing, Reason: "running"}
	}
	if o.Ref().Kind == "Job" && conditionsOf(o)["Complete"].status != "True" {
		return health.Status{State: health.Progressing, Reason: "suspended"}
	}
	return status
}
