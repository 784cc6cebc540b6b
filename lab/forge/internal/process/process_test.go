package process

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
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

func TestStartAndStop(t *testing.T) {
	dir := t.TempDir()
	id, err := Start(dir, filepath.Join(dir, "log"), "/bin/sleep", "60")
	if err != nil {
		t.Fatal(err)
	}
	if found, err := Owned(dir); err != nil || !slices.Contains(found, id) {
		t.Errorf("owned: %v, %v; want %v in it", found, err, id)
	}
	if found, err := Owned(dir + "x"); err != nil || len(found) != 0 {
		t.Errorf("owned by another folder: %v, %v", found, err)
	}
	if err := Stop([]Identity{id}, time.Second); err != nil || id.Alive() {
		t.Errorf("alive after stop: %v, %v", id.Alive(), err)
	}
}

func TestStartOfNothing(t *testing.T) {
	dir := t.TempDir()
	if _, err := Start(dir, filepath.Join(dir, "log"), filepath.Join(dir, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error: %v", err)
	}
}
