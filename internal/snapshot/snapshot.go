// Package snapshot makes the rendered, pinned, validated object set of one app
// at one commit and environment. It is where render and imagelock meet.
package snapshot

import (
	"time"

	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/render"
)

// Snapshot is what should run: the value that plan, deploy, render and the
// record of a release share.
type Snapshot struct {
	App       string
	Env       string // empty without a project file
	Namespace string
	// Revision says where the objects come from.
	Revision Revision
	// Objects are in normal form (object.Normalize), each once, in apply
	// order. Namespaces are filled in only where the source gives them.
	Objects []*object.Object
	// Generated holds the values of random template functions by key.
	// It is nil for a render with placeholders.
	Generated map[string]string
	// Random says which random template functions were called, and where.
	Random []render.RandomUse
	// Sensitive is what was decrypted for the render and must not be shown;
	// objects that stand in files decrypted whole are Hidden.
	Sensitive *object.Sensitive
	// KubeVersion is the version the render assumed.
	KubeVersion string
	// Warnings are things to know, one sentence each, without the name of the
	// app.
	Warnings []string
	// Notes is the rendered NOTES.txt of a chart, if any.
	Notes string
	// DependsOn names the apps that are deployed before this one.
	DependsOn []string
	// Prune says what tug.yaml says about the app itself being removed.
	Prune bool
	// Project is the path of tug.yaml in the repository; empty without one.
	Project string

	random bool // a template asked for a random value
	timed  bool // a template asked for the time

	unlocked []string // what it took from outside, and no lock fixes
}

// Revision is a state of the config repository.
type Revision struct {
	Repository string    `json:"repository,omitempty"` // URL of origin without credentials, or ""
	Commit     string    `json:"commit,omitempty"`     // full hash; empty outside Git
	Ref        string    `json:"ref,omitempty"`        // branch or what --rev named
	Dirty      bool      `json:"dirty,omitempty"`      // rendered files differ from Commit
	Path       string    `json:"path,omitempty"`       // of the app in the repository
	Time       time.Time `json:"time,omitzero"`        // of the commit
	Message    string    `json:"message,omitempty"`    // first line
	Trailers   []string  `json:"trailers,omitempty"`   // "Key: value" lines of the commit message
}
