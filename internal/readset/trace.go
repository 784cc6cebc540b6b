// Package readset notes everything that is read through a file system, and
// tells later whether the same reads would give the same again. It is what
// makes a cache of renders safe: not the files that are thought to matter
// decide, but those that were read, folders that were listed and names that
// were looked for in vain.
//
// Content is known by two hashes: SHA-256, and the name Git gives to a blob,
// so that a commit can be compared without reading any file.
package readset

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"path"
	"sync"
)

// Trace is a file system that notes what is read through it. It is safe for
// concurrent use. File times are passed on but not noted: nothing may depend
// on them.
type Trace struct {
	files fs.FS

	mu      sync.Mutex
	reads   map[key]Read
	skipped error
}

var (
	_ fs.ReadDirFS  = (*Trace)(nil)
	_ fs.ReadFileFS = (*Trace)(nil)
	_ fs.StatFS     = (*Trace)(nil)
	_ fs.ReadLinkFS = (*Trace)(nil)
)

// New traces reads of files.
func New(files fs.FS) *Trace {
	return &Trace{files: files, reads: map[key]Read{}}
}

// Open implements fs.FS. A file is read as a whole when it is opened.
func (t *Trace) Open(name string) (fs.File, error) {
	info, err := t.Stat(name)
	if err != nil {
		return nil, reop("open", err)
	}
	if info.IsDir() {
		entries, err := t.ReadDir(name)
		if err != nil {
			return nil, reop("open", err)
		}
		return &folder{info: info, entries: entries}, nil
	}
	data, err := t.ReadFile(name)
	if err != nil {
		return nil, reop("open", err)
	}
	return &file{info: sized{info, int64(len(data))}, Reader: bytes.NewReader(data)}, nil
}

// ReadFile implements fs.ReadFileFS.
func (t *Trace) ReadFile(name string) ([]byte, error) {
	data, err := fs.ReadFile(t.files, name)
	if err != nil {
		t.failed(Content, name, err)
		return nil, err
	}
	t.note(Read{Op: Content, Name: name, SHA256: sum(data), Blob: blobOf(t.files, name, data)})
	return data, nil
}

// ReadDir implements fs.ReadDirFS.
func (t *Trace) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(t.files, name)
	if err != nil {
		t.failed(List, name, err)
		return nil, err
	}
	t.note(Read{Op: List, Name: name, SHA256: listing(entries)})
	return entries, nil
}

// Stat implements fs.StatFS.
func (t *Trace) Stat(name string) (fs.FileInfo, error) {
	info, err := fs.Stat(t.files, name)
	if err != nil {
		t.failed(Kind, name, err)
		return nil, err
	}
	t.note(Read{Op: Kind, Name: name, SHA256: info.Mode().Type().String()})
	return info, nil
}

// Lstat implements fs.ReadLinkFS.
func (t *Trace) Lstat(name string) (fs.FileInfo, error) {
	info, err := fs.Lstat(t.files, name)
	if err != nil {
		t.failed(OwnKind, name, err)
		return nil, err
	}
	t.note(Read{Op: OwnKind, Name: name, SHA256: info.Mode().Type().String()})
	return info, nil
}

// ReadLink implements fs.ReadLinkFS.
func (t *Trace) ReadLink(name string) (string, error) {
	target, err := fs.ReadLink(t.files, name)
	if err != nil {
		t.failed(Link, name, err)
		return "", err
	}
	t.note(Read{Op: Link, Name: name, SHA256: sum([]byte(target))})
	return target, nil
}

// FolderName is that of the traced file system, which names apps that have no
// other name.
func (t *Trace) FolderName() string { return folderName(t.files) }

func folderName(files fs.FS) string {
	if named, ok := files.(interface{ FolderName() string }); ok {
		return named.FolderName()
	}
	return ""
}

// Set is what was read so far, in order of names. The error is the first read
// that failed for another reason than that nothing is there: what follows from
// such a read must not be kept.
func (t *Trace) Set() (Set, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.skipped != nil {
		return nil, t.skipped
	}
	return sorted(t.reads), nil
}

func (t *Trace) note(r Read) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.reads[key{r.Op, r.Name}] = r
}

func (t *Trace) failed(op Op, name string, err error) {
	if errors.Is(err, fs.ErrNotExist) {
		t.note(Read{Op: op, Name: name, SHA256: absent})
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.skipped == nil {
		t.skipped = err
	}
}

func reop(op string, err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return &fs.PathError{Op: op, Path: pe.Path, Err: pe.Err}
	}
	return err
}

// file is an open file, in memory.
type file struct {
	info fs.FileInfo
	*bytes.Reader
}

func (f *file) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *file) Close() error               { return nil }

// sized is a FileInfo with the size of what was read.
type sized struct {
	fs.FileInfo
	size int64
}

func (s sized) Size() int64 { return s.size }

// folder is an open folder.
type folder struct {
	info    fs.FileInfo
	entries []fs.DirEntry
	next    int
}

func (f *folder) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *folder) Close() error               { return nil }

func (f *folder) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: path.Base(f.info.Name()), Err: errors.New("is a folder")}
}

func (f *folder) ReadDir(n int) ([]fs.DirEntry, error) {
	left := f.entries[f.next:]
	if n <= 0 {
		f.next = len(f.entries)
		return left, nil
	}
	if len(left) == 0 {
		return nil, io.EOF
	}
	part := left[:min(n, len(left))]
	f.next += len(part)
	return part, nil
}
