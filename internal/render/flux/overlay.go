package flux

import (
	"bytes"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
)

// overlay is a file system with some files put over it, or with nothing below
// them when under is nil. The files are few: lists of folders look at all.
type overlay struct {
	under fs.FS
	files map[string]content
}

// content is what a file of an overlay holds: data, or the file of another
// file system.
type content struct {
	data []byte
	fsys fs.FS
	name string
}

func (c content) stat(as string) (fs.FileInfo, error) {
	if c.fsys == nil {
		return fileInfo{path.Base(as), int64(len(c.data)), 0o444}, nil
	}
	info, err := fs.Stat(c.fsys, c.name)
	if err != nil {
		return nil, err
	}
	return fileInfo{path.Base(as), info.Size(), info.Mode()}, nil
}

var (
	_ fs.ReadDirFS  = overlay{}
	_ fs.StatFS     = overlay{}
	_ fs.ReadLinkFS = overlay{}
)

// over puts one file over files.
func over(files fs.FS, name string, data []byte) fs.FS {
	return overlay{under: files, files: map[string]content{path.Clean(name): {data: data}}}
}

// isFolder reports whether a file of the overlay lies below name.
func (o overlay) isFolder(name string) bool {
	for file := range o.files {
		if name == "." || strings.HasPrefix(file, name+"/") {
			return true
		}
	}
	return false
}

// Open implements fs.FS.
func (o overlay) Open(name string) (fs.File, error) {
	if c, ok := o.files[name]; ok {
		if c.fsys != nil {
			return c.fsys.Open(c.name)
		}
		return &openFile{Reader: bytes.NewReader(c.data), info: fileInfo{path.Base(name), int64(len(c.data)), 0o444}}, nil
	}
	if o.isFolder(name) {
		entries, err := o.ReadDir(name)
		if err != nil {
			return nil, err
		}
		return &openFolder{info: folderInfo(name), entries: entries}, nil
	}
	if o.under == nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return o.under.Open(name)
}

// Stat implements fs.StatFS.
func (o overlay) Stat(name string) (fs.FileInfo, error) {
	if c, ok := o.files[name]; ok {
		return c.stat(name)
	}
	if o.under != nil {
		if info, err := fs.Stat(o.under, name); err == nil {
			return info, nil
		}
	}
	if o.isFolder(name) {
		return folderInfo(name), nil
	}
	if o.under == nil {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrNotExist}
	}
	return fs.Stat(o.under, name)
}

// ReadDir implements fs.ReadDirFS.
func (o overlay) ReadDir(name string) ([]fs.DirEntry, error) {
	var entries []fs.DirEntry
	var err error
	if o.under != nil {
		entries, err = fs.ReadDir(o.under, name)
	}
	own := map[string]fs.DirEntry{}
	for file, c := range o.files {
		rel, below := file, name == "."
		if !below {
			rel, below = strings.CutPrefix(file, name+"/")
		}
		if !below {
			continue
		}
		first, _, deep := strings.Cut(rel, "/")
		if deep {
			own[first] = fs.FileInfoToDirEntry(folderInfo(first))
			continue
		}
		info, err := c.stat(first)
		if err != nil {
			return nil, err
		}
		own[first] = fs.FileInfoToDirEntry(info)
	}
	if len(own) == 0 {
		return entries, err
	}
	entries = slices.DeleteFunc(entries, func(e fs.DirEntry) bool {
		mine, ok := own[e.Name()]
		if ok && mine.IsDir() {
			delete(own, e.Name()) // what is below shows when it is listed
			return false
		}
		return ok
	})
	for _, e := range own {
		entries = append(entries, e)
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, nil
}

// Lstat implements fs.ReadLinkFS.
func (o overlay) Lstat(name string) (fs.FileInfo, error) {
	if _, ok := o.files[name]; !ok && o.under != nil {
		if info, err := fs.Lstat(o.under, name); err == nil {
			return info, nil
		}
	}
	return o.Stat(name)
}

// ReadLink implements fs.ReadLinkFS.
func (o overlay) ReadLink(name string) (string, error) {
	if _, ok := o.files[name]; ok || o.under == nil {
		return "", &fs.PathError{Op: "readlink", Path: name, Err: fs.ErrInvalid}
	}
	return fs.ReadLink(o.under, name)
}

type fileInfo struct {
	name string
	size int64
	mode fs.FileMode
}

func folderInfo(name string) fileInfo { return fileInfo{path.Base(name), 0, fs.ModeDir | 0o555} }

func (i fileInfo) Name() string       { return i.name }
func (i fileInfo) Size() int64        { return i.size }
func (i fileInfo) Mode() fs.FileMode  { return i.mode }
func (i fileInfo) ModTime() time.Time { return time.Time{} }
func (i fileInfo) IsDir() bool        { return i.mode.IsDir() }
func (i fileInfo) Sys() any           { return nil }

// openFile is a file of the overlay that is being read.
type openFile struct {
	*bytes.Reader
	info fileInfo
}

func (f *openFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *openFile) Close() error               { return nil }

// openFolder is a folder that is being listed.
type openFolder struct {
	info    fileInfo
	entries []fs.DirEntry
}

func (f *openFolder) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *openFolder) Close() error               { return nil }

func (f *openFolder) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: f.info.name, Err: fs.ErrInvalid}
}

// ReadDir implements fs.ReadDirFile.
func (f *openFolder) ReadDir(n int) ([]fs.DirEntry, error) {
	if n > 0 && len(f.entries) == 0 {
		return nil, io.EOF
	}
	if n <= 0 || n > len(f.entries) {
		n = len(f.entries)
	}
	list := f.entries[:n]
	f.entries = f.entries[n:]
	return list, nil
}
