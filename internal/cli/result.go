package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/tugops/tug/internal/fault"
)

// write gives a result: to FILE (-o) as a whole or not at all, else to stdout.
func (e *Env) write(file string, data []byte) error {
	if file == "" || file == "-" {
		_, err := e.Stdout.Write(data)
		return err
	}
	if !e.revealing {
		data = []byte(e.sensitive.MaskOutput(string(data)))
	}
	return replaceFile(file, data)
}

// writeJSON gives a result as indented JSON.
func (e *Env) writeJSON(file string, v any) error {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("JSON of the result: %w", err)
	}
	return e.write(file, buf.Bytes())
}

// replaceFile writes a file by renaming, so that a reader never sees half of
// it. Results may hold secrets: only the owner can read them.
func replaceFile(file string, data []byte) error {
	if info, err := os.Stat(file); err == nil && !info.Mode().IsRegular() {
		return writeInto(file, data)
	}
	tmp, err := os.CreateTemp(filepath.Dir(file), ".tug-*")
	if err != nil {
		return fault.New(fault.Invalid, "write %s: %w", file, reason(err)).Hint("-o needs a folder that exists and can be written to")
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(data)
	if closeErr := tmp.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(tmp.Name(), file)
	}
	if err != nil {
		return fault.New(fault.Invalid, "write %s: %w", file, reason(err)).Hint("-o needs a file that can be written to, with room for the result")
	}
	return nil
}

// writeInto writes to a device or pipe, which must not be replaced by a file.
func writeInto(file string, data []byte) error {
	f, err := os.OpenFile(file, os.O_WRONLY, 0)
	if err == nil {
		_, err = f.Write(data)
		if closeErr := f.Close(); err == nil {
			err = closeErr
		}
	}
	if err != nil {
		return fault.New(fault.Invalid, "write %s: %w", file, reason(err)).Hint("-o needs a file that can be written to")
	}
	return nil
}
