package cli

import (
	"github.com/spf13/cobra"

	"github.com/tugops/tug/internal/project"
)

func newSchemaCommand(env *Env) *cobra.Command {
	return &cobra.Command{
		Use: "schema", GroupID: "more", Short: "Print the JSON Schema of tug.yaml, for editors",
		Long:    "Prints the JSON Schema of tug.yaml, so that an editor checks and completes it.\n\nCredentials: none.",
		Example: "  tug schema > tug.schema.json",
		Args:    noArgs,
		RunE:    func(*cobra.Command, []string) error { return env.write("", append(project.Schema(), '\n')) },
	}
}
