package cli

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tugops/tug/internal/fault"
)

// addGlobalFlags adds the flags of every command.
func (e *Env) addGlobalFlags(root *cobra.Command) {
	f := root.PersistentFlags()
	g := &e.Global
	f.StringVarP(&g.Dir, "chdir", "C", "", "run as if started in `DIR`")
	f.StringVar(&g.Kubeconfig, "kubeconfig", "", "kubeconfig `FILE` (default: KUBECONFIG, ~/.kube/config, in-cluster)")
	f.StringVar(&g.Context, "context", "", "kubeconfig context `NAME` (default: the environment's cluster, else the current one)")
	f.StringVar(&g.Output, "output", "human", "`FORM` of results, errors and progress: human or json")
	f.StringVar(&g.LogLevel, "log-level", "warn", "log on stderr from this `LEVEL` on: debug, info, warn or error")
	f.BoolVar(&g.NoColor, "no-color", false, "no colours (also with NO_COLOR set)")
	f.BoolVar(&g.Strict, "strict", false, "refuse to start when there are credentials that the command does not need (also with TUG_STRICT=true)")
	f.BoolVarP(&g.Quiet, "quiet", "q", false, "no progress and no warnings, only results and errors")
	oneOf(root, "output", "human", "json")
	oneOf(root, "log-level", logLevels()...)
	file(root, "kubeconfig")
	_ = root.MarkPersistentFlagDirname("chdir")
}

func logLevels() []string { return []string{"debug", "info", "warn", "error"} }

// oneOf completes a flag from fixed words.
func oneOf(cmd *cobra.Command, flag string, words ...string) {
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
}

// file completes a flag with file names.
func file(cmd *cobra.Command, flag string) { _ = cmd.MarkPersistentFlagFilename(flag) }

// checkGlobal refuses words that a global flag does not know, and changes the
// folder.
func (e *Env) checkGlobal() error {
	g := e.Global
	if g.Output != "human" && g.Output != "json" {
		return fault.New(fault.Usage, "--output %q is neither human nor json", g.Output).Hint("JSON results go to stdout, JSON errors to stderr: --output json")
	}
	if !slices.Contains(logLevels(), g.LogLevel) {
		return fault.New(fault.Usage, "--log-level %q is none of %s", g.LogLevel, strings.Join(logLevels(), ", ")).
			Hint("debug shows every request to the API server")
	}
	// Helm's library logs to the default logger.
	slog.SetDefault(e.newLog())
	if g.Dir == "" {
		return nil
	}
	if err := os.Chdir(g.Dir); err != nil {
		return fault.New(fault.Usage, "-C %s: %w", g.Dir, reason(err)).Hint("give a folder that exists")
	}
	return nil
}

// reason is what is wrong with a file, without its name.
func reason(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	if l, ok := errors.AsType[*os.LinkError](err); ok {
		return l.Err
	}
	return err
}

func flagNames(cmd *cobra.Command) []string {
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	cmd.InheritedFlags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	return names
}
