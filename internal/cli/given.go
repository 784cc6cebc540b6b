package cli

import (
	"fmt"
	"io"
	"os"
)

// maxGiven bounds a file that is named on the command line, in bytes.
const maxGiven = 64 << 20

// readGiven reads a file that is named on the command line. It may be a pipe,
// as a shell makes for <(command), but neither a device nor without an end.
func readGiven(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if info.Mode()&os.ModeDevice != 0 {
		return nil, fmt.Errorf("is a device")
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxGiven+1))
	if err == nil && len(data) > maxGiven {
		err = fmt.Errorf("is larger than %d MiB", maxGiven>>20)
	}
	return data, err
}
