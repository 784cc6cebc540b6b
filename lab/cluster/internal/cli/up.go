package cli

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/tugops/tug/lab/cluster/internal/cluster"
)

const defaultNodes = 3

func newUp() *cobra.Command {
	var dir, kubeconfig string
	var nodes int
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "up --dir DIR",
		Short: "Start a cluster, or make an existing one run again",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if nodes < 0 {
				return usageError{fmt.Errorf("--nodes: %d is negative", nodes)}
			}
			ctx, cancel := interruptible(timeout)
			defer cancel()
			return runUp(ctx, cmd, dir, kubeconfig, nodes)
		},
	}
	dirFlag(cmd, &dir)
	cmd.Flags().IntVar(&nodes, "nodes", defaultNodes, "least number of nodes")
	cmd.Flags().StringVar(&kubeconfig, "kubeconfig", "", "where to write the administrator's kubeconfig too (always at DIR/kubeconfig)")
	cmd.Flags().DurationVar(&timeout, "timeout", time.Minute, "how long to wait until the cluster is usable")
	return cmd
}

func runUp(ctx context.Context, cmd *cobra.Command, dir, kubeconfig string, nodes int) error {
	folder, err := cluster.NewFolder(dir)
	if err != nil {
		return err
	}
	file := folder.Kubeconfig()
	if kubeconfig != "" {
		if file, err = filepath.Abs(kubeconfig); err != nil {
			return fmt.Errorf("--kubeconfig: %w", err)
		}
	}
	options := cluster.Options{Nodes: nodes, Progress: cmd.ErrOrStderr()}
	if file != folder.Kubeconfig() {
		options.Kubeconfig = file
	}
	if err := cluster.Up(ctx, folder, options); err != nil {
		return err
	}
	return export(cmd, file)
}

// export prints the line that points a shell at a kubeconfig.
func export(cmd *cobra.Command, file string) error {
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "export KUBECONFIG=%s\n", quote(file))
	return err
}

func dirFlag(cmd *cobra.Command, dir *string) {
	cmd.Flags().StringVar(dir, "dir", "", "folder of the cluster (required)")
	cobra.CheckErr(cmd.MarkFlagRequired("dir"))
}
