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
)

// secretDiffOptions are those of tug secret diff.
type secretDiffOptions struct {
	args     []string
	with     string
	noKey    bool
	exitCode bool
	keys     keyFlags
}

func newSecretDiffCommand(env *Env) *cobra.Command {
	var o secretDiffOptions
	cmd := &cobra.Command{
		Use: "diff [REV1 [REV2]] [FILE...]", Short: "Show which keys of encrypted files changed, never their values",
		Long: `Compares the encrypted files of two revisions (without REV2: of the working tree;
without REV1: of HEAD) key by key: which were added, removed and changed, who can
read a file now, and what was encrypted and is in the clear now.

It needs no key: another ciphertext is a change. With a private key at hand it
tells values that were only encrypted again, and shows a short hash of each
value, with a key that is new in every report: equal hashes are equal values.

Credentials: none; a private key of the files, to tell more.`,
		Example: `  tug secret diff
  tug secret diff main k8s/prod/secrets.yaml
  tug secret diff v1.2.0 v1.3.0 --no-key --output json
  tug secret diff secrets.yaml --with other.yaml`,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.args = args
			return runSecretDiff(cmd.Context(), env, o)
		},
	}
	o.keys.flags(cmd)
	f := cmd.Flags()
	f.StringVar(&o.with, "with", "", "compare one FILE with `OTHER` instead of revisions")
	f.BoolVar(&o.noKey, "no-key", false, "compare ciphertext only, whatever keys are at hand")
	f.BoolVar(&o.exitCode, "exit-code", false, "exit with 3 when there are changes")
	_ = cmd.MarkFlagFilename("with")
	return cmd
}

// fileChanges are the changes of one file, in JSON.
type fileChanges struct {
	File    string          `json:"file"`
	Changes []secret.Change `json:"changes"`
}

func runSecretDiff(ctx context.Context, env *Env, o secretDiffOptions) error {
	var keys *secret.Keys
	if !o.noKey {
		k := env.keys(o.keys)
		k.Ask = nil // a comparison is not worth a question
		keys = &k
	}
	c := secret.NewComparison(keys)
	var all []fileChanges
	each := func(name string, before, after []byte) error {
		changes, err := c.Compare(ctx, name, before, after)
		if err == nil && len(changes) > 0 {
			all = append(all, fileChanges{name, changes})
		}
		return err
	}
	var err error
	if o.with != "" {
		err = compareFiles(o, each)
	} else {
		err = compareRevisions(o, each)
	}
	if err != nil {
		return err
	}
	if err := env.showChanges(all); err != nil {
		return err
	}
	if o.exitCode && len(all) > 0 {
		return fault.New(fault.Pending, "encrypted files differ: %d", len(all))
	}
	return nil
}

func compareFiles(o secretDiffOptions, each func(string, []byte, []byte) error) error {
	if len(o.args) != 1 {
		return fault.New(fault.Usage, "--with goes with one FILE, got %d arguments", len(o.args))
	}
	before, err := readSecretFile(o.args[0])
	if err != nil {
		return err
	}
	after, err := readSecretFile(o.with)
	if err != nil {
		return err
	}
	for file, data := range map[string][]byte{o.args[0]: before, o.with: after} {
		if !secret.Encrypted(file, data) {
			return fault.New(fault.Invalid, "%s is not a SOPS file", file).Hint("encrypt it: tug secret encrypt %s", file)
		}
	}
	return each(o.args[0], before, after)
}

// revisions are two trees to compare.
type revisions struct {
	repo          *git.Repo
	before, after fs.FS
	working       bool // after is the working tree
	head          bool // before is HEAD
}

func compareRevisions(o secretDiffOptions, each func(string, []byte, []byte) error) error {
	repo, err := git.Open(".")
	if err != nil {
		return err
	}
	revs, paths := splitArgs(o.args)
	if len(revs) > 2 {
		return fault.New(fault.Usage, "%q is neither a file nor a third revision to compare", revs[2]).Hint("try: tug secret diff main HEAD")
	}
	r := revisions{repo: repo, working: len(revs) < 2}
	first := "HEAD"
	if len(revs) > 0 {
		first = revs[0]
	}
	r.head = first == "HEAD"
	if r.before, r.after, err = twoTrees(repo, first, revs); err != nil {
		return err
	}
	below := make([]string, len(paths))
	for i, p := range paths {
		below[i] = path.Join(repo.Prefix(), filepath.ToSlash(p))
	}
	if len(below) == 0 {
		below = []string{repo.Prefix()}
	}
	names, err := r.names(below)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := r.compare(name, each); err != nil {
			return err
		}
	}
	return nil
}

