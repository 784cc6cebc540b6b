package program

import (
	"context"
	"fmt"
	"io"
	"os/exec"
)

// Session is a program that a person works in, an editor say. It has the
// person's environment and terminal, and no limits.
type Session struct {
	// Args are the program and its arguments; no shell reads them.
	Args []string
	// Dir is the folder it starts in; empty for the current one.
	Dir    string
	In     io.Reader
	Out    io.Writer
	ErrOut io.Writer
}

// Interact runs a session to its end. It stops the program when ctx ends.
func Interact(ctx context.Context, s Session) error {
	cmd := exec.CommandContext(ctx, s.Args[0], s.Args[1:]...) //nolint:gosec // it is what the person's environment names
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = s.Dir, s.In, s.Out, s.ErrOut
	cmd.WaitDelay = grace
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("%s: %w", s.Args[0], err)
	}
	return nil
}
