package agent

import (
	"context"
	"errors"
	"time"

	"github.com/tugops/tug/internal/deploy"
	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/inventory"
	"github.com/tugops/tug/internal/plan"
)

// Why work under way is stopped. They are faults, so that the release says it.
func stopCause(t *tracked) error {
	switch {
	case t.Suspended:
		return errStopped{fault.New(fault.Interrupted, "stopped: a person takes over")}
	case !t.Wanted:
		return errStopped{fault.New(fault.Interrupted, "stopped: the app is gone from its repository")}
	}
	return errStopped{fault.New(fault.Interrupted, "stopped: commit %s is newer", short(t.Commit))}
}

// errStopped marks that the agent itself ended the work.
type errStopped struct{ error }

func (e errStopped) Unwrap() error { return e.error }

func short(commit string) string { return commit[:min(len(commit), 12)] }

// look renders the wanted commit of an app.
func (l *loop) look(key string, t *tracked) {
	app, commit := t.app, t.Commit
	t.Looking = true
	l.workers.Go(func() {
		found, err := l.a.find(l.ctx, app)
		l.a.post(l.ctx, func(l *loop) { l.looked(key, commit, found, err) })
	})
}

func (a *Agent) find(ctx context.Context, app App) (Rendered, error) {
	select {
	case a.looks <- struct{}{}:
		defer func() { <-a.looks }()
	case <-ctx.Done():
		return Rendered{}, ctx.Err()
	}
	found, err := app.Find(ctx, func(ctx context.Context) (map[string]string, error) {
		return a.o.Engine.Generated(ctx, app.Namespace, app.Name)
	})
	if found.Built || err != nil {
		a.count.renders.Add(1)
	}
	return found, err
}

func (l *loop) looked(key, commit string, found Rendered, err error) {
	t := l.apps[key]
	if t == nil {
		return
	}
	t.Looking, t.Looked = false, commit
	t.LookFailed = err != nil
	if err != nil {
		t.LookRetry = l.pause(t)
		l.tellFailed(t, commit, err, nil)
	} else {
		t.rendered, t.Name = found, found.Name
		if t.Failed != t.key() {
			t.Failures = 0
		}
	}
	l.dirty[key] = true
}

// pause counts a failure and says when to try again.
func (l *loop) pause(t *tracked) time.Time {
	t.Failures++
	return l.a.o.Clock.Now().Add(backoff(t.Failures, l.a.o.Rand()))
}

// job is one piece of work on an app; result is what came of it.
type job struct {
	key      string
	app      App
	gone     *deploy.Abandoned
	rendered Rendered
	commit   string
	name     string
	forced   bool
}

type result struct {
	job
	began       time.Time
	prepared    *deploy.Prepared
	outcome     deploy.Outcome
	blocked     bool // the plan needs consent
	quarantined bool // it is what was rolled back before
	reported    bool // nothing was written on purpose
	err         error
	rolledBack  *deploy.Outcome
	rollbackErr error
}

// sync starts to deploy what was rendered, or to delete what is gone.
func (l *loop) sync(key string, t *tracked) {
	ctx, cancel := context.WithCancelCause(l.ctx)
	j := job{key: key, app: t.app, gone: t.gone, rendered: t.rendered, commit: t.Commit, name: t.key(), forced: t.Forced}
	t.Running, t.RunCommit, t.RunName, t.RunPrunes, t.RunToStop = true, j.commit, t.Name, t.Gone, false
	t.cancel, t.Forced = cancel, false
	l.workers.Go(func() {
		defer cancel(nil)
		r := l.a.work(ctx, j)
		// The loop must hear of it also while it is ending.
		l.a.post(l.ctx, func(l *loop) { l.synced(r) })
	})
}

// work does a job in a worker's slot, which it gives back while it waits.
func (a *Agent) work(ctx context.Context, j job) result {
	r := result{job: j, began: a.o.Clock.Now()}
	s := &slot{ctx: ctx, free: a.works}
	if r.err = s.take(); r.err != nil {
		return r
	}
	defer s.give()
	o := j.app.Options
	o.Agent, o.Rest = true, s.rest
	a.count.syncs.Add(1)
	if r.prepared, r.err = a.prepare(ctx, &r, o); r.err != nil || r.quarantined {
		return r
	}
	if r.reported = j.app.ReportOnly; r.reported {
		return r
	}
	if r.err = r.prepared.Allowed(o); r.err != nil {
		r.blocked = fault.Is(r.err, fault.Denied)
		return r
	}
	r.outcome, r.err = a.o.Engine.Execute(ctx, r.prepared, o)
	if fault.Is(r.err, fault.NotReady) && j.app.Rollback && ctx.Err() == nil {
		a.rollback(ctx, &r, o)
	}
	return r
}

