//go:build unix

package program

import (
	"os/exec"
	"syscall"
)

// together puts a program and all that it starts into one group, so that they
// are stopped together.
func together(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
