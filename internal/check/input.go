package check

import (
	"io/fs"
	"time"

	"github.com/tugops/tug/internal/check/schema"
	"github.com/tugops/tug/internal/imagelock"
	"github.com/tugops/tug/internal/object"
)

// Repository is a state of a config repository; several environments may share
// it.
type Repository struct {
	// Files are as they are in Git: nothing is decrypted. Nil when only objects
	// are known. Root is the folder of the project.
	Files fs.FS
	Root  string
}

// App is one app in one environment, rendered or not.
type App struct {
	Name, Env  string
	Repository *Repository
	// Namespace is that of objects which name none.
	Namespace   string
	KubeVersion string
	// Paths are what it is rendered from: folders and files of the repository.
	Paths   []string
	Objects []*object.Object
	// Locks are the image locks of the app, for what they declare as images.
	Locks imagelock.Set
	// Random are the random template functions that were called.
	Random []Random
	// Err says why it could not be rendered, Locked why its image locks cannot
	// be used.
	Err, Locked error
}

// Random is a function that gives another value with every call.
type Random struct {
	Function  string
	Templates []string // files of the repository that call it
}

// Input is everything that a check depends on.
type Input struct {
	Apps []App
	// All says that Apps are all apps of their environments, so that what is
	// not there was not left out by choice.
	All      bool
	Config   Config
	Baseline Baseline
	// CRDs are definitions beside those of the apps and the repository.
	CRDs []*schema.CRD
	// Only and Skip narrow the rules by ID.
	Only, Skip []string
	// Now decides which exceptions have expired.
	Now time.Time
	// Plain finds Secrets in plain text.
	Plain PlainSecrets
	// Encrypted reports whether a file is encrypted.
	Encrypted func(file string, data []byte) bool
	// Progress is told how many apps are done; may be nil.
	Progress func(done, total int)
}

// PlainSecrets finds the secrets that a file holds in plain text.
type PlainSecrets func(file string, data []byte) []PlainSecret

// PlainSecret is one of them. What says what it is, never the secret.
type PlainSecret struct {
	Line int
	What string
	// File is the file it stands in where that is another one: in plain text
	// only if Encrypted says so.
	File string
}

// Result is what a check gives.
type Result struct {
	Findings []Finding `json:"findings"`
	// Known are findings that the baseline has, Excepted those that an
	// exception, annotation or comment leaves out.
	Known    int `json:"known,omitempty"`
	Excepted int `json:"excepted,omitempty"`
	Apps     int `json:"apps"`
	Objects  int `json:"objects"`
	// Baseline holds all findings as they would be written to a baseline.
	Baseline Baseline `json:"-"`
}

// Count says how many findings have a severity.
func (r *Result) Count(s string) int {
	n := 0
	for i := range r.Findings {
		if string(r.Findings[i].Severity) == s {
			n++
		}
	}
	return n
}
