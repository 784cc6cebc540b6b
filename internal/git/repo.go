// Package git reads repositories: the working tree, and the tree of any
// revision as a file system, without a checkout and without running git.
//
// Reading never writes, starts no process and opens no connection, so that a
// hook, an alias, a filter or a revision that looks like an option can do
// nothing. Remotes is the exception: it fetches commits over https and ssh into
// a cache of its own, and an Upstream of it builds commits in memory and pushes
// them, with no process either.
//
// What the library below cannot read (SHA-256 and reftable repositories) is
// recognised and said; what is not there (shallow and partial clones, Git LFS)
// is an error that names the command to get it.
//
// A Repo and the file systems it gives may be used by several goroutines.
package git

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tugops/tug/internal/fault"
)

// ErrNoRepository is in the chain of the error that Open gives for a folder
// that belongs to no repository. Folder reads such a folder.
var ErrNoRepository = errors.New("not in a Git repository")

// Repo is a repository on disk.
type Repo struct {
	root   string // of the working tree; empty when bare
	prefix string
	dirs   gitDirs
	config config
	store  *store
}

// Open finds the repository of a folder or file: the nearest one upward, be it
// with a .git folder, with a .git file (linked working trees, submodules) or
// bare.
func Open(path string) (*Repo, error) {
	real, err := realPath(path)
	if err != nil {
		return nil, err
	}
	found, err := discover(real)
	if err != nil {
		return nil, err
	}
	r := &Repo{root: found.root, prefix: ".", dirs: found.dirs}
	if r.root != "" {
		rel, err := filepath.Rel(r.root, real)
		if err != nil {
			return nil, fault.New(fault.Internal, "path of %s in the repository: %w", path, err)
		}
		r.prefix = filepath.ToSlash(rel)
	}
	if r.config, err = readConfig(r.dirs.common); err != nil {
		return nil, err
	}
	if err := r.config.check(r.dirs); err != nil {
		return nil, err
	}
	r.store, err = openStore(r.dirs, r.config)
	return r, err
}

// realPath is absolute and without symbolic links, as Git itself looks at the
// current directory.
func realPath(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err == nil {
		abs, err = filepath.EvalSymlinks(abs)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return "", fault.New(fault.NotFound, "%s: no such file or folder", path).
			Hint("give a chart, a kustomization, a folder or file of YAML, or a folder with tug.yaml")
	}
	if err != nil {
		return "", fault.New(fault.Invalid, "open %s: %w", path, err)
	}
	return abs, nil
}

// Root is the folder of the working tree; empty for a bare repository.
func (r *Repo) Root() string { return r.root }

// Prefix is the path given to Open inside the repository, slash-separated; "."
// for the root and for bare repositories.
func (r *Repo) Prefix() string { return r.prefix }

// Bare tells that there is no working tree: only At can be used.
func (r *Repo) Bare() bool { return r.root == "" }

// Working is the working tree as it is on disk, with uncommitted changes, and
// the commit of HEAD, which is zero when there is none yet. Symbolic links
// that leave the working tree are errors; .git is not visible.
func (r *Repo) Working() (fs.FS, Commit, error) {
	if r.Bare() {
		return nil, Commit{}, fault.New(fault.Invalid, "%s is a bare repository: it has no working tree", r.dirs.git).
			Hint("name a revision: --rev main")
	}
	files, err := openFolder(r.root)
	if err != nil {
		return nil, Commit{}, err
	}
	head, err := r.head()
	return files, head, err
}

// Folder is a folder without Git, read with the same care: nothing outside of
// it can be reached through it.
func Folder(path string) (fs.FS, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.New(fault.NotFound, "%s: no such folder", path)
	}
	if err != nil {
		return nil, fault.New(fault.Invalid, "open %s: %w", path, err)
	}
	if !info.IsDir() {
		return nil, fault.New(fault.Invalid, "%s is not a folder", path)
	}
	files, err := openFolder(path)
	if err != nil {
		return nil, err
	}
	if abs, absErr := filepath.Abs(path); absErr == nil {
		files.name = filepath.Base(abs)
	}
	return files, nil
}
