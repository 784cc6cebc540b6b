package cli

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/git"
	sources "github.com/tugops/tug/internal/source"
	"github.com/tugops/tug/internal/vendoring"
)

type vendorVerifyOptions struct {
	upstream, strict bool
}

func newVendorVerifyCommand(env *Env) *cobra.Command {
	var o vendorVerifyOptions
	cmd := &cobra.Command{
		Use: "verify [DIR...]", Short: "Prove that packages are what their records say",
		Long: `Compares every package in and below the folders (default: the current one) with
the hashes of its record. A package that was edited here is listed with its
edits; with --strict that is a finding. A record that contradicts its Kptfile is
always one. With --upstream every package is fetched again, which also proves
that upstream still has what was recorded, and works for packages that only kpt
knows. Charts that stand packed in the charts folder of a chart must be those of
its Chart.lock, and have the hashes of the source lock (tug vendor lock).

Exit codes: 5 when there are findings.

Credentials: none; with --upstream read access to where packages come from.`,
		Example: `  tug vendor verify
  tug vendor verify --strict packages/nginx
  tug vendor verify --upstream`,
		RunE:              func(cmd *cobra.Command, args []string) error { return runVendorVerify(cmd.Context(), env, args, o) },
		ValidArgsFunction: completePackages,
	}
	f := cmd.Flags()
	f.BoolVar(&o.upstream, "upstream", false, "fetch packages again and compare")
	f.BoolVar(&o.strict, "strict", false, "edits here are findings, and so are packages without hashes")
	return cmd
}

func runVendorVerify(ctx context.Context, env *Env, dirs []string, o vendorVerifyOptions) error {
	if len(dirs) == 0 {
		dirs = []string{"."}
	}
	var all []vendoring.Verified
	for _, dir := range dirs {
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			return fault.New(fault.NotFound, "%s is no folder", dir).Hint("name folders with packages, or none for the current one")
		}
		v, err := env.vendor(dir)
		if err != nil {
			return err
		}
		sums, err := lockedCharts(dir)
		if err != nil {
			return err
		}
		list, err := v.Verify(ctx, dir, vendoring.VerifyOptions{Upstream: o.upstream})
		if err != nil {
			return err
		}
		charts, err := v.VerifyCharts(dir, sums)
		if err != nil {
			return err
		}
		if len(list)+len(charts) == 0 {
			return fault.New(fault.NotFound, "no vendored package in or below %s", dir).
				Hint("packages have a %s or a %s with an upstream; tug vendor get makes one", vendoring.RecordName, vendoring.KptfileName)
		}
		all = append(append(all, list...), charts...)
	}
	if err := env.showVerified(all); err != nil {
		return err
	}
	return o.findings(all)
}

// lockedCharts are the hashes of charts that source locks in and below a folder
// hold, or in the folders above it up to the repository's.
func lockedCharts(dir string) (vendoring.Sums, error) {
	known := map[string][]string{}
	root := dir
	if repo, err := git.Open(nearestFolder(dir)); err == nil && !repo.Bare() {
		root = repo.Root()
	}
	files := os.DirFS(root)
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return fault.New(fault.Invalid, "look for source locks: %w", err)
		case d.IsDir() && d.Name() == ".git":
			return fs.SkipDir
		case !d.Type().IsRegular() || !strings.HasSuffix(name, ".sources.lock"):
			return nil
		}
		lock, err := sources.ReadLock(files, name)
		if err != nil || lock == nil {
			return err
		}
		for _, c := range lock.Charts {
			chart := c.Name
			if chart == "" {
				chart = path.Base(c.Repository)
			}
			known[chart+"@"+c.Version] = append(known[chart+"@"+c.Version], c.SHA256)
		}
		return nil
	})
	return func(name, version string) []string { return known[name+"@"+version] }, err
}

// findings is nil when everything is as it should be.
func (o vendorVerifyOptions) findings(all []vendoring.Verified) error {
	var names []string
	for _, v := range all {
		if v.State == vendoring.Broken || o.strict && v.State != vendoring.Pristine {
			names = append(names, v.Dir)
		}
	}
	if len(names) == 0 {
		return nil
	}
	return fault.New(fault.Findings, "%d of %d %s not what the record says: %s", len(names), len(all), noun(len(all), "package"), strings.Join(names, ", ")).
		Hint("look at the edits with git log, or take upstream's version: tug vendor update --strategy %s DIR", vendoring.ForceDeleteReplace)
}

func (e *Env) showVerified(all []vendoring.Verified) error {
	if e.Global.JSON() {
		return e.writeJSON("", all)
	}
	var b strings.Builder
	for _, v := range all {
		fmt.Fprintf(&b, "%s: %s (%s at %s)\n", v.Dir, v.State, strings.TrimSpace(v.Source.String()), v.Resolved)
		if v.Problem != "" {
			fmt.Fprintf(&b, "  %s\n", v.Problem)
		}
		for _, c := range v.Edits {
			fmt.Fprintf(&b, "  %-8s %s\n", c.Action, filepath.ToSlash(filepath.Join(v.Dir, c.File)))
		}
	}
	return e.write("", []byte(b.String()))
}
