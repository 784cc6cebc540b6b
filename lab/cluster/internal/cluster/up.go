package cluster

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/tugops/tug/lab/cluster/internal/kubeconfig"
	"github.com/tugops/tug/lab/cluster/internal/process"
	"github.com/tugops/tug/lab/cluster/internal/stage"
)

const (
	kwokFile = "kwok.yaml"
	// attempts bounds how often a start is repeated because another process
	// took one of its ports.
	attempts = 3
)

// Options of [Up].
type Options struct {
	Nodes      int    // at least this many nodes; 0 keeps what the cluster has
	Kubeconfig string // a further copy of the administrator's kubeconfig
	Progress   io.Writer
}

// Up makes the cluster in the folder run and returns once it is usable, or when
// ctx ends. A running cluster is kept, a stopped or half dead one is restarted
// on its data, and one whose files are damaged is replaced by a new one. A
// start that fails leaves no process.
func Up(ctx context.Context, f Folder, o Options) error {
	release, err := f.acquire(ctx)
	if err != nil {
		return err
	}
	defer release()

	l := &launcher{folder: f, progress: o.Progress, began: time.Now()}
	if err := l.up(ctx, o); err != nil {
		return err
	}
	if o.Kubeconfig == "" {
		return nil
	}
	return kubeconfig.Copy(f.Kubeconfig(), o.Kubeconfig)
}

// up decides between keeping, restarting and starting anew.
func (l *launcher) up(ctx context.Context, o Options) error {
	state, err := l.folder.load()
	switch {
	case errors.Is(err, errNoState):
		return l.fresh(ctx, o)
	case err != nil || !l.folder.hasKeys():
		l.say("damaged cluster folder, starting anew")
		return l.fresh(ctx, o)
	case healthy(ctx, l.folder, state):
		return l.keep(ctx, state, o)
	}
	l.say("restarting on the data of the last run")
	err = l.run(ctx, state, o)
	if err == nil || ctx.Err() != nil {
		return err
	}
	l.say("restart impossible, starting anew: %v", err)
	return l.fresh(ctx, o)
}

// keep leaves a running cluster alone but for missing nodes.
func (l *launcher) keep(ctx context.Context, state State, o Options) error {
	state.Nodes = max(state.Nodes, o.Nodes)
	if err := l.folder.save(state); err != nil {
		return err
	}
	if err := furnish(ctx, l.folder, state.Nodes); err != nil {
		return err
	}
	l.say("already running, %d nodes", state.Nodes)
	return nil
}

// fresh starts an empty cluster, removing what an earlier one left.
func (l *launcher) fresh(ctx context.Context, o Options) error {
	if err := stopOwned(l.folder); err != nil {
		return err
	}
	if err := errors.Join(l.folder.clear(), l.folder.create()); err != nil {
		return err
	}
	if err := l.folder.makeKeys(); err != nil {
		return err
	}
	return l.run(ctx, State{}, o)
}

// run starts the components on what the folder holds, again with other ports
// when a port was taken in the meantime.
func (l *launcher) run(ctx context.Context, state State, o Options) error {
	var err error
	for range attempts {
		err = l.attempt(ctx, state, o)
		if err == nil {
			return nil
		}
		if stopErr := stopOwned(l.folder); stopErr != nil {
			return errors.Join(err, stopErr)
		}
		if !portTaken(err) {
			return err
		}
		l.say("a port was taken, trying again")
	}
	return err
}

func (l *launcher) attempt(ctx context.Context, state State, o Options) error {
	if err := stopOwned(l.folder); err != nil {
		return err
	}
	ports, err := state.Ports.renew()
	if err != nil {
		return err
	}
	l.state = State{Ports: ports, Nodes: max(state.Nodes, o.Nodes), Processes: map[string]process.Identity{}}
	if err := l.prepare(); err != nil {
		return err
	}
	if l.prober, err = newProber(l.folder, ports); err != nil {
		return err
	}
	if err := l.launch(ctx); err != nil {
		return err
	}
	if err := furnish(ctx, l.folder, l.state.Nodes); err != nil {
		return err
	}
	l.say("cluster ready, %d nodes", l.state.Nodes)
	return nil
}

// prepare writes the files that depend on the ports.
func (l *launcher) prepare() error {
	if err := l.folder.create(); err != nil {
		return err
	}
	if err := l.folder.writeKubeconfigs(l.state.Ports); err != nil {
		return err
	}
	return stage.Write(l.folder.conf(kwokFile), l.folder.conf(stage.LogFile), l.state.Ports.Kwok)
}
