package imagelock

import (
	"errors"
	"io/fs"
	"path"
	"slices"

	"github.com/tugops/tug/internal/fault"
)

// Limits on what is read: lock files are small, and a folder of them is one
// file per app and environment.
const (
	maxFileSize = 16 << 20 // bytes
	maxFiles    = 10_000
	maxDepth    = 16 // folders in folders
)

// Load reads lock files. Paths are slash-separated names in files: a file, or
// a folder whose *.yml, *.yaml and *.json files (folders below included) are
// read in sorted order.
//
// Documents without apiVersion and kind are skipped: kbld's configuration may
// hold bare image references. Other documents that are no lock are skipped
// with a warning, but a file that was named and holds nothing else is an
// error.
func Load(files fs.FS, paths []string) (Set, error) {
	l := loader{files: files}
	for _, p := range paths {
		if err := l.path(path.Clean(p)); err != nil {
			return Set{}, err
		}
	}
	sets := make([]Set, 0, len(l.found))
	for _, f := range l.found {
		s, err := l.read(f)
		if err != nil {
			return Set{}, err
		}
		sets = append(sets, s)
	}
	set, err := Join(sets...)
	set.Warnings = append(l.warnings, set.Warnings...)
	return set, err
}

type loader struct {
	files    fs.FS
	found    []file
	warnings []string
}

type file struct {
	name  string
	named bool // given as a path, not met in a folder
}

func (l *loader) path(name string) error {
	if !fs.ValidPath(name) {
		return fault.New(fault.Invalid, "image lock %q: not a path inside the repository", name).
			Hint("lock paths are relative to the root of the repository, with forward slashes and without ..")
	}
	info, err := fs.Stat(l.files, name)
	if errors.Is(err, fs.ErrNotExist) {
		return fault.New(fault.NotFound, "image lock %q: no such file or folder", name).
			Hint("lock paths are relative to the root of the repository")
	}
	if err != nil {
		return fault.New(fault.Invalid, "image lock %q: %w", name, err)
	}
	if info.IsDir() {
		return l.folder(name, maxDepth)
	}
	return l.add(file{name: name, named: true})
}

func (l *loader) folder(name string, depth int) error {
	if depth == 0 {
		return fault.New(fault.Invalid, "image locks in %q: more than %d folders in folders", name, maxDepth)
	}
	entries, err := fs.ReadDir(l.files, name)
	if err != nil {
		return fault.New(fault.Invalid, "image locks in %q: %w", name, err)
	}
	for _, e := range entries {
		child := path.Join(name, e.Name())
		switch {
		case e.IsDir():
			err = l.folder(child, depth-1)
		case slices.Contains([]string{".yml", ".yaml", ".json"}, path.Ext(e.Name())):
			err = l.add(file{name: child})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (l *loader) add(f file) error {
	at := slices.IndexFunc(l.found, func(o file) bool { return o.name == f.name })
	if at >= 0 {
		l.found[at].named = l.found[at].named || f.named
		return nil
	}
	if len(l.found) == maxFiles {
		return fault.New(fault.Invalid, "image lock %q: more than %d lock files", f.name, maxFiles)
	}
	l.found = append(l.found, f)
	return nil
}

func (l *loader) read(f file) (Set, error) {
	info, err := fs.Stat(l.files, f.name)
	if err != nil {
		return Set{}, fault.New(fault.Invalid, "image lock %q: %w", f.name, err)
	}
	if info.IsDir() {
		return Set{}, fault.New(fault.Invalid, "image lock %q: a folder with the name of a lock file", f.name)
	}
	if info.Size() > maxFileSize {
		return Set{}, fault.New(fault.Invalid, "image lock %q: %d bytes, more than %d MiB", f.name, info.Size(), maxFileSize>>20)
	}
	data, err := fs.ReadFile(l.files, f.name)
	if err != nil {
		return Set{}, fault.New(fault.Invalid, "image lock %q: %w", f.name, err)
	}
	set, known, err := parseLock(f.name, data)
	if err == nil && f.named && !known {
		err = fault.New(fault.Invalid, "%s: not an image lock", f.name).
			Hint("a lock is an ImageLock of %s, a Config of %s or an ImagesLock of %s", tugVersion, kbldVersion, imgpkgVersion)
	}
	return set, err
}
