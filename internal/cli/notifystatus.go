package cli

import (
	"context"

	"github.com/tugops/tug/internal/forge"
	"github.com/tugops/tug/internal/notify/service"
)

// forgeStatuses writes commit statuses at the forge of each repository.
type forgeStatuses struct{ env *Env }

var _ service.Statuses = forgeStatuses{}

// SetStatus implements service.Statuses.
func (f forgeStatuses) SetStatus(ctx context.Context, s service.Status) error {
	at, err := f.env.forge(s.Repository)
	if err != nil {
		return err
	}
	state := forge.Failure
	if s.State == "success" {
		state = forge.Success
	}
	return at.SetStatus(ctx, s.Commit, forge.Status{Context: s.Context, State: state, Description: s.Description})
}
