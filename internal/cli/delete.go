package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/tugops/tug/internal/event"
)

type deleteOptions struct {
	input
	deployFlags
	keepHistory bool
}

func newDeleteCommand(env *Env) *cobra.Command {
	var o deleteOptions
	cmd := &cobra.Command{
		Use: "delete [PATH]", GroupID: "deliver", Short: "Remove everything an app owns, and its record",
		Long: `Deletes what the app owns in reverse order, waits until it is gone, and removes
the record. Objects that another app or tool owns by now are left alone.

Credentials: as deploy.`,
		Example: "  tug delete -a shop -n shop\n  tug delete -a shop -n shop --keep-history --yes",
		Args:    maxOnePath,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.take(args)
			if o.App == "" && len(args) == 0 {
				return needApp("tug delete")
			}
			return runDelete(cmd.Context(), env, o)
		},
	}
	o.chooseFlags(env, cmd)
	o.deployFlags.executing(cmd)
	cmd.Flags().BoolVar(&o.keepHistory, "keep-history", false, "keep the record of releases, for a later rollback")
	return cmd
}

func runDelete(ctx context.Context, env *Env, o deleteOptions) error {
	t, err := env.target(o.input)
	if err != nil {
		return err
	}
	eng := engine(t.Client)
	options := o.deployFlags.options()
	options.History = t.History
	options.KeepHistory = o.keepHistory
	p, err := eng.PlanDelete(ctx, t.App, t.Namespace, options)
	if err != nil {
		return err
	}
	tell := env.newTeller(ctx, t.Project, t.Client, event.Fact{})
	defer tell.close(ctx)
	return env.executeOne(ctx, eng, p, options, o.deployFlags, undertaking{deleteQuestion(len(p.Confirm)), event.KindDeleted, tell})
}

// deleteQuestion names what cannot be brought back.
func deleteQuestion(holders int) string {
	if holders == 0 {
		return "Delete this?"
	}
	return "This deletes Namespaces, definitions or volume claims with all they hold (marked above). Delete it?"
}
