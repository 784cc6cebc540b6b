package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// exitCodes is the part of every help text that says what a pipeline may rely
// on (design.md section 3).
const exitCodes = `Exit codes:
  0    done
  1    error
  2    wrong flags or arguments
  3    changes are pending (plan --exit-code)
  4    not allowed: permissions or consent are missing
  5    checks found something
  6    not ready in time
  7    conflict: another owner or writer, or the plan is no longer the reviewed one
  130  interrupted, or not confirmed
`

// setHelp gives a command and those below it tug's help text, on stdout.
func setHelp(root *cobra.Command) {
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) {
		writeHelp(cmd.OutOrStdout(), cmd)
	})
	root.SetUsageFunc(func(cmd *cobra.Command) error {
		writeHelp(cmd.ErrOrStderr(), cmd)
		return nil
	})
}

func writeHelp(w io.Writer, cmd *cobra.Command) {
	var b strings.Builder
	text := cmd.Long
	if text == "" {
		text = cmd.Short
	}
	usage := cmd.UseLine()
	if !cmd.HasParent() {
		usage = cmd.Name() + " COMMAND [flags]"
	}
	fmt.Fprintf(&b, "%s\n\nUsage:\n  %s\n", strings.TrimSpace(text), usage)
	if cmd.HasExample() {
		fmt.Fprintf(&b, "\nExamples:\n%s\n", strings.TrimRight(cmd.Example, "\n"))
	}
	for _, g := range cmd.Groups() {
		fmt.Fprintf(&b, "\n%s\n", g.Title)
		for _, c := range cmd.Commands() {
			if c.GroupID == g.ID && c.IsAvailableCommand() {
				fmt.Fprintf(&b, "  %-*s  %s\n", cmd.NamePadding(), c.Name(), c.Short)
			}
		}
	}
	if flags := cmd.LocalNonPersistentFlags(); flags.HasAvailableFlags() && cmd.HasParent() {
		fmt.Fprintf(&b, "\nFlags:\n%s", flags.FlagUsages())
	}
	fmt.Fprintf(&b, "\nFlags of every command:\n%s", cmd.Root().PersistentFlags().FlagUsages())
	fmt.Fprintf(&b, "\n%s", exitCodes)
	if !cmd.HasParent() {
		b.WriteString("\nRun \"tug COMMAND --help\" for the flags and examples of a command.\n")
	}
	io.WriteString(w, b.String()) //nolint:errcheck // there is nobody to tell
}
