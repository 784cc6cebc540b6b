// Package event is the vocabulary of facts that happened while tug worked:
// what progress displays, logs, notifications and histories are made of.
// Facts are values; nothing here prints.
package event

import (
	"time"

	"github.com/tugops/tug/internal/object"
)

// Type says what happened.
type Type string

// The types. Those about one object have a Ref, the others have not.
const (
	PhaseStarted  Type = "phase-started"  // Message names the phase: "permissions", "pre-upgrade hooks", "workloads", "wait", "prune"
	PhaseFinished Type = "phase-finished" // same Message as its start
	Applied       Type = "applied"        // Action is create, update or re-own
	Deleted       Type = "deleted"        // delete was confirmed
	Deleting      Type = "deleting"       // delete was accepted, the object is still there
	Waiting       Type = "waiting"        // Message says what is missing; sent when it changes
	Ready         Type = "ready"
	Failed        Type = "failed" // Message says why
	Warning       Type = "warning"
	Released      Type = "released" // Message has the release number
)

// Event is one fact. Total and Done count the objects of a phase where that
// is known.
type Event struct {
	Time    time.Time  `json:"time"`
	Type    Type       `json:"type"`
	App     string     `json:"app"`
	Env     string     `json:"env,omitempty"`
	Ref     object.Ref `json:"ref,omitzero"`
	Action  string     `json:"action,omitempty"`
	Message string     `json:"message,omitempty"`
	Done    int        `json:"done,omitempty"`
	Total   int        `json:"total,omitempty"`
}

// Sink receives events. It is called from several goroutines and must be
// quick. A nil Sink drops them.
type Sink func(Event)

// Emit sends e to s with the time of now.
func (s Sink) Emit(e Event) {
	if s == nil {
		return
	}
	e.Time = time.Now()
	s(e)
}
