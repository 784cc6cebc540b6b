package git

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/tugops/tug/internal/fault"
)

// gitDirs are the folders of a repository's data.
type gitDirs struct {
	git    string // HEAD and index of this working tree
	common string // objects, refs and configuration; equal to git without linked working trees
}

type location struct {
	root string // of the working tree, or "" when bare
	dirs gitDirs
}

// discover looks upward from an absolute path.
func discover(path string) (location, error) {
	for dir := path; ; dir = filepath.Dir(dir) {
		found, err := locate(dir)
		if err != nil || found.dirs.git != "" {
			return found, err
		}
		if dir == filepath.Dir(dir) {
			return location{}, fault.New(fault.NotFound, "%s: %w", path, ErrNoRepository).
				Hint("run it in a clone, or make this folder a repository with git init")
		}
	}
}

// locate looks in one folder; a zero location when there is nothing.
func locate(dir string) (location, error) {
	dot := filepath.Join(dir, ".git")
	info, err := os.Stat(dot)
	switch {
	case err == nil && info.IsDir() && isGitDir(dot):
		return withCommon(dir, dot)
	case err == nil && info.Mode().IsRegular():
		target, err := readPointer(dot, "gitdir: ")
		if err != nil {
			return location{}, err
		}
		if !isGitDir(target) {
			return location{}, fault.New(fault.Invalid, "%s points to %s, which is no repository", dot, target).
				Hint("the main repository has moved: run git worktree repair in it (or git submodule update --init)")
		}
		return withCommon(dir, target)
	case isGitDir(dir):
		return withCommon("", dir)
	}
	return location{}, nil
}

// isGitDir asks the questions that Git asks: HEAD, and objects and refs here
// or in the common folder.
func isGitDir(dir string) bool {
	if info, err := os.Lstat(filepath.Join(dir, "HEAD")); err != nil || info.IsDir() {
		return false
	}
	if _, err := os.Stat(filepath.Join(dir, "commondir")); err == nil {
		return true
	}
	for _, name := range []string{"objects", "refs"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || !info.IsDir() {
			return false
		}
	}
	return true
}

func withCommon(root, dir string) (location, error) {
	l := location{root: root, dirs: gitDirs{git: dir, common: dir}}
	common, err := readPointer(filepath.Join(dir, "commondir"), "")
	if errors.Is(err, fs.ErrNotExist) {
		return l, nil
	}
	l.dirs.common = common
	return l, err
}

// readPointer reads a file that names another folder, relative to its own.
func readPointer(file, prefix string) (string, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return "", fault.New(fault.Invalid, "read %s: %w", file, err)
	}
	target, ok := strings.CutPrefix(strings.TrimRight(string(data), "\r\n"), prefix)
	if !ok || target == "" {
		return "", fault.New(fault.Invalid, "%s does not say where the repository is", file).
			Hint("its content should be %q and a path", strings.TrimSpace(prefix))
	}
	if !filepath.IsAbs(target) {
		target = filepath.Join(filepath.Dir(file), target)
	}
	return filepath.Clean(target), nil
}
