package inventory

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
)

// Defaults of a lock.
const (
	leaseDuration = 15 * time.Second
	leaseWait     = time.Minute
)

// Lock says how to take the Lease of an app.
type Lock struct {
	Objects        Objects
	Namespace, App string
	Holder         Holder
	// Floor is the epoch of the record's head: the Lease gets a higher one,
	// even when somebody deleted it in between.
	Floor int64
	// Duration is how long the Lease holds without renewal, 15 s when zero; it
	// is renewed every third of it. Wait bounds the wait for another holder,
	// 60 s when zero.
	Duration, Wait time.Duration
	// Waiting is called when somebody else holds the Lease, once per holder.
	Waiting func(message string)
}

// Lease is a held lock. It keeps writers apart, but fences nothing by itself:
// see cluster-semantics.md 5.2.
type Lease struct {
	lock   Lock
	epoch  int64
	ctx    context.Context // of the writer
	cancel context.CancelCauseFunc
	keep   context.Context // of renewing: it goes on while a cancelled writer cleans up
	stop   context.CancelFunc
	done   chan struct{} // closed when renewing has ended

	mu      sync.Mutex
	object  *object.Object // as last written
	renewed time.Time      // start of the last renewal that succeeded
	lost    error
}

// Context ends, with a fault.Conflict as its cause, when the Lease is lost or
// could run out before the next renewal, and with that of Acquire. Every
// request of the writer runs under it, so that none can be in flight when
// somebody else takes over.
func (l *Lease) Context() context.Context { return l.ctx }

// Epoch is the Lease's leaseTransitions, which grows with every holder.
func (l *Lease) Epoch() int64 { return l.epoch }

// Check reports the loss of the Lease as an error. It also sees a process that
// was suspended: timers and the monotonic clock may have stood still then, the
// wall clock has not.
func (l *Lease) Check() error {
	l.mu.Lock()
	renewed, err := l.renewed, l.lost
	l.mu.Unlock()
	if err != nil {
		return err
	}
	now := time.Now()
	elapsed := max(now.Sub(renewed), now.Round(0).Sub(renewed.Round(0)))
	if elapsed < l.lock.margin() {
		return nil
	}
	return l.lose(lost("it was not renewed for %s", elapsed.Round(time.Second)))
}

// lose ends the work of the writer. The first reason stays.
func (l *Lease) lose(err error) error {
	l.mu.Lock()
	if l.lost == nil {
		l.lost = err
	}
	err = l.lost
	l.mu.Unlock()
	l.cancel(err)
	return err
}

// Deadline is when every request of the writer must have ended, unless the
// Lease is renewed before: a little before it could be taken over.
func (l *Lease) Deadline() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.renewed.Add(l.lock.margin())
}

// Release lets the next writer in at once: the Lease stays with an empty
// holder. It works after the context of the writer has ended.
func (l *Lease) Release(ctx context.Context) {
	ctx, done := l.end(ctx)
	defer done()
	for range 3 {
		next := l.object.Copy()
		spec := specOf(next)
		spec["holderIdentity"] = ""
		spec["leaseDurationSeconds"] = int64(1)
		_, err := l.lock.Objects.Update(ctx, next)
		// A renewal that was cut off may have been stored after all. Any other
		// failure leaves the Lease to run out.
		if !fault.Is(err, fault.Conflict) || l.reread(ctx) != nil {
			return
		}
	}
}

// Remove deletes the Lease: the app is gone. One that somebody else has taken
// over stays: it is the same object.
func (l *Lease) Remove(ctx context.Context) error {
	ctx, done := l.end(ctx)
	defer done()
	var err error
	for range 3 {
		err = l.lock.Objects.Delete(ctx, LeaseGVK(), l.lock.Namespace, HeadName(l.lock.App),
			object.Write{UID: l.object.UID(), ResourceVersion: l.object.ResourceVersion()})
		if err == nil || fault.Is(err, fault.NotFound) {
			return nil
		}
		if !fault.Is(err, fault.Conflict) {
			break
		}
		if taken := l.reread(ctx); taken != nil {
			return fmt.Errorf("delete lock: %w", taken)
		}
	}
	return fmt.Errorf("delete lock: %w", err)
}

// end stops renewing and gives a context for one last write.
func (l *Lease) end(ctx context.Context) (context.Context, context.CancelFunc) {
	l.stop()
	<-l.done
	_ = l.lose(fault.New(fault.Conflict, "the lock was released"))
	return context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
}

// hold starts renewing a Lease that was written at started.
func hold(ctx context.Context, lock Lock, o *object.Object, started time.Time) *Lease {
	l := &Lease{lock: lock, object: o, renewed: started, epoch: transitions(o), done: make(chan struct{})}
	l.ctx, l.cancel = context.WithCancelCause(ctx)
	l.keep, l.stop = context.WithCancel(context.WithoutCancel(ctx))
	go l.renew()
	return l
}

// renew runs until the Lease is released or lost.
func (l *Lease) renew() {
	defer close(l.done)
	tick := time.NewTicker(l.lock.Duration / 3)
	defer tick.Stop()
	for {
		select {
		case <-l.keep.Done():
			return
		case <-tick.C:
		}
		if err := l.renewOnce(); err != nil && l.keep.Err() == nil {
			_ = l.lose(err)
			return
		}
	}
}

// renewOnce writes a new renewTime. It tries again until the Lease could run
// out: an API server that restarts must not end a deploy.
func (l *Lease) renewOnce() error {
	l.mu.Lock()
	deadline := l.renewed.Add(l.lock.margin())
	l.mu.Unlock()
	ctx, done := context.WithDeadline(l.keep, deadline)
	defer done()
	for {
		started := time.Now()
		next := l.object.Copy()
		specOf(next)["renewTime"] = microTime(started)
		o, err := l.lock.Objects.Update(ctx, next)
		if err == nil {
			l.mu.Lock()
			l.object, l.renewed = o, started
			l.mu.Unlock()
			return nil
		}
		if fault.Is(err, fault.NotFound) {
			return lost("it was deleted")
		}
		if fault.Is(err, fault.Conflict) {
			if err := l.reread(ctx); err != nil {
				return err
			}
		}
		if !pause(ctx, l.lock.Duration/30) {
			return lost("it could not be renewed: %w", err)
		}
	}
}

// reread takes over the resourceVersion of a Lease that somebody edited, if it
// is still ours.
func (l *Lease) reread(ctx context.Context) error {
	o, err := l.lock.Objects.Get(ctx, LeaseGVK(), l.lock.Namespace, HeadName(l.lock.App))
	if fault.Is(err, fault.NotFound) {
		return lost("it was deleted")
	}
	if err != nil {
		return nil
	}
	if holder := holderOf(o); holder != l.lock.Holder.String() || transitions(o) != l.epoch {
		return lost("%s has taken it", describeHolder(holder))
	}
	l.mu.Lock()
	l.object = o
	l.mu.Unlock()
	return nil
}

func lost(format string, args ...any) error {
	return fault.New(fault.Conflict, "lost the lock: %w", fmt.Errorf(format, args...)).
		Hint("run it again; what was done so far is recorded")
}

// margin is how long after the start of a renewal the Lease may be relied on.
func (k Lock) margin() time.Duration { return k.Duration - k.Duration/8 }

// pause waits, and reports false when ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
