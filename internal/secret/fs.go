package secret

import (
	"bytes"
	"crypto/sha256"
	"io"
	"io/fs"
	"path"
	"sync"
)

// decryptingFS is the file system of Decrypting.
type decryptingFS struct {
	files   fs.FS
	options Options
	ring    *ring

	mu   sync.Mutex
	done map[contentKey]*decrypted
	// names are the files that were decrypted.
	names map[string]bool
}

// contentKey is a content and the format that its name gives it.
type contentKey struct {
	sum    [sha256.Size]byte
	format Format
}

// decrypted is the outcome for one content.
type decrypted struct {
	once  sync.Once
	plain Plaintext
	is    bool // it was encrypted
	err   error
}

var (
	_ fs.ReadDirFS  = (*decryptingFS)(nil)
	_ fs.ReadFileFS = (*decryptingFS)(nil)
	_ fs.StatFS     = (*decryptingFS)(nil)
	_ fs.ReadLinkFS = (*decryptingFS)(nil)
)

// Open implements fs.FS.
func (d *decryptingFS) Open(name string) (fs.File, error) {
	file, err := d.files.Open(name)
	if err != nil || d.options.Mode == Ciphertext {
		return file, err
	}
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return file, err
	}
	defer file.Close()
	data, err := io.ReadAll(file)
	if err == nil {
		data, err = d.content(name, data)
	}
	if err != nil {
		return nil, err
	}
	return &memoryFile{Reader: bytes.NewReader(data), info: sizedInfo{info, int64(len(data))}}, nil
}

// ReadFile implements fs.ReadFileFS.
func (d *decryptingFS) ReadFile(name string) ([]byte, error) {
	data, err := fs.ReadFile(d.files, name)
	if err != nil || d.options.Mode == Ciphertext {
		return data, err
	}
	return d.content(name, data)
}

// content is data, decrypted if it is encrypted.
func (d *decryptingFS) content(name string, data []byte) ([]byte, error) {
	if !suspicious(data) {
		return data, nil
	}
	plain, is, err := d.decrypt(name, data)
	switch {
	case err != nil:
		return nil, err
	case !is:
		return data, nil
	}
	d.mu.Lock()
	d.names[name] = true
	d.mu.Unlock()
	if d.options.Seen != nil {
		d.options.Seen.File(name)
	}
	return bytes.Clone(plain.Data), nil
}

func (d *decryptingFS) decrypt(name string, data []byte) (Plaintext, bool, error) {
	key := contentKey{sha256.Sum256(data), FormatOf(name, data)}
	d.mu.Lock()
	entry := d.done[key]
	if entry == nil {
		entry = &decrypted{}
		d.done[key] = entry
	}
	d.mu.Unlock()
	entry.once.Do(func() {
		var f *file
		if f, entry.err = parse(name, data); f == nil || entry.err != nil {
			return
		}
		entry.is = true
		entry.plain, entry.err = f.decrypt(d.options.Context, d.ring, d.options.Environment)
		if entry.err == nil && d.options.Seen != nil {
			for _, v := range entry.plain.Values {
				d.options.Seen.Value(v)
			}
		}
	})
	return entry.plain, entry.is, entry.err
}

// WasEncrypted reports whether a file was read and decrypted.
func (d *decryptingFS) WasEncrypted(name string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.names[name]
}

// ReadDir implements fs.ReadDirFS.
func (d *decryptingFS) ReadDir(name string) ([]fs.DirEntry, error) { return fs.ReadDir(d.files, name) }

// Stat implements fs.StatFS.
func (d *decryptingFS) Stat(name string) (fs.FileInfo, error) { return fs.Stat(d.files, name) }

// Lstat implements fs.ReadLinkFS.
func (d *decryptingFS) Lstat(name string) (fs.FileInfo, error) { return fs.Lstat(d.files, name) }

// ReadLink implements fs.ReadLinkFS.
func (d *decryptingFS) ReadLink(name string) (string, error) { return fs.ReadLink(d.files, name) }

// FolderName is that of the wrapped file system (see package git), or "".
func (d *decryptingFS) FolderName() string {
	if named, ok := d.files.(interface{ FolderName() string }); ok {
		return named.FolderName()
	}
	return ""
}

// memoryFile is an open file whose content is in memory.
type memoryFile struct {
	*bytes.Reader
	info fs.FileInfo
}

var _ interface {
	fs.File
	io.ReaderAt
	io.Seeker
} = (*memoryFile)(nil)

func (f *memoryFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *memoryFile) Close() error               { return nil }

// sizedInfo is information about a file with another size.
type sizedInfo struct {
	fs.FileInfo
	size int64
}

func (i sizedInfo) Size() int64  { return i.size }
func (i sizedInfo) Name() string { return path.Base(i.FileInfo.Name()) }
