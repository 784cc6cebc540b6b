package service

import (
	"context"
	"errors"

	"github.com/tugops/tug/internal/event"
	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/notify"
)

// Status is what a forge shows beside a commit.
type Status struct {
	Repository, Commit string
	// State is success or failure.
	State string
	// Context names the check: tug/prod/shop. Description has 140 characters
	// at most.
	Context, Description string
}

// Statuses write statuses of commits.
type Statuses interface {
	SetStatus(ctx context.Context, s Status) error
}

// status tells a forge how the deploy of a commit went.
type status struct{ forge Statuses }

var _ notify.Notifier = (*status)(nil)

func newStatus(forge Statuses) (*status, error) {
	if forge == nil {
		return nil, fault.New(fault.Invalid, "%s: no forge is known here that could show it", TypeStatus)
	}
	return &status{forge}, nil
}

// Send implements notify.Notifier. Facts that are not about a commit, or say
// nothing of how it does, are passed over.
func (s *status) Send(ctx context.Context, m notify.Message) error {
	state := stateOf(m)
	if m.Fact.Repository == "" || m.Fact.Commit == "" || state == "" {
		return nil
	}
	name := "tug/" + m.Fact.App
	if m.Fact.Env != "" {
		name = "tug/" + m.Fact.Env + "/" + m.Fact.App
	}
	return passing(s.forge.SetStatus(ctx, Status{
		Repository: m.Fact.Repository, Commit: m.Fact.Commit, State: state, Context: name,
		Description: clip(summary(m), 140),
	}))
}

// passing marks the errors of an adapter that may pass.
func passing(err error) error {
	if _, marked := errors.AsType[*notify.Retry](err); marked || !fault.Is(err, fault.Unavailable) && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return &notify.Retry{Err: err}
}

func stateOf(m notify.Message) string {
	switch m.Fact.Kind {
	case event.KindDeployed, event.KindRecovered:
		return "success"
	case event.KindFailed, event.KindDegraded, event.KindRolledBack, event.KindQuarantined:
		return "failure"
	}
	return ""
}
