package component

import (
	"fmt"
	"os"

	"github.com/spf13/pflag"
	"sigs.k8s.io/kwok/pkg/config"
	"sigs.k8s.io/kwok/pkg/kwok/cmd"
	"sigs.k8s.io/kwok/pkg/log"
	"sigs.k8s.io/kwok/pkg/utils/signals"
)

// runKwok repeats the set-up of kwok's own main: its configuration and logger
// travel in the context and are read from os.Args before cobra sees them.
func runKwok(args []string) (int, error) {
	os.Args = append([]string{Kwok}, args...)
	// The Kubernetes packages register a global "version" flag that clashes
	// with the one cobra derives from kwok's version.
	pflag.CommandLine = pflag.NewFlagSet(Kwok, pflag.ContinueOnError)

	flags := pflag.NewFlagSet("global", pflag.ContinueOnError)
	flags.ParseErrorsAllowlist.UnknownFlags = true
	flags.Usage = func() {}
	ctx, _ := log.InitFlags(signals.SetupSignalContext(), flags)
	ctx, err := config.InitFlags(ctx, flags)
	if err != nil {
		return 1, fmt.Errorf("kwok configuration: %w", err)
	}
	command := cmd.NewCommand(ctx)
	command.PersistentFlags().AddFlagSet(flags)
	if err := command.ExecuteContext(ctx); err != nil {
		return 1, fmt.Errorf("kwok: %w", err)
	}
	return 0, nil
}
