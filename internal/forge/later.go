package forge

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/tugops/tug/internal/fault"
)

// Later is the cause of an error that another try may not have.
type Later struct {
	Err error
	// After is how long the forge asked to wait; 0 when it did not say.
	After time.Duration
	// Done says whether the forge may have done what was asked: No when it
	// refused, Unknown when the answer was lost or is that of a broken server.
	Done Answer
}

// Error implements error.
func (l *Later) Error() string { return l.Err.Error() }

// Unwrap gives access to the cause.
func (l *Later) Unwrap() error { return l.Err }

// AsLater finds a Later in an error.
func AsLater(err error) (*Later, bool) { return errors.AsType[*Later](err) }

// Clock is time as Retry sees it.
type Clock interface {
	Now() time.Time
	// Wait returns early with the cause when ctx ends.
	Wait(ctx context.Context, d time.Duration) error
}

// SystemClock is the real one.
type SystemClock struct{}

var _ Clock = SystemClock{}

// Now implements Clock.
func (SystemClock) Now() time.Time { return time.Now() }

// Wait implements Clock.
func (SystemClock) Wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Retry repeats calls, bounded by time and not by count. The zero value uses
// the real clock and the defaults.
type Retry struct {
	Clock Clock
	// Within bounds one call with its repetitions; 90 s when zero. A forge that
	// asks to wait beyond it is not waited for.
	Within time.Duration
	// Least and Most bound the pause of the first and of later repetitions;
	// 200 ms and 8 s when zero. The pause is a random part of it (full jitter),
	// on top of what the forge asks for.
	Least, Most time.Duration
	// Random gives numbers in [0, 1); nil for the real thing.
	Random func() float64
}

func (r Retry) withDefaults() Retry {
	if r.Clock == nil {
		r.Clock = SystemClock{}
	}
	if r.Within == 0 {
		r.Within = 90 * time.Second
	}
	if r.Least == 0 {
		r.Least = 200 * time.Millisecond
	}
	if r.Most == 0 {
		r.Most = 8 * time.Second
	}
	if r.Random == nil {
		r.Random = rand.Float64 //nolint:gosec // spreads load, hides nothing
	}
	return r
}

// Do makes a call until it succeeds, fails for good, or the time is over: then
// the last error is the answer. again decides about errors that are Later.
func (r Retry) Do(ctx context.Context, again func(*Later) bool, call func() error) error {
	r = r.withDefaults()
	end := r.Clock.Now().Add(r.Within)
	for most := r.Least; ; most = min(2*most, r.Most) {
		err := call()
		later, ok := AsLater(err)
		if err == nil || !ok || !again(later) {
			return err
		}
		pause := later.After + time.Duration(r.Random()*float64(most))
		if now := r.Clock.Now(); now.Add(pause).After(end) {
			return r.late(err, later, now)
		}
		if err := r.Clock.Wait(ctx, pause); err != nil {
			return err
		}
	}
}

// late says what the time was spent on.
func (r Retry) late(err error, later *Later, now time.Time) error {
	e := fault.New(fault.KindOf(err), "%w", err)
	if later.After > r.Within {
		return e.Hint("the forge asks to wait until %s; nothing was lost, repeat it then", now.Add(later.After).UTC().Format("15:04:05 MST"))
	}
	return e.Hint("it was tried for %s", r.Within)
}

// Always repeats whatever is Later: for calls that may be made twice.
func Always(*Later) bool { return true }

// Refused repeats only what the forge certainly did not do.
func Refused(l *Later) bool { return l.Done == No }
