package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/project"
)

func newSchemaCommand(env *Env) *cobra.Command {
	return &cobra.Command{
		Use: "schema [build]", GroupID: "more", Short: "Print the JSON Schema of tug.yaml, for editors",
		Long: `Prints the JSON Schema of tug.yaml, so that an editor checks and completes it;
"tug schema build" that of tug.build.yaml.

Credentials: none.`,
		Example:   "  tug schema > tug.schema.json\n  tug schema build > tug.build.schema.json",
		ValidArgs: []string{"build"},
		RunE: func(_ *cobra.Command, args []string) error {
			switch {
			case len(args) == 0:
				return env.write("", append(project.Schema(), '\n'))
			case len(args) == 1 && args[0] == "build":
				return env.write("", append(project.BuildSchema(), '\n'))
			}
			return fault.New(fault.Usage, "tug schema %s: there is no such schema", strings.Join(args, " ")).
				Hint("tug schema is that of tug.yaml, tug schema build that of %s", project.BuildFileName)
		},
	}
}
