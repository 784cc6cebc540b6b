package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/tugops/tug/lab/forge/internal/process"
)

const (
	pollInterval = 10 * time.Millisecond
	// attempts bounds how often a start is repeated because another process
	// took its port.
	attempts = 3
	// grace is how long the server may take to end after SIGTERM.
	grace = 5 * time.Second
)

// Options of [Up].
type Options struct {
	Program  Program
	Port     int // 0: that of the last run if it is free, else any
	Progress io.Writer
}

// Up makes the forge in the folder run and returns once it answers, or when ctx
// ends. A running forge is kept, a stopped one is started again on its data. A
// start that fails leaves no process. The caller holds the folder's lock.
func Up(ctx context.Context, f Folder, o Options) (State, error) {
	if err := o.Program.check(); err != nil {
		return State{}, err
	}
	l := &launcher{folder: f, options: o, began: time.Now()}
	state, err := f.Load()
	switch {
	case err == nil && state.Process.Alive() && answers(ctx, state) && (o.Port == 0 || o.Port == state.Port):
		l.say("already running")
		return state, nil
	case errors.Is(err, ErrNone):
		state = newState()
	case err != nil:
		l.say("damaged forge folder, starting anew: %v", err)
		if err := errors.Join(Down(f), f.clear()); err != nil {
			return State{}, err
		}
		state = newState()
	default:
		l.say("restarting on the data of the last run")
	}
	return l.run(ctx, state)
}

// Down stops every process of the forge: the one in the state file and those
// that only carry the folder in their environment, because a start was
// interrupted or the state file is damaged. The caller holds the lock.
func Down(f Folder) error {
	owned, err := process.Owned(string(f))
	if err != nil {
		return err
	}
	// A damaged or missing state file is no obstacle: the environment tells.
	state, _ := f.Load()
	return process.Stop(append(owned, state.Process), grace)
}

// Purge removes what the forge wrote. The caller holds the lock.
func Purge(f Folder) error { return f.clear() }

// launcher starts one forge.
type launcher struct {
	folder  Folder
	options Options
	began   time.Time
}

// run starts the server, again with another port when its port was taken in the
// meantime.
func (l *launcher) run(ctx context.Context, state State) (State, error) {
	var err error
	for range attempts {
		var running State
		if running, err = l.attempt(ctx, state); err == nil {
			l.say("ready at %s", running.URL())
			return running, nil
		}
		if stopErr := Down(l.folder); stopErr != nil {
			return State{}, errors.Join(err, stopErr)
		}
		if l.options.Port != 0 || !strings.Contains(err.Error(), "address already in use") {
			return State{}, err
		}
	}
	return State{}, err
}

func (l *launcher) attempt(ctx context.Context, state State) (State, error) {
	if err := Down(l.folder); err != nil {
		return State{}, err
	}
	port, err := choosePort(l.options.Port, state.Port)
	if err != nil {
		return State{}, err
	}
	state.Port = port
	if err := l.folder.writeSettings(l.options.Program, state); err != nil {
		return State{}, err
	}
	if state.Admin.Token == "" {
		if err := l.found(ctx, &state); err != nil {
			return State{}, err
		}
	}
	return l.start(ctx, state)
}

// found makes the database and the administrator; a start that was interrupted
// before may have done a part of it, so that all is made anew.
func (l *launcher) found(ctx context.Context, state *State) error {
	if err := os.RemoveAll(l.folder.data()); err != nil {
		return err
	}
	if err := os.Mkdir(l.folder.data(), 0o700); err != nil {
		return err
	}
	if _, err := l.gitea(ctx, "migrate"); err != nil {
		return err
	}
	out, err := l.gitea(ctx, "admin", "user", "create", "--admin", "--must-change-password=false",
		"--username", state.Admin.Name, "--password", state.Admin.Password, "--email", state.Admin.Name+"@forge.example",
		"--access-token", "--access-token-name", "labforge", "--access-token-scopes", "all")
	if err != nil {
		return err
	}
	// Its last words are "Access token was successfully created... TOKEN".
	words := strings.Fields(out)
	for i := len(words) - 1; i >= 0 && state.Admin.Token == ""; i-- {
		if len(words[i]) == 40 && strings.Trim(words[i], "0123456789abcdef") == "" {
			state.Admin.Token = words[i]
		}
	}
	if state.Admin.Token == "" {
		return fmt.Errorf("gitea printed no token of the administrator: %s", out)
	}
	return nil
}

// start runs the server and waits for its first answer. The process is
// recorded before anything waits for it.
func (l *launcher) start(ctx context.Context, state State) (State, error) {
	if err := os.WriteFile(l.folder.Log(), nil, 0o600); err != nil {
		return State{}, err
	}
	id, err := process.Start(string(l.folder), l.folder.Log(), l.options.Program.Gitea, l.arguments("web")...)
	if err != nil {
		return State{}, err
	}
	state.Process = id
	if err := l.folder.save(state); err != nil {
		return State{}, err
	}
	err = poll(ctx, pollInterval, func() (bool, error) {
		if !id.Alive() {
			return false, errors.New("ended during start")
		}
		return answers(ctx, state), nil
	})
	if err != nil {
		return State{}, fmt.Errorf("gitea: %w; last lines of its log:\n%s", err, tail(l.folder.Log(), 15))
	}
	return state, nil
}

func (l *launcher) gitea(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, l.options.Program.Gitea, l.arguments(args...)...)
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("gitea %s: %w\n%s%s", args[0], err, out.String(), problems.String())
	}
	return out.String(), nil
}

func (l *launcher) arguments(args ...string) []string {
	return append([]string{"--config", l.folder.settings(), "--work-path", l.folder.data()}, args...)
}

func (l *launcher) say(format string, args ...any) {
	_, _ = fmt.Fprintf(l.options.Progress, "labforge: %s (%.1fs)\n", fmt.Sprintf(format, args...), time.Since(l.began).Seconds())
}

// answers reports whether the forge's API does.
func answers(ctx context.Context, s State) bool {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL()+"/api/v1/version", nil)
	if err != nil {
		return false
	}
	response, err := (&http.Client{}).Do(request)
	if err != nil {
		return false
	}
	_ = response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// tail returns the last n lines of a file, indented, or why there are none.
func tail(file string, n int) string {
	data, err := os.ReadFile(file)
	if err != nil {
		return "  " + err.Error()
	}
	lines := bytes.Split(bytes.TrimSpace(data), []byte("\n"))
	return "  " + string(bytes.Join(lines[max(0, len(lines)-n):], []byte("\n  ")))
}
