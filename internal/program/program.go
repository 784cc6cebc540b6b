// Package program runs other programs for renders: functions of the repository,
// container engines, ytt. It is the only package that starts processes, and
// only a person's flags make anything ask for one (render.Allow).
//
// A program gets no shell, no environment but what it is given, a folder of its
// own, and limits on time and output. It is stopped with everything that it
// started.
package program

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/render"
)

// The limits of one run.
const (
	MaxTime   = time.Minute
	MaxOutput = 64 << 20
	// maxMessage bounds what a program writes to its error output.
	maxMessage = 8 << 10
	// grace is how long a stopped program's pipes may stay open.
	grace = 2 * time.Second
)

// Runner runs programs. The zero value is ready for use.
type Runner struct {
	// Time and Output are smaller limits for tests; zero for those above.
	Time   time.Duration
	Output int
}

var _ render.Programs = Runner{}

// Look finds an installed program on the PATH.
func (Runner) Look(name string) string {
	found, err := exec.LookPath(name)
	if err != nil {
		return ""
	}
	if found, err = filepath.Abs(found); err != nil {
		return ""
	}
	return found
}

// Run runs a program to its end and gives what it wrote to its output, also
// when it ended with an error.
func (r Runner) Run(ctx context.Context, p render.Program) ([]byte, error) {
	limit, most := r.Time, r.Output
	if limit == 0 {
		limit = MaxTime
	}
	if most == 0 {
		most = MaxOutput
	}
	folder, err := os.MkdirTemp("", "tug-program-")
	if err != nil {
		return nil, fmt.Errorf("folder for %s: %w", p.Name, err)
	}
	defer os.RemoveAll(folder)
	path, err := place(folder, p)
	if err != nil {
		return nil, err
	}
	bounded, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	out, message := &capped{most: most, full: cancel}, &capped{most: maxMessage}
	cmd := exec.CommandContext(bounded, path, p.Args...)
	cmd.Dir = filepath.Join(folder, "files")
	cmd.Env = append([]string{}, p.Env...) // nil would mean that of tug itself
	cmd.Stdin = bytes.NewReader(p.Input)
	cmd.Stdout, cmd.Stderr = out, message
	cmd.WaitDelay = grace
	together(cmd)
	err = cmd.Run()
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case out.over:
		return nil, fault.New(fault.Invalid, "%s wrote more than %d bytes", p.Name, most)
	case bounded.Err() != nil:
		return nil, fault.New(fault.Invalid, "%s did not end within %s", p.Name, limit)
	case err != nil:
		return out.kept.Bytes(), failure(p, err, message.kept.String())
	}
	return out.kept.Bytes(), nil
}

// place writes a program and its files into folder, for this user alone.
func place(folder string, p render.Program) (string, error) {
	files := filepath.Join(folder, "files")
	if err := os.Mkdir(files, 0o700); err != nil {
		return "", fmt.Errorf("folder for %s: %w", p.Name, err)
	}
	root, err := os.OpenRoot(files)
	if err != nil {
		return "", fmt.Errorf("folder for %s: %w", p.Name, err)
	}
	defer root.Close()
	for _, f := range p.Files {
		if err := root.MkdirAll(filepath.Dir(filepath.FromSlash(f.Name)), 0o700); err != nil {
			return "", fmt.Errorf("files for %s: %w", p.Name, err)
		}
		if err := root.WriteFile(filepath.FromSlash(f.Name), f.Data, 0o600); err != nil {
			return "", fmt.Errorf("files for %s: %w", p.Name, err)
		}
	}
	if p.Content == nil {
		return p.Path, nil
	}
	path := filepath.Join(folder, "program")
	if err := os.WriteFile(path, p.Content, 0o700); err != nil { //nolint:gosec // it must be executable, for its owner
		return "", fmt.Errorf("copy of %s: %w", p.Name, err)
	}
	return path, nil
}

// failure says how a program ended, with the last of what it complained about.
func failure(p render.Program, err error, message string) error {
	message = strings.TrimSpace(message)
	if ended, ok := errors.AsType[*exec.ExitError](err); ok {
		if message == "" {
			return fault.New(fault.Invalid, "%s ended with %s", p.Name, ended.ProcessState)
		}
		return fault.New(fault.Invalid, "%s ended with %s: %s", p.Name, ended.ProcessState, message)
	}
	if errors.Is(err, exec.ErrWaitDelay) {
		return fault.New(fault.Invalid, "%s left a process behind that kept its output open", p.Name)
	}
	if pe, ok := errors.AsType[*os.PathError](err); ok {
		err = pe.Err // the folder of the copy is nothing to people
	}
	return fault.New(fault.Invalid, "start %s: %w", p.Name, err).
		Hint("a script needs a first line like #!/bin/sh, and its interpreter must be installed")
}

// capped keeps the first bytes that are written and calls full when there are
// more. The buffer is not embedded: its ReadFrom would go past Write.
type capped struct {
	kept bytes.Buffer
	most int
	over bool
	full func()
}

// Write implements io.Writer.
func (c *capped) Write(data []byte) (int, error) {
	room := c.most - c.kept.Len()
	if len(data) <= room {
		return c.kept.Write(data)
	}
	if !c.over && c.full != nil {
		c.full()
	}
	c.over = true
	if room > 0 {
		c.kept.Write(data[:room])
	}
	return len(data), nil
}
