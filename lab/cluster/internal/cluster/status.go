package cluster

import (
	"context"
	"time"

	"github.com/tugops/tug/lab/cluster/internal/component"
)

// Status describes a cluster.
type Status struct {
	Ready      bool        `json:"ready"`
	Server     string      `json:"server"`
	Kubeconfig string      `json:"kubeconfig"`
	Nodes      int         `json:"nodes"`
	Components []Component `json:"components"`
}

// Component describes one process of a cluster.
type Component struct {
	Name     string `json:"name"`
	PID      int    `json:"pid"`
	Alive    bool   `json:"alive"`
	Problem  string `json:"problem,omitempty"` // why it is not ready
	Resident int64  `json:"residentBytes"`
	Log      string `json:"log"`
}

// GetStatus looks at the processes and asks each for its health. It takes no
// lock, so it also works while another command is busy.
func GetStatus(ctx context.Context, f Folder) (Status, error) {
	state, err := f.load()
	if err != nil {
		return Status{}, err
	}
	probe, err := newProber(f, state.Ports)
	if err != nil {
		return Status{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	out := Status{Ready: true, Server: state.Ports.Server(), Kubeconfig: f.Kubeconfig(), Nodes: state.Nodes}
	for _, name := range component.Names() {
		id := state.Processes[name]
		c := Component{Name: name, PID: id.PID, Alive: id.Alive(), Resident: id.Resident(), Log: f.Log(name)}
		if !c.Alive {
			c.Problem = "not running"
		} else if err := probe.check(ctx, name); err != nil {
			c.Problem = err.Error()
		}
		out.Ready = out.Ready && c.Problem == ""
		out.Components = append(out.Components, c)
	}
	return out, nil
}
