package cli

import (
	"maps"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/project"
)

func newCompletionCommand(env *Env) *cobra.Command {
	return &cobra.Command{
		Use: "completion bash|zsh|fish|powershell", GroupID: "more", Short: "Print the completion script of a shell",
		Long: `Prints a script that teaches a shell to complete commands, flags and their
values: environments and apps come from tug.yaml.

Credentials: none.`,
		Example: `  source <(tug completion bash)
  tug completion zsh > "${fpath[1]}/_tug"
  tug completion fish > ~/.config/fish/completions/tug.fish`,
		ValidArgs: shells(), DisableFlagsInUseLine: true,
		Args: func(_ *cobra.Command, args []string) error { return oneShell(args) },
		RunE: func(cmd *cobra.Command, args []string) error { return runCompletion(env, cmd.Root(), args[0]) },
	}
}

func shells() []string { return []string{"bash", "zsh", "fish", "powershell"} }

func oneShell(args []string) error {
	if len(args) == 1 && slices.Contains(shells(), args[0]) {
		return nil
	}
	return fault.New(fault.Usage, "tug completion needs the name of a shell").Hint("one of: bash, zsh, fish, powershell")
}

func runCompletion(env *Env, root *cobra.Command, shell string) error {
	switch shell {
	case "bash":
		return root.GenBashCompletionV2(env.Stdout, true)
	case "zsh":
		return root.GenZshCompletion(env.Stdout)
	case "fish":
		return root.GenFishCompletion(env.Stdout, true)
	}
	return root.GenPowerShellCompletionWithDesc(env.Stdout)
}

// completeChoice completes -e and -a from the tug.yaml of PATH. The shell asks
// while a line is written, so that every problem is an empty answer.
func (e *Env) completeChoice(cmd *cobra.Command, in *input) {
	names := func(list func(*project.Project) []string) cobra.CompletionFunc {
		return func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			return e.projectNames(*in, args, list), cobra.ShellCompDirectiveNoFileComp
		}
	}
	_ = cmd.RegisterFlagCompletionFunc("env", names(func(p *project.Project) []string {
		return slices.Sorted(maps.Keys(p.Environments))
	}))
	_ = cmd.RegisterFlagCompletionFunc("app", names(func(p *project.Project) []string {
		var apps []string
		for _, name := range slices.Sorted(maps.Keys(p.Apps)) {
			if places := p.Apps[name].Environments; in.Env == "" || places == nil || slices.Contains(slices.Collect(maps.Keys(places)), in.Env) {
				apps = append(apps, name)
			}
		}
		return apps
	}))
	_ = cmd.RegisterFlagCompletionFunc("namespace", cobra.NoFileCompletions)
}

// projectNames opens the project as the command would, --chdir included.
func (e *Env) projectNames(in input, args []string, list func(*project.Project) []string) []string {
	in.take(args)
	if !filepath.IsAbs(in.Path) {
		in.Path = filepath.Join(e.Global.Dir, in.Path)
	}
	s, err := e.openProject(in)
	if err != nil {
		return nil
	}
	return list(s.project)
}
