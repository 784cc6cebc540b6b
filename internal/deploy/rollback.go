package deploy

import (
	"context"
	"fmt"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/inventory"
)

// Rollback deploys a recorded release again; see PlanRollback.
func (e *Engine) Rollback(ctx context.Context, app, namespace string, number int, o Options) (Outcome, error) {
	p, err := e.PlanRollback(ctx, app, namespace, number, o)
	if err != nil {
		return Outcome{}, err
	}
	return e.Execute(ctx, p, o)
}

// PlanRollback plans the snapshot of a recorded release, exactly as it was
// deployed: nothing is rendered. Number 0 is the last release before the
// newest one that was deployed.
func (e *Engine) PlanRollback(ctx context.Context, app, namespace string, number int, o Options) (*Prepared, error) {
	store := e.store(namespace, app)
	head, err := store.LoadHead(ctx)
	if err != nil {
		return nil, err
	}
	if head == nil {
		return nil, e.noApp(ctx, app, namespace)
	}
	r, err := target(head, number)
	if err != nil {
		return nil, err
	}
	s, err := readSnapshot(ctx, store, r)
	if err != nil {
		return nil, err
	}
	// What was consented to then is no consent now.
	s.Revision.Trailers = nil
	o.again = r.Number
	p, err := e.Plan(ctx, s, o)
	if err != nil {
		return nil, err
	}
	p.message, p.recorded = fmt.Sprintf("rollback to %d", r.Number), true
	return p, nil
}

// target finds the release to go back to.
func target(h *inventory.Head, number int) (*inventory.Release, error) {
	if number != 0 {
		if r := h.Release(number); r != nil && len(r.Snapshot) > 0 {
			return r, nil
		}
		return nil, fault.New(fault.NotFound, "%s has no release %d", h.App, number).
			Hint("see `tug history -a %s -n %s`", h.App, h.Namespace)
	}
	for i := 1; i < len(h.Releases); i++ {
		r := &h.Releases[i]
		if (r.Status == inventory.Deployed || r.Status == inventory.Superseded) && len(r.Snapshot) > 0 {
			return r, nil
		}
	}
	return nil, fault.New(fault.NotFound, "%s has no earlier release that was deployed", h.App).
		Hint("see `tug history -a %s -n %s`", h.App, h.Namespace)
}

// History is the head of an app's record: its releases, newest first.
func (e *Engine) History(ctx context.Context, app, namespace string) (*inventory.Head, error) {
	head, err := e.store(namespace, app).LoadHead(ctx)
	if err == nil && head == nil {
		err = e.noApp(ctx, app, namespace)
	}
	return head, err
}

// Deployed reports whether there is a record of an app.
func (e *Engine) Deployed(ctx context.Context, app, namespace string) (bool, error) {
	head, err := e.store(namespace, app).LoadHead(ctx)
	return head != nil, err
}
