package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/scaffold"
)

type initOptions struct {
	app, ci, layout, image, kubernetes, branch string
	source, test, configRepository, tugVersion string
	environments                               []string
	dryRun                                     bool
}

func newInitCommand(env *Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "init COMMAND", GroupID: "more", Short: "Start a config repository, or the build of a code repository, with its pipelines",
		Long: `Writes the files of a new repository into the current folder (or that of -C).
Nothing that is there is written over.

The pipelines keep credentials apart: each stage holds those of its own step and
runs with --strict, which refuses any other; pull requests of strangers run
without a secret.

Credentials: none.`,
		Example: `  tug init config --app shop --ci github
  tug init code --app shop --ci jenkins --image registry.example/team/shop`,
		Args: unknownCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newInitConfigCommand(env), newInitCodeCommand(env))
	return cmd
}

func newInitConfigCommand(env *Env) *cobra.Command {
	var o initOptions
	cmd := &cobra.Command{
		Use: "config", Short: "Start a config repository",
		Long: `A config repository says what runs where. It has a tug.yaml with the environments
and one app, as an umbrella chart (--layout umbrella) or as a kustomization for
each environment (--layout directories), and with --ci the pipelines that check
and preview pull requests and deploy what is merged. The last environment is
promoted to by pull request.

Credentials: none.`,
		Example: `  tug init config --app shop --ci github
  tug init config --app shop --env dev,test,prod --layout directories --ci jenkins`,
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error { return runInitConfig(env, o) },
	}
	o.flags(cmd)
	f := cmd.Flags()
	f.StringSliceVarP(&o.environments, "env", "e", []string{"dev", "prod"}, "environments `ENV`, in the order of promotion")
	f.StringVar(&o.layout, "layout", string(scaffold.Umbrella), "`SHAPE` of the repository: umbrella or directories")
	f.StringVar(&o.kubernetes, "kubernetes", "1.36", "Kubernetes `VERSION` of the environments")
	oneOf(cmd, "layout", words2(scaffold.Layouts())...)
	return cmd
}

func newInitCodeCommand(env *Env) *cobra.Command {
	var o initOptions
	cmd := &cobra.Command{
		Use: "code", Short: "Start the build of a code repository",
		Long: `Writes tug.build.yaml, and with --ci the pipelines that test every change, publish
what is merged, and promote it to the config repository.

Credentials: none.`,
		Example: `  tug init code --app shop --ci github --image registry.example/team/shop --config-repository https://git.example/team/config.git`,
		Args:    noArgs,
		RunE:    func(*cobra.Command, []string) error { return runInitCode(env, o) },
	}
	o.flags(cmd)
	f := cmd.Flags()
	f.StringSliceVarP(&o.environments, "env", "e", []string{"dev"}, "environment `ENV` that builds are promoted to")
	f.StringVar(&o.source, "build", "", "what is built, `KIND:PATH`: go:FOLDER or dockerfile:FILE (default: what is there)")
	f.StringVar(&o.test, "test", "make test", "`COMMAND` that tests")
	f.StringVar(&o.configRepository, "config-repository", "https://git.example.com/team/config.git", "`URL` of the config repository")
	return cmd
}

// flags are those of both.
func (o *initOptions) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVarP(&o.app, "app", "a", "", "name of the `APP`")
	f.StringVar(&o.ci, "ci", "", "pipelines for `SYSTEM`: jenkins, github or gitlab (default: none)")
	f.StringVar(&o.image, "image", "", "`IMAGE` of the app, without tag (default: registry.example.com/APP)")
	f.StringVar(&o.branch, "branch", "main", "`BRANCH` that pipelines build or deploy")
	f.StringVar(&o.tugVersion, "tug-version", "", "`VERSION` of tug that pipelines install (default: this one, else latest)")
	f.BoolVar(&o.dryRun, "dry-run", false, "list the files, and write nothing")
	oneOf(cmd, "ci", words2(scaffold.CIs())...)
}

func words2[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = string(v)
	}
	return out
}

func runInitConfig(env *Env, o initOptions) error {
	if err := o.checkConfig(); err != nil {
		return err
	}
	files, err := scaffold.Config{
		App: o.app, Environments: o.environments, Layout: scaffold.Layout(o.layout), CI: scaffold.CI(o.ci),
		Image: o.image, Kubernetes: o.kubernetes, Branch: o.branch, Version: o.tugVersion,
	}.Files()
	if err != nil {
		return err
	}
	return env.writeNew(files, o.dryRun, "tug check", "tug render -e "+o.environments[0])
}

func runInitCode(env *Env, o initOptions) error {
	if err := o.checkCode(); err != nil {
		return err
	}
	source, err := o.buildSource()
	if err != nil {
		return err
	}
	files, err := scaffold.Code{
		App: o.app, Environments: o.environments, CI: scaffold.CI(o.ci), Image: o.image, Source: source,
		Test: o.test, Branch: o.branch, Version: o.tugVersion, ConfigRepository: o.configRepository,
	}.Files()
	if err != nil {
		return err
	}
	return env.writeNew(files, o.dryRun, "tug build --dry-run")
}

// buildSource is the line of tug.build.yaml that says what is built.
func (o *initOptions) buildSource() (string, error) {
	if o.source != "" {
		return sourceOf(o.source)
	}
	if _, err := os.Stat("Dockerfile"); err == nil {
		return "dockerfile: Dockerfile", nil
	}
	if _, err := os.Stat("go.mod"); err != nil {
		return "", fault.New(fault.Usage, "there is neither a Dockerfile nor a go.mod here").Hint("say what is built with --build go:FOLDER or --build dockerfile:FILE")
	}
	if _, err := os.Stat(filepath.Join("cmd", o.app)); err == nil {
		return "go: ./cmd/" + o.app, nil
	}
	return "go: .", nil
}

// writeNew writes files where none are.
func (e *Env) writeNew(files []scaffold.File, dryRun bool, next ...string) error {
	var there, written []string
	for _, f := range files {
		if _, err := os.Lstat(filepath.FromSlash(f.Path)); err == nil {
			there = append(there, f.Path)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return fault.New(fault.Invalid, "%s: %w", f.Path, reason(err))
		}
		written = append(written, f.Path)
	}
	if len(there) > 0 {
		return fault.New(fault.Conflict, "nothing was written: there is already %s", strings.Join(there, ", ")).
			Hint("begin in an empty folder (-C DIR), or move these files away")
	}
	for _, f := range files {
		if dryRun {
			break
		}
		if err := os.MkdirAll(filepath.Dir(filepath.FromSlash(f.Path)), 0o755); err != nil {
			return fault.New(fault.Invalid, "%s: %w", f.Path, reason(err))
		}
		if err := os.WriteFile(filepath.FromSlash(f.Path), f.Data, 0o644); err != nil {
			return fault.New(fault.Invalid, "%s: %w", f.Path, reason(err))
		}
	}
	if e.Global.JSON() {
		return e.writeJSON("", struct {
			Files   []string `json:"files"`
			Written bool     `json:"written"`
		}{written, !dryRun})
	}
	text := strings.Join(written, "\n") + "\n"
	if !dryRun {
		text += fmt.Sprintf("%s written; next: %s\n", plural(len(written), "file"), strings.Join(next, ", then "))
	}
	return e.write("", []byte(text))
}
