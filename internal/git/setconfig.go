package git

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/tugops/tug/internal/fault"
)

// Option is one line of a configuration.
type Option struct{ Key, Value string }

// SetConfig makes options the whole of one section ([section "name"]) of the
// repository's own configuration; the rest of the file stays to the byte. It
// is the only thing that writes to a repository here, and only when a person
// asks for drivers. It reports whether anything changed.
func (r *Repo) SetConfig(section, name string, options []Option) (bool, error) {
	file := filepath.Join(r.dirs.common, "config")
	old, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, fault.New(fault.Invalid, "read %s: %w", file, err)
	}
	next := setSection(old, section, name, options)
	if bytes.Equal(old, next) {
		return false, nil
	}
	// Git's own lock: whoever makes this file first may write.
	lock, err := os.OpenFile(file+".lock", os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return false, fault.New(fault.Conflict, "%s is locked by another Git process", file).Hint("try again; remove %s.lock if nothing runs", file)
	}
	if err != nil {
		return false, fault.New(fault.Invalid, "write %s: %w", file, err)
	}
	_, err = lock.Write(next)
	if err = errors.Join(err, lock.Close()); err == nil {
		err = os.Rename(lock.Name(), file)
	}
	if err != nil {
		_ = os.Remove(lock.Name())
		return false, fault.New(fault.Invalid, "write %s: %w", file, err)
	}
	return true, nil
}

var sectionHead = regexp.MustCompile(`^\s*\[`)

// setSection replaces a section, where it stands, or adds it at the end.
func setSection(config []byte, section, name string, options []Option) []byte {
	head := "[" + section + ` "` + name + `"]`
	var text strings.Builder
	text.WriteString(head + "\n")
	for _, o := range options {
		text.WriteString("\t" + o.Key + ` = "` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(o.Value) + "\"\n")
	}
	var out bytes.Buffer
	inside, done := false, false
	for line := range bytes.Lines(config) {
		if sectionHead.Match(line) {
			inside = strings.TrimSpace(string(line)) == head
			if inside && !done {
				out.WriteString(text.String())
				done = true
			}
		}
		if !inside {
			out.Write(line)
		}
	}
	if !done {
		if b := out.Bytes(); len(b) > 0 && b[len(b)-1] != '\n' {
			out.WriteByte('\n')
		}
		out.WriteString(text.String())
	}
	return out.Bytes()
}
