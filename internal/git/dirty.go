package git

import (
	"bytes"
	"crypto/sha1"
	"errors"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"

	"github.com/tugops/tug/internal/fault"
)

// Dirty reports whether a file under one of the paths differs from HEAD; see
// Changed.
func (r *Repo) Dirty(paths ...string) (bool, error) {
	changed, err := r.Changed(paths...)
	return len(changed) > 0, err
}

// Changed lists the files under the paths (from the root of the repository,
// slash-separated) whose content in the working tree is not that of HEAD:
// edited, deleted, or new and not ignored. What is staged counts like the rest.
// File modes and the commits of submodules are not compared, since a render
// does not depend on them. Without a commit all files are new.
//
// Only the files under the paths are read: the cost does not grow with the
// repository.
func (r *Repo) Changed(paths ...string) ([]string, error) {
	if r.Bare() {
		return nil, nil
	}
	root, err := os.OpenRoot(r.root)
	if err != nil {
		return nil, fault.New(fault.Invalid, "open working tree: %w", err)
	}
	defer root.Close()
	d := differ{repo: r, files: root.FS(), ignored: newIgnored(root.FS(), r.dirs.common)}
	if d.head, err = r.headFiles(); err != nil {
		return nil, err
	}
	for _, p := range paths {
		p = path.Clean(p)
		if !fs.ValidPath(p) {
			return nil, fault.New(fault.Invalid, "path %q is not in the repository", p)
		}
		if err := d.compare(p); err != nil {
			return nil, err
		}
	}
	slices.Sort(d.changed)
	return slices.Compact(d.changed), nil
}

// headFiles is the tree of HEAD, or nil when there is no commit.
func (r *Repo) headFiles() (*treeFS, error) {
	h, err := r.store.ref("HEAD")
	if errors.Is(err, plumbing.ErrReferenceNotFound) {
		return nil, nil
	}
	c, err := r.store.commit(h)
	if err != nil {
		return nil, err
	}
	return &treeFS{store: r.store, root: c.TreeHash}, nil
}

// differ compares the working tree with HEAD.
type differ struct {
	repo    *Repo
	files   fs.FS
	head    *treeFS
	ignored *ignored
	sparse  map[string]bool // read when it is needed
	changed []string
}

// compare looks at one path and everything below it. A path that is on neither
// side is no change.
func (d *differ) compare(name string) error {
	var committed treeEntry
	if d.head != nil {
		e, err := d.head.find("compare", name, false)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		committed = e
	}
	info, err := fs.Lstat(d.files, name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) {
		return fault.New(fault.Invalid, "compare with HEAD: %w", err)
	}
	if err != nil {
		info = nil
	}
	return d.pair(name, committed, info)
}

// pair compares what HEAD and the working tree have at one name; either may be
// missing (a zero entry, a nil info).
func (d *differ) pair(name string, committed treeEntry, info fs.FileInfo) error {
	switch {
	case committed.mode == filemode.Submodule:
		return nil
	case committed.mode == filemode.Empty && info == nil:
		return nil
	case committed.mode == filemode.Empty:
		return d.added(name, info.IsDir())
	case info == nil:
		return d.deleted(name, committed)
	case committed.mode == filemode.Dir && info.IsDir():
		return d.folder(name, committed)
	case info.Mode().Type() != modeOf(committed.mode).Type():
		d.changed = append(d.changed, name)
		return nil
	}
	same, err := d.same(name, committed)
	if err == nil && !same {
		d.changed = append(d.changed, name)
	}
	return err
}

