package program

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/tugops/tug/internal/fault"
)

// MaxToolTime bounds a tool that names no time of its own.
const MaxToolTime = time.Hour

// maxTail is how much of a tool's output is kept for its error, in bytes.
const maxTail = 32 << 10

// Tool is one run of an installed program over a person's own files: a
// compiler, a builder of images. Unlike a Program it works in a folder of the
// repository and may take long, but gets no shell and no environment either
// than what is given.
type Tool struct {
	// Path is the program (from Look), Args its arguments; no shell reads them.
	Path string
	Args []string
	// Dir is the folder it runs in.
	Dir string
	Env []string // "KEY=value"
	// Time is the most it may take; MaxToolTime when zero.
	Time time.Duration
	// Line receives what it writes, line by line; nil for nobody. It is called
	// from one goroutine.
	Line func(string)
}

// ToolError is a tool that ended with an error.
type ToolError struct {
	Name string
	// Status says how it ended ("exit status 1"), Output is the last of what it
	// wrote, both streams in their order.
	Status, Output string
}

// Error implements error.
func (e *ToolError) Error() string {
	if e.Output == "" {
		return e.Name + " ended with " + e.Status
	}
	return e.Name + " ended with " + e.Status + ":\n" + e.Output
}

// Work runs a tool to its end and gives the last of what it wrote. When it ends
// with an error, that is a *ToolError.
func (Runner) Work(ctx context.Context, t Tool) (string, error) {
	limit := t.Time
	if limit == 0 {
		limit = MaxToolTime
	}
	bounded, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	out := &tail{line: t.Line}
	cmd := exec.CommandContext(bounded, t.Path, t.Args...) //nolint:gosec // installed, found by Look
	cmd.Dir, cmd.Env = t.Dir, append([]string{}, t.Env...)
	cmd.Stdout, cmd.Stderr = out, io.Writer(out)
	cmd.WaitDelay = grace
	together(cmd)
	err := cmd.Run()
	out.flush()
	name := t.name()
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case bounded.Err() != nil:
		return "", fault.New(fault.Unavailable, "%s did not end within %s", name, limit)
	case err == nil:
		return out.text(), nil
	}
	if ended, ok := errors.AsType[*exec.ExitError](err); ok {
		return "", &ToolError{Name: name, Status: ended.String(), Output: out.text()}
	}
	if pe, ok := errors.AsType[*os.PathError](err); ok {
		err = pe.Err
	}
	return "", fault.New(fault.Invalid, "start %s: %w", name, err)
}

// name is how people call the tool: without its folder.
func (t Tool) name() string {
	name := t.Path[strings.LastIndexAny(t.Path, `/\`)+1:]
	for _, a := range t.Args {
		if a != "" && !strings.HasPrefix(a, "-") && !strings.ContainsAny(a, `/\=`) {
			return name + " " + a
		}
	}
	return name
}

// tail keeps the last of what is written and passes whole lines on.
type tail struct {
	kept bytes.Buffer
	open []byte
	line func(string)
}

// Write implements io.Writer.
func (t *tail) Write(data []byte) (int, error) {
	t.kept.Write(data)
	if extra := t.kept.Len() - maxTail; extra > 0 {
		t.kept.Next(extra)
	}
	if t.line == nil {
		return len(data), nil
	}
	t.open = append(t.open, data...)
	for {
		at := bytes.IndexByte(t.open, '\n')
		if at < 0 && len(t.open) < maxMessage {
			return len(data), nil
		}
		if at < 0 {
			at = len(t.open) - 1
		}
		t.line(strings.TrimRight(string(t.open[:at+1]), "\r\n"))
		t.open = append(t.open[:0], t.open[at+1:]...)
	}
}

func (t *tail) flush() {
	if t.line != nil && len(t.open) > 0 {
		t.line(string(t.open))
	}
}

func (t *tail) text() string {
	return strings.ToValidUTF8(strings.TrimSpace(t.kept.String()), "?")
}
