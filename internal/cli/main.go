package cli

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/tugops/tug/internal/fault"
)

// Main runs one command line and gives the exit code. A first interrupt ends
// the work in order, a second one at once (the signal's default).
func Main(args []string, commit string) int {
	collectLater()
	// A reader that goes away (tug deploy | head) must not end a deploy
	// half-way: what cannot be written is an error like any other.
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	return Run(ctx, systemEnv(commit), args)
}

// Run runs one command line in an environment.
func Run(ctx context.Context, env *Env, args []string) int {
	env.maskOutput()
	root := newRootCommand(env)
	root.SetArgs(args)
	root.SetIn(env.Stdin)
	root.SetOut(env.Stdout)
	root.SetErr(env.Stderr)
	err := execute(ctx, root)
	env.trimCache()
	if err == nil {
		return 0
	}
	if env.Global.Output == "human" && wantsJSON(args) {
		env.Global.Output = "json" // it stands behind the flag that is wrong
	}
	if ctx.Err() != nil && !isFault(err) {
		err = fault.New(fault.Interrupted, "interrupted: %w", err)
	}
	env.report(err)
	return fault.KindOf(err).ExitCode()
}

// execute runs a command. A panic becomes an error like any other: the runtime
// would print whatever value it was about, unmasked.
func execute(ctx context.Context, root *cobra.Command) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fault.New(fault.Internal, "panic: %v\n%s", p, debug.Stack())
		}
	}()
	return root.ExecuteContext(ctx)
}

// wantsJSON reports whether a command line asks for JSON, for errors that are
// found before all flags are read.
func wantsJSON(args []string) bool {
	for i, a := range args {
		if a == "--output=json" || a == "--output" && i+1 < len(args) && args[i+1] == "json" {
			return true
		}
	}
	return false
}

func isFault(err error) bool {
	_, ok := errors.AsType[*fault.Error](err)
	return ok
}

// newRootCommand builds the command tree.
func newRootCommand(env *Env) *cobra.Command {
	root := &cobra.Command{
		Use:   "tug",
		Short: "Deliver applications to Kubernetes from Git, pushed or pulled",
		Long: `tug renders what a config repository declares, pins its images, shows what
would change in a cluster, deploys it in order, waits until it is ready, and
remembers what it did. Start with:

  tug plan ./my-chart -a shop -n shop      what would change
  tug deploy ./my-chart -a shop -n shop    do it
  tug status -a shop -n shop               what runs`,
		SilenceErrors: true, SilenceUsage: true,
		Args: unknownCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if err := env.checkGlobal(); err != nil {
				return err
			}
			return env.checkStrict(cmd)
		},
	}
	env.addGlobalFlags(root)
	root.SetFlagErrorFunc(flagFault)
	root.SetHelpCommandGroupID("more")
	root.AddGroup(
		&cobra.Group{ID: "deliver", Title: "Deliver:"},
		&cobra.Group{ID: "look", Title: "Look:"},
		&cobra.Group{ID: "more", Title: "More:"},
	)
	root.CompletionOptions.DisableDefaultCmd = true
	setHelp(root)
	root.AddCommand(commands(env)...)
	return root
}

func unknownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	e := fault.New(fault.Usage, "unknown command %q", args[0])
	for _, near := range fault.Nearest(args[0], names, 1) {
		e.Hint("did you mean \"tug %s\"?", near)
	}
	return e.Hint("run \"tug --help\" for the list of commands")
}

// flagFault turns a flag error into a usage fault that names the nearest flag.
func flagFault(cmd *cobra.Command, err error) error {
	e := fault.New(fault.Usage, "%s: %w", cmd.CommandPath(), err)
	if name, ok := strings.CutPrefix(err.Error(), "unknown flag: --"); ok {
		for _, near := range fault.Nearest(name, flagNames(cmd), 1) {
			e.Hint("did you mean --%s?", near)
		}
	}
	return e.Hint("run \"%s --help\" for its flags", cmd.CommandPath())
}
