package cli

import (
	"github.com/spf13/cobra"

	"github.com/tugops/tug/lab/forge/internal/server"
	"github.com/tugops/tug/lab/forge/internal/spec"
)

func newStatus() *cobra.Command {
	var dir, output string
	cmd := &cobra.Command{
		Use:   "status --dir DIR",
		Short: "Show a running forge; exit code 1 if it is not running",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			folder, err := server.NewFolder(dir)
			if err != nil {
				return usageError{err}
			}
			if _, err := running(folder); err != nil {
				return err
			}
			report, err := spec.Read(folder.Report())
			if err != nil {
				return err
			}
			return printReport(cmd, output, folder, report)
		},
	}
	dirFlag(cmd, &dir)
	outputFlag(cmd, &output)
	return cmd
}
