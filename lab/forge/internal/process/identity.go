// Package process starts, recognises and stops the forge's server without ever
// signalling a stranger: a process is identified by its number together with
// its start time.
package process

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Identity names one process for as long as the machine is up.
type Identity struct {
	PID int `json:"pid"`
	// Start is the start time in clock ticks since boot (field 22 of
	// /proc/PID/stat). A recycled PID has another one.
	Start uint64 `json:"start"`
	// Boot is the kernel's boot ID, since ticks restart at each boot.
	Boot string `json:"boot"`
}

// Of returns the identity of the running process pid. Zombies are not running.
func Of(pid int) (Identity, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return Identity{}, fmt.Errorf("process %d: %w", pid, err)
	}
	// The command name is in parentheses and may itself contain anything.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 20 {
		return Identity{}, fmt.Errorf("process %d: short stat line", pid)
	}
	if state := fields[0]; state == "Z" || state == "X" {
		return Identity{}, fmt.Errorf("process %d: %w", pid, os.ErrProcessDone)
	}
	start, err := strconv.ParseUint(fields[19], 10, 64)
	if err != nil {
		return Identity{}, fmt.Errorf("process %d: start time: %w", pid, err)
	}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return Identity{}, fmt.Errorf("boot id: %w", err)
	}
	return Identity{PID: pid, Start: start, Boot: strings.TrimSpace(string(boot))}, nil
}

// Alive reports whether exactly this process still runs.
func (id Identity) Alive() bool {
	if id.PID <= 0 {
		return false
	}
	now, err := Of(id.PID)
	return err == nil && now == id
}
