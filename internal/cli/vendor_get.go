package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"github.com/spf13/cobra"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/git"
	"github.com/tugops/tug/internal/vendoring"
)

type vendorGetOptions struct {
	source, dest           string
	chart, version, sha256 string
	strategy               string
}

func newVendorGetCommand(env *Env) *cobra.Command {
	var o vendorGetOptions
	cmd := &cobra.Command{
		Use: "get SOURCE[@REF] [DEST]", Short: "Fetch a package into the repository",
		Long: `Fetches a package into DEST (default: a folder with its name), which must not
exist or be empty. SOURCE is

  REPOSITORY.git[/FOLDER][@REF]   a folder of a Git repository, as kpt spells it
                                  (https, ssh, git@host:…, file)
  oci://HOST/PATH[:TAG|@DIGEST]   an artifact of a registry, or a chart there
  URL of a .tgz, .tar.gz, .zip    an archive, with --sha256
  URL --chart NAME [--version V]  a chart of a chart repository

tug.vendor.lock records where it comes from and the hash of every file. A
package from Git has a Kptfile too, and kpt's marks in its resources, so that
kpt can update it as well.

Credentials: read access to SOURCE.`,
		Example: `  tug vendor get https://github.com/org/packages.git/nginx@v1.2.0 packages/nginx
  tug vendor get https://charts.example.org --chart redis --version ^18.0.0
  tug vendor get oci://registry.example.org/manifests/podinfo:6.5.0
  tug vendor get https://example.org/crds-1.0.tar.gz --sha256 SUM crds`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 || len(args) == 2 {
				return nil
			}
			return fault.New(fault.Usage, "tug vendor get takes a SOURCE and a DEST, got %d arguments", len(args)).
				Hint("for example: tug vendor get https://host/repository.git/folder@v1 folder")
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			o.source = args[0]
			if len(args) > 1 {
				o.dest = args[1]
			}
			return runVendorGet(cmd.Context(), env, o)
		},
		ValidArgsFunction: completePackages,
	}
	f := cmd.Flags()
	f.StringVar(&o.chart, "chart", "", "`NAME` of a chart in the chart repository SOURCE")
	f.StringVar(&o.version, "version", "", "`VERSION` of the chart, exact or a range (default: the newest release)")
	f.StringVar(&o.sha256, "sha256", "", "`SUM` that the archive must have")
	strategyFlag(cmd, &o.strategy)
	return cmd
}

var sumPattern = regexp.MustCompile(`\A[0-9a-f]{64}\z`)

func (o vendorGetOptions) parse() (vendoring.Source, error) {
	return parseVendorSource(o.source, o.chart, o.version, o.sha256)
}

// parseVendorSource joins SOURCE with the flags that go with it.
func parseVendorSource(text, chart, version, sum string) (vendoring.Source, error) {
	s, err := vendoring.ParseSource(text, chart)
	if err != nil {
		return s, err
	}
	switch {
	case version != "" && s.Type != vendoring.Chart:
		return s, fault.New(fault.Usage, "--version is for charts of a chart repository").Hint("write the version behind the source: %s@%s", text, version)
	case version != "":
		s.Version = version
	case sum != "" && s.Type != vendoring.HTTP:
		return s, fault.New(fault.Usage, "--sha256 is for archives")
	case sum != "" && !sumPattern.MatchString(sum):
		return s, fault.New(fault.Usage, "--sha256 %q is not 64 hex digits in lower case", sum).Hint("sha256sum FILE prints it")
	}
	s.SHA256 = sum
	return s, nil
}

func runVendorGet(ctx context.Context, env *Env, o vendorGetOptions) error {
	s, err := o.parse()
	if err != nil {
		return err
	}
	if o.dest == "" || filepath.Clean(o.dest) == "." {
		o.dest = s.Folder()
	} else if info, err := os.Stat(o.dest); err == nil && !info.IsDir() {
		return fault.New(fault.Exists, "%s is a file", o.dest).Hint("DEST is a folder")
	}
	if err := insideRepository(o.dest); err != nil {
		return err
	}
	v, err := env.vendor(o.dest)
	if err != nil {
		return err
	}
	got, err := v.Get(ctx, vendoring.GetOptions{Source: s, Dest: o.dest, Strategy: o.strategy})
	if err != nil {
		return err
	}
	if s.Type == vendoring.HTTP && s.SHA256 == "" {
		env.warn("the archive is not pinned: --sha256 " + got.Resolved.Digest[len("sha256:"):] + " makes sure that it is always this one")
	}
	if env.Global.JSON() {
		return env.writeJSON("", got)
	}
	_, err = fmt.Fprintf(env.Stdout, "%s: %s at %s, %d %s\n", got.Dir, got.Source, got.Resolved, got.Files, noun(got.Files, "file"))
	return err
}

// insideRepository refuses a folder outside the repository of the current one.
// Outside Git there is nothing to stay inside of.
func insideRepository(dest string) error {
	repo, err := git.Open(".")
	if err != nil || repo.Bare() {
		return nil //nolint:nilerr // no repository
	}
	abs, err := filepath.Abs(dest)
	if err != nil {
		return fmt.Errorf("%s: %w", dest, err)
	}
	there, below := existing(abs)
	if real, err := filepath.EvalSymlinks(there); err == nil {
		abs = filepath.Join(real, below)
	}
	root, err := filepath.EvalSymlinks(repo.Root())
	if err != nil {
		return fmt.Errorf("%s: %w", repo.Root(), err)
	}
	if rel, err := filepath.Rel(root, abs); err == nil && filepath.IsLocal(rel) {
		return nil
	}
	return fault.New(fault.Usage, "%s lies outside the repository", dest).
		Hint("packages are kept in the repository that uses them: give a folder in it")
}

// noun is a word for a number of things.
func noun(n int, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}
