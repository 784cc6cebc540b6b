package git

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/tugops/tug/internal/fault"
)

// folderFS is a folder on disk. It adds to os.Root: .git is invisible, devices
// and pipes are refused (reading one may never end), files have a size limit
// and Git LFS pointers are errors.
type folderFS struct {
	fs    fs.FS    // of an os.Root
	name  string   // of the folder; "" where it says nothing
	plain sync.Map // names of folders that are known to be no symbolic links
}

var (
	_ fs.ReadDirFS  = (*folderFS)(nil)
	_ fs.ReadFileFS = (*folderFS)(nil)
	_ fs.StatFS     = (*folderFS)(nil)
	_ fs.ReadLinkFS = (*folderFS)(nil)
)

// openFolder opens a folder. It is closed when the last reference to it goes.
func openFolder(dir string) (*folderFS, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fault.New(fault.Invalid, "open folder: %w", err)
	}
	return &folderFS{fs: root.FS()}, nil
}

// FolderName is the name of the folder, for what has no other name; "" for a
// working tree, which is called differently in every clone.
func (f *folderFS) FolderName() string { return f.name }

// Open implements fs.FS. A file is in memory once it is open.
func (f *folderFS) Open(name string) (fs.File, error) {
	real, info, err := f.real("open", name, true)
	if err != nil {
		return nil, err
	}
	i := fileInfo{name: path.Base(name), size: info.Size(), mode: info.Mode(), time: info.ModTime()}
	if info.IsDir() {
		entries, err := f.ReadDir(name)
		if err != nil {
			return nil, reop("open", err)
		}
		return &openDir{info: i, entries: entries}, nil
	}
	data, err := f.content(name, real, info)
	if err != nil {
		return nil, reop("open", err)
	}
	i.size = int64(len(data))
	return newOpenFile(i, data), nil
}

// ReadFile implements fs.ReadFileFS.
func (f *folderFS) ReadFile(name string) ([]byte, error) {
	real, info, err := f.real("open", name, true)
	if err != nil {
		return nil, err
	}
	return f.content(name, real, info)
}

// content is what a file holds; real and info are what f.real said about name.
func (f *folderFS) content(name, real string, info fs.FileInfo) ([]byte, error) {
	if err := readable(info); err != nil {
		return nil, &fs.PathError{Op: "read", Path: name, Err: err}
	}
	data, err := f.read(real, info.Size())
	if err != nil {
		return nil, &fs.PathError{Op: "read", Path: name, Err: cause(err)}
	}
	return data, nil
}

// read reads a file that had size bytes when it was looked at.
func (f *folderFS) read(real string, size int64) ([]byte, error) {
	file, err := f.fs.Open(real)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var buf bytes.Buffer
	buf.Grow(int(size) + bytes.MinRead) // room to see the end without growing
	if _, err := buf.ReadFrom(io.LimitReader(file, maxFile+1)); err != nil {
		return nil, err
	}
	data := buf.Bytes()
	if len(data) > maxFile { // it grew since
		return nil, tooLarge(int64(len(data)))
	}
	if _, ok := lfsPointer(data); ok {
		return nil, lfsError().Hint("get the content: git lfs pull")
	}
	return data, nil
}

func readable(info fs.FileInfo) error {
	switch {
	case info.IsDir():
		return errIsFolder
	case !info.Mode().IsRegular():
		return fault.New(fault.Invalid, "neither a file nor a folder (%s)", info.Mode().Type()).
			Hint("devices, pipes and sockets are never read")
	case info.Size() > maxFile:
		return tooLarge(info.Size())
	}
	return nil
}

func tooLarge(size int64) error {
	return fault.New(fault.Invalid, "%d MiB, more than the %d MiB that tug reads", size>>20, maxFile>>20)
}

