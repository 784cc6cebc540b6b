package cluster

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/tugops/tug/lab/cluster/internal/component"
	"github.com/tugops/tug/lab/cluster/internal/process"
)

// grace is how long a component may take to end after SIGTERM.
const grace = 3 * time.Second

// Down stops the processes of the cluster and keeps its data, so that a later
// Up continues with it; purge removes the data too. Nothing to stop is fine.
func Down(ctx context.Context, f Folder, purge bool) error {
	release, err := f.acquire(ctx)
	if err != nil {
		return err
	}
	defer release()
	if err := stopOwned(f); err != nil {
		return err
	}
	if purge {
		return f.clear()
	}
	return nil
}

// stopOwned stops every process of the cluster: those in the state file and
// those that only carry the folder in their environment, because a start was
// interrupted or the state file is damaged. Clients go first, then the API
// server, then etcd.
func stopOwned(f Folder) error {
	owned, err := process.Owned(string(f))
	if err != nil {
		return err
	}
	// A damaged or missing state file is no obstacle: the environment tells.
	state, _ := f.load()
	backend := []process.Identity{state.Processes[component.APIServer], state.Processes[component.Etcd]}
	clients := slices.DeleteFunc(slices.Clone(owned), func(id process.Identity) bool {
		return slices.Contains(backend, id)
	})
	for name, id := range state.Processes {
		if name != component.APIServer && name != component.Etcd {
			clients = append(clients, id)
		}
	}
	return errors.Join(
		process.Stop(clients, grace),
		process.Stop(backend[:1], grace),
		process.Stop(backend[1:], grace),
	)
}
