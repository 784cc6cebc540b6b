package cli

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/tugops/tug/lab/cluster/internal/cluster"
)

// downTimeout covers the wait for another command that holds the folder.
const downTimeout = time.Minute

func newDown() *cobra.Command {
	var dir string
	var purge bool
	cmd := &cobra.Command{
		Use:   "down --dir DIR",
		Short: "Stop a cluster; its data stays for the next up",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			folder, err := cluster.NewFolder(dir)
			if err != nil {
				return err
			}
			ctx, cancel := interruptible(downTimeout)
			defer cancel()
			return cluster.Down(ctx, folder, purge)
		},
	}
	dirFlag(cmd, &dir)
	cmd.Flags().BoolVar(&purge, "purge", false, "remove the cluster's data too")
	return cmd
}
