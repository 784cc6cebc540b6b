//go:build !unix

package program

import "os/exec"

// together leaves a program as it is where there are no process groups.
func together(*exec.Cmd) {}
