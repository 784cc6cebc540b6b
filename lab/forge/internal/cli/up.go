package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/tugops/tug/lab/forge/internal/server"
	"github.com/tugops/tug/lab/forge/internal/spec"
)

func newUp(program server.Program) *cobra.Command {
	var dir, output, file string
	var port int
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "up --dir DIR",
		Short: "Start a forge, or make an existing one run again",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			s, base, err := readSpec(cmd, file)
			if err != nil {
				return err
			}
			return hold(dir, timeout, func(ctx context.Context, folder server.Folder) error {
				state, err := server.Up(ctx, folder, server.Options{Program: program, Port: port, Progress: cmd.ErrOrStderr()})
				if err != nil {
					return err
				}
				return furnish(ctx, cmd, folder, state, s, base, output)
			})
		},
	}
	dirFlag(cmd, &dir)
	outputFlag(cmd, &output)
	cmd.Flags().IntVar(&port, "port", 0, "port on 127.0.0.1 (default: that of the last run, else any free one)")
	cmd.Flags().StringVar(&file, "spec", "", "file with users, organisations and repositories to make (- for standard input)")
	cmd.Flags().DurationVar(&timeout, "timeout", time.Minute, "how long to wait until the forge is usable")
	return cmd
}

// printReport prints how to reach the forge; secrets only as JSON.
func printReport(cmd *cobra.Command, output string, folder server.Folder, r spec.Report) error {
	if output == "json" {
		encoder := json.NewEncoder(cmd.OutOrStdout())
		encoder.SetIndent("", "  ")
		return encoder.Encode(r)
	}
	t := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintf(t, "forge\t%s\nregistry\t%s\nreport\t%s\n", r.URL, r.Registry, folder.Report())
	for _, name := range slices.Sorted(maps.Keys(r.Users)) {
		_, _ = fmt.Fprintf(t, "user\t%s\n", name)
	}
	for _, name := range slices.Sorted(maps.Keys(r.Repositories)) {
		_, _ = fmt.Fprintf(t, "repository\t%s\n", r.Repositories[name])
	}
	return t.Flush()
}
