// Package cli is the command line of labforge.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/tugops/tug/lab/forge/internal/server"
)

// Main runs labforge and returns its exit code: 0 for success, 1 for failure
// (and for a status that is not ready), 2 for wrong usage. Results go to
// stdout, progress and errors to stderr.
func Main(program server.Program, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := newRoot(program)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.SetArgs(args)
	err := root.Execute()
	if err == nil {
		return 0
	}
	_, _ = fmt.Fprintf(stderr, "labforge: %v\n", err)
	var usage usageError
	if errors.As(err, &usage) {
		return 2
	}
	return 1
}

// usageError marks a wrong command line.
type usageError struct{ error }

func newRoot(program server.Program) *cobra.Command {
	root := &cobra.Command{
		Use:           "labforge",
		Short:         "A real Gitea on this machine, for tests",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(newUp(program), newDown(), newStatus(), newApply(), newImage(program))
	return root
}

// hold runs f with the folder's lock, for at most timeout and until the user
// interrupts.
func hold(dir string, timeout time.Duration, f func(context.Context, server.Folder) error) error {
	folder, err := server.NewFolder(dir)
	if err != nil {
		return usageError{err}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	release, err := folder.Acquire(ctx)
	if err != nil {
		return err
	}
	defer release()
	return f(ctx, folder)
}

func dirFlag(cmd *cobra.Command, dir *string) {
	cmd.Flags().StringVar(dir, "dir", "", "folder of the forge (required)")
	cobra.CheckErr(cmd.MarkFlagRequired("dir"))
}

func outputFlag(cmd *cobra.Command, output *string) {
	cmd.Flags().StringVarP(output, "output", "o", "text", "text or json")
}

func checkOutput(output string) error {
	if output != "text" && output != "json" {
		return usageError{fmt.Errorf("--output: %q is neither text nor json", output)}
	}
	return nil
}
