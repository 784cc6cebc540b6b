package process

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

// marker is the environment variable that ties a process to its owner.
const marker = "LABCLUSTER_OWNER"

// Start runs the current executable with args in a session of its own, so that
// it outlives the caller, with both outputs appended to the file log. The child
// carries owner in its environment: Owned finds it again if its identity was
// never written down.
func Start(owner, log string, args ...string) (Identity, error) {
	self, err := os.Executable()
	if err != nil {
		return Identity{}, fmt.Errorf("own executable: %w", err)
	}
	out, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return Identity{}, fmt.Errorf("log file: %w", err)
	}
	defer func() { _ = out.Close() }()

	cmd := exec.Command(self, args...)
	cmd.Env = append(os.Environ(), marker+"="+owner)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return Identity{}, fmt.Errorf("start of %v: %w", args, err)
	}
	id, err := Of(cmd.Process.Pid)
	// Reap the child if it ends before the caller does; otherwise init will.
	go func() { _ = cmd.Wait() }()
	return id, err
}
