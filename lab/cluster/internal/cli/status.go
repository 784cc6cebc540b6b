package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/tugops/tug/lab/cluster/internal/cluster"
)

func newStatus() *cobra.Command {
	var dir, output string
	cmd := &cobra.Command{
		Use:   "status --dir DIR",
		Short: "Show a cluster's processes; exit code 1 unless all are ready",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if output != "text" && output != "json" {
				return usageError{fmt.Errorf("--output: %q is neither text nor json", output)}
			}
			folder, err := cluster.NewFolder(dir)
			if err != nil {
				return err
			}
			status, err := cluster.GetStatus(cmd.Context(), folder)
			if err != nil {
				return err
			}
			if err := printStatus(cmd.OutOrStdout(), output, status); err != nil {
				return err
			}
			if !status.Ready {
				return exitError(1)
			}
			return nil
		},
	}
	dirFlag(cmd, &dir)
	cmd.Flags().StringVarP(&output, "output", "o", "text", "text or json")
	return cmd
}

func printStatus(w io.Writer, output string, status cluster.Status) error {
	if output == "json" {
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		return encoder.Encode(status)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintf(t, "server\t%s\nkubeconfig\t%s\nnodes\t%d\n", status.Server, status.Kubeconfig, status.Nodes)
	for _, c := range status.Components {
		problem := c.Problem
		if problem == "" {
			problem = "ready"
		}
		_, _ = fmt.Fprintf(t, "%s\tpid %d\t%d MiB\t%s\n", c.Name, c.PID, c.Resident>>20, problem)
	}
	return t.Flush()
}
