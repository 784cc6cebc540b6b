package agent

import (
	"testing"
	"time"
)

// TestFight backs off from what undoes heals at once, stops after a limit, and
// takes edits that are far apart for what they are.
func TestFight(t *testing.T) {
	t.Parallel()
	now := noon()
	f := &fight{}
	var pauses []time.Duration
	for n := 1; ; n++ {
		if at := f.drifted(now); at.After(now) {
			pauses = append(pauses, at.Sub(now))
			now = at
		}
		if f.putBack(now, "kubectl-cron") {
			if n != maxHeals || f.manager != "kubectl-cron" {
				t.Errorf("stopped after %d heals, because of %q", n, f.manager)
			}
			break
		}
		now = now.Add(100 * time.Millisecond)
	}
	for i := 1; i < len(pauses); i++ {
		if pauses[i] < pauses[i-1] {
			t.Errorf("pauses shrink: %s", pauses)
		}
	}
	if len(pauses) < 4 {
		t.Errorf("only %d pauses before it stops", len(pauses))
	}

	calm := &fight{}
	for range 5 * maxHeals {
		if at := calm.drifted(now); at.After(now) {
			t.Fatal("a single edit was made to wait")
		}
		if calm.putBack(now, "kubectl-edit") {
			t.Fatal("edits that are far apart were taken for a fight")
		}
		now = now.Add(2 * undone)
	}
}
