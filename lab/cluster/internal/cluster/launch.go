package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/tugops/tug/lab/cluster/internal/component"
	"github.com/tugops/tug/lab/cluster/internal/process"
)

const pollInterval = 25 * time.Millisecond

// launcher starts the components of one cluster, recording each process in the
// state file before anything waits for it.
type launcher struct {
	folder   Folder
	state    State
	prober   *prober
	progress io.Writer
	began    time.Time
}

// componentError says which component kept the cluster from starting.
type componentError struct {
	name string
	tail string
	err  error
}

func (e *componentError) Error() string {
	return fmt.Sprintf("%s: %v; last lines of its log:\n%s", e.name, e.err, e.tail)
}

func (e *componentError) Unwrap() error { return e.err }

// portTaken reports whether another process won the race for a port.
func portTaken(err error) bool {
	var failure *componentError
	return errors.As(err, &failure) && strings.Contains(failure.tail, "address already in use")
}

// launch starts all components and returns once each says that it is ready.
// The last three only need the API server and start together.
func (l *launcher) launch(ctx context.Context) error {
	if err := l.bring(ctx, component.Etcd); err != nil {
		return err
	}
	if err := l.bring(ctx, component.APIServer); err != nil {
		return err
	}
	if err := dropLeases(ctx, l.folder); err != nil {
		return err
	}
	return l.bring(ctx, component.ControllerManager, component.Scheduler, component.Kwok)
}

// bring starts components together and waits for all of them.
func (l *launcher) bring(ctx context.Context, names ...string) error {
	for _, name := range names {
		if err := l.start(name); err != nil {
			return err
		}
	}
	for _, name := range names {
		if err := l.await(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

func (l *launcher) start(name string) error {
	args := append([]string{"run", name, "--"}, l.folder.arguments(name, l.state.Ports)...)
	id, err := process.Start(string(l.folder), l.folder.Log(name), args...)
	if err != nil {
		return l.failure(name, err)
	}
	l.state.Processes[name] = id
	return l.folder.save(l.state)
}

func (l *launcher) await(ctx context.Context, name string) error {
	last := errors.New("no answer yet")
	err := wait.PollUntilContextCancel(ctx, pollInterval, true, func(ctx context.Context) (bool, error) {
		if !l.state.Processes[name].Alive() {
			return false, errors.New("ended during start")
		}
		if err := l.prober.check(ctx, name); err != nil {
			last = err
			return false, nil
		}
		return true, nil
	})
	if ctx.Err() != nil {
		return l.failure(name, fmt.Errorf("not ready in time: %w", last))
	}
	if err != nil {
		return l.failure(name, err)
	}
	l.say("%s ready", name)
	return nil
}

func (l *launcher) failure(name string, err error) error {
	return &componentError{name: name, tail: tail(l.folder.Log(name), 15), err: err}
}

func (l *launcher) say(format string, args ...any) {
	_, _ = fmt.Fprintf(l.progress, "labcluster: %s (%.1fs)\n", fmt.Sprintf(format, args...), time.Since(l.began).Seconds())
}
