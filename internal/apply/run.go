package apply

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tugops/tug/internal/event"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/plan"
)

// run is the state of one execution.
type run struct {
	c        Cluster
	p        *plan.Plan
	o        Options
	key      string // owner in plain words
	hash     string // owner as the label has it
	deadline time.Time

	// outcomes is parallel to changes; each entry is written by the one
	// goroutine that works on it.
	changes  []plan.Change
	outcomes []Outcome
	// failing is set once an object was refused.
	failing atomic.Bool

	mu      sync.Mutex
	targets map[object.Ref]Target // what StageWait waits for
	upTo    int                   // the last group that it waits for now
	kinds   map[schema.GroupKind]bool
}

// Run executes p. A failed object does not cancel others of its stage, but
// ends the run after it. When ctx ends, requests under way are completed and
// no new ones are sent. The result tells what was done in any case.
func Run(ctx context.Context, c Cluster, p *plan.Plan, o Options) (Result, error) {
	start := time.Now()
	r := newRun(c, p, o.withDefaults(), start)
	res := Result{}
	err := r.stages(ctx, &res)
	res.Outcomes = r.outcomes
	res.Took = time.Since(start)
	if ctx.Err() != nil && (err == nil || isStopped(err)) {
		if res.Left() == 0 && err == nil {
			return res, nil
		}
		err = interrupted(ctx, res.String())
	}
	return res, err
}

func newRun(c Cluster, p *plan.Plan, o Options, start time.Time) *run {
	r := &run{
		c: c, p: p, o: o,
		key:      object.AppKey(p.Namespace, p.App),
		deadline: start.Add(o.Timeout),
		changes:  slices.Clone(p.Changes),
		targets:  map[object.Ref]Target{},
		kinds:    broughtKinds(p.Changes),
	}
	r.hash = object.AppHash(r.key)
	slices.SortStableFunc(r.changes, func(a, b plan.Change) int {
		return plan.CompareOrder(a, b)
	})
	r.outcomes = make([]Outcome, len(r.changes))
	for i, ch := range r.changes {
		r.outcomes[i] = Outcome{Ref: ch.Ref, Action: ch.Action, State: Skipped}
	}
	for _, t := range o.Also {
		r.targets[t.Ref] = t
	}
	return r
}

// stages goes through the stages of every group, then deletes.
func (r *run) stages(ctx context.Context, res *Result) error {
	groups := r.groups()
	var from int
	var err error
	for i, group := range groups {
		r.upTo = group
		if i == len(groups)-1 {
			r.upTo = math.MaxInt // what needed no change, too
		}
		for stage := range plan.StagePrune {
			if from, err = r.step(ctx, res, group, stage, from); err != nil {
				return err
			}
		}
	}
	if err := r.verify(ctx); err != nil {
		return err
	}
	for stage := plan.StagePrune; stage <= plan.StagePostDelete; stage++ {
		if from, err = r.step(ctx, res, 0, stage, from); err != nil {
			return err
		}
	}
	return nil
}

// verify asks whether what is ready also does what it should.
func (r *run) verify(ctx context.Context) error {
	if r.o.Verify == nil || !r.o.Wait || ctx.Err() != nil {
		return nil
	}
	r.emit(event.Event{Type: event.PhaseStarted, Message: "verify"})
	resume := r.o.Rest()
	err := r.o.Verify(ctx)
	resume()
	if ctx.Err() != nil {
		return errStopped
	}
	if err == nil {
		r.emit(event.Event{Type: event.PhaseFinished, Message: "verify"})
	}
	return err
}

// groups are those of the changes, in order; there is at least one.
func (r *run) groups() []int {
	var list []int
	for _, ch := range r.changes {
		if ch.Stage < plan.StagePrune && (len(list) == 0 || list[len(list)-1] != ch.Group) {
			list = append(list, ch.Group)
		}
	}
	if len(list) == 0 {
		return []int{0}
	}
	return list
}

// step does one stage of one group, whose changes begin at from, and says
// where the next one's begin.
func (r *run) step(ctx context.Context, res *Result, group int, stage plan.Stage, from int) (int, error) {
	to := from
	for to < len(r.changes) && r.changes[to].Stage == stage && (stage >= plan.StagePrune || r.changes[to].Group == group) {
		to++
	}
	if ctx.Err() != nil && (from < to || len(r.changes) > to) {
		return to, errStopped
	}
	total := r.size(stage, from, to)
	if total == 0 {
		return to, nil
	}
	name := stage.String()
	if group > 0 {
		name += fmt.Sprintf(" of group %d", group)
	}
	begin := time.Now()
	r.emit(event.Event{Type: event.PhaseStarted, Message: name, Total: total})
	err := r.stage(ctx, stage, from, to)
	res.Stages = append(res.Stages, StageTime{Stage: stage, Took: time.Since(begin)})
	if err != nil {
		return to, err
	}
	r.emit(event.Event{Type: event.PhaseFinished, Message: name, Done: total, Total: total})
	return to, nil
}

// size is the number of objects a stage is about; 0 when it has nothing to do.
func (r *run) size(stage plan.Stage, from, to int) int {
	if stage != plan.StageWait {
		return to - from
	}
	if !r.o.Wait {
		return 0
	}
	return len(r.waitingFor())
}

func (r *run) stage(ctx context.Context, stage plan.Stage, from, to int) error {
	switch stage {
	case plan.StagePreHooks, plan.StagePostHooks, plan.StagePostDelete:
		return r.hooks(ctx, from, to)
	case plan.StageWait:
		return r.waitReady(ctx)
	case plan.StagePrune:
		return r.prune(ctx, from, to)
	}
	if err := r.applyAll(ctx, r.indexes(from, to)); err != nil {
		return err
	}
	if stage == plan.StageDefinitions {
		return r.waitDefined(ctx, from, to)
	}
	return nil
}

func (r *run) indexes(from, to int) []int {
	list := make([]int, 0, to-from)
	for i := from; i < to; i++ {
		list = append(list, i)
	}
	return list
}

func (r *run) emit(e event.Event) {
	e.App, e.Env = r.p.App, r.p.Env
	r.o.Sink.Emit(e)
}

// write bounds one write. It outlives the cancellation of ctx, so that a
// request under way ends by itself and its result is known.
func (r *run) write(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), r.o.RequestTimeout)
}

// gvkOf is the full type of a ref. version is an apiVersion ("apps/v1") or a
// bare version ("v1").
func gvkOf(ref object.Ref, version string) schema.GroupVersionKind {
	if i := strings.LastIndexByte(version, '/'); i >= 0 {
		version = version[i+1:]
	}
	return schema.GroupVersionKind{Group: ref.Group, Version: version, Kind: ref.Kind}
}
