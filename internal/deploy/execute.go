package deploy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tugops/tug/internal/apply"
	"github.com/tugops/tug/internal/event"
	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/inventory"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/plan"
)

// Defaults of Options.
const (
	defaultHistory = 10
	defaultTimeout = 5 * time.Minute
)

// closing bounds the last writes of a deploy that was interrupted.
const closing = 10 * time.Second

// Outcome is what an execution did.
type Outcome struct {
	// Unchanged says that nothing was written at all.
	Unchanged bool `json:"unchanged,omitempty"`
	// Release is the one that was recorded, or the last one when unchanged.
	Release inventory.Release `json:"release"`
	// Removed says that the record is gone with the app.
	Removed bool         `json:"removed,omitempty"`
	Result  apply.Result `json:"result"`
}

// session is one execution under a Lease.
type session struct {
	e       *Engine
	p       *Prepared
	o       Options
	tell    teller
	lease   *inventory.Lease
	cluster fenced
	store   *inventory.Store
	journal *journal
	number  int
	result  apply.Result
	gone    bool // the namespace of the record was deleted
}

// Execute carries out a plan: permissions, lock, record, changes, record. The
// outcome is told also when there is an error, as far as it got.
func (e *Engine) Execute(ctx context.Context, p *Prepared, o Options) (Outcome, error) {
	if err := p.allowed(o); err != nil {
		return Outcome{}, err
	}
	if p.Unchanged() && !p.takesOver(o) {
		return Outcome{Unchanged: true, Release: *p.Record.Head.Latest()}, e.claim(ctx, p, o)
	}
	o.Sink = scrubbed(o.Sink, p)
	s := &session{e: e, p: p, o: o, journal: &journal{}, tell: teller{o.Sink, p.Plan.App, p.Plan.Env}}
	done := s.tell.phase("permissions")
	if err := e.preflight(ctx, p, o); err != nil {
		return Outcome{}, err
	}
	done()
	if err := s.ensureNamespace(ctx); err != nil {
		return Outcome{}, fmt.Errorf("create namespace: %w", err)
	}
	if err := s.lock(ctx); err != nil {
		return Outcome{}, err
	}
	defer s.unlock(ctx)
	if err := s.begin(); err != nil {
		return Outcome{}, err
	}
	return s.finish(ctx, scrubError(s.work(ctx), p))
}

// lock takes the Lease and makes sure that the plan still holds: it was made
// without it (cluster-semantics.md 5.1).
func (s *session) lock(ctx context.Context) error {
	newHolder := s.e.Holder
	if newHolder == nil {
		newHolder = inventory.Self
	}
	holder, err := newHolder()
	if err != nil {
		return err
	}
	rest := resting{rest: s.o.Rest}
	defer rest.over()
	k := inventory.Lock{
		Objects: s.e.Cluster, Namespace: s.p.Plan.Namespace, App: s.p.Plan.App, Holder: holder,
		Duration: s.e.LeaseDuration, Wait: s.e.LeaseWait,
		Waiting: func(message string) {
			rest.begin()
			s.tell.say(event.Waiting, object.Ref{}, message)
		},
	}
	if s.p.Record != nil {
		k.Floor = s.p.Record.Head.Epoch
	}
	if s.p.takesOver(s.o) {
		// The agent lets go of the lock when it sees the request.
		if err := s.e.annotate(ctx, s.p.Plan.App, s.p.Plan.Namespace, map[string]string{inventory.AnnotationSuspend: "requested"}); err != nil {
			return err
		}
	}
	if s.lease, err = k.Acquire(ctx); err != nil {
		return err
	}
	rest.over()
	s.cluster = fenced{Cluster: s.e.Cluster, lease: s.lease}
	s.store = inventory.NewStore(s.cluster, s.p.Plan.Namespace, s.p.Plan.App)
	if err := s.confirmPlan(s.lease.Context()); err != nil {
		s.abandon(ctx)
		return err
	}
	return nil
}

