// Package notify tells people what happened: it decides by routes which
// channels hear of a fact, leaves out what was just said, keeps to a rate,
// composes the message from a template with every secret masked, and tries
// again when a service says "later".
//
// Facts are values and deciding is pure (Route.Matches, Compose, memory,
// bucket); Dispatcher is the thin part with a bounded queue and one worker for
// each channel, so that a channel that hangs delays no other. How a service
// wants its messages is the business of package service; every Notifier there
// passes the contract of package notifytest.
package notify

import (
	"context"
	"time"

	"github.com/tugops/tug/internal/event"
)

// Notifier sends messages to one place.
type Notifier interface {
	// Send sends one message, once. It keeps to the deadline of ctx. An error
	// that is a *Retry may pass; any other is final. No error tells a secret
	// of the channel. Sending the same ID twice is harmless where the service
	// knows such keys.
	Send(ctx context.Context, m Message) error
}

// Retry is an error that may pass by itself.
type Retry struct {
	// After is how long the service asked to wait; 0 when it did not say.
	After time.Duration
	Err   error
}

// Error implements error.
func (r *Retry) Error() string { return r.Err.Error() }

// Unwrap gives access to the cause.
func (r *Retry) Unwrap() error { return r.Err }

// Message is what one channel says about one fact. Nothing in it is secret:
// it is made by Compose, which masks.
type Message struct {
	// ID is the same for every attempt at this delivery.
	ID string
	// Fact is what it is about, masked.
	Fact event.Fact
	// Title is one line; Text has any number, or none.
	Title, Text string
	// Rows are what is known beside that, in order.
	Rows []Row
	// Trouble names the trouble that this is about, the same when it begins
	// and when it ends.
	Trouble string
	Phase   Phase
}

// Row is a name and a value.
type Row struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Phase says whether a message opens a trouble, ends one, or neither.
type Phase string

// The phases.
const (
	Plain  Phase = "plain"
	Begins Phase = "begins"
	Ends   Phase = "ends"
)
