package inventory

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Holder identifies one writer of a record precisely enough that another
// process on the same machine can tell that it is dead.
type Holder struct {
	Host  string // for people
	Boot  string // boot ID of the kernel; empty where there is none
	Space string // PID namespace
	PID   int
	Start string // start time of the process in clock ticks since boot
	Nonce string // one process may hold the locks of several apps
}

// Self is a new holder for this process. Where the system does not tell boot
// ID, PID namespace or start time they are empty, and a dead holder is only
// found by its Lease running out.
func Self() (Holder, error) {
	nonce := make([]byte, 4)
	if _, err := rand.Read(nonce); err != nil {
		return Holder{}, fmt.Errorf("make lock identity: %w", err)
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	h := Holder{Host: host, PID: os.Getpid(), Nonce: hex.EncodeToString(nonce)}
	h.Boot, h.Space = machine()
	h.Start, _ = startTime(h.PID)
	return h, nil
}

// String is the holderIdentity of a Lease.
func (h Holder) String() string {
	return strings.Join([]string{"tug", h.Host, h.Boot, h.Space, strconv.Itoa(h.PID), h.Start, h.Nonce}, "/")
}

// ParseHolder reads what String wrote; ok is false for identities that tug did
// not write.
func ParseHolder(s string) (h Holder, ok bool) {
	p := strings.Split(s, "/")
	if len(p) != 7 || p[0] != "tug" {
		return Holder{}, false
	}
	pid, err := strconv.Atoi(p[4])
	if err != nil {
		return Holder{}, false
	}
	return Holder{Host: p[1], Boot: p[2], Space: p[3], PID: pid, Start: p[5], Nonce: p[6]}, true
}

// Gone reports whether h is known to be dead: it ran on this boot of this
// machine in our PID namespace, and its PID is free or belongs to a process
// with another start time. False means alive or unknown.
func (h Holder) Gone() bool {
	boot, space := machine()
	if boot == "" || space == "" || h.Start == "" || h.Boot != boot || h.Space != space {
		return false
	}
	start, err := startTime(h.PID)
	if err != nil {
		return os.IsNotExist(err)
	}
	return start != h.Start
}

// Describe names h for people.
func (h Holder) Describe() string { return fmt.Sprintf("process %d on %s", h.PID, h.Host) }

// describeHolder names the holder of a Lease for people.
func describeHolder(identity string) string {
	if h, ok := ParseHolder(identity); ok {
		return h.Describe()
	}
	return identity
}

func machine() (boot, space string) {
	if b, err := os.ReadFile("/proc/sys/kernel/random/boot_id"); err == nil {
		boot = string(bytes.TrimSpace(b))
	}
	// "pid:[4026531836]": the number alone is kept, brackets do not matter.
	if s, err := os.Readlink("/proc/self/ns/pid"); err == nil {
		space = strings.Trim(strings.TrimPrefix(s, "pid:"), "[]")
	}
	return boot, space
}

// startTime is field 22 of /proc/PID/stat. The second field is the command
// name in parentheses and may itself contain spaces and parentheses. A zombie
// is as good as gone: it writes nothing any more.
func startTime(pid int) (string, error) {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return "", err
	}
	_, rest, ok := strings.Cut(string(b[bytes.LastIndexByte(b, ')')+1:]), " ")
	fields := strings.Fields(rest)
	if !ok || len(fields) < 20 {
		return "", fmt.Errorf("process %d: unreadable stat", pid)
	}
	if fields[0] == "Z" || fields[0] == "X" {
		return "", os.ErrNotExist
	}
	return fields[19], nil
}
