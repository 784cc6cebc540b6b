package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/vendoring"
)

func newVendorDiffCommand(env *Env) *cobra.Command {
	var o vendorUpdateOptions
	cmd := &cobra.Command{
		Use: "diff [DIR][@VERSION]", Short: "Say what an update of a package would change",
		Long: `Says what tug vendor update would change, and every conflict with its three
values. It writes nothing.

Exit codes: 3 when there is something to update.

Credentials: read access to where the package comes from.`,
		Example: `  tug vendor diff packages/nginx
  tug vendor diff packages/nginx@v1.3.0 --output json`,
		Args:              maxOnePath,
		RunE:              func(cmd *cobra.Command, args []string) error { return runVendorDiff(cmd.Context(), env, o.take(args)) },
		ValidArgsFunction: completePackages,
	}
	o.flags(cmd)
	return cmd
}

func runVendorDiff(ctx context.Context, env *Env, o vendorUpdateOptions) error {
	o.dryRun, o.onConflict = true, string(vendoring.Fail)
	updates, err := o.plan(ctx, env)
	if err != nil {
		return err
	}
	if err := env.showUpdates(updates, true, o.onConflict); err != nil {
		return err
	}
	for _, u := range updates {
		if !u.UpToDate {
			return fault.New(fault.Pending, "%s: upstream has something new", u.Dir).Hint("take it over with: tug vendor update")
		}
	}
	return nil
}
