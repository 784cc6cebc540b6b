package agent

import "time"

// Clock is where time comes from.
type Clock interface {
	Now() time.Time
	// After is as time.After.
	After(d time.Duration) <-chan time.Time
}

type systemClock struct{}

func (systemClock) Now() time.Time                         { return time.Now() }
func (systemClock) After(d time.Duration) <-chan time.Time { return time.After(d) }

// Bounds of the pauses between attempts that fail.
const (
	firstBackoff = 2 * time.Second
	lastBackoff  = 5 * time.Minute
)

// backoff is the pause after a number of failures in a row, at least one: it
// doubles from the first to the last, and is spread over 75 % to 125 % by
// random, from 0 to 1.
func backoff(failures int, random float64) time.Duration {
	d := lastBackoff
	if shift := failures - 1; shift < 16 {
		d = min(firstBackoff<<max(shift, 0), lastBackoff)
	}
	return time.Duration(float64(d) * (0.75 + 0.5*random))
}

// spread is an interval, 90 % to 110 % of d, so that many agents do not ask at
// once.
func spread(d time.Duration, random float64) time.Duration {
	return time.Duration(float64(d) * (0.9 + 0.2*random))
}
