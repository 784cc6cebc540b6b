package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/tugops/tug/lab/forge/internal/server"
)

// downTimeout covers the wait for another command that holds the folder.
const downTimeout = time.Minute

func newDown() *cobra.Command {
	var dir string
	var purge bool
	cmd := &cobra.Command{
		Use:   "down --dir DIR",
		Short: "Stop a forge; its data stays for the next up",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return hold(dir, downTimeout, func(_ context.Context, folder server.Folder) error {
				if err := server.Down(folder); err != nil {
					return err
				}
				if purge {
					return server.Purge(folder)
				}
				return nil
			})
		},
	}
	dirFlag(cmd, &dir)
	cmd.Flags().BoolVar(&purge, "purge", false, "remove the forge's data too")
	return cmd
}
