package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/git"
	"github.com/tugops/tug/internal/preview"
)

type diffOptions struct {
	input
	base, head string // head is empty for the working tree
	fork       bool   // compare with where head left base
	out        string
	exitCode   bool
	summary    bool
	decrypt    bool
	postOptions
}

func newDiffCommand(env *Env) *cobra.Command {
	var o diffOptions
	cmd := &cobra.Command{
		Use: "diff REV1 [REV2] [PATH]", GroupID: "deliver", Short: "Show what a change in Git does to the rendered objects",
		Long: `Renders every app in every environment at two revisions and compares the
objects: what is deleted and what is at risk first, then every field that
changes. Without REV2 the second revision is the working tree. It needs no
cluster, and renders only what changed between the two.

Values of Secrets are masked; equal masks are equal values. Files that SOPS
encrypted are compared as they are, without a key: it is seen that a value
changed, never which one it has. With --decrypt they are compared by what they
say, where a key is at hand: what was only encrypted again does not differ, and
equal masks are equal values.

With --post the result becomes the comment of a pull request, which is updated in
place, and a status of its head; the checks of "tug check" are part of it.

Credentials: none, it reads files only; with --decrypt the private keys of
encrypted files, where there are any; with --post a token of the forge that may
write comments and statuses.`,
		Example: `  tug diff main
  tug diff v1.4.0 v1.5.0 -e prod
  tug diff origin/main...HEAD --exit-code   # what this branch changes
  tug diff HEAD~1 HEAD --output json
  tug diff origin/main...HEAD --post --report tug-preview.md   # in a pipeline`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) >= 1 && len(args) <= 3 {
				return nil
			}
			return fault.New(fault.Usage, "tug diff takes one or two revisions and a PATH, got %d arguments", len(args)).
				Hint("compare a branch with its base: tug diff main feature").Hint("compare the working tree with a commit: tug diff HEAD")
		},
		ValidArgsFunction: completeRevisions,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.revisions(args)
			return runDiff(cmd.Context(), env, o)
		},
	}
	o.chooseFlags(env, cmd)
	o.renderFlags(cmd)
	f := cmd.Flags()
	f.StringVarP(&o.out, "out", "o", "", "write the result to `FILE`")
	f.BoolVar(&o.exitCode, "exit-code", false, "exit with 3 when objects differ")
	o.postOptions.flags(cmd)
	f.BoolVar(&o.decrypt, "decrypt", false, "compare encrypted files by their plain text, where a key is at hand")
	f.BoolVar(&o.summary, "summary", false, "show which apps differ and what is at risk, not every field")
	return cmd
}

// revisions reads the arguments. The second one is a PATH when it names a file
// and no revision. A..B are two revisions; A...B is B and where it left A.
func (o *diffOptions) revisions(args []string) {
	o.Path = "."
	o.base = args[0]
	for _, dots := range []string{"...", ".."} {
		if base, head, ok := strings.Cut(args[0], dots); ok {
			o.base, o.head, o.fork = cmp.Or(base, "HEAD"), cmp.Or(head, "HEAD"), dots == "..."
			args = append([]string{o.base, o.head}, args[1:]...)
			break
		}
	}
	switch len(args) {
	case 2:
		if o.head == "" && o.isPath(args[1]) {
			o.Path = args[1]
		} else if o.head == "" {
			o.head = args[1]
		}
	case 3:
		o.head, o.Path = args[1], args[2]
	}
}

// isPath reports whether an argument names a file or folder, and no revision.
func (o *diffOptions) isPath(arg string) bool {
	if _, err := os.Lstat(arg); err != nil {
		return false
	}
	repo, err := git.Open(".")
	if err != nil {
		return true
	}
	_, _, err = repo.At(arg)
	return err != nil
}

func runDiff(ctx context.Context, env *Env, o diffOptions) error {
	if o.posts() {
		return runPreview(ctx, env, o)
	}
	d, err := env.openDiff(o)
	if err != nil {
		return err
	}
	report, err := d.compare(ctx)
	if err != nil {
		return err
	}
	if err := o.show(env, report); err != nil {
		return err
	}
	return diffOutcome(report, o.exitCode)
}

// show writes the result.
func (o *diffOptions) show(env *Env, report *preview.Report) error {
	if env.Global.JSON() {
		return env.writeJSON(o.out, report)
	}
	return env.write(o.out, []byte(diffText(env.style(env.OutTTY && o.out == ""), report, o.summary)))
}

// diffOutcome is an error when an app could not be compared: that nothing
// differs would then be a guess.
func diffOutcome(r *preview.Report, exitCode bool) error {
	if len(r.Failures) > 0 {
		f := fault.New(fault.Invalid, "%d renders failed; nothing is known of what changes there", len(r.Failures))
		if len(r.Failures) == 1 {
			f = fault.New(fault.Invalid, "1 render failed; nothing is known of what changes there")
		}
		return f.Hint("see the failures above; a render at one revision alone: tug render --rev REV -e ENV -a APP")
	}
	if exitCode && len(r.Apps) > 0 {
		return fault.New(fault.Pending, "objects differ")
	}
	return nil
}

// completeRevisions offers branches and tags.
func completeRevisions(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 1 {
		return nil, cobra.ShellCompDirectiveDefault
	}
	repo, err := git.Open(".")
	if err != nil {
		return nil, cobra.ShellCompDirectiveDefault
	}
	names, err := repo.Names()
	if err != nil {
		return nil, cobra.ShellCompDirectiveDefault
	}
	return names, cobra.ShellCompDirectiveDefault
}

// revisionName is how a side of a diff is called.
func revisionName(rev string) string {
	if rev == "" {
		return "working tree"
	}
	return rev
}

// diffFault explains a revision that cannot be opened.
func diffFault(rev string, err error) error {
	if errors.Is(err, git.ErrNoRepository) {
		return fault.New(fault.Usage, "tug diff compares commits, and there is no Git repository here: %w", err).
			Hint("run it in a config repository, or give the folder with -C")
	}
	return fmt.Errorf("%s: %w", revisionName(rev), err)
}
