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
// permissions stay, and a symbolic link stays one, as long as it does not lead
// out of the repository. Content that is there already is not written.
func rewrite(file string, data []byte) error {
	real, err := behindLinks(file)
	if err != nil {
		return fault.New(fault.Invalid, "write %s: %w", file, reason(err))
	}
	if err := staysInside(file, real); err != nil {
		return err
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

// behindLinks is the place of a file, which need not exist, without symbolic
// links.
func behindLinks(file string) (string, error) {
	abs, err := filepath.Abs(file)
	if err != nil {
		return "", err
	}
	real, err := filepath.EvalSymlinks(abs)
	if !errors.Is(err, fs.ErrNotExist) || abs == filepath.Dir(abs) {
		return real, err
	}
	folder, err := behindLinks(filepath.Dir(abs))
	return filepath.Join(folder, filepath.Base(abs)), err
}

// staysInside refuses a file of the repository around the current folder whose
// real place is elsewhere: who wrote the repository chose that place, not the
// person who named the file.
func staysInside(file, real string) error {
	repo, err := git.Open(".")
	if err != nil || repo.Bare() {
		return nil // what a person names outside of a repository is theirs
	}
	here, err := behindLinks(".")
	if err != nil {
		return fault.New(fault.Invalid, "write %s: %w", file, reason(err))
	}
	named := file
	if !filepath.IsAbs(named) {
		named = filepath.Join(here, file)
	}
	if !isBelow(named, repo.Root()) || isBelow(real, repo.Root()) {
		return nil
	}
	return fault.New(fault.Denied, "write %s: a symbolic link of the repository leads out of it, to %s", file, real).
		Hint("name the file itself if that is what you want")
}

// isBelow reports whether a path lies in or below a folder; both are absolute.
func isBelow(name, folder string) bool {
	rel, err := filepath.Rel(folder, name)
	return err == nil && filepath.IsLocal(rel)
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
