package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/vendoring"
)

type vendorUpdateOptions struct {
	dir, version, from, sha256 string
	strategy, onConflict       string
	force, dryRun              bool
}

func newVendorUpdateCommand(env *Env) *cobra.Command {
	o := vendorUpdateOptions{}
	cmd := &cobra.Command{
		Use: "update [DIR][@VERSION]", Short: "Merge what changed upstream into a package",
		Long: `Updates the package in DIR (default: the current folder) to VERSION: a ref of
Git, the version of a chart, the tag of an artifact. Without VERSION the recorded
one is fetched again, which is news when it is a branch or a range.

The merge has three sides: what was fetched, what upstream has now, and the
files here. Resources are merged field by field, wherever they stand, other
files line by line. What both sides changed differently is a conflict; then
nothing at all is written, unless --on-conflict says which side to take.
Everything must be committed, so that there is a way back, unless --force is
given. Packages inside DIR from the same repository and ref move on with it.

Exit codes: 7 when there are conflicts.

Credentials: read access to where the package comes from.`,
		Example: `  tug vendor update packages/nginx@v1.3.0
  tug vendor update packages/nginx@v1.3.0 --dry-run --output json
  tug vendor update charts/redis --version 18.1.0 --on-conflict ours
  tug vendor update crds --from https://example.org/crds-1.1.tar.gz --sha256 SUM`,
		Args: maxOnePath,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runVendorUpdate(cmd.Context(), env, o.take(args))
		},
		ValidArgsFunction: completePackages,
	}
	o.flags(cmd)
	f := cmd.Flags()
	f.StringVar(&o.onConflict, "on-conflict", "fail", "what to do about conflicts: `fail`, ours or theirs")
	f.BoolVar(&o.force, "force", false, "update although files are not committed")
	f.BoolVar(&o.dryRun, "dry-run", false, "say what would change, and write nothing")
	_ = cmd.RegisterFlagCompletionFunc("on-conflict", cobra.FixedCompletions([]string{"fail", "ours", "theirs"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// flags are those that update and diff share.
func (o *vendorUpdateOptions) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.version, "version", "", "`VERSION` to update to, instead of @VERSION")
	f.StringVar(&o.from, "from", "", "`URL` of the new archive, or a new place of the package")
	f.StringVar(&o.sha256, "sha256", "", "`SUM` that the new archive must have")
	strategyFlag(cmd, &o.strategy)
}

// take reads DIR@VERSION, as kpt spells it. A folder with "@" in its name that
// exists is one.
func (o vendorUpdateOptions) take(args []string) vendorUpdateOptions {
	o.dir = "."
	if len(args) == 0 {
		return o
	}
	o.dir = args[0]
	if _, err := os.Stat(o.dir); err == nil {
		return o
	}
	if i := strings.LastIndexByte(args[0], '@'); i >= 0 && o.version == "" {
		o.dir, o.version = args[0][:i], args[0][i+1:]
		if o.dir == "" {
			o.dir = "."
		}
	}
	return o
}

// plan works out the updates.
func (o vendorUpdateOptions) plan(ctx context.Context, env *Env) ([]vendoring.Update, error) {
	policy := vendoring.Policy(o.onConflict)
	switch policy {
	case vendoring.Fail, vendoring.Ours, vendoring.Theirs:
	default:
		return nil, fault.New(fault.Usage, "--on-conflict %q", o.onConflict).Hint("it is fail, ours or theirs")
	}
	options := vendoring.UpdateOptions{
		Dir: o.dir, Version: o.version, Strategy: o.strategy, Policy: policy, Force: o.force || o.dryRun,
	}
	if o.from != "" {
		from, err := parseVendorSource(o.from, "", "", o.sha256)
		if err != nil {
			return nil, err
		}
		options.From = from
	}
	v, err := env.vendor(o.dir)
	if err != nil {
		return nil, err
	}
	return v.Plan(ctx, options)
}

func runVendorUpdate(ctx context.Context, env *Env, o vendorUpdateOptions) error {
	updates, err := o.plan(ctx, env)
	if err != nil {
		return err
	}
	conflicts := 0
	for _, u := range updates {
		conflicts += len(u.Conflicts)
	}
	stopped := conflicts > 0 && o.onConflict == string(vendoring.Fail)
	if !stopped && !o.dryRun {
		if err := vendoring.Apply(updates); err != nil {
			return err
		}
	}
	if err := env.showUpdates(updates, o.dryRun || stopped, o.onConflict); err != nil {
		return err
	}
	if !stopped {
		return nil
	}
	return fault.New(fault.Conflict, "%s: %d %s between here and upstream, nothing was written", o.dir, conflicts, noun(conflicts, "conflict")).
		Hint("take one side at every conflict with --on-conflict ours or --on-conflict theirs").
		Hint("or make the fields agree first, then update again")
}

// showUpdates writes what updates change, or would.
func (e *Env) showUpdates(updates []vendoring.Update, would bool, side string) error {
	if e.Global.JSON() {
		return e.writeJSON("", updates)
	}
	var b strings.Builder
	for _, u := range updates {
		writeUpdate(&b, u, would, side)
	}
	return e.write("", []byte(b.String()))
}

func writeUpdate(b *strings.Builder, u vendoring.Update, would bool, side string) {
	if u.UpToDate {
		fmt.Fprintf(b, "%s: %s is up to date\n", u.Dir, u.To)
		return
	}
	word := "updated"
	if would {
		word = "would update"
	}
	fmt.Fprintf(b, "%s: %s from %s to %s, %d %s\n", u.Dir, word, u.From, u.To, len(u.Changes), noun(len(u.Changes), "file"))
	for _, c := range u.Changes {
		fmt.Fprintf(b, "  %-8s %s\n", c.Action, filepath.ToSlash(filepath.Join(u.Dir, c.File)))
	}
	for _, c := range u.Conflicts {
		c.File = filepath.ToSlash(filepath.Join(u.Dir, c.File))
		writeConflict(b, c, side)
	}
	for _, n := range u.Notes {
		fmt.Fprintf(b, "  note: %s\n", n)
	}
}

func writeConflict(b *strings.Builder, c vendoring.Conflict, side string) {
	taken := ""
	if side != string(vendoring.Fail) {
		taken = ", " + side + " taken"
	}
	fmt.Fprintf(b, "  conflict: %s (%s%s)\n", c.Where(), c.Kind, taken)
	for _, v := range []struct{ name, text string }{{"origin", c.Origin}, {"ours", c.Ours}, {"theirs", c.Theirs}} {
		lines := strings.Split(strings.TrimRight(v.text, "\n"), "\n")
		if v.text == "" {
			lines = []string{"(nothing)"}
		}
		fmt.Fprintf(b, "    %-7s %s\n", v.name+":", lines[0])
		for _, l := range lines[1:] {
			fmt.Fprintf(b, "            %s\n", l)
		}
	}
}
