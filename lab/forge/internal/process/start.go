package process

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"syscall"
)

// marker is the environment variable that ties a process to its owner.
const marker = "LABFORGE_OWNER"

// Start runs a program in a session of its own, so that it outlives the caller,
// with both outputs appended to the file log. The child carries owner in its
// environment: Owned finds it again if its identity was never written down.
func Start(owner, log, program string, args ...string) (Identity, error) {
	out, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return Identity{}, fmt.Errorf("log file: %w", err)
	}
	defer func() { _ = out.Close() }()
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), marker+"="+owner)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return Identity{}, fmt.Errorf("start of %s: %w", program, err)
	}
	id, err := Of(cmd.Process.Pid)
	// Reap the child if it ends before the caller does; otherwise init will.
	go func() { _ = cmd.Wait() }()
	return id, err
}

// Owned returns the running processes that Start gave to owner and their
// children, found by their environment. Processes of other users cannot be
// read and are skipped.
func Owned(owner string) ([]Identity, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, fmt.Errorf("process list: %w", err)
	}
	want := []byte(marker + "=" + owner)
	var found []Identity
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		if id, err := Of(pid); err == nil && carries(pid, want) {
			found = append(found, id)
		}
	}
	return found, nil
}

func carries(pid int, variable []byte) bool {
	env, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	if err != nil {
		return false
	}
	return slices.ContainsFunc(bytes.Split(env, []byte{0}), func(v []byte) bool { return bytes.Equal(v, variable) })
}
