package cli

import (
	"github.com/spf13/cobra"

	"github.com/tugops/tug/lab/cluster/internal/component"
)

// newRun is how up starts its children: this same binary as one of the
// upstream programs.
func newRun() *cobra.Command {
	return &cobra.Command{
		Use:    "run COMPONENT -- ARGS",
		Hidden: true,
		Args:   cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			code, err := component.Run(args[0], args[1:])
			if err != nil {
				return err
			}
			if code != 0 {
				return exitError(code)
			}
			return nil
		},
	}
}
