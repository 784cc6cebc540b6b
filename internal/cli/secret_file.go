package cli

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/git"
)

// readSecretFile reads a file that a person named.
func readSecretFile(file string) ([]byte, error) {
	info, err := os.Stat(file)
	if err == nil && !info.Mode().IsRegular() {
		return nil, fault.New(fault.Usage, "%s is not a file", file).Hint("name the files, one by one or with a pattern of the shell")
	}
	data, readErr := readGiven(file)
	if err = errors.Join(err, readErr); err != nil {
		return nil, fault.New(fault.NotFound, "%s: %w", file, reason(readErr)).Hint("paths are relative to the current folder")
	}
	return data, nil
}

// rewrite replaces the content of a file of the repository, all at once. Its
// permissions stay, and a symbolic link stays one. Content that is there
// already is not written.
func rewrite(file string, data []byte) error {
	real, err := filepath.EvalSymlinks(file)
	if errors.Is(err, fs.ErrNotExist) {
		real, err = file, nil
	}
	if err != nil {
		return fault.New(fault.Invalid, "write %s: %w", file, reason(err))
	}
	mode := fs.FileMode(0o644)
	if info, statErr := os.Stat(real); statErr == nil {
		mode = info.Mode().Perm()
		if old, readErr := os.ReadFile(real); readErr == nil && bytes.Equal(old, data) {
			return nil
		}
	}
	tmp, err := os.CreateTemp(filepath.Dir(real), ".tug-*")
	if err != nil {
		return fault.New(fault.Invalid, "write %s: %w", file, reason(err)).Hint("its folder must exist and be writable")
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(data)
	err = errors.Join(err, tmp.Chmod(mode), tmp.Sync(), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), real)
	}
	if err != nil {
		return fault.New(fault.Invalid, "write %s: %w", file, reason(err))
	}
	return nil
}

// committed is the content that a file has in a revision; nil where there is
// none (no repository, no commit, no such file).
func committed(file, rev string) []byte {
	data, err := atRevision(file, rev)
	if err != nil {
		return nil
	}
	return data
}

// atRevision reads a file as a revision has it.
func atRevision(file, rev string) ([]byte, error) {
	there, below := existing(file)
	repo, err := git.Open(there)
	if err != nil {
		return nil, err
	}
	files, _, err := repo.At(rev)
	if err != nil {
		return nil, err
	}
	data, err := fs.ReadFile(files, joinPath(repo.Prefix(), below))
	if err != nil {
		return nil, fault.New(fault.NotFound, "%s: not in %s: %w", file, rev, reason(err))
	}
	return data, nil
}
