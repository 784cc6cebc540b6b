package process

import (
	"os"
	"testing"
	"time"
)

func TestRecycledNumberIsNotAlive(t *testing.T) {
	self, err := Of(os.Getpid())
	if err != nil || !self.Alive() {
		t.Fatalf("own identity: %+v, %v", self, err)
	}
	for name, other := range map[string]Identity{
		"another start": {PID: self.PID, Start: self.Start + 1, Boot: self.Boot},
		"another boot":  {PID: self.PID, Start: self.Start, Boot: "x"},
		"no process":    {},
	} {
		if other.Alive() {
			t.Errorf("%s counts as alive", name)
		}
		// This test would die if Stop signalled a stranger.
		if err := Stop([]Identity{other}, time.Second); err != nil {
			t.Errorf("stop after %s: %v", name, err)
		}
	}
}
