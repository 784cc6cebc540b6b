package cluster

import (
	"bytes"
	"os"
)

// tail returns the last n lines of a file, indented, or why there are none.
// Logs of a failed start are small; only their last 64 KiB are looked at.
func tail(file string, n int) string {
	data, err := os.ReadFile(file)
	if err != nil {
		return "  " + err.Error()
	}
	data = bytes.TrimSpace(data[max(0, len(data)-64<<10):])
	if len(data) == 0 {
		return "  (empty)"
	}
	lines := bytes.Split(data, []byte("\n"))
	lines = lines[max(0, len(lines)-n):]
	return "  " + string(bytes.Join(lines, []byte("\n  ")))
}
