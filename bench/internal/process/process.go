// Package process runs programs and says what they cost: time, processor time
// and memory.
package process

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// interval between two looks at a process's memory. The kernel keeps a peak of
// all resident memory only; that of anonymous memory has to be watched.
const interval = 5 * time.Millisecond

// Command is a program to run.
type Command struct {
	Path string
	Args []string
	Dir  string
	Env  []string // all of it; nothing is inherited
	// Watch says whether memory is sampled; it costs a little processor time.
	Watch bool
}

// Usage is what a run cost.
type Usage struct {
	Wall, CPU time.Duration
	Anon      int64 // peak of anonymous memory in bytes; 0 when not watched
	Stdout    []byte
}

// Run runs a program to its end. An exit code other than 0 is an error with
// the end of what the program wrote on stderr.
func Run(ctx context.Context, c Command) (Usage, error) {
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, c.Path, c.Args...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = c.Dir, c.Env, &stdout, &stderr
	started := time.Now()
	if err := cmd.Start(); err != nil {
		return Usage{}, fmt.Errorf("start %s: %w", c.Path, err)
	}
	var peak <-chan int64
	done := make(chan struct{})
	if c.Watch {
		peak = watch(cmd.Process.Pid, done)
	}
	err := cmd.Wait()
	usage := Usage{Wall: time.Since(started), Stdout: stdout.Bytes()}
	close(done)
	if peak != nil {
		usage.Anon = <-peak
	}
	if state := cmd.ProcessState; state != nil {
		usage.CPU = state.UserTime() + state.SystemTime()
	}
	if err != nil {
		return usage, fmt.Errorf("%s %s: %w: %s", c.Path, strings.Join(c.Args, " "), err, tail(stderr.String()))
	}
	return usage, nil
}

// tail is the end of a text, where programs say why they stop.
func tail(text string) string {
	const most = 2000
	text = strings.TrimSpace(text)
	if len(text) > most {
		text = "... " + text[len(text)-most:]
	}
	return text
}
