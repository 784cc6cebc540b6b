package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tugops/tug/lab/forge/internal/api"
	"github.com/tugops/tug/lab/forge/internal/server"
	"github.com/tugops/tug/lab/forge/internal/spec"
)

func newApply() *cobra.Command {
	var dir, output, file string
	cmd := &cobra.Command{
		Use:   "apply --dir DIR --spec FILE",
		Short: "Make users, organisations and repositories in a running forge",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			s, base, err := readSpec(cmd, file)
			if err != nil {
				return err
			}
			return hold(dir, time.Minute, func(ctx context.Context, folder server.Folder) error {
				state, err := running(folder)
				if err != nil {
					return err
				}
				return furnish(ctx, cmd, folder, state, s, base, output)
			})
		},
	}
	dirFlag(cmd, &dir)
	outputFlag(cmd, &output)
	cmd.Flags().StringVar(&file, "spec", "", "file that says what to make (- for standard input)")
	cobra.CheckErr(cmd.MarkFlagRequired("spec"))
	return cmd
}

// running is the state of a forge that must be up.
func running(folder server.Folder) (server.State, error) {
	state, err := folder.Load()
	if err != nil {
		return server.State{}, err
	}
	if !state.Process.Alive() {
		return server.State{}, fmt.Errorf("the forge in %s is not running", folder)
	}
	return state, nil
}

// readSpec reads a spec and gives the folder that its paths are relative to.
// No file is an empty spec.
func readSpec(cmd *cobra.Command, file string) (spec.Spec, string, error) {
	var data []byte
	var err error
	base := filepath.Dir(file)
	switch file {
	case "":
		return spec.Spec{}, "", nil
	case "-":
		base = "."
		data, err = io.ReadAll(cmd.InOrStdin())
	default:
		data, err = os.ReadFile(file)
	}
	if err != nil {
		return spec.Spec{}, "", fmt.Errorf("--spec: %w", err)
	}
	s, err := spec.Parse(data)
	if err != nil {
		return spec.Spec{}, "", usageError{fmt.Errorf("--spec %s: %w", file, err)}
	}
	return s, base, nil
}

// furnish applies the spec and writes and prints the report.
func furnish(ctx context.Context, cmd *cobra.Command, folder server.Folder, state server.State, s spec.Spec, base, output string) error {
	report, err := spec.Read(folder.Report())
	if err != nil {
		return err
	}
	report = refresh(report, folder, state)
	forge := spec.Forge{
		Admin:  api.Client{URL: state.URL(), User: state.Admin.Name, Password: state.Admin.Password},
		Dir:    base,
		Secret: server.Random,
	}
	err = forge.Apply(ctx, s, &report)
	if err := errors.Join(err, server.Replace(folder.Report(), report)); err != nil {
		return err
	}
	return printReport(cmd, output, folder, report)
}

// refresh brings a report of the last run up to date: the port may be another.
func refresh(r spec.Report, folder server.Folder, state server.State) spec.Report {
	moved := func(in map[string]string) map[string]string {
		out := map[string]string{}
		for name, address := range in {
			out[name] = strings.Replace(address, r.URL, state.URL(), 1)
		}
		return out
	}
	out := spec.Report{
		URL: state.URL(), API: state.URL() + "/api/v1", Registry: strings.TrimPrefix(state.URL(), "http://"), Dir: string(folder),
		Users: maps.Clone(r.Users), Repositories: moved(r.Repositories), Charts: moved(r.Charts),
	}
	if out.Users == nil {
		out.Users = map[string]spec.Account{}
	}
	out.Users[state.Admin.Name] = spec.Account{
		Password: state.Admin.Password, Admin: true, Tokens: map[string]string{"labforge": state.Admin.Token},
	}
	return out
}
