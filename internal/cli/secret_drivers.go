package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/git"
	"github.com/tugops/tug/internal/secret"
	"github.com/tugops/tug/internal/textmerge"
)

// driver is the name of the drivers in Git's configuration.
const driver = "tug-secret"

// secretDriverOptions are those of tug secret install-drivers.
type secretDriverOptions struct {
	patterns []string
	command  string
}

func newSecretDriversCommand(env *Env) *cobra.Command {
	var o secretDriverOptions
	cmd := &cobra.Command{
		Use: "install-drivers [PATTERN...]", Short: "Let Git compare and merge encrypted files by key",
		Long: `Writes .gitattributes, which everybody gets with the next commit, and the drivers
into the configuration of this clone, which everybody installs for themselves.

Then git diff and git log -p show which keys changed (never values, and without a
key), and git merge, rebase and cherry-pick merge encrypted files key by key.
Where both sides changed the same key, the file stays a conflict of Git with our
value in it, encrypted, and the message names the keys.

PATTERN is one of .gitattributes (secrets.yaml, *.enc.yaml); without any, the
encrypted files in the repository say it.

Credentials: none to install and compare; a private key of the files to merge.`,
		Example: `  tug secret install-drivers
  tug secret install-drivers 'secrets.yaml' '*.enc.yaml'`,
		RunE: func(_ *cobra.Command, args []string) error {
			o.patterns = args
			return runSecretDrivers(env, o)
		},
	}
	cmd.Flags().StringVar(&o.command, "command", "tug", "what Git runs as tug: a `PROGRAM` on the PATH, or its whole path")
	_ = cmd.MarkFlagFilename("command")
	return cmd
}

// installed is the JSON result of install-drivers.
type installed struct {
	Attributes string   `json:"attributes"`
	Patterns   []string `json:"patterns"`
	Changed    bool     `json:"changed"`
}

func runSecretDrivers(env *Env, o secretDriverOptions) error {
	repo, err := git.Open(".")
	if err != nil {
		return err
	}
	if repo.Bare() {
		return fault.New(fault.Invalid, "a bare repository has no files to compare or merge")
	}
	if len(o.patterns) == 0 {
		if o.patterns, err = encryptedPatterns(repo); err != nil {
			return err
		}
	}
	if len(o.patterns) == 0 {
		return fault.New(fault.NotFound, "no encrypted file in the repository says what to install the drivers for").
			Hint("name a pattern: tug secret install-drivers 'secrets.yaml'")
	}
	file := filepath.Join(repo.Root(), ".gitattributes")
	changed, err := addAttributes(file, o.patterns)
	if err != nil {
		return err
	}
	program := quoteForGit(o.command)
	diff, err := repo.SetConfig("diff", driver, []git.Option{{Key: "textconv", Value: program + " secret textconv"}})
	if err != nil {
		return err
	}
	merge, err := repo.SetConfig("merge", driver, []git.Option{
		{Key: "name", Value: "SOPS files, key by key"},
		{Key: "driver", Value: program + " secret merge-driver %O %A %B %P"},
	})
	if err != nil {
		return err
	}
	changed = changed || diff || merge
	if env.Global.JSON() {
		return env.writeJSON("", installed{".gitattributes", o.patterns, changed})
	}
	return env.write("", fmt.Appendf(nil, "drivers for %s: installed in this clone; commit .gitattributes\n", strings.Join(o.patterns, ", ")))
}

// quoteForGit writes a program for the shell that Git runs drivers with.
func quoteForGit(program string) string {
	if !strings.ContainsAny(program, " '\"\\$`;&|<>()*?#~") {
		return program
	}
	return "'" + strings.ReplaceAll(program, "'", `'\''`) + "'"
}

// encryptedPatterns are patterns for the encrypted files of the working tree:
// their names, where all files of that name are encrypted, else their paths.
func encryptedPatterns(repo *git.Repo) ([]string, error) {
	names, err := (revisions{repo: repo, before: emptyFS{}, working: true}).names([]string{"."})
	if err != nil {
		return nil, err
	}
	files, _, err := repo.Working()
	if err != nil {
		return nil, err
	}
	encrypted, plain := map[string][]string{}, map[string]bool{}
	for _, name := range names {
		data, err := content(files, name)
		if err != nil {
			return nil, err
		}
		if data != nil && secret.Encrypted(name, data) {
			encrypted[path.Base(name)] = append(encrypted[path.Base(name)], name)
		} else {
			plain[path.Base(name)] = true
		}
	}
	var patterns []string
	for base, list := range encrypted {
		if !plain[base] {
			patterns = append(patterns, base)
			continue
		}
		for _, name := range list {
			patterns = append(patterns, "/"+name)
		}
	}
	slices.Sort(patterns)
	return patterns, nil
}

// emptyFS has no files.
type emptyFS struct{}

func (emptyFS) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

