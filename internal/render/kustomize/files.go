package kustomize

import (
	"bytes"
	"errors"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
)

// maxLinks bounds symbolic links on one path.
const maxLinks = 40

// view shows the mounts of a build to the library, for reading only.
type view struct {
	*build
	// staged says that functions run over the result, and then the library
	// again: see stage.go.
	staged bool
}

var _ filesys.FileSystem = view{}

var (
	errReadOnly = errors.New("the repository is not written to")
	errOutside  = errors.New("leads out of the repository")
)

// inside maps a path of the library to a place, symbolic links resolved.
func (b *build) inside(name string) (place, error) {
	p, err := b.find(name)
	if err != nil {
		return place{}, err
	}
	p.path, err = resolve(p.mount.fsys, p.path)
	return p, err
}

// resolve follows the symbolic links of a path, since the library takes ".."
// relative to the real folder.
func resolve(fsys fs.FS, name string) (string, error) {
	links, ok := fsys.(fs.ReadLinkFS)
	if !ok || name == "." {
		return name, nil
	}
	done, todo := ".", strings.Split(name, "/")
	for n := 0; len(todo) > 0; {
		next := path.Join(done, todo[0])
		todo = todo[1:]
		if !fs.ValidPath(next) {
			return "", &fs.PathError{Op: "open", Path: name, Err: errOutside}
		}
		info, err := links.Lstat(next)
		if err != nil {
			return "", err
		}
		if info.Mode().Type() != fs.ModeSymlink {
			done = next
			continue
		}
		if n++; n > maxLinks {
			return "", &fs.PathError{Op: "open", Path: name, Err: errors.New("too many symbolic links")}
		}
		target, err := links.ReadLink(next)
		if err != nil {
			return "", err
		}
		if path.IsAbs(target) {
			return "", &fs.PathError{Op: "open", Path: name, Err: errOutside}
		}
		todo = append(strings.Split(path.Clean(target), "/"), todo...)
	}
	return done, nil
}

// ReadFile reads a file: what a build put in its place, or the file itself
// after a look at it.
func (v view) ReadFile(name string) ([]byte, error) {
	if err := v.ctx.Err(); err != nil {
		return nil, err
	}
	p, err := v.find(name)
	if err != nil {
		return nil, err
	}
	if made, ok := p.mount.made[p.path]; ok {
		return made.encode(v.staged)
	}
	if p, err = v.inside(name); err != nil {
		return nil, err
	}
	data, ok := p.mount.over[p.path]
	if !ok {
		if data, err = v.load(p); err != nil {
			if v.refused == nil && !errors.Is(err, fs.ErrNotExist) {
				v.refused = err
			}
			return nil, err
		}
	}
	switch {
	case isKustomizationName(p.path) && v.staged:
		return markGenerators(data)
	case v.resources[fileKey{p.mount.tree, p.path}] && !v.others[fileKey{p.mount.tree, p.path}]:
		return annotate(p.String(), data, v.staged), nil
	}
	return data, nil
}

// load reads a file of a tree and looks at it before the library does.
func (b *build) load(p place) ([]byte, error) {
	info, err := fs.Stat(p.mount.fsys, p.path)
	if err != nil || info.IsDir() {
		return nil, &fs.PathError{Op: "open", Path: p.path, Err: fs.ErrNotExist}
	}
	if !info.Mode().IsRegular() {
		return nil, fault.New(fault.Invalid, "%s is neither a file nor a folder", p)
	}
	key := fileKey{p.mount.tree, p.path}
	if data, ok := b.loaded[key]; ok {
		return data, nil
	}
	b.tree.Files = p.mount.fsys
	data, err := b.tree.ReadFile(p.path)
	if err != nil {
		return nil, err
	}
	if isYAML(p.path) {
		b.read = append(b.read, p)
		if err := checkAliases(p, data); err != nil {
			return nil, err
		}
		if err := checkPlugins(p.String(), data); err != nil {
			return nil, err
		}
	}
	b.loaded[key] = data
	return data, nil
}