func (d *differ) folder(name string, committed treeEntry) error {
	t, err := d.repo.store.tree(committed.hash)
	if err != nil {
		return err
	}
	entries, err := fs.ReadDir(d.files, name)
	if err != nil {
		return fault.New(fault.Invalid, "compare with HEAD: %w", err)
	}
	present := map[string]bool{}
	for _, e := range entries {
		present[e.Name()] = true
		if isDotGit(e.Name()) {
			continue
		}
		info, err := e.Info()
		if err != nil {
			return fault.New(fault.Invalid, "compare with HEAD: %w", err)
		}
		other, _ := t.entry(e.Name())
		if err := d.pair(path.Join(name, e.Name()), other, info); err != nil {
			return err
		}
	}
	for _, e := range t.entries {
		if present[e.name] {
			continue
		}
		if err := d.pair(path.Join(name, e.name), e, nil); err != nil {
			return err
		}
	}
	return nil
}

// added notes new files that are not ignored.
func (d *differ) added(name string, dir bool) error {
	if ok, err := d.ignored.match(name, dir); ok || err != nil {
		return err
	}
	if !dir {
		d.changed = append(d.changed, name)
		return nil
	}
	entries, err := fs.ReadDir(d.files, name)
	if err != nil {
		return fault.New(fault.Invalid, "compare with HEAD: %w", err)
	}
	for _, e := range entries {
		if isDotGit(e.Name()) && name != "." {
			return nil // a repository of its own
		}
	}
	for _, e := range entries {
		if isDotGit(e.Name()) {
			continue
		}
		if err := d.added(path.Join(name, e.Name()), e.IsDir()); err != nil {
			return err
		}
	}
	return nil
}

// deleted notes what HEAD has and the working tree has not, except for what a
// sparse checkout leaves out.
func (d *differ) deleted(name string, committed treeEntry) error {
	if committed.mode == filemode.Dir {
		t, err := d.repo.store.tree(committed.hash)
		if err != nil {
			return err
		}
		for _, e := range t.entries {
			if err := d.deleted(path.Join(name, e.name), e); err != nil {
				return err
			}
		}
		return nil
	}
	if committed.mode == filemode.Submodule {
		return nil
	}
	skipped, err := d.skipped(name)
	if err == nil && !skipped {
		d.changed = append(d.changed, name)
	}
	return err
}

// same compares contents: by hash, then as what filters make of the blob
// (line endings, Git LFS).
func (d *differ) same(name string, committed treeEntry) (bool, error) {
	var data []byte
	var err error
	if committed.mode == filemode.Symlink {
		var target string
		target, err = fs.ReadLink(d.files, name)
		data = []byte(target)
	} else {
		data, err = fs.ReadFile(d.files, name)
	}
	if err != nil {
		return false, fault.New(fault.Invalid, "compare with HEAD: %w", err)
	}
	if blobHash(data) == committed.hash {
		return true, nil
	}
	if committed.mode == filemode.Symlink {
		return false, nil
	}
	return d.sameFiltered(data, committed)
}

func (d *differ) sameFiltered(data []byte, committed treeEntry) (bool, error) {
	if bytes.Contains(data, []byte("\r\n")) && d.convertsLines() &&
		blobHash(bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))) == committed.hash {
		return true, nil
	}
	size, err := d.repo.store.size(committed.hash)
	if err != nil || size > maxPointer {
		return false, err
	}
	blob, _, err := d.repo.store.read(committed.hash, maxPointer)
	if err != nil {
		return false, err
	}
	oid, ok := lfsPointer(blob)
	return ok && oid == sha256Hex(data), nil
}

// convertsLines tells whether Git may have written CRLF for LF.
func (d *differ) convertsLines() bool {
	if d.repo.config.isTrue("core.autocrlf") || strings.EqualFold(d.repo.config["core.eol"], "crlf") {
		return true
	}
	data, err := fs.ReadFile(d.files, ".gitattributes")
	return err == nil && (bytes.Contains(data, []byte("eol=crlf")) || bytes.Contains(data, []byte("text=auto")))
}

func blobHash(data []byte) plumbing.Hash {
	h := sha1.New()
	h.Write([]byte("blob " + strconv.Itoa(len(data)) + "\x00"))
	h.Write(data)
	return plumbing.Hash(h.Sum(nil))
}
