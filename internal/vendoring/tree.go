// Package vendoring keeps packages of others in the repository: it fetches
// them, records where they come from and what they were, updates them three
// ways, and proves that they are what the record says.
//
// A package is a folder with a record, tug.vendor.lock; one from Git also has
// a Kptfile, so that kpt understands it and tug understands kpt's packages.
// Nothing is written unless everything can be: a get makes the folder as a
// whole, an update replaces files only after the merge of all of them.
package vendoring

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/tugops/tug/internal/fault"
)

// File is one file of a tree.
type File struct {
	Data []byte
	Exec bool
}

func (f File) equal(g File) bool { return f.Exec == g.Exec && bytes.Equal(f.Data, g.Data) }

// sum is the hash of a file, with a mark for programs.
func (f File) sum() string {
	h := sha256.Sum256(f.Data)
	text := "sha256:" + hex.EncodeToString(h[:])
	if f.Exec {
		text += "+x"
	}
	return text
}

// Tree are files by their slash-separated paths. Folders exist only for their
// files, symbolic links not at all.
type Tree map[string]File

// Paths are the paths in order.
func (t Tree) Paths() []string {
	list := make([]string, 0, len(t))
	for p := range t {
		list = append(list, p)
	}
	slices.Sort(list)
	return list
}

// Hash is that of the whole tree: of the sorted paths with their modes and the
// SHA-256 of their contents.
func (t Tree) Hash() string {
	h := sha256.New()
	for _, p := range t.Paths() {
		h.Write([]byte(p + "\x00" + t[p].sum() + "\n"))
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

// Below is the part of a tree in one folder.
func (t Tree) Below(dir string) Tree {
	if dir == "." || dir == "" {
		return t
	}
	part := Tree{}
	for p, f := range t {
		if rest, ok := strings.CutPrefix(p, dir+"/"); ok {
			part[rest] = f
		}
	}
	return part
}

// Limits bound what is taken in from elsewhere.
type Limits struct {
	Files, Depth int
	// File and Total are sizes in bytes; Ratio is how many times larger than
	// its archive a tree may be.
	File, Total, Ratio int64
}

// DefaultLimits are far above any sensible package.
func DefaultLimits() Limits {
	return Limits{Files: 20_000, Depth: 32, File: 64 << 20, Total: 256 << 20, Ratio: 200}
}

// collector puts files into a tree within limits.
type collector struct {
	tree   Tree
	limits Limits
	total  int64
}

func newCollector(l Limits) *collector { return &collector{tree: Tree{}, limits: l} }

// add reads one file.
func (c *collector) add(name string, exec bool, r io.Reader) error {
	if err := c.check(name); err != nil {
		return err
	}
	if len(c.tree) >= c.limits.Files {
		return fault.New(fault.Invalid, "the package has more than %d files", c.limits.Files).Hint("name a folder of it")
	}
	data, err := io.ReadAll(io.LimitReader(r, min(c.limits.File, c.limits.Total-c.total)+1))
	if err != nil {
		return fault.New(fault.Invalid, "read %s of the package: %w", name, err)
	}
	if c.total += int64(len(data)); int64(len(data)) > c.limits.File || c.total > c.limits.Total {
		return fault.New(fault.Invalid, "the package is too large: %s is over the limit (%d MiB for a file, %d MiB for all)", name, c.limits.File>>20, c.limits.Total>>20).
			Hint("name a folder of it")
	}
	if _, twice := c.tree[name]; twice {
		return fault.New(fault.Invalid, "the package has %s twice", name)
	}
	c.tree[name] = File{Data: data, Exec: exec}
	return nil
}

// check refuses names that lead out of the package, or into a Git repository.
func (c *collector) check(name string) error {
	if !fs.ValidPath(name) || name == "." || strings.ContainsAny(name, "\x00\\:") && (strings.Contains(name, "\\") || strings.ContainsRune(name, 0) || isDrive(name)) {
		return fault.New(fault.Denied, "the package has a file with the path %q, which may lead out of it", name)
	}
	parts := strings.Split(name, "/")
	if len(parts) > c.limits.Depth {
		return fault.New(fault.Invalid, "the package has a path of more than %d folders: %s…", c.limits.Depth, path.Join(parts[:4]...))
	}
	for _, p := range parts {
		if strings.EqualFold(strings.TrimRight(p, ". "), ".git") || strings.EqualFold(p, "git~1") {
			return fault.New(fault.Denied, "the package has a file in %s, which Git takes for its own", name)
		}
	}
	return nil
}

func isDrive(name string) bool { return len(name) > 1 && name[1] == ':' }

// ReadTree reads the files below a folder of a file system. Symbolic links and
// devices are refused; Git's own folder is passed over.
func ReadTree(files fs.FS, dir string, limits Limits) (Tree, error) {
	c := newCollector(limits)
	err := fs.WalkDir(files, dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return fault.New(fault.NotFound, "read %s of the package: %w", name, err)
		}
		if d.Name() == ".git" && name != dir {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil // a worktree's or submodule's
		}
		if d.IsDir() {
			return nil
		}
		rel := strings.TrimPrefix(strings.TrimPrefix(name, dir), "/")
		if dir == "." {
			rel = name
		}
		if name == dir {
			return fault.New(fault.Invalid, "%s is a file, a package is a folder", name)
		}
		return c.file(files, name, rel, d)
	})
	if err != nil {
		return nil, err
	}
	return c.tree, nil
}

func (c *collector) file(files fs.FS, name, rel string, d fs.DirEntry) error {
	if !d.Type().IsRegular() {
		what := "a special file"
		if d.Type()&fs.ModeSymlink != 0 {
			what = "a symbolic link"
		}
		return fault.New(fault.Denied, "%s of the package is %s", name, what).
			Hint("packages are plain files: put the content where the link is, or name a folder without it")
	}
	info, err := d.Info()
	if err != nil {
		return fault.New(fault.Invalid, "read %s of the package: %w", name, err)
	}
	f, err := files.Open(name)
	if err != nil {
		return fault.New(fault.Invalid, "read %s of the package: %w", name, err)
	}
	defer f.Close()
	return c.add(rel, info.Mode()&0o111 != 0, f)
}