func (a *Agent) prepare(ctx context.Context, r *result, o deploy.Options) (*deploy.Prepared, error) {
	if r.gone != nil {
		return a.o.Engine.PlanAbandoned(ctx, *r.gone, o)
	}
	snap, err := r.rendered.Load(ctx)
	if err != nil {
		return nil, err
	}
	p, err := a.o.Engine.Plan(ctx, snap, o)
	if err == nil && p.Record != nil && !r.forced {
		q := p.Record.Head.Quarantine
		r.quarantined = q != nil && q.Content == snap.Content()
	}
	return p, err
}

// rollback goes back to the last release that was ready, and keeps what failed
// from being deployed again.
func (a *Agent) rollback(ctx context.Context, r *result, o deploy.Options) {
	p, err := a.o.Engine.PlanRollback(ctx, r.app.Name, r.app.Namespace, 0, o)
	if fault.Is(err, fault.NotFound) {
		return // there is nothing to go back to
	}
	if err == nil {
		o.Quarantine = &inventory.Quarantine{
			Content: r.prepared.Snapshot.Content(), Commit: r.commit, Release: r.outcome.Release.Number,
			Reason: r.outcome.Release.Error, Since: a.o.Clock.Now().UTC().Truncate(time.Second),
		}
		var done deploy.Outcome
		done, err = a.o.Engine.Execute(ctx, p, o)
		r.rolledBack = &done
	}
	r.rollbackErr = err
}

// synced takes the result of a job.
func (l *loop) synced(r result) {
	t := l.apps[r.key]
	if t == nil {
		return
	}
	t.Running, t.cancel = false, nil
	defer l.wake(r.key)
	var stopped errStopped
	switch {
	case r.reported:
		l.done(t, r)
		l.tellReport(t, r)
	case r.quarantined:
		t.Quarantine = r.name
	case r.blocked:
		t.Blocked, t.Retry = r.name, l.a.o.Clock.Now().Add(lastBackoff)
		l.tellBlocked(t, r)
	case r.err == nil:
		l.done(t, r)
		l.tellDone(t, r)
	case t.RunToStop, errors.As(r.err, &stopped):
		// What was cut off is not what failed.
	case r.rolledBack != nil && r.rollbackErr == nil:
		t.Quarantine, t.Failed, t.Failures = r.name, "", 0
		l.tellFailed(t, r.commit, r.err, &r)
		l.tellRolledBack(t, r)
	default:
		l.a.count.failures.Add(1)
		t.Failed, t.Retry = r.name, l.pause(t)
		l.tellFailed(t, r.commit, errors.Join(r.err, r.rollbackErr), &r)
	}
}

// done notes that the cluster is at the commit of a job.
func (l *loop) done(t *tracked, r result) {
	t.Failures, t.Failed, t.Blocked, t.Quarantine, t.Retry = 0, "", "", "", time.Time{}
	if r.gone != nil {
		l.forget(r.key, t)
		return
	}
	if t.Done != r.commit {
		clear(t.fights) // a new commit is a new beginning
	}
	t.Done, t.DoneName = r.commit, r.rendered.Name
	t.rendered = Rendered{}
	t.Looked = r.commit
	if t.Commit != r.commit {
		t.Looked = "" // rendered meanwhile or not: look again
	}
}

// forget drops an app that is no more.
func (l *loop) forget(key string, t *tracked) {
	for ref := range t.items {
		delete(l.owner, ref)
	}
	delete(l.apps, key)
}

// changed reports whether a plan would change anything in the cluster.
func changed(p *deploy.Prepared) bool {
	for _, c := range p.Plan.Changes {
		if c.Action != plan.Keep && c.Action != plan.Reown {
			return true
		}
	}
	return false
}
