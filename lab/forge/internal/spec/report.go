package spec

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Report says how to reach a forge and who is who. It holds secrets.
type Report struct {
	URL      string `json:"url"`      // http://127.0.0.1:PORT
	API      string `json:"api"`      // URL + /api/v1
	Registry string `json:"registry"` // 127.0.0.1:PORT; images are REGISTRY/OWNER/NAME
	Dir      string `json:"dir"`      // the folder of the forge
	// Users by name: the administrator ("lab") and those that were made.
	Users map[string]Account `json:"users"`
	// Repositories that were made, by OWNER/NAME: their address for Git.
	Repositories map[string]string `json:"repositories,omitempty"`
	// Charts are the addresses of the chart repositories, by owner; charts are
	// uploaded to ADDRESS/api/charts.
	Charts map[string]string `json:"charts,omitempty"`
}

// Account is a user with its ways to log in.
type Account struct {
	Password string            `json:"password"`
	Tokens   map[string]string `json:"tokens,omitempty"`
	Admin    bool              `json:"admin,omitempty"`
}

// Read reads a report; one that does not exist is empty.
func Read(file string) (Report, error) {
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return Report{}, nil
	}
	if err != nil {
		return Report{}, err
	}
	var r Report
	if err := json.Unmarshal(data, &r); err != nil {
		return Report{}, fmt.Errorf("%s: %w", file, err)
	}
	return r, nil
}
