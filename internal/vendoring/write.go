package vendoring

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/tugops/tug/internal/fault"
)

// create writes a tree beside its folder and then renames it, so that nobody
// sees half of it.
func create(dir string, t Tree) error {
	parent := filepath.Dir(filepath.Clean(dir))
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return fmt.Errorf("write package: %w", err)
	}
	temporary, err := os.MkdirTemp(parent, ".tug-vendor-*")
	if err != nil {
		return fmt.Errorf("write package: %w", err)
	}
	defer os.RemoveAll(temporary)
	staged := filepath.Join(temporary, "package")
	if err := os.Mkdir(staged, 0o755); err != nil {
		return fmt.Errorf("write package: %w", err)
	}
	if err := writeTree(staged, t); err != nil {
		return err
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("write package: %w", err) // no longer empty
	}
	if err := os.Rename(staged, dir); err != nil {
		return fmt.Errorf("write package: %w", err)
	}
	return nil
}

// writeTree writes files into a folder.
func writeTree(dir string, t Tree) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("write package: %w", err)
	}
	defer root.Close()
	for _, p := range t.Paths() {
		if parent := path.Dir(p); parent != "." {
			if err := root.MkdirAll(filepath.FromSlash(parent), 0o755); err != nil {
				return fmt.Errorf("write package: %w", err)
			}
		}
		mode := fs.FileMode(0o644)
		if t[p].Exec {
			mode = 0o755
		}
		if err := root.WriteFile(filepath.FromSlash(p), t[p].Data, mode); err != nil {
			return fmt.Errorf("write package: %w", err)
		}
		if err := root.Chmod(filepath.FromSlash(p), mode); err != nil {
			return fmt.Errorf("write package: %w", err)
		}
	}
	return nil
}

// Apply makes the changes of updates: what is new is written beside the
// package first, what is there is moved away, and when anything fails
// everything is moved back.
func Apply(updates []Update) error {
	for i := range updates {
		if err := updates[i].apply(); err != nil {
			return errors.Join(err, undoAll(updates[:i]))
		}
	}
	for _, u := range updates {
		if u.done != nil {
			u.done.forget()
		}
	}
	return nil
}

func undoAll(updates []Update) error {
	var all error
	for _, u := range slices.Backward(updates) {
		if u.done != nil {
			all = errors.Join(all, u.done.undo())
		}
	}
	return all
}

// swap is a set of files of a folder that were exchanged.
type swap struct {
	root      *os.Root
	temporary string   // in the folder
	moved     []string // to temporary/old
	put       []string // new in the folder
}

const swapDir = ".tug-vendor-update"

func (u *Update) apply() error {
	if len(u.Changes) == 0 && !u.rewritten {
		return nil
	}
	root, err := os.OpenRoot(u.Dir)
	if err != nil {
		return fmt.Errorf("write package: %w", err)
	}
	if err := root.Mkdir(swapDir, 0o700); err != nil {
		if errors.Is(err, fs.ErrExist) {
			err = fault.New(fault.Conflict, "another update of %s is at work, or was cut off", u.Dir).
				Hint("when none is, remove %s", filepath.Join(u.Dir, swapDir))
		}
		return errors.Join(fmt.Errorf("write package: %w", err), root.Close())
	}
	u.done = &swap{root: root, temporary: swapDir}
	if err := u.done.exchange(u.before, u.after); err != nil {
		return errors.Join(fmt.Errorf("write package: %w", err), u.done.undo())
	}
	return nil
}

// exchange stages the new files, then moves the old ones out and the new ones
// in.
func (s *swap) exchange(before, after Tree) error {
	fresh := Tree{}
	for p, f := range after {
		if !sameFile(before.get(p), &f) {
			fresh["new/"+p] = f
		}
	}
	if err := writeTree(filepath.Join(s.root.Name(), s.temporary), fresh); err != nil {
		return err
	}
	for _, p := range before.Paths() {
		if sameFile(after.get(p), before.get(p)) {
			continue
		}
		if err := s.move(p, path.Join(s.temporary, "old", p)); err != nil {
			return err
		}
		s.moved = append(s.moved, p)
	}
	s.tidy() // a file may come where a folder was
	for _, p := range after.Paths() {
		if sameFile(before.get(p), after.get(p)) {
			continue
		}
		if err := s.move(path.Join(s.temporary, "new", p), p); err != nil {
			return err
		}
		s.put = append(s.put, p)
	}
	return nil
}

func (s *swap) move(from, to string) error {
	if parent := path.Dir(to); parent != "." {
		if err := s.root.MkdirAll(filepath.FromSlash(parent), 0o755); err != nil {
			return err
		}
	}
	return s.root.Rename(filepath.FromSlash(from), filepath.FromSlash(to))
}

// tidy removes folders that became empty.
func (s *swap) tidy() {
	for _, p := range s.moved {
		for dir := path.Dir(p); dir != "."; dir = path.Dir(dir) {
			if s.root.Remove(filepath.FromSlash(dir)) != nil {
				break // not empty, or gone
			}
		}
	}
}

// undo puts everything back.
func (s *swap) undo() error {
	var all error
	for _, p := range s.put {
		all = errors.Join(all, s.root.Remove(filepath.FromSlash(p)))
	}
	for _, p := range s.moved {
		all = errors.Join(all, s.move(path.Join(s.temporary, "old", p), p))
	}
	if all == nil {
		s.forget()
	}
	return all
}

// forget removes what was kept to go back to.
func (s *swap) forget() {
	_ = s.root.RemoveAll(s.temporary)
	_ = s.root.Close()
}