// confirmPlan reads the head again. When another writer changed it since the
// plan was made, the plan is made again, and must be the same.
func (s *session) confirmPlan(ctx context.Context) error {
	head, err := s.store.LoadHead(ctx)
	if err != nil {
		return err
	}
	if version(head) == s.p.version() {
		return nil
	}
	if s.p.abandoned != nil {
		return fault.New(fault.Conflict, "%s was deployed again after it was found gone from the project", s.p.key()).
			Hint("run it again: the app may be back")
	}
	var again *Prepared
	if s.p.Deleting {
		again, err = s.e.PlanDelete(ctx, s.p.Plan.App, s.p.Plan.Namespace, s.o)
	} else {
		again, err = s.e.Plan(ctx, s.p.Snapshot, s.o)
	}
	if err != nil {
		return err
	}
	if again.Plan.Hash != s.p.Plan.Hash {
		return fault.New(fault.Conflict, "another writer changed %s after this plan was made", s.p.key()).
			Hint("plan again: the changes are different ones now")
	}
	if again.version() != version(head) {
		return fault.New(fault.Conflict, "%s is being changed by another writer", s.p.key()).Hint("run it again")
	}
	again.message, again.recorded = s.p.message, s.p.recorded
	s.p = again
	return s.p.allowed(s.o)
}

// abandon lets the next writer in before anything was written. Where there is
// no record the Lease goes: it would be all that is left of an app that
// another writer deleted meanwhile.
func (s *session) abandon(ctx context.Context) {
	rctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closing)
	defer cancel()
	head, err := s.store.LoadHead(rctx)
	if err == nil && head == nil {
		chunks, err := s.store.Chunks(rctx)
		if err == nil && chunks == 0 && s.lease.Remove(ctx) == nil {
			return
		}
	}
	s.lease.Release(ctx)
}

// unlock lets the next writer in, if the Lease was not removed with the app.
func (s *session) unlock(ctx context.Context) { s.lease.Release(ctx) }

// version is the resourceVersion of a head; "" for none.
func version(h *inventory.Head) string {
	if h == nil {
		return ""
	}
	return h.ResourceVersion
}

func (p *Prepared) version() string {
	if p.Record == nil {
		return ""
	}
	return p.Record.Head.ResourceVersion
}

// work applies the plan under the Lease.
func (s *session) work(ctx context.Context) error {
	o := apply.Options{
		Wait: !s.o.NoWait, Timeout: cmp.Or(s.o.Timeout, defaultTimeout), Parallel: parallel,
		Sink: s.o.Sink, Rest: s.o.Rest, Verify: s.verify(), Journal: s.journal, Refresh: s.e.Cluster.Refresh, Replan: s.replan, Also: s.also(),
	}
	p, last := s.split()
	var err error
	if s.result, err = apply.Run(s.lease.Context(), s.cluster, p, o); err != nil || last == nil {
		return err
	}
	return s.deleteOwnNamespace(ctx, *last, o)
}

// verify is what must hold after this deploy.
func (s *session) verify() func(context.Context) error {
	if s.p.Deleting {
		return nil
	}
	return s.o.Verify
}

// also are the objects that must be ready although they need no change: after
// a release that was not completed, everything that is declared.
func (s *session) also() []apply.Target {
	if !s.p.Plan.Unfinished || s.p.Deleting {
		return nil
	}
	var targets []apply.Target
	changed := refsOf(s.p.Plan.Changes)
	for _, d := range s.p.input.Desired {
		live, ok := s.p.input.Live[d.Ref()]
		if plan.HookOf(d) != nil || changed[d.Ref()] || !ok {
			continue
		}
		targets = append(targets, apply.Target{
			Ref: d.Ref(), Version: d.GVK().GroupVersion().String(), UID: live.UID, Generation: live.Generation, Group: plan.GroupOf(d), Source: d.Source,
		})
	}
	return targets
}

// finish records how it went. It is done also when the context has ended, but
// not when the Lease is lost: then the record is somebody else's.
func (s *session) finish(ctx context.Context, failed error) (Outcome, error) {
	for i, o := range s.result.Outcomes {
		s.result.Outcomes[i].Err = scrubError(o.Err, s.p)
	}
	out := Outcome{Result: s.result}
	if err := s.lease.Check(); err != nil && !s.gone {
		return out, firstError(failed, err)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closing)
	defer cancel()
	done := s.release(failed)
	err := s.close(ctx, done, failed)
	if err != nil {
		err = errors.Join(failed, fmt.Errorf("what was done could not be recorded: %w", err))
	} else {
		err = failed
	}
	out.Release, out.Removed = done, s.removes(failed)
	if err == nil && !out.Removed {
		s.tell.say(event.Released, object.Ref{}, fmt.Sprint(s.number))
	}
	return out, err
}
