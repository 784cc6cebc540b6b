package git

import (
	"io/fs"
	"path"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
)

// treeFS is the tree of a commit as a file system. Names are slash-separated;
// there is nothing above its root.
type treeFS struct {
	store *store
	root  plumbing.Hash
	time  time.Time // of the commit, for every file
	lfs   string    // folder of Git LFS objects
}

var (
	_ fs.ReadDirFS  = (*treeFS)(nil)
	_ fs.ReadFileFS = (*treeFS)(nil)
	_ fs.StatFS     = (*treeFS)(nil)
	_ fs.ReadLinkFS = (*treeFS)(nil)
)

// Open implements fs.FS. A file is in memory once it is open.
func (t *treeFS) Open(name string) (fs.File, error) {
	n, err := t.find("open", name, true)
	if err != nil {
		return nil, err
	}
	if n.mode == filemode.Dir {
		entries, err := t.list(n)
		if err != nil {
			return nil, &fs.PathError{Op: "open", Path: name, Err: err}
		}
		return &openDir{info: t.info(path.Base(name), n, 0), entries: entries}, nil
	}
	data, err := t.content(n)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return newOpenFile(t.info(path.Base(name), n, int64(len(data))), data), nil
}

// ReadFile implements fs.ReadFileFS.
func (t *treeFS) ReadFile(name string) ([]byte, error) {
	n, err := t.find("open", name, true)
	if err != nil {
		return nil, err
	}
	if n.mode == filemode.Dir {
		return nil, &fs.PathError{Op: "read", Path: name, Err: errIsFolder}
	}
	data, err := t.content(n)
	if err != nil {
		return nil, &fs.PathError{Op: "read", Path: name, Err: err}
	}
	return data, nil
}

// ReadDir implements fs.ReadDirFS.
func (t *treeFS) ReadDir(name string) ([]fs.DirEntry, error) {
	n, err := t.find("readdir", name, true)
	if err != nil {
		return nil, err
	}
	if n.mode != filemode.Dir {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: errNoFolder}
	}
	entries, err := t.list(n)
	if err != nil {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: err}
	}
	return entries, nil
}

// Stat implements fs.StatFS.
func (t *treeFS) Stat(name string) (fs.FileInfo, error) { return t.stat("stat", name, true) }

// Lstat implements fs.ReadLinkFS.
func (t *treeFS) Lstat(name string) (fs.FileInfo, error) { return t.stat("lstat", name, false) }

func (t *treeFS) stat(op, name string, follow bool) (fs.FileInfo, error) {
	n, err := t.find(op, name, follow)
	if err != nil {
		return nil, err
	}
	return t.sized(path.Base(name), n), nil
}

// ReadLink implements fs.ReadLinkFS.
func (t *treeFS) ReadLink(name string) (string, error) {
	n, err := t.find("readlink", name, false)
	if err != nil {
		return "", err
	}
	if n.mode != filemode.Symlink {
		return "", &fs.PathError{Op: "readlink", Path: name, Err: fs.ErrInvalid}
	}
	target, _, err := t.store.read(n.hash, maxLink)
	if err != nil {
		return "", &fs.PathError{Op: "readlink", Path: name, Err: err}
	}
	return string(target), nil
}

// content is that of a blob, or of the Git LFS object that it points to.
func (t *treeFS) content(n treeEntry) ([]byte, error) {
	if n.mode == filemode.Submodule {
		return nil, submoduleError(n)
	}
	data, kind, err := t.store.read(n.hash, maxFile)
	if err != nil {
		return nil, err
	}
	if kind != plumbing.BlobObject {
		return nil, fs.ErrInvalid
	}
	if oid, ok := lfsPointer(data); ok {
		return readLFS(t.lfs, oid)
	}
	return data, nil
}

func (t *treeFS) list(n treeEntry) ([]fs.DirEntry, error) {
	dir, err := t.store.tree(n.hash)
	if err != nil {
		return nil, err
	}
	entries := make([]fs.DirEntry, len(dir.entries))
	for i, e := range dir.entries {
		entries[i] = dirEntry{fs: t, entry: e}
	}
	return entries, nil
}

func (t *treeFS) info(name string, n treeEntry, size int64) fileInfo {
	return fileInfo{name: name, size: size, mode: modeOf(n.mode), time: t.time}
}

// sized is info with the size of a file's content, which for a Git LFS object
// is the one of the object. It is looked up when somebody asks: most only want
// to know whether a name is there. A size that cannot be had is 0; opening the
// file says why.
func (t *treeFS) sized(name string, n treeEntry) fs.FileInfo {
	info := t.info(name, n, 0)
	if n.mode != filemode.Dir && n.mode != filemode.Submodule {
		return lazyInfo{info, func() int64 { return t.size(n) }}
	}
	return info
}

func (t *treeFS) size(n treeEntry) int64 {
	size, err := t.store.size(n.hash)
	if err != nil {
		return 0
	}
	if size <= maxPointer && n.mode != filemode.Symlink {
		if data, err := t.content(n); err == nil {
			size = int64(len(data))
		}
	}
	return size
}

// lazyInfo is a fileInfo that looks its size up.
type lazyInfo struct {
	fileInfo
	size func() int64
}

func (i lazyInfo) Size() int64    { return i.size() }
func (i lazyInfo) String() string { return fs.FormatFileInfo(i) }

func modeOf(m filemode.FileMode) fs.FileMode {
	switch m {
	case filemode.Dir:
		return fs.ModeDir | 0o755
	case filemode.Executable:
		return 0o755
	case filemode.Symlink:
		return fs.ModeSymlink | 0o777
	case filemode.Submodule:
		return fs.ModeIrregular
	}
	return 0o644
}

type dirEntry struct {
	fs    *treeFS
	entry treeEntry
}

func (d dirEntry) Name() string               { return d.entry.name }
func (d dirEntry) IsDir() bool                { return d.entry.mode == filemode.Dir }
func (d dirEntry) Type() fs.FileMode          { return modeOf(d.entry.mode).Type() }
func (d dirEntry) Info() (fs.FileInfo, error) { return d.fs.sized(d.entry.name, d.entry), nil }
func (d dirEntry) String() string             { return fs.FormatDirEntry(d) }
