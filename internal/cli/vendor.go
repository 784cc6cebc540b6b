package cli

import (
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/tugops/tug/internal/git"
	"github.com/tugops/tug/internal/vendoring"
)

// newVendorCommand is the parent of the commands about packages of others.
func newVendorCommand(env *Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "vendor COMMAND", GroupID: "deliver", Short: "Keep packages of others in the repository, and update them",
		Long: `Fetches a folder of a Git repository, a Helm chart, an OCI artifact or an
archive into the repository, with a record of where it comes from and what it
was. It can be edited like any other files: an update merges what changed
upstream with what changed here, and proves that nothing is lost.

Credentials: read access to where packages come from. None for verify.`,
		Example: `  tug vendor get https://github.com/org/packages.git/nginx@v1.2.0 packages/nginx
  tug vendor update packages/nginx@v1.3.0
  tug vendor verify`,
		Args: unknownCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newVendorGetCommand(env), newVendorUpdateCommand(env), newVendorDiffCommand(env), newVendorVerifyCommand(env), newVendorLockCommand(env))
	return cmd
}

// vendor joins the use case with Git and the network.
func (e *Env) vendor(dir string) (vendoring.Vendor, error) {
	limits := vendoring.DefaultLimits()
	v := vendoring.Vendor{Fetch: &vendorFetcher{env: e, limits: limits}, Limits: limits}
	repo, err := git.Open(nearestFolder(dir))
	if err != nil {
		if isNoRepository(err) {
			return v, nil
		}
		return v, err
	}
	if repo.Bare() {
		return v, nil
	}
	v.Changed = func(dir string) ([]string, error) {
		abs, err := filepath.Abs(dir)
		if err != nil {
			return nil, err
		}
		if real, err := filepath.EvalSymlinks(abs); err == nil {
			abs = real
		}
		rel, err := filepath.Rel(repo.Root(), abs)
		if err != nil {
			return nil, err
		}
		return repo.Changed(filepath.ToSlash(rel))
	}
	return v, nil
}

// nearestFolder is a folder itself or the first above it that exists.
func nearestFolder(dir string) string {
	there, _ := existing(dir)
	if info, err := os.Stat(there); err == nil && !info.IsDir() {
		return filepath.Dir(there)
	}
	return there
}

// completePackages completes folders.
func completePackages(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveFilterDirs
}

// strategyFlag adds --strategy with its values.
func strategyFlag(cmd *cobra.Command, value *string) {
	cmd.Flags().StringVar(value, "strategy", "", "how to update: resource-merge, fast-forward, force-delete-replace or copy-merge (`STRATEGY` of kpt; default: the recorded one)")
	_ = cmd.RegisterFlagCompletionFunc("strategy", cobra.FixedCompletions(vendoring.Strategies(), cobra.ShellCompDirectiveNoFileComp))
}