// ReadDir implements fs.ReadDirFS.
func (f *folderFS) ReadDir(name string) ([]fs.DirEntry, error) {
	real, _, err := f.real("readdir", name, true)
	if err != nil {
		return nil, err
	}
	entries, err := fs.ReadDir(f.fs, real)
	return slices.DeleteFunc(entries, func(e fs.DirEntry) bool { return isDotGit(e.Name()) }), err
}

// Stat implements fs.StatFS.
func (f *folderFS) Stat(name string) (fs.FileInfo, error) { return f.stat("stat", name, true) }

// Lstat implements fs.ReadLinkFS.
func (f *folderFS) Lstat(name string) (fs.FileInfo, error) { return f.stat("lstat", name, false) }

func (f *folderFS) stat(op, name string, follow bool) (fs.FileInfo, error) {
	_, info, err := f.real(op, name, follow)
	if err != nil {
		return nil, err
	}
	return fileInfo{name: path.Base(name), size: info.Size(), mode: info.Mode(), time: info.ModTime()}, nil
}

// ReadLink implements fs.ReadLinkFS.
func (f *folderFS) ReadLink(name string) (string, error) {
	real, _, err := f.real("readlink", name, false)
	if err != nil {
		return "", err
	}
	return fs.ReadLink(f.fs, real)
}

// real is a name without symbolic links in it (but for the last part, unless
// follow is set), and what stands there. os.Root keeps links inside the folder;
// following them here also keeps them out of .git, whose configuration may hold
// a token that a chart could put into a ConfigMap.
func (f *folderFS) real(op, name string, follow bool) (string, fs.FileInfo, error) {
	if !fs.ValidPath(name) {
		return "", nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	w := folderWalk{folderFS: f, at: ".", rest: strings.Split(name, "/"), follow: follow}
	for len(w.rest) > 0 {
		if err := w.step(); err != nil {
			return "", nil, &fs.PathError{Op: op, Path: name, Err: err}
		}
	}
	if w.info == nil {
		info, err := fs.Lstat(f.fs, w.at)
		return w.at, info, err
	}
	return w.at, w.info, nil
}

// folderWalk is a position in a folder and the names still to go.
type folderWalk struct {
	*folderFS
	at     string
	info   fs.FileInfo // of at; nil when it was not looked at
	rest   []string
	follow bool
	links  int
}

func (w *folderWalk) step() error {
	part := w.rest[0]
	w.rest = w.rest[1:]
	switch {
	case part == "." || part == "":
		return nil
	case part == ".." && w.at == ".":
		return escapeError()
	case part == "..":
		w.at, w.info = path.Dir(w.at), nil
		return nil
	case isDotGit(part):
		return fs.ErrNotExist
	}
	next := path.Join(w.at, part)
	if _, ok := w.plain.Load(next); ok && len(w.rest) > 0 {
		w.at, w.info = next, nil
		return nil
	}
	info, err := fs.Lstat(w.fs, next)
	if errors.Is(err, syscall.ENOTDIR) {
		return fs.ErrNotExist // below a file, as in a tree
	}
	if err != nil {
		return cause(err)
	}
	if info.Mode().Type() == fs.ModeSymlink && (w.follow || len(w.rest) > 0) {
		return w.link(next)
	}
	if info.IsDir() {
		w.plain.Store(next, true)
	}
	w.at, w.info = next, info
	return nil
}

func (w *folderWalk) link(name string) error {
	if w.links++; w.links > maxLinks {
		return linksError()
	}
	target, err := fs.ReadLink(w.fs, name)
	if err != nil {
		return cause(err)
	}
	if filepath.IsAbs(target) || target == "" {
		return escapeError()
	}
	w.rest = slices.Concat(strings.Split(filepath.ToSlash(target), "/"), w.rest)
	return nil
}

func isDotGit(name string) bool { return strings.EqualFold(name, ".git") }

// cause is an error without the operation and name that it was found with.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// reop names the operation that the caller asked for.
func reop(op string, err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return &fs.PathError{Op: op, Path: p.Path, Err: p.Err}
	}
	return err
}
