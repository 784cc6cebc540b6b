package source

import (
	"bytes"
	"io"
	"io/fs"
	"time"
)

// packed is a file system of one file, a packed chart.
type packed struct {
	name string
	data []byte
}

var _ fs.ReadFileFS = packed{}

// Open implements fs.FS.
func (p packed) Open(name string) (fs.File, error) {
	switch {
	case !fs.ValidPath(name):
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	case name == p.name:
		return &packedFile{Reader: bytes.NewReader(p.data), fs: p}, nil
	case name == ".":
		return &packedFolder{fs: p}, nil
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

// ReadFile implements fs.ReadFileFS.
func (p packed) ReadFile(name string) ([]byte, error) {
	if name != p.name {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return bytes.Clone(p.data), nil
}

type packedFile struct {
	*bytes.Reader
	fs packed
}

// Stat implements fs.File.
func (f *packedFile) Stat() (fs.FileInfo, error) { return f.fs.info(), nil }

// Close implements fs.File.
func (f *packedFile) Close() error { return nil }

type packedFolder struct {
	fs   packed
	done bool
}

// Stat implements fs.File.
func (f *packedFolder) Stat() (fs.FileInfo, error) {
	return packedInfo{name: ".", mode: fs.ModeDir | 0o555}, nil
}

// Read implements fs.File.
func (f *packedFolder) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: ".", Err: fs.ErrInvalid}
}

// Close implements fs.File.
func (f *packedFolder) Close() error { return nil }

// ReadDir implements fs.ReadDirFile.
func (f *packedFolder) ReadDir(n int) ([]fs.DirEntry, error) {
	if f.done {
		if n > 0 {
			return nil, io.EOF
		}
		return nil, nil
	}
	f.done = true
	return []fs.DirEntry{fs.FileInfoToDirEntry(f.fs.info())}, nil
}

func (p packed) info() packedInfo {
	return packedInfo{name: p.name, size: int64(len(p.data)), mode: 0o444}
}

type packedInfo struct {
	name string
	size int64
	mode fs.FileMode
}

func (i packedInfo) Name() string       { return i.name }
func (i packedInfo) Size() int64        { return i.size }
func (i packedInfo) Mode() fs.FileMode  { return i.mode }
func (i packedInfo) ModTime() time.Time { return time.Time{} }
func (i packedInfo) IsDir() bool        { return i.mode.IsDir() }
func (i packedInfo) Sys() any           { return nil }
