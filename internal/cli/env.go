// Package cli is the command line: one file per command, wiring.go joins the
// other packages. It is the only package that prints, reads the environment
// and knows flags. A command is flags, options, run: newXCommand parses,
// runX works and returns a fault.
package cli

import (
	"io"
	"os"
	"sync"

	"golang.org/x/term"

	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/snapshot"
	sources "github.com/tugops/tug/internal/source"
)

// Env is what a command has of the world around it.
type Env struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// Getenv reads the environment.
	Getenv func(string) string
	// Environ lists it, as "NAME=value"; nil for an empty one.
	Environ func() []string
	// InTTY, OutTTY and ErrTTY say which streams are terminals. A terminal
	// changes looks, never content.
	InTTY, OutTTY, ErrTTY bool
	// Width of the terminal in columns; 0 when unknown.
	Width func() int
	// Commit is the source commit that the linker was told.
	Commit string
	// Global are the flags that every command has.
	Global Global

	// sensitive is what this command decrypted; nothing that it shows holds it.
	sensitive *object.Sensitive
	// revealing says that the result is to show it (--show-secrets).
	revealing bool

	// What cached made, once.
	rendersOnce sync.Once
	renders     *snapshot.Cached

	// What network and contentCache made, once.
	networkOnce sync.Once
	networkMade *network
	networkErr  error
	contentOnce sync.Once
	content     *sources.Cache
	contentErr  error
	lines       sync.Mutex // of lines that several goroutines write to Stderr
}

// Global are the flags of every command.
type Global struct {
	Dir        string
	Kubeconfig string
	Context    string
	Output     string // human or json
	LogLevel   string
	NoColor    bool
	Quiet      bool
	// Strict refuses credentials that are not of the command (design.md section 7).
	Strict bool
}

// JSON reports whether results and errors are to be JSON.
func (g Global) JSON() bool { return g.Output == "json" }

// systemEnv is the Env of a real process.
func systemEnv(commit string) *Env {
	return &Env{
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		Getenv: os.Getenv, Environ: os.Environ,
		InTTY:  term.IsTerminal(int(os.Stdin.Fd())),
		OutTTY: term.IsTerminal(int(os.Stdout.Fd())),
		ErrTTY: term.IsTerminal(int(os.Stderr.Fd())),
		Width: func() int {
			w, _, err := term.GetSize(int(os.Stderr.Fd()))
			if err != nil {
				return 0
			}
			return w
		},
		Commit: commit,
	}
}

// colour reports whether a stream may carry colours (no-color.org).
func (e *Env) colour(tty bool) bool {
	return tty && !e.Global.NoColor && e.Getenv("NO_COLOR") == "" && e.Getenv("TERM") != "dumb"
}