// twoTrees are the trees to compare. Before the first commit there is nothing
// to compare with, and everything is new.
func twoTrees(repo *git.Repo, first string, revs []string) (before, after fs.FS, err error) {
	if len(revs) < 2 {
		var head git.Commit
		if after, head, err = repo.Working(); err != nil {
			return nil, nil, err
		}
		if head.Hash == "" && len(revs) == 0 {
			return emptyFS{}, after, nil
		}
	} else if after, _, err = repo.At(revs[1]); err != nil {
		return nil, nil, err
	}
	before, _, err = repo.At(first)
	return before, after, err
}

// splitArgs tells revisions from files: a file is what is there.
func splitArgs(args []string) (revs, files []string) {
	for _, a := range args {
		if _, err := os.Lstat(a); err == nil || len(files) > 0 {
			files = append(files, a)
		} else {
			revs = append(revs, a)
		}
	}
	return revs, files
}

// names are the files that may differ, below the paths.
func (r revisions) names(below []string) ([]string, error) {
	if r.working && r.head {
		return r.repo.Changed(below...)
	}
	names := map[string]bool{}
	add := func(files fs.FS) error {
		for _, p := range below {
			err := fs.WalkDir(files, p, func(name string, d fs.DirEntry, err error) error {
				if errors.Is(err, fs.ErrNotExist) {
					return nil
				}
				if err == nil && d.Type().IsRegular() {
					names[name] = true
				}
				return err
			})
			if err != nil {
				return fmt.Errorf("list files: %w", err)
			}
		}
		return nil
	}
	if err := add(r.before); err != nil {
		return nil, err
	}
	if !r.working {
		err := add(r.after)
		return sortedKeys(names), err
	}
	// Of the working tree only what Git would commit, which is what HEAD has
	// and what changed since.
	changed, err := r.repo.Changed(below...)
	for _, name := range changed {
		names[name] = true
	}
	if head, _, headErr := r.repo.At("HEAD"); headErr == nil && err == nil {
		err = add(head)
	}
	return sortedKeys(names), err
}

func sortedKeys(m map[string]bool) []string {
	var list []string
	for name := range m {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

// compare looks at one file, if it is or was encrypted.
func (r revisions) compare(name string, each func(string, []byte, []byte) error) error {
	a, aOK := blobName(r.before, name)
	b, bOK := blobName(r.after, name)
	if aOK && bOK && a == b {
		return nil
	}
	before, err := content(r.before, name)
	if err != nil {
		return err
	}
	after, err := content(r.after, name)
	if err != nil || bytes.Equal(before, after) || (!secret.Encrypted(name, before) && !secret.Encrypted(name, after)) {
		return err
	}
	return each(name, before, after)
}

func blobName(files fs.FS, name string) (string, bool) {
	if named, ok := files.(interface{ BlobName(string) (string, bool) }); ok {
		return named.BlobName(name)
	}
	return "", false
}

// content is nil for a file that is not there, or is none.
func content(files fs.FS, name string) ([]byte, error) {
	info, err := fs.Lstat(files, name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return fs.ReadFile(files, name)
}

// showChanges gives the result: files, and their keys with a sign each.
func (e *Env) showChanges(all []fileChanges) error {
	if e.Global.JSON() {
		return e.writeJSON("", append([]fileChanges{}, all...))
	}
	st := e.style(e.OutTTY)
	var b strings.Builder
	for _, f := range all {
		b.WriteString(st.head(f.File) + "\n")
		for _, c := range f.Changes {
			writeSecretChange(&b, st, c)
		}
	}
	return e.write("", []byte(b.String()))
}

func writeSecretChange(b *strings.Builder, st style, c secret.Change) {
	sign, note := "~", c.Kind
	switch c.Kind {
	case secret.Added:
		sign = st.good("+")
	case secret.Removed:
		sign = st.bad("-")
	case secret.Exposed:
		sign, note = st.bad("!"), st.bad("in the clear now")
	case secret.Hidden:
		note = "encrypted now"
	case secret.Reencrypted:
		note = "encrypted again, same value"
	}
	fmt.Fprintf(b, "  %s %s: %s", sign, c.Path, note)
	if c.Clear && c.Path != "recipients" && c.Path != "rules" {
		b.WriteString(" (not encrypted)")
	}
	if values := strings.TrimSpace(c.Old + " " + c.New); c.Old != "" && c.New != "" && c.Old != c.New {
		fmt.Fprintf(b, "  %s", st.dim(c.Old+" -> "+c.New))
	} else if c.Old != c.New {
		fmt.Fprintf(b, "  %s", st.dim(values))
	}
	b.WriteByte('\n')
}
