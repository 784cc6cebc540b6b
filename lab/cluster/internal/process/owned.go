package process

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strconv"
)

// Owned returns the running processes that Start gave to owner, found by their
// environment. Processes of other users cannot be read and are skipped.
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
		id, err := Of(pid)
		if err != nil || !carries(pid, want) {
			continue
		}
		found = append(found, id)
	}
	return found, nil
}

func carries(pid int, variable []byte) bool {
	env, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	if err != nil {
		return false
	}
	return slices.ContainsFunc(bytes.Split(env, []byte{0}), func(v []byte) bool {
		return bytes.Equal(v, variable)
	})
}
