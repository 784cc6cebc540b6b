package cluster

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/tugops/tug/lab/cluster/internal/process"
)

// State is what state.json records, so that a later command can find and stop
// exactly the processes of this cluster.
type State struct {
	Ports     Ports                       `json:"ports"`
	Nodes     int                         `json:"nodes"`
	Processes map[string]process.Identity `json:"processes"`
}

// errNoState means that no cluster was ever started in the folder.
var errNoState = errors.New("no cluster in this folder")

func (f Folder) load() (State, error) {
	data, err := os.ReadFile(f.state())
	if errors.Is(err, fs.ErrNotExist) {
		return State{}, errNoState
	}
	if err != nil {
		return State{}, fmt.Errorf("cluster state: %w", err)
	}
	var s State
	if err := json.Unmarshal(data, &s); err != nil {
		return State{}, fmt.Errorf("cluster state %s: %w", f.state(), err)
	}
	return s, nil
}

// save replaces the state file in one step.
func (f Folder) save(s State) error {
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("cluster state: %w", err)
	}
	temporary := f.state() + ".new"
	if err := os.WriteFile(temporary, append(data, '\n'), 0o600); err != nil {
		return fmt.Errorf("cluster state: %w", err)
	}
	if err := os.Rename(temporary, f.state()); err != nil {
		return fmt.Errorf("cluster state: %w", err)
	}
	return nil
}
