package cli

import (
	"github.com/spf13/cobra"

	"github.com/tugops/tug/internal/fault"
)

func newImageCommand(env *Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "image COMMAND", GroupID: "deliver", Short: "List, lock and pin the images of what is rendered",
		Long: `A tag can mean another image tomorrow. "tug image list" says which images an
app runs and which of them are locked, "tug image lock" asks registries for the
digests and writes the lock file, "tug image pin" replaces "kbld -f": a stream
of manifests and kbld configuration in, a stream with digests out.

Credentials: read access to the image registries (list: none without --verify).`,
		Example: `  tug image list -e prod
  tug image lock -e prod -a shop
  tug image pin -f manifests/ -f app-locks/`,
		Args: unknownImageCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddGroup(&cobra.Group{ID: "image", Title: "Commands:"})
	cmd.AddCommand(newImageListCommand(env), newImageLockCommand(env), newImagePinCommand(env))
	return cmd
}

func unknownImageCommand(_ *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	names := []string{"list", "lock", "pin"}
	e := fault.New(fault.Usage, "unknown command %q of tug image", args[0])
	for _, near := range fault.Nearest(args[0], names, 1) {
		e.Hint("did you mean \"tug image %s\"?", near)
	}
	return e.Hint("there are: list, lock, pin")
}