// fileKey is a file of a tree, whichever mount shows it.
type fileKey struct {
	tree int
	path string
}

func isYAML(name string) bool {
	return strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml") || strings.HasSuffix(name, ".json")
}

// checkAliases refuses YAML that expands without measure: the library expands
// aliases before it counts them.
func checkAliases(p place, data []byte) error {
	if !bytes.Contains(data, []byte("*")) || !bytes.Contains(data, []byte("&")) {
		return nil
	}
	_, err := object.ReadDocuments(p.String(), data)
	if err != nil && strings.Contains(err.Error(), "alias") {
		return err
	}
	return nil
}

func isKustomizationName(name string) bool {
	return slices.Contains(konfig.RecognizedKustomizationFileNames(), path.Base(name))
}

// CleanedAbs gives folder and file name of a path, links resolved.
func (v view) CleanedAbs(name string) (filesys.ConfirmedDir, string, error) {
	p, err := v.inside(name)
	if err != nil {
		return "", "", err
	}
	info, err := fs.Stat(p.mount.fsys, p.path)
	if err != nil {
		return "", "", err
	}
	if info.IsDir() {
		return filesys.ConfirmedDir(p.abs()), "", nil
	}
	return filesys.ConfirmedDir(path.Dir(p.abs())), path.Base(p.path), nil
}

// IsDir reports whether name is a folder.
func (v view) IsDir(name string) bool {
	p, err := v.inside(name)
	if err != nil {
		return false
	}
	info, err := fs.Stat(p.mount.fsys, p.path)
	return err == nil && info.IsDir()
}

// Exists reports whether name is there.
func (v view) Exists(name string) bool {
	p, err := v.inside(name)
	if err != nil {
		return false
	}
	_, err = fs.Stat(p.mount.fsys, p.path)
	return err == nil
}

// ReadDir lists the names in a folder.
func (v view) ReadDir(name string) ([]string, error) {
	p, err := v.inside(name)
	if err != nil {
		return nil, err
	}
	entries, err := fs.ReadDir(p.mount.fsys, p.path)
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, nil
}

// Glob finds the paths that match a pattern.
func (v view) Glob(pattern string) ([]string, error) {
	p, err := v.find(pattern)
	if err != nil {
		return nil, nil //nolint:nilerr // nothing outside matches
	}
	found, err := fs.Glob(p.mount.fsys, p.path)
	for i := range found {
		found[i] = path.Join(p.mount.prefix, found[i])
	}
	return found, err
}

// Walk visits everything below a folder.
func (v view) Walk(name string, visit filepath.WalkFunc) error {
	p, err := v.inside(name)
	if err != nil {
		return err
	}
	return fs.WalkDir(p.mount.fsys, p.path, func(below string, e fs.DirEntry, err error) error {
		if err != nil {
			return visit(path.Join(p.mount.prefix, below), nil, err)
		}
		info, err := e.Info()
		return visit(path.Join(p.mount.prefix, below), info, err)
	})
}

// Open opens a file for reading.
func (v view) Open(name string) (filesys.File, error) {
	p, err := v.inside(name)
	if err != nil {
		return nil, err
	}
	file, err := p.mount.fsys.Open(p.path)
	if err != nil {
		return nil, err
	}
	return readOnly{file}, nil
}

// readOnly is an open file that refuses to be written.
type readOnly struct{ fs.File }

// Write implements filesys.File.
func (readOnly) Write([]byte) (int, error) { return 0, errReadOnly }

// Create refuses.
func (view) Create(string) (filesys.File, error) { return nil, errReadOnly }

// Mkdir refuses.
func (view) Mkdir(string) error { return errReadOnly }

// MkdirAll refuses.
func (view) MkdirAll(string) error { return errReadOnly }

// RemoveAll refuses.
func (view) RemoveAll(string) error { return errReadOnly }

// WriteFile refuses.
func (view) WriteFile(string, []byte) error { return errReadOnly }
