package cli

import (
	"github.com/spf13/cobra"

	"github.com/tugops/tug/internal/fault"
)

// commands are all commands.
func commands(env *Env) []*cobra.Command {
	return []*cobra.Command{
		newRenderCommand(env),
		newCheckCommand(env),
		newDiffCommand(env),
		newPlanCommand(env),
		newDeployCommand(env),
		newPromoteCommand(env),
		newRollbackCommand(env),
		newDeleteCommand(env),
		newStatusCommand(env),
		newTreeCommand(env),
		newHistoryCommand(env),
		newLogsCommand(env),
		newAgentCommand(env),
		newSuspendCommand(env),
		newResumeCommand(env),
		newReconcileCommand(env),
		newBuildCommand(env),
		newImageCommand(env),
		newSecretCommand(env),
		newVendorCommand(env),
		newInitCommand(env),
		newDoctorCommand(env),
		newNotifyCommand(env),
		newSchemaCommand(env),
		newCompletionCommand(env),
		newVersionCommand(env),
	}
}

// noArgs refuses arguments with a hint.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return fault.New(fault.Usage, "%s takes no arguments, got %q", cmd.CommandPath(), args[0]).
		Hint("run %q for its flags", cmd.CommandPath()+" --help")
}

// maxOnePath accepts at most one PATH, and shows the corrected line otherwise.
func maxOnePath(cmd *cobra.Command, args []string) error {
	if len(args) <= 1 {
		return nil
	}
	return fault.New(fault.Usage, "%s takes one PATH, got %d", cmd.CommandPath(), len(args)).
		Hint("try: %s %s", cmd.CommandPath(), args[0])
}