// addAttributes adds the lines that .gitattributes lacks.
func addAttributes(file string, patterns []string) (bool, error) {
	if real, err := behindLinks(file); err == nil {
		if err := staysInside(file, real); err != nil {
			return false, err
		}
	}
	old, err := readGiven(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, fault.New(fault.Invalid, "read %s: %w", file, reason(err))
	}
	next := bytes.Clone(old)
	if len(next) > 0 && next[len(next)-1] != '\n' {
		next = append(next, '\n')
	}
	for _, p := range patterns {
		if strings.ContainsAny(p, " \t\"") {
			p = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(p) + `"`
		}
		line := p + " diff=" + driver + " merge=" + driver + "\n"
		if !bytes.Contains(append([]byte("\n"), next...), []byte("\n"+line)) {
			next = append(next, line...)
		}
	}
	if bytes.Equal(old, next) {
		return false, nil
	}
	return true, rewrite(file, next)
}

// newSecretTextconvCommand is what git diff runs on each side of a file.
func newSecretTextconvCommand(env *Env) *cobra.Command {
	return &cobra.Command{
		Use: "textconv FILE", Short: "Print an encrypted file for git diff", Hidden: true,
		Long:    "Prints the keys of a file, and for each value something that changes with it.\n\nCredentials: none.",
		Example: "  tug secret textconv secrets.yaml",
		Args:    oneFile,
		RunE: func(_ *cobra.Command, args []string) error {
			data, err := readSecretFile(args[0])
			if err != nil {
				return err
			}
			text, err := secret.Outline(args[0], data)
			if err != nil { // a damaged file is shown as it is: nothing of it is plain
				text = data
			}
			return env.write("", text)
		},
	}
}

// newSecretMergeCommand is what git merge runs.
func newSecretMergeCommand(env *Env) *cobra.Command {
	return &cobra.Command{
		Use: "merge-driver BASE OURS THEIRS [PATH]", Short: "Merge an encrypted file for git merge", Hidden: true,
		Long:    "Merges three versions of a file into OURS, key by key.\n\nCredentials: a private key of all three.",
		Example: "  tug secret merge-driver base.yaml ours.yaml theirs.yaml k8s/secrets.yaml",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 3 || len(args) == 4 {
				return nil
			}
			return fault.New(fault.Usage, "%s takes BASE OURS THEIRS [PATH], got %d arguments", cmd.CommandPath(), len(args)).
				Hint("Git runs it: tug secret install-drivers")
		},
		RunE: func(cmd *cobra.Command, args []string) error { return runSecretMerge(cmd.Context(), env, args) },
	}
}

func runSecretMerge(ctx context.Context, env *Env, args []string) error {
	name := args[1]
	if len(args) == 4 {
		name = args[3]
	}
	var versions [3][]byte
	encrypted := 0
	for i, file := range args[:3] {
		data, err := os.ReadFile(file)
		if err != nil {
			return fault.New(fault.NotFound, "merge %s: %w", name, err)
		}
		versions[i] = data
		if secret.Encrypted(name, data) {
			encrypted++
		}
	}
	base, ours, theirs := versions[0], versions[1], versions[2]
	if encrypted == 0 {
		return mergePlain(args[1], name, base, ours, theirs)
	}
	if !secret.Encrypted(name, ours) || !secret.Encrypted(name, theirs) {
		return fault.New(fault.Conflict, "%s: one side has it in plain text; it was not merged", name).
			Hint("see both: git show :2:%s, git show :3:%s; keep the encrypted one", name, name)
	}
	keys := env.keys(keyFlags{})
	keys.Ask = nil // Git runs this, for many files
	merged, err := secret.Merge(ctx, name, base, ours, theirs, keys)
	if err != nil {
		return fault.New(fault.KindOf(err), "merge: %w", err).
			Hint("take one side: git checkout --ours %s (or --theirs), then git add %s", name, name)
	}
	if err := rewrite(args[1], merged.Data); err != nil {
		return err
	}
	if len(merged.Conflicts) == 0 {
		return nil
	}
	e := fault.New(fault.Conflict, "%s: both sides changed %s; our value stands there for now, encrypted", name, strings.Join(merged.Conflicts, ", "))
	for _, c := range merged.Conflicts {
		if c != "recipients" && c != "rules" {
			e.Hint("take theirs: tug secret set %s '%s' --from-rev MERGE_HEAD", name, c)
		}
	}
	return e.Hint("then: git add %s", name)
}

// mergePlain merges files that are not encrypted as Git would.
func mergePlain(file, name string, base, ours, theirs []byte) error {
	split := func(data []byte) []string { return strings.SplitAfter(string(data), "\n") }
	o, a, b := split(base), split(ours), split(theirs)
	var out strings.Builder
	clashes := 0
	for _, c := range textmerge.Chunks(o, a, b) {
		switch c.Kind {
		case textmerge.Conflict:
			clashes++
			out.WriteString("<<<<<<< ours\n" + strings.Join(a[c.Our.From:c.Our.To], "") + "=======\n" +
				strings.Join(b[c.Them.From:c.Them.To], "") + ">>>>>>> theirs\n")
		case textmerge.Theirs:
			out.WriteString(strings.Join(b[c.Them.From:c.Them.To], ""))
		default:
			out.WriteString(strings.Join(a[c.Our.From:c.Our.To], ""))
		}
	}
	if err := rewrite(file, []byte(out.String())); err != nil {
		return err
	}
	if clashes > 0 {
		return fault.New(fault.Conflict, "%s: not encrypted, merged as text: %d conflicts", name, clashes)
	}
	return nil
}
