package kustomize

import (
	"fmt"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/tugops/tug/internal/object"
)

// mount is a tree of files as the library sees it: the repository, a Git tree
// from outside, or one of them again with another kustomization in it. Mounts
// lie below "/", so that a path which leads out of its tree is one that does
// not exist, instead of being cut short at the root.
type mount struct {
	prefix string // "/tug-0"
	fsys   fs.FS
	label  string // of a tree from outside, for messages
	tree   int    // mounts of the same files have the same tree
	// over is what the library reads instead of a file that is there; made
	// is what it reads where there is none.
	over map[string][]byte
	made map[string]manifest
}

var mountExp = regexp.MustCompile(`/tug-\d+(/|\b)`)

// place is a file or folder in a mount.
type place struct {
	mount *mount
	path  string
}

// abs is how the library names a place.
func (p place) abs() string { return path.Join(p.mount.prefix, p.path) }

// String names a place for people.
func (p place) String() string {
	if p.mount.label == "" {
		return p.path
	}
	return p.mount.label + "//" + p.path
}

// to is the path by which a kustomization in folder p refers to another place.
func (p place) to(other place) string {
	rel, err := filepath.Rel(p.abs(), other.abs())
	if err != nil {
		return other.abs() // both are absolute: it has a relative path
	}
	return filepath.ToSlash(rel)
}

// join is the place that a kustomization in folder p names; ok is false when
// it leads out of the tree.
func (p place) join(name string) (place, bool) {
	joined := path.Join(p.path, name)
	return place{p.mount, joined}, !path.IsAbs(name) && fs.ValidPath(joined)
}

func (b *build) add(fsys fs.FS, label string) *mount {
	m := &mount{
		prefix: fmt.Sprintf("/tug-%d", len(b.mounts)), fsys: fsys, label: label, tree: len(b.mounts),
		over: map[string][]byte{}, made: map[string]manifest{},
	}
	b.mounts = append(b.mounts, m)
	return m
}

// alias shows the files of a mount again.
func (b *build) alias(m *mount) *mount {
	a := b.add(m.fsys, m.label)
	a.tree = m.tree
	maps.Copy(a.over, m.over)
	maps.Copy(a.made, m.made)
	return a
}

// write puts a kustomization in the place of another. Where one stands already
// that says something else (the same base, used in two ways), it gets a tree
// of its own.
func (b *build) write(file place, data []byte) place {
	m := file.mount
	if before, taken := m.over[file.path]; taken && string(before) != string(data) {
		m = b.alias(m)
	}
	m.over[file.path] = data
	return place{m, file.path}
}

// find maps a path of the library to a place.
func (b *build) find(name string) (place, error) {
	clean := path.Clean(filepath.ToSlash(name))
	first, rest, _ := strings.Cut(strings.TrimPrefix(clean, "/"), "/")
	for _, m := range b.mounts {
		if m.prefix == "/"+first {
			if rest == "" {
				rest = "."
			}
			return place{m, rest}, nil
		}
	}
	return place{}, &fs.PathError{Op: "open", Path: name, Err: errOutside}
}

// manifest are objects that the library reads from a file which is not there,
// with what is to be known about them afterwards.
type manifest struct {
	objects []*object.Object
	marks   []mark
}
