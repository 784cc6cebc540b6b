package git

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/tugops/tug/internal/fault"
)

// Signature says who made a commit, and when.
type Signature struct {
	Name, Email string
	Time        time.Time
}

// NewCommit is a commit to build.
type NewCommit struct {
	Author, Committer Signature
	// Message gives the whole of it (title, text, trailers) for the hash of the
	// content.
	Message func(tree string) string
	// Files are those that change, by slash-separated path; nil deletes one.
	Files map[string][]byte
}

// Commit builds a commit on top of a tree, in memory: Push sends it. Files that
// exist keep their mode. A path that leads through a symbolic link or a
// submodule is refused.
func (u *Upstream) Commit(on *Tree, c NewCommit) (*Tree, error) {
	b := &builder{store: u.store, made: slices.Clone(on.made)}
	root, err := b.folder(on.root, "", c.Files)
	if err != nil {
		return nil, err
	}
	o := object.Commit{
		Author: c.Author.git(), Committer: c.Committer.git(), Message: c.Message(root.String()), TreeHash: root,
		ParentHashes: []plumbing.Hash{plumbing.NewHash(on.Commit.Hash)},
	}
	var m plumbing.MemoryObject
	if err := o.Encode(&m); err != nil {
		return nil, fmt.Errorf("write commit: %w", err)
	}
	h, err := b.put(&m)
	if err != nil {
		return nil, err
	}
	t, err := u.tree(h)
	if err == nil {
		t.made = b.made
	}
	return t, err
}

func (s Signature) git() object.Signature {
	clean := strings.NewReplacer("\n", " ", "\r", " ", "<", "", ">", "")
	return object.Signature{Name: clean.Replace(s.Name), Email: clean.Replace(s.Email), When: s.Time}
}

// builder writes the objects of a commit.
type builder struct {
	store *store
	made  []plumbing.Hash
}

func (b *builder) put(m *plumbing.MemoryObject) (plumbing.Hash, error) {
	b.store.mu.Lock()
	defer b.store.mu.Unlock()
	h, err := b.store.git.SetEncodedObject(m)
	if err != nil {
		return h, fmt.Errorf("write object: %w", err)
	}
	if !slices.Contains(b.made, h) {
		b.made = append(b.made, h)
	}
	return h, nil
}

func (b *builder) write(t plumbing.ObjectType, data []byte) (plumbing.Hash, error) {
	var m plumbing.MemoryObject
	m.SetType(t)
	if _, err := m.Write(data); err != nil {
		return plumbing.ZeroHash, err
	}
	return b.put(&m)
}

// folder writes a folder with changes and gives its hash, which is zero when
// nothing is left in it. A zero old one is a new folder.
func (b *builder) folder(old plumbing.Hash, name string, files map[string][]byte) (plumbing.Hash, error) {
	entries := map[string]treeEntry{}
	if !old.IsZero() {
		t, err := b.store.tree(old)
		if err != nil {
			return old, err
		}
		for _, e := range t.entries {
			entries[e.name] = e
		}
	}
	below := map[string]map[string][]byte{}
	for file, data := range files {
		dir, rest, nested := strings.Cut(file, "/")
		if badName(dir) {
			return old, fault.New(fault.Invalid, "%q is no name of a file in a repository", path.Join(name, file))
		}
		if nested {
			if below[dir] == nil {
				below[dir] = map[string][]byte{}
			}
			below[dir][rest] = data
			continue
		}
		if err := b.file(entries, name, dir, data); err != nil {
			return old, err
		}
	}
	for dir, inside := range below {
		e, there := entries[dir]
		if there && e.mode != filemode.Dir {
			return old, fault.New(fault.Invalid, "%s is no folder, so that nothing can be written below it", path.Join(name, dir))
		}
		h, err := b.folder(e.hash, path.Join(name, dir), inside)
		if err != nil {
			return old, err
		}
		delete(entries, dir)
		if !h.IsZero() {
			entries[dir] = treeEntry{name: dir, mode: filemode.Dir, hash: h}
		}
	}
	if len(entries) == 0 && name != "" {
		return plumbing.ZeroHash, nil
	}
	return b.write(plumbing.TreeObject, encodeTree(entries))
}

// file changes one file of a folder.
func (b *builder) file(entries map[string]treeEntry, folder, name string, data []byte) error {
	e, there := entries[name]
	switch {
	case data == nil:
		delete(entries, name)
		return nil
	case there && e.mode != filemode.Regular && e.mode != filemode.Executable && e.mode != filemode.Deprecated:
		return fault.New(fault.Invalid, "%s is a %s, which is not written through", path.Join(folder, name), modeName(e.mode)).
			Hint("name the file itself")
	case !there:
		e = treeEntry{name: name, mode: filemode.Regular}
	}
	h, err := b.write(plumbing.BlobObject, data)
	e.hash = h
	entries[name] = e
	return err
}

func modeName(m filemode.FileMode) string {
	switch m {
	case filemode.Dir:
		return "folder"
	case filemode.Symlink:
		return "symbolic link"
	}
	return "submodule"
}

// encodeTree writes entries in Git's order, in which a folder counts as if its
// name ended with a slash.
func encodeTree(entries map[string]treeEntry) []byte {
	key := func(e treeEntry) string {
		if e.mode == filemode.Dir {
			return e.name + "/"
		}
		return e.name
	}
	list := make([]treeEntry, 0, len(entries))
	for _, e := range entries {
		list = append(list, e)
	}
	slices.SortFunc(list, func(a, b treeEntry) int { return strings.Compare(key(a), key(b)) })
	var out bytes.Buffer
	for _, e := range list {
		fmt.Fprintf(&out, "%o %s\x00", uint32(e.mode), e.name)
		out.Write(e.hash[:])
	}
	return out.Bytes()
}
