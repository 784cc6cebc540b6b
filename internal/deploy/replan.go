package deploy

import (
	"context"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/inventory"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/plan"
)

// replan decides one change again, after somebody changed its object between
// plan and write (cluster-semantics.md 5.2). It sees that object alone.
func (s *session) replan(ctx context.Context, c plan.Change) (plan.Change, error) {
	return s.e.again(ctx, s.cluster, s.p.input, s.p.Record, c)
}

// again decides one change again from what a plan was decided from.
func (e *Engine) again(ctx context.Context, cluster Cluster, all plan.Input, rec *inventory.Record, c plan.Change) (plan.Change, error) {
	in := all
	in.Desired, in.Compared, in.Live = nil, nil, map[object.Ref]object.Live{}
	// The change was decided on; what happened since does not turn it into
	// drift that is only reported.
	if in.Policy == plan.PolicyDetect {
		in.Policy = plan.PolicyOwned
	}
	for _, d := range all.Desired {
		if d.Ref() == c.Ref && plan.HookOf(d) == nil {
			in.Desired = []*object.Object{d}
		}
	}
	in.Record = only(rec, c.Ref)
	live, err := cluster.GetLive(ctx, placeOf(c.Ref).kind(), c.Ref.Namespace, c.Ref.Name)
	switch {
	case err == nil:
		in.Live[c.Ref] = live
	case !fault.Is(err, fault.NotFound):
		return c, err
	}
	if in.Compared, err = e.compare(ctx, in.Desired, plan.Unclear(in)); err != nil {
		return c, err
	}
	p, err := plan.Compute(in)
	if err != nil {
		return c, err
	}
	for _, again := range p.Changes {
		if again.Ref == c.Ref && again.Hook == nil {
			return again, nil
		}
	}
	c.Action = plan.Keep
	return c, nil
}

// only is a record that knows one object at most; nil stays nil.
func only(r *inventory.Record, ref object.Ref) *inventory.Record {
	if r == nil {
		return nil
	}
	one := *r
	one.Items = nil
	if it, ok := r.Item(ref); ok {
		one.Items = []inventory.Item{it}
	}
	return &one
}
