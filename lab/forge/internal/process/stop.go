package process

import (
	"fmt"
	"os"
	"syscall"
	"time"
)

const (
	pollInterval = 10 * time.Millisecond
	killDeadline = 10 * time.Second
)

// Stop ends the given processes together: SIGTERM, then SIGKILL for those still
// alive after grace. It returns once all are gone. Processes that are already
// gone, or whose number now belongs to another process, are left alone.
func Stop(ids []Identity, grace time.Duration) error {
	if err := signal(ids, syscall.SIGTERM); err != nil {
		return err
	}
	if gone(ids, grace) {
		return nil
	}
	if err := signal(ids, syscall.SIGKILL); err != nil {
		return err
	}
	if !gone(ids, killDeadline) {
		return fmt.Errorf("processes %v: still alive after SIGKILL", ids)
	}
	return nil
}

func signal(ids []Identity, sig os.Signal) error {
	for _, id := range ids {
		if !id.Alive() {
			continue
		}
		// FindProcess opens a pidfd; checking the identity again afterwards
		// proves that the handle belongs to our process and not a successor.
		p, err := os.FindProcess(id.PID)
		if err != nil {
			return fmt.Errorf("process %d: %w", id.PID, err)
		}
		if id.Alive() {
			err = p.Signal(sig)
		}
		_ = p.Release()
		if err != nil && id.Alive() {
			return fmt.Errorf("signal to process %d: %w", id.PID, err)
		}
	}
	return nil
}

// gone waits until none of the processes is alive, at most within.
func gone(ids []Identity, within time.Duration) bool {
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for deadline := time.Now().Add(within); ; <-tick.C {
		alive := false
		for _, id := range ids {
			alive = alive || id.Alive()
		}
		if !alive || time.Now().After(deadline) {
			return !alive
		}
	}
}
