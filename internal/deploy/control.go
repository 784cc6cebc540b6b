package deploy

import (
	"context"
	"time"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/inventory"
	"github.com/tugops/tug/internal/object"
)

// annotateTries is how often an annotation is set again that somebody else
// wrote beside at the same time.
const annotateTries = 10

// controlled refuses to deploy an app that somebody else is responsible for
// (cluster-semantics.md 5.3).
func (p *Prepared) controlled(o Options) error {
	if p.Record == nil {
		return nil
	}
	switch controller := p.Record.Head.Controller; {
	case controller == inventory.ControllerAgent && !o.TakeOver && !o.Agent:
		return fault.New(fault.Conflict, "the agent deploys this app").
			Hint("let the agent do it, or suspend it with --take-over; `tug resume` gives the app back")
	case controller == inventory.ControllerSuspended && o.Agent:
		return fault.New(fault.Conflict, "a person took %s over from the agent", p.key()).
			Hint("give it back with `tug resume -a %s -n %s`", p.Plan.App, p.Plan.Namespace)
	}
	return nil
}

func (p *Prepared) takesOver(o Options) bool {
	return o.TakeOver && p.Record != nil && p.Record.Head.Controller == inventory.ControllerAgent
}

// takeControl notes who is responsible for the app from now on.
func (s *session) takeControl(rec *inventory.Record) {
	switch {
	case s.o.Agent:
		rec.Head.Controller = inventory.ControllerAgent
	case s.p.takesOver(s.o):
		rec.Head.Controller = inventory.ControllerSuspended
		delete(rec.Head.Annotations, inventory.AnnotationSuspend)
	}
}

// claim makes an app that needs no change the agent's.
func (e *Engine) claim(ctx context.Context, p *Prepared, o Options) error {
	if !o.Agent || p.Record.Head.Controller == inventory.ControllerAgent {
		return nil
	}
	_, err := e.change(ctx, p.Plan.App, p.Plan.Namespace, func(h *inventory.Head) (bool, error) {
		h.Controller = inventory.ControllerAgent
		return true, nil
	})
	return err
}

// Suspend takes an app from the agent until Resume; changed is false when it
// was taken before. It waits until the agent has let go of the app.
func (e *Engine) Suspend(ctx context.Context, app, namespace string) (changed bool, err error) {
	head, err := e.History(ctx, app, namespace)
	if err != nil {
		return false, err
	}
	if head.Controller == inventory.ControllerAgent {
		if err := e.annotate(ctx, app, namespace, map[string]string{inventory.AnnotationSuspend: "requested"}); err != nil {
			return false, err
		}
	}
	return e.change(ctx, app, namespace, func(h *inventory.Head) (bool, error) {
		delete(h.Annotations, inventory.AnnotationSuspend)
		switch h.Controller {
		case inventory.ControllerSuspended:
			return false, nil
		case inventory.ControllerAgent:
			h.Controller = inventory.ControllerSuspended
			return true, nil
		}
		return false, fault.New(fault.Conflict, "no agent deploys %s", object.AppKey(namespace, app)).
			Hint("there is nothing to suspend: `tug deploy` and `tug rollback` work as they are")
	})
}

// Resume gives a suspended app back to the agent; changed is false when the
// agent has it already.
func (e *Engine) Resume(ctx context.Context, app, namespace string) (changed bool, err error) {
	return e.change(ctx, app, namespace, func(h *inventory.Head) (bool, error) {
		_, asked := h.Annotations[inventory.AnnotationSuspend]
		delete(h.Annotations, inventory.AnnotationSuspend)
		switch h.Controller {
		case inventory.ControllerAgent:
			return asked, nil
		case inventory.ControllerSuspended:
			h.Controller = inventory.ControllerAgent
			return true, nil
		}
		return false, fault.New(fault.Conflict, "no agent deploys %s", object.AppKey(namespace, app)).
			Hint("an agent takes an app by deploying it: add its repository to `tug agent run`")
	})
}

// Reconcile asks the agent to look at an app now: what failed is tried again,
// what was given up on is healed again, and a quarantine ends. A hash consents
// to the plan that has it; "" to none.
func (e *Engine) Reconcile(ctx context.Context, app, namespace, consent string, now time.Time) error {
	head, err := e.History(ctx, app, namespace)
	if err != nil {
		return err
	}
	switch head.Controller {
	case inventory.ControllerSuspended:
		return fault.New(fault.Conflict, "a person took %s over from the agent", object.AppKey(namespace, app)).
			Hint("give it back with `tug resume -a %s -n %s`; the agent then looks at it by itself", app, namespace)
	case "":
		return fault.New(fault.Conflict, "no agent deploys %s", object.AppKey(namespace, app)).
			Hint("deploy it with `tug deploy`")
	}
	set := map[string]string{inventory.AnnotationReconcile: now.UTC().Format(time.RFC3339Nano)}
	if consent != "" {
		set[inventory.AnnotationConsent] = consent
	}
	return e.annotate(ctx, app, namespace, set)
}

// annotate sets annotations on a head by compare-and-swap. It needs no Lease:
// a writer keeps annotations that it does not know.
func (e *Engine) annotate(ctx context.Context, app, namespace string, set map[string]string) error {
	var err error
	for range annotateTries {
		var o *object.Object
		o, err = e.Cluster.Get(ctx, inventory.SecretGVK(), namespace, inventory.HeadName(app))
		if err != nil {
			return err
		}
		for k, v := range set {
			o.SetAnnotation(k, v)
		}
		if _, err = e.Cluster.Update(ctx, o); !fault.Is(err, fault.Conflict) {
			return err
		}
	}
	return err
}

// change writes a head under the app's Lease. edit says whether there is
// anything to write.
func (e *Engine) change(ctx context.Context, app, namespace string, edit func(*inventory.Head) (bool, error)) (bool, error) {
	head, err := e.History(ctx, app, namespace)
	if err != nil {
		return false, err
	}
	lease, err := e.acquire(ctx, app, namespace, head.Epoch)
	if err != nil {
		return false, err
	}
	defer lease.Release(ctx)
	store := inventory.NewStore(fenced{Cluster: e.Cluster, lease: lease}, namespace, app)
	rec, err := store.Load(lease.Context())
	if err != nil {
		return false, err
	}
	if rec == nil {
		return false, fault.New(fault.NotFound, "%s was deleted meanwhile", object.AppKey(namespace, app))
	}
	annotations := len(rec.Head.Annotations)
	changed, err := edit(&rec.Head)
	if err != nil || !changed && len(rec.Head.Annotations) == annotations {
		return false, err
	}
	return changed, store.Save(lease.Context(), rec, lease.Epoch())
}

// acquire takes the Lease of an app for a short change.
func (e *Engine) acquire(ctx context.Context, app, namespace string, floor int64) (*inventory.Lease, error) {
	newHolder := e.Holder
	if newHolder == nil {
		newHolder = inventory.Self
	}
	holder, err := newHolder()
	if err != nil {
		return nil, err
	}
	return inventory.Lock{
		Objects: e.Cluster, Namespace: namespace, App: app, Holder: holder, Floor: floor,
		Duration: e.LeaseDuration, Wait: e.LeaseWait,
	}.Acquire(ctx)
}

// resting tells once that a wait began, and once that it is over.
type resting struct {
	rest   func() func()
	resume func()
}

func (r *resting) begin() {
	if r.rest != nil && r.resume == nil {
		r.resume = r.rest()
	}
}

func (r *resting) over() {
	if r.resume != nil {
		r.resume()
	}
	r.resume = nil
}
