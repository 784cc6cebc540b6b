package cli

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/tugops/tug/internal/deploy"
	"github.com/tugops/tug/internal/event"
	"github.com/tugops/tug/internal/fault"
)

type rollbackOptions struct {
	input
	deployFlags
	number int

	pr                       bool
	part, repository, branch string
}

func newRollbackCommand(env *Env) *cobra.Command {
	var o rollbackOptions
	cmd := &cobra.Command{
		Use: "rollback [RELEASE]", GroupID: "deliver", Short: "Deploy a recorded release again",
		Long: `Deploys what a release recorded, exactly as it was: nothing is rendered. Without
a number it is the last release before the newest one that was deployed. A
rollback is a release of its own, and the repository still says what it said:
revert the commit as well, or the next deploy brings it back: with --pr it opens
the pull request that takes the last promotion of the app back, and asks no
cluster.

Credentials: as deploy; with --pr as promote.`,
		Example: "  tug rollback -a shop -n shop\n  tug rollback 3 -a shop -n shop --yes\n  tug rollback --pr -a shop -e prod",
		Args: func(_ *cobra.Command, args []string) error {
			return o.takeNumber(args)
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Path = "."
			return runRollback(cmd.Context(), env, o)
		},
	}
	o.chooseFlags(env, cmd)
	o.deployFlags.planning(cmd)
	o.deployFlags.executing(cmd)
	f := cmd.Flags()
	f.BoolVar(&o.pr, "pr", false, "open the pull request that takes the last promotion back, instead of deploying")
	f.StringVar(&o.part, "part", "", "with --pr: only a promotion of that chart or image `NAME` of the app")
	f.StringVar(&o.repository, "repository", "", "with --pr: `URL` of the config repository (default: as of promote)")
	f.StringVar(&o.branch, "branch", "", "with --pr: `BRANCH` of it (default: its default branch)")
	return cmd
}

func (o *rollbackOptions) takeNumber(args []string) error {
	if len(args) == 0 {
		return nil
	}
	if len(args) > 1 {
		return fault.New(fault.Usage, "tug rollback takes one RELEASE, got %d", len(args)).Hint("try: tug rollback %s", args[0])
	}
	n, err := strconv.Atoi(args[0])
	if err != nil || n < 1 {
		return fault.New(fault.Usage, "%q is not a release number", args[0]).Hint("see: tug history -a APP -n NAMESPACE")
	}
	o.number = n
	return nil
}

func runRollback(ctx context.Context, env *Env, o rollbackOptions) error {
	if o.App == "" {
		return fault.New(fault.Usage, "tug rollback needs an app").Hint("name it with -a")
	}
	if o.pr {
		return runRevert(ctx, env, o)
	}
	t, err := env.target(o.input)
	if err != nil {
		return err
	}
	eng := engine(t.Client)
	options := o.deployFlags.options()
	options.History = t.History
	p, err := eng.PlanRollback(ctx, t.App, t.Namespace, o.number, options)
	if err != nil {
		return err
	}
	tell := env.newTeller(ctx, t.Project, t.Client, event.Fact{})
	defer tell.close(ctx)
	return env.executeOne(ctx, eng, p, options, o.deployFlags, undertaking{"Roll back to this?", event.KindRolledBack, tell})
}

// executeOne carries out the plan of one app that was not rendered.
func (e *Env) executeOne(ctx context.Context, eng *deploy.Engine, p *deploy.Prepared, o deploy.Options, flags deployFlags, u undertaking) error {
	e.warn(p.Plan.Warnings...)
	done, err := e.execute(ctx, eng, p, o, flags, u)
	if err != nil {
		done.Error = e.sensitive.Mask(err.Error())
	}
	if e.Global.JSON() {
		if jsonErr := e.writeJSON("", done); jsonErr != nil {
			return jsonErr
		}
	}
	return err
}
