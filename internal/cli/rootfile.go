package cli

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tugops/tug/internal/fault"
)

// writeInRoot writes a file below a folder that nothing may leave: folders on
// the way are made, and the file is renamed into its place. A new file gets
// the mode that others of a repository have; an old one keeps its own.
func writeInRoot(dir, name string, data []byte) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fault.New(fault.Invalid, "write %s: %w", name, reason(err))
	}
	defer root.Close()
	name = filepath.FromSlash(name)
	if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return cannotWrite(name, err)
	}
	mode := fs.FileMode(0o644)
	if info, err := root.Stat(name); err == nil {
		mode = info.Mode().Perm()
	} else if !errors.Is(err, fs.ErrNotExist) {
		return cannotWrite(name, err)
	}
	tmp := filepath.Join(filepath.Dir(name), ".tug-"+rand.Text()[:8])
	out, err := root.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return cannotWrite(name, err)
	}
	_, err = out.Write(data)
	if closeErr := out.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = root.Rename(tmp, name)
	}
	if err != nil {
		_ = root.Remove(tmp)
		return cannotWrite(name, err)
	}
	return nil
}

func cannotWrite(name string, err error) error {
	return fault.New(fault.Invalid, "write %s: %w", filepath.ToSlash(name), reason(err)).
		Hint("the folder of the lock file must be inside the repository, and writable")
}
