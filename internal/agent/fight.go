package agent

import "time"

const (
	// undone is how soon drift after a heal counts as undoing it.
	undone = 10 * time.Second
	// patientHeals is how many heals in a row are made without a pause, and
	// maxHeals after how many that were undone the agent stops.
	patientHeals = 2
	maxHeals     = 8
	// firstHealPause doubles with each further heal, up to lastHealPause.
	firstHealPause = 500 * time.Millisecond
	lastHealPause  = 8 * time.Second
)

// fight is what is known of the drift of one object (cluster-semantics.md 4.5).
// The zero value is an object that nobody changed.
type fight struct {
	// healed is when it was put back last, count how often in a row that was
	// undone.
	healed time.Time
	count  int
	// failures counts looks that failed in a row.
	failures int
	// after is when it may be looked at again; stopped says that it is left
	// until a new commit or consent.
	after   time.Time
	stopped bool
	// manager is who wrote last of those that undid a heal, "" where unknown.
	manager string
	// told is what was told last of drift that is left.
	told string
}

// drifted notes that the object was seen to differ at now, and says when to
// look at it.
func (f *fight) drifted(now time.Time) time.Time {
	if f.healed.IsZero() || now.Sub(f.healed) >= undone {
		f.count = 0
	}
	return f.after
}

// putBack notes that it was healed at now, after manager had changed it, and
// reports whether the agent gives up on it.
func (f *fight) putBack(now time.Time, manager string) (gaveUp bool) {
	if !f.healed.IsZero() && now.Sub(f.healed) < undone+pauseAfter(f.count) {
		f.count++
	} else {
		f.count = 1
	}
	if manager != "" {
		f.manager = manager
	}
	f.healed, f.failures = now, 0
	f.after = now.Add(pauseAfter(f.count))
	f.stopped = f.count >= maxHeals
	return f.stopped
}

// pauseAfter is how long an object is left after a number of heals in a row.
func pauseAfter(count int) time.Duration {
	if count <= patientHeals {
		return 0
	}
	return min(firstHealPause<<(count-patientHeals-1), lastHealPause)
}
