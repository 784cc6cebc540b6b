package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/promote"
)

// runRevert opens the pull request that takes the last promotion back. It needs
// the credentials of a promotion: no cluster is asked.
func runRevert(ctx context.Context, env *Env, o rollbackOptions) error {
	if o.number > 0 {
		return fault.New(fault.Usage, "--pr takes the last promotion back, and release %d is one of a cluster", o.number).
			Hint("leave the number out, or promote the version that you want: tug promote … --rollback --pr")
	}
	p, err := env.newPromotion(ctx, promoteOptions{repository: o.repository, branch: o.branch, timeout: 5 * time.Minute})
	if err != nil {
		return err
	}
	at, name, _, err := p.environment(ctx, o.Env)
	if err != nil {
		return err
	}
	u, err := p.upstream(at.url)
	if err != nil {
		return err
	}
	w, err := p.writer(u)
	if err != nil {
		return err
	}
	pulls, err := env.forge(at.url)
	if err != nil {
		return err
	}
	of := promote.Intent{App: o.App, Environment: name, Part: o.part}
	g := &writing{spot: at, pull: promote.RevertBranch(name, o.App), intents: []promote.Intent{of}}
	done := promoted{writing: g, repository: u.String()}
	if done.result, err = w.Revert(ctx, u, at.branch, g.pull, of); err != nil {
		return err
	}
	if done.pull, done.open, err = promote.Publish(ctx, pulls, done.result); err != nil {
		return fmt.Errorf("branch %s is pushed, its pull request is not there yet: %w", g.pull, err)
	}
	return p.report([]promoted{done})
}
