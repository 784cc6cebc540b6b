package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// moment is when a process is killed: some time after its start, or some time
// after it told of its nth event.
type moment struct {
	events int
	after  time.Duration
}

func (m moment) String() string {
	if m.events == 0 {
		return fmt.Sprintf("%d ms", m.after.Milliseconds())
	}
	return fmt.Sprintf("event %d + %d ms", m.events, m.after.Milliseconds())
}

// pace is how long commands take and how many events they tell of.
type pace map[string]struct {
	took   time.Duration
	events int
}

// moment draws one: every second is uniform over the time of the command, the
// others over its events, which crowd where it writes.
func (p pace) moment(r *rand.Rand, what string) moment {
	usual := p[what]
	if r.IntN(2) == 0 || usual.events == 0 {
		return moment{after: time.Duration(r.Int64N(int64(usual.took) + 1))}
	}
	return moment{events: 1 + r.IntN(usual.events), after: time.Duration(r.Int64N(int64(20 * time.Millisecond)))}
}

// ended is how a command ended.
type ended struct {
	code   int
	killed bool
	took   time.Duration
	events int
	// phase and last are what it told last.
	phase, last string
	out         []byte
	errs        string
}

// watcher keeps what a process writes to stderr, and counts its lines.
type watcher struct {
	mu      sync.Mutex
	text    bytes.Buffer
	lines   int
	want    int
	reached chan struct{}
}

func (w *watcher) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	before := w.lines
	w.lines += bytes.Count(p, []byte("\n"))
	if before < w.want && w.lines >= w.want {
		close(w.reached)
	}
	return w.text.Write(p)
}

// tug runs one command to its end, or kills it at a moment.
func (t *trial) tug(ctx context.Context, name string, kill *moment, args ...string) (ended, error) {
	var out bytes.Buffer
	seen := &watcher{reached: make(chan struct{})}
	cmd := exec.CommandContext(ctx, t.soak.tug, append([]string{"--output", "json"}, args...)...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = t.repo.dir, &out, seen
	cmd.Env = append(os.Environ(), "KUBECONFIG="+t.soak.kubeconfig)
	if kill != nil {
		seen.want = kill.events
	}
	begun := time.Now()
	if err := cmd.Start(); err != nil {
		return ended{}, err
	}
	done := make(chan struct{})
	if kill != nil {
		go strike(cmd.Process, *kill, seen.reached, done)
	}
	err := cmd.Wait()
	close(done)
	e := ended{
		code: cmd.ProcessState.ExitCode(), took: time.Since(begun),
		events: seen.lines, out: out.Bytes(), errs: seen.text.String(),
	}
	status, _ := cmd.ProcessState.Sys().(syscall.WaitStatus)
	e.killed = status.Signaled() && status.Signal() == syscall.SIGKILL
	e.phase, e.last = lastEvent(e.errs)
	t.log(name, cmd.Args, e)
	if exit := new(exec.ExitError); err != nil && !errors.As(err, &exit) {
		return e, err
	}
	return e, ctx.Err()
}

// strike kills a process at a moment, if it lives that long.
func strike(p *os.Process, m moment, reached, done <-chan struct{}) {
	if m.events > 0 {
		select {
		case <-reached:
		case <-done:
			return
		}
	}
	select {
	case <-time.After(m.after):
		_ = p.Kill()
	case <-done:
	}
}

// lastEvent says what a process told last, in the words of its events, and in
// which phase that was.
func lastEvent(text string) (phase, last string) {
	phase, last = "reading and planning", "no event"
	for line := range strings.Lines(text) {
		var e struct {
			Type, Message string
			Ref           struct{ Kind, Name string }
		}
		if json.Unmarshal([]byte(line), &e) != nil || e.Type == "" || e.Type == "warning" {
			continue
		}
		if e.Type == "phase-started" {
			phase = e.Message
		}
		last = strings.Join(strings.Fields(strings.Join([]string{e.Type, e.Ref.Kind, e.Ref.Name, e.Message}, " ")), " ")
	}
	return phase, last
}

// log keeps what a command said, for a run that fails.
func (t *trial) log(name string, args []string, e ended) {
	t.steps++
	text := fmt.Sprintf("%s\nexit code %d, killed %v, %s\n--- stdout\n%s\n--- stderr\n%s",
		strings.Join(args, " "), e.code, e.killed, e.took, e.out, e.errs)
	path := filepath.Join(t.dir, fmt.Sprintf("%02d-%s.log", t.steps, strings.ReplaceAll(name, " ", "-")))
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		fmt.Fprintln(os.Stderr, "soak: keep a log:", err)
	}
}
