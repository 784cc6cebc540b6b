package git

import (
	"errors"
	"io/fs"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/filemode"

	"github.com/tugops/tug/internal/fault"
)

const (
	// maxLinks is how many symbolic links one name may lead through, maxLink
	// the longest target in bytes.
	maxLinks = 40
	maxLink  = 4096
)

var (
	errIsFolder = errors.New("is a folder")
	errNoFolder = errors.New("not a folder")
)

// find walks a name through the tree. Symbolic links on the way are followed
// inside the tree; the last one only with follow.
func (t *treeFS) find(op, name string, follow bool) (treeEntry, error) {
	if !fs.ValidPath(name) {
		return treeEntry{}, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	w := walk{fs: t, rest: strings.Split(name, "/"), follow: follow}
	w.at = []treeEntry{{name: ".", mode: filemode.Dir, hash: t.root}}
	for len(w.rest) > 0 {
		if err := w.step(); err != nil {
			return treeEntry{}, &fs.PathError{Op: op, Path: name, Err: err}
		}
	}
	return w.at[len(w.at)-1], nil
}

// walk is a position in a tree: the folders from the root down to the entry,
// and the names still to go.
type walk struct {
	fs     *treeFS
	at     []treeEntry
	rest   []string
	follow bool
	links  int
}

func (w *walk) step() error {
	name := w.rest[0]
	w.rest = w.rest[1:]
	here := w.at[len(w.at)-1]
	switch {
	case name == "." || name == "":
		return nil
	case name == "..":
		if len(w.at) == 1 {
			return escapeError()
		}
		w.at = w.at[:len(w.at)-1]
		return nil
	case here.mode == filemode.Submodule:
		return submoduleError(here)
	case here.mode != filemode.Dir:
		return fs.ErrNotExist
	}
	dir, err := w.fs.store.tree(here.hash)
	if err != nil {
		return err
	}
	next, ok := dir.entry(name)
	if !ok {
		return fs.ErrNotExist
	}
	if next.mode == filemode.Symlink && (w.follow || len(w.rest) > 0) {
		return w.link(next)
	}
	w.at = append(w.at, next)
	return nil
}

func (w *walk) link(e treeEntry) error {
	if w.links++; w.links > maxLinks {
		return linksError()
	}
	data, _, err := w.fs.store.read(e.hash, maxLink)
	if err != nil {
		return err
	}
	target := string(data)
	if target == "" || strings.HasPrefix(target, "/") || strings.ContainsAny(target, "\x00\\") {
		return escapeError()
	}
	w.rest = slices.Concat(strings.Split(target, "/"), w.rest)
	return nil
}

func escapeError() error {
	return fault.New(fault.Invalid, "symbolic link leaves the repository").
		Hint("use a relative link to something inside the repository, or a copy")
}

func linksError() error {
	return fault.New(fault.Invalid, "more than %d symbolic links", maxLinks).Hint("do links point at each other?")
}

func submoduleError(e treeEntry) error {
	return fault.New(fault.Invalid, "%s is a submodule at commit %s: its files are in another repository", e.name, e.hash).
		Hint("copy the files into this repository, or render the working tree after git submodule update --init")
}
