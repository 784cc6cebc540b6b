package process

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// watch samples the anonymous memory of a process until done is closed, and
// then gives the peak.
func watch(pid int, done <-chan struct{}) <-chan int64 {
	result := make(chan int64, 1)
	go func() {
		path := fmt.Sprintf("/proc/%d/status", pid)
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		var peak int64
		for {
			if status, err := os.ReadFile(path); err == nil {
				peak = max(peak, anonymous(status))
			}
			select {
			case <-done:
				result <- peak
				return
			case <-ticker.C:
			}
		}
	}()
	return result
}

// anonymous reads RssAnon, in bytes, from /proc/PID/status (proc_pid_status(5)
// gives it in KiB); 0 where there is none, as for a process that has ended.
func anonymous(status []byte) int64 {
	lines := bufio.NewScanner(bytes.NewReader(status))
	for lines.Scan() {
		value, ok := strings.CutPrefix(lines.Text(), "RssAnon:")
		if !ok {
			continue
		}
		kib, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(value, "kB")), 10, 64)
		if err != nil {
			return 0
		}
		return kib << 10
	}
	return 0
}
