package render

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/tugops/tug/internal/fault"
)

// Limits on what is read from a repository for one app. They stop runaway
// input (link loops, archives of archives) and are far beyond real charts.
const (
	MaxBytes   = 256 << 20
	MaxEntries = 100_000
	maxDepth   = 48
)

// File is a file that was read, with its path relative to the folder that was
// asked for.
type File struct {
	Name string
	Data []byte
}

// Tree reads folders of a repository within the limits above. Symbolic links are followed as far as
// the file system does, which keeps them inside (Request.Files).
type Tree struct {
	Files fs.FS
	// Skip leaves out a file, or a folder with all that is below it. name is
	// relative to the folder that is read.
	Skip func(name string, folder bool) bool

	bytes   atomic.Int64
	entries int
}

// Read gives the files below folder, sorted by path within each folder. Most
// of the time goes into opening files, so that is done in parallel.
func (t *Tree) Read(ctx context.Context, folder string) ([]File, error) {
	var files []File
	if err := t.walk(ctx, folder, "", 0, &files); err != nil {
		return nil, err
	}
	err := Parallel(ctx, len(files), func(i int) (err error) {
		files[i].Data, err = t.ReadFile(path.Join(folder, files[i].Name))
		return err
	})
	return files, err
}

// Parallel calls f for 0 to n-1 on all processors and gives the error of the
// lowest number, so that the same input always fails in the same way.
func Parallel(ctx context.Context, n int, f func(i int) error) error {
	errs := make([]error, n)
	var next atomic.Int64
	var group sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		group.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= n || ctx.Err() != nil {
					return
				}
				errs[i] = caught(f, i)
			}
		})
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

// caught calls f(i). A panic becomes an error that its caller can show as it
// shows others, secrets masked; the runtime would print it as it is.
func caught(f func(i int) error, i int) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fault.New(fault.Internal, "panic: %v\n%s", p, debug.Stack())
		}
	}()
	return f(i)
}

func (t *Tree) walk(ctx context.Context, root, rel string, depth int, files *[]File) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	folder := path.Join(root, rel)
	if depth > maxDepth {
		return fault.New(fault.Invalid, "%s: folders are nested more than %d deep", folder, maxDepth).
			Hint("a symbolic link may lead back to its own folder")
	}
	entries, err := fs.ReadDir(t.Files, folder)
	if err != nil {
		return readFault(folder, err)
	}
	for _, e := range entries {
		if t.entries++; t.entries > MaxEntries {
			return fault.New(fault.Invalid, "%s: more than %d files", root, MaxEntries)
		}
		if err := t.entry(ctx, root, path.Join(rel, e.Name()), e.Type(), depth, files); err != nil {
			return err
		}
	}
	return nil
}

func (t *Tree) entry(ctx context.Context, root, rel string, kind fs.FileMode, depth int, files *[]File) error {
	name := path.Join(root, rel)
	if kind == fs.ModeSymlink {
		info, err := fs.Stat(t.Files, name)
		if err != nil {
			return readFault(name, err)
		}
		kind = info.Mode().Type()
	}
	if t.Skip != nil && t.Skip(rel, kind.IsDir()) {
		return nil
	}
	if kind.IsDir() {
		return t.walk(ctx, root, rel, depth+1, files)
	}
	if !kind.IsRegular() {
		return fault.New(fault.Invalid, "%s is neither a file nor a folder", name)
	}
	*files = append(*files, File{Name: rel})
	return nil
}

// ReadFile reads one file and counts it against the limit of t.
func (t *Tree) ReadFile(name string) ([]byte, error) {
	f, err := t.Files.Open(name)
	if err != nil {
		return nil, readFault(name, err)
	}
	defer f.Close()
	left := MaxBytes - t.bytes.Load()
	data, err := io.ReadAll(io.LimitReader(f, max(left, 0)+1))
	if err != nil {
		return nil, readFault(name, err)
	}
	if err := t.Count(name, int64(len(data))); err != nil {
		return nil, err
	}
	return data, nil
}

// Count adds n bytes (of an unpacked archive, say) to what was read.
func (t *Tree) Count(name string, n int64) error {
	if t.bytes.Add(n) > MaxBytes {
		return fault.New(fault.Invalid, "%s: more than %d MiB to read", name, MaxBytes>>20)
	}
	return nil
}

// CleanPath checks that p names something inside a repository and gives its
// shortest form.
func CleanPath(p string) (string, error) {
	clean := path.Clean(strings.TrimPrefix(p, "./"))
	if p == "" {
		clean = "."
	}
	if !fs.ValidPath(clean) {
		return "", fault.New(fault.Invalid, "path %q leads out of the repository", p).
			Hint("paths are relative to the root of the repository")
	}
	return clean, nil
}

// readFault says what stands in the way of reading name.
func readFault(name string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fault.New(fault.NotFound, "%s does not exist", name)
	}
	if f, ok := errors.AsType[*fault.Error](err); ok {
		if strings.Contains(f.Error(), name) {
			return f // of a file system that says all there is to say
		}
		return fault.New(f.Kind, "%s: %w", name, f)
	}
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		err = pe.Err
	}
	if strings.Contains(err.Error(), "escapes") || strings.Contains(err.Error(), "too many levels") {
		return fault.New(fault.Invalid, "%s: %w", name, err).
			Hint("a symbolic link must stay inside the repository and must not lead back to its own folder")
	}
	return fmt.Errorf("read %s: %w", name, err)
}
