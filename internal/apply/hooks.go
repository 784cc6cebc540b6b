package apply

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/tugops/tug/internal/event"
	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/health"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/plan"
)

// Helm's delete policies of hooks.
const (
	beforeCreation = "before-hook-creation"
	onSuccess      = "hook-succeeded"
	onFailure      = "hook-failed"
)

// hooks runs one stage of hooks: weight by weight, each completed before the
// next. Within a weight what hooks need (accounts, config) is applied before
// what runs. As in Helm, hook-succeeded hooks are deleted after the whole
// stage, since a later hook may use them, and hook-failed ones at once.
// Hooks carry our label but do not enter the inventory: what a run leaves
// behind is found by the label.
func (r *run) hooks(ctx context.Context, from, to int) error {
	slices.SortStableFunc(r.changes[from:to], func(a, b plan.Change) int {
		return cmp.Or(cmp.Compare(a.Wave, b.Wave), cmp.Compare(weight(a), weight(b)))
	})
	for i := from; i < to; i++ {
		r.outcomes[i] = Outcome{Ref: r.changes[i].Ref, Action: r.changes[i].Action, State: Skipped}
	}
	var succeeded []int
	var err error
	for from < to && err == nil {
		end := from
		for end < to && r.changes[end].Wave == r.changes[from].Wave && weight(r.changes[end]) == weight(r.changes[from]) {
			end++
		}
		var done []int
		done, err = r.hookWeight(ctx, r.indexes(from, end))
		succeeded = append(succeeded, done...)
		from = end
	}
	r.tidy(ctx, succeeded, onSuccess)
	return err
}

func weight(c plan.Change) int {
	if c.Hook == nil {
		return 0
	}
	return c.Hook.Weight
}

// hookWeight runs the hooks of one weight and gives those that succeeded.
func (r *run) hookWeight(ctx context.Context, indexes []int) (succeeded []int, err error) {
	for _, runs := range []bool{false, true} {
		part := slices.DeleteFunc(slices.Clone(indexes), func(i int) bool { return completes(r.changes[i].Ref) != runs })
		if len(part) == 0 {
			continue
		}
		done, err := r.hookGroup(ctx, part)
		succeeded = append(succeeded, done...)
		if err != nil {
			return succeeded, err
		}
	}
	return succeeded, nil
}

// completes reports whether a hook of this kind runs to an end; other kinds
// are done once they are applied.
func completes(ref object.Ref) bool {
	return ref.Group == "batch" && ref.Kind == "Job" || ref.Group == "" && ref.Kind == "Pod"
}

func (r *run) hookGroup(ctx context.Context, indexes []int) (succeeded []int, err error) {
	begin := time.Now()
	defer func() {
		for _, i := range indexes {
			r.outcomes[i].Took = time.Since(begin)
		}
	}()
	if err := r.clear(ctx, indexes); err != nil {
		return nil, err
	}
	errs := make([]error, len(indexes))
	targets := make([]Target, len(indexes))
	each(r.o.Parallel, len(indexes), func(k int) {
		targets[k], errs[k] = r.launch(ctx, indexes[k])
	})
	if err := cmp.Or(join(errs), first(errs)); err != nil {
		return nil, err
	}
	waits := slices.DeleteFunc(targets, func(t Target) bool { return !completes(t.Ref) })
	failed, err := r.awaitHooks(ctx, waits)
	for _, i := range indexes {
		out := &r.outcomes[i]
		if why, bad := failed[out.Ref]; bad {
			out.State, out.Err = Refused, why
			continue
		}
		out.State = Done
		succeeded = append(succeeded, i)
	}
	if err != nil && !isStopped(err) {
		bad := slices.DeleteFunc(slices.Clone(indexes), func(i int) bool { return failed[r.changes[i].Ref] == nil })
		r.tidy(ctx, bad, onFailure)
	}
	return succeeded, err
}

// awaitHooks waits until Jobs and Pods ended, and tells which did not well.
func (r *run) awaitHooks(ctx context.Context, targets []Target) (failed map[object.Ref]error, err error) {
	words := waitWords{
		verb: "complete", pods: true, slow: "give it more time with --wait-timeout",
		hints: []string{"a hook that failed stops the release: nothing after it was applied"},
	}
	var mu sync.Mutex
	good := map[object.Ref]bool{}
	err = r.await(ctx, targets, func(o *object.Object) health.Status {
		status := completion(o)
		mu.Lock()
		defer mu.Unlock()
		good[o.Ref()] = status.State == health.Ready
		return status
	}, words)
	if err == nil {
		return nil, nil
	}
	failed = map[object.Ref]error{}
	for _, t := range targets {
		if !good[t.Ref] {
			failed[t.Ref] = err
		}
	}
	return failed, err
}

// launch creates one hook. What is there already is replaced by clear, or
// updated in place where its kind does not run.
func (r *run) launch(ctx context.Context, i int) (Target, error) {
	c, out := r.changes[i], &r.outcomes[i]
	planned := c.UID
	c.Action = plan.Create
	c.UID, c.ResourceVersion, c.Entry = "", "", ""
	t := tries{}
	for {
		if ctx.Err() != nil {
			return Target{}, errStopped
		}
		out.Tries++
		got, err := r.send(ctx, c)
		if err == nil {
			r.emit(event.Event{Type: event.Applied, Ref: c.Ref, Action: string(plan.Run)})
			return Target{
				Ref: c.Ref, Version: c.Version, UID: got.UID(), Generation: generationOf(got),
				Brief: brief(c.Desired), Source: c.Source,
			}, nil
		}
		if fault.Is(err, fault.Conflict) && !closing(err) {
			c, err = r.hookThere(ctx, c, planned, err)
		} else {
			c, err = r.again(ctx, c, err, &t)
		}
		if err != nil {
			err = about(c.Ref, c.Source, err)
			if !isStopped(err) {
				out.State, out.Err = Refused, err
			}
			return Target{}, err
		}
	}
}

// hookThere decides about a hook object that exists already. planned is the
// UID of the one that the plan saw and accepted as ours.
func (r *run) hookThere(ctx context.Context, c plan.Change, planned string, cause error) (plan.Change, error) {
	live, err := r.c.GetLive(ctx, gvkOf(c.Ref, c.Version), c.Ref.Namespace, c.Ref.Name)
	if fault.Is(err, fault.NotFound) && c.UID == "" {
		return c, nil
	}
	if err != nil {
		return c, err
	}
	if live.Labels[object.LabelApp] != r.hash && live.UID != planned {
		return c, r.changed(c, live, cause)
	}
	if completes(c.Ref) {
		return c, fault.New(fault.Exists, "hook exists already: %w", cause).
			Hint("delete it, or give the hook the delete policy %q", beforeCreation)
	}
	c.Action = plan.Update
	c.UID, c.ResourceVersion = live.UID, live.ResourceVersion
	return c, nil
}
