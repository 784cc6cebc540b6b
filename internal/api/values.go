package api

import (
	"time"

	"github.com/tugops/tug/internal/object"
)

// Key names an app.
type Key struct{ Namespace, Name string }

// App is one app and how it is.
type App struct {
	Name        string `json:"name"`
	Environment string `json:"environment,omitempty"`
	Namespace   string `json:"namespace"`
	// Controller is agent, suspended, or empty for an app that is pushed.
	Controller string `json:"controller,omitempty"`
	Health     string `json:"health" enum:"ready|progressing|failed|unknown"`
	// Message says why an app is not ready, or what the agent waits for.
	Message    string    `json:"message,omitempty"`
	Drifted    int       `json:"drifted"`
	Release    int       `json:"release"`
	Deployed   time.Time `json:"deployed,omitzero"`
	Repository string    `json:"repository,omitempty"`
	Ref        string    `json:"ref,omitempty"`
	Commit     string    `json:"commit,omitempty"`
	Subject    string    `json:"subject,omitempty"`
	// Pending is the newest commit, where it is not deployed yet.
	Pending string `json:"pending,omitempty"`
}

// Key is the name of the app.
func (a App) Key() Key { return Key{a.Namespace, a.Name} }

// Node is an object and those that it owns.
type Node struct {
	Ref      object.Ref `json:"ref"`
	Health   string     `json:"health" enum:"ready|progressing|failed|unknown"`
	Message  string     `json:"message,omitempty"`
	Children []Node     `json:"children,omitempty"`
}

// Plan is what would change.
type Plan struct {
	// Hash is what consent names; empty for a plan without changes.
	Hash    string   `json:"hash,omitempty"`
	Commit  string   `json:"commit,omitempty"`
	Changes []Change `json:"changes"`
	// Brakes say why it needs consent.
	Brakes []string `json:"brakes,omitempty"`
	// Left counts the changes that the caller may not see.
	Left int `json:"left,omitempty"`
}

// Change is what happens to one object.
type Change struct {
	Action string     `json:"action"` // create, update, delete, re-own and so on
	Ref    object.Ref `json:"ref"`
	Fields []Field    `json:"fields,omitempty"`
}

// Field is one field that differs. Values are masked where they are secret.
type Field struct {
	Path string `json:"path"`
	From any    `json:"from,omitempty"`
	To   any    `json:"to,omitempty"`
}

// Drifted is an object that differs from what was deployed: From is what is
// there, To what was deployed.
type Drifted struct {
	Ref     object.Ref `json:"ref"`
	Reason  string     `json:"reason"`
	Manager string     `json:"manager,omitempty"`
	Since   time.Time  `json:"since,omitzero"`
	Fields  []Field    `json:"fields,omitempty"`
}

// Release is one executed plan.
type Release struct {
	Number   int       `json:"number"`
	Status   string    `json:"status"`
	Commit   string    `json:"commit,omitempty"`
	Message  string    `json:"message,omitempty"`
	Changes  string    `json:"changes,omitempty"`
	Error    string    `json:"error,omitempty"`
	By       string    `json:"by,omitempty"`
	Started  time.Time `json:"started"`
	Finished time.Time `json:"finished,omitzero"`
}

// List is an answer with several things. Left counts those that the caller may
// not see.
type List[T any] struct {
	Items []T `json:"items"`
	Left  int `json:"left,omitempty"`
}

// Problem is the answer of a request that failed.
type Problem struct {
	Error string   `json:"error"`
	Hints []string `json:"hints,omitempty"`
}
