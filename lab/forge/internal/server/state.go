package server

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/tugops/tug/lab/forge/internal/process"
)

// State is what state.json records, so that a later command finds and stops
// exactly the process of this forge, and starts it again as it was.
type State struct {
	Port    int              `json:"port"`
	Process process.Identity `json:"process"`
	Secrets Secrets          `json:"secrets"`
	Admin   Admin            `json:"admin"`
}

// Secrets are what the server signs and encrypts with.
type Secrets struct {
	Key      string `json:"key"`
	Internal string `json:"internal"`
	Signing  string `json:"signing"`
}

// Admin is the site administrator, made with the forge.
type Admin struct {
	Name     string `json:"name"`
	Password string `json:"password"`
	Token    string `json:"token"`
}

// URL is the root of the forge.
func (s State) URL() string { return fmt.Sprintf("http://127.0.0.1:%d", s.Port) }

// ErrNone means that no forge was ever started in the folder.
var ErrNone = errors.New("no forge in this folder")

// Load reads what is known about the forge in the folder.
func (f Folder) Load() (State, error) {
	data, err := os.ReadFile(f.state())
	if errors.Is(err, fs.ErrNotExist) {
		return State{}, ErrNone
	}
	if err != nil {
		return State{}, fmt.Errorf("forge state: %w", err)
	}
	var s State
	if err := json.Unmarshal(data, &s); err != nil {
		return State{}, fmt.Errorf("forge state %s: %w", f.state(), err)
	}
	return s, nil
}

func (f Folder) save(s State) error { return Replace(f.state(), s) }

// Replace writes a value as JSON to a file in one step, for its owner only.
func Replace(file string, value any) error {
	data, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	temporary := file + ".new"
	if err := os.WriteFile(temporary, append(data, '\n'), 0o600); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return os.Rename(temporary, file)
}

// newState is that of a forge which does not exist yet.
func newState() State {
	return State{
		Secrets: Secrets{Key: Random(), Internal: Random(), Signing: signingKey()},
		Admin:   Admin{Name: "lab", Password: Random()},
	}
}

// Random is a new secret of 128 bits, as hexadecimal digits.
func Random() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// signingKey is in the form that Gitea takes: 256 bits, else it makes its own.
func signingKey() string {
	var b [32]byte
	_, _ = rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}
