package readset

import (
	"cmp"
	"crypto/sha1" //nolint:gosec // Git's name of a blob; SHA-256 is kept beside it
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"maps"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// Op says how something was read.
type Op string

// The ways to read.
const (
	Content Op = "content" // a file
	List    Op = "list"    // the names and types in a folder
	Kind    Op = "kind"    // whether it is a file or folder, links followed
	OwnKind Op = "own"     // the same, links not followed
	Link    Op = "link"    // where a symbolic link leads
)

// absent stands for the hash of what is not there.
const absent = "absent"

// Read is one read and what it gave.
type Read struct {
	Op   Op     `json:"op"`
	Name string `json:"name"`
	// SHA256 is the hash of what was read, in hex; for Kind and OwnKind the
	// type of the file.
	SHA256 string `json:"sha256"`
	// Blob is Git's name of a file's content, for Content only.
	Blob string `json:"blob,omitempty"`
}

type key struct {
	op   Op
	name string
}

// Set is everything that was read, in order of names.
type Set []Read

func sorted(reads map[key]Read) Set {
	return slices.SortedFunc(maps.Values(reads), func(a, b Read) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Op, b.Op))
	})
}

// BlobNamer is a file system that knows Git's name of a file's content without
// reading it. ok is false where it does not (Git LFS, submodules).
type BlobNamer interface {
	BlobName(name string) (hash string, ok bool)
}

// sequential is how many reads are too few to share them out.
const sequential = 16

// Memo remembers which reads hold on files that do not change while it is in
// use: what several sets have in common is looked at once.
type Memo struct {
	files fs.FS
	known sync.Map // Read -> bool
}

// NewMemo is for files that are safe for concurrent use.
func NewMemo(files fs.FS) *Memo { return &Memo{files: files} }

func (m *Memo) holds(r Read) bool {
	if known, ok := m.known.Load(r); ok {
		return known.(bool) //nolint:forcetypeassert // only bools are stored
	}
	holds := r.holds(m.files)
	m.known.Store(r, holds)
	return holds
}

// Holds reports whether every read of s gives the same on files, which must be
// safe for concurrent use. It stops soon after the first that does not.
func (s Set) Holds(files fs.FS) bool {
	return s.all(func(r Read) bool { return r.holds(files) })
}

// HoldsOn is Holds on the files of m.
func (s Set) HoldsOn(m *Memo) bool { return s.all(m.holds) }

func (s Set) all(holds func(Read) bool) bool {
	workers := runtime.GOMAXPROCS(0)
	if len(s) < sequential {
		workers = 1
	}
	var next atomic.Int64
	var differs atomic.Bool
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(s) || differs.Load() {
					return
				}
				if !holds(s[i]) {
					differs.Store(true)
				}
			}
		})
	}
	group.Wait()
	return !differs.Load()
}

func (r Read) holds(files fs.FS) bool {
	switch r.Op {
	case Content:
		if named, ok := files.(BlobNamer); ok && r.Blob != "" {
			if blob, known := named.BlobName(r.Name); known {
				return blob == r.Blob
			}
		}
		data, err := fs.ReadFile(files, r.Name)
		return r.same(err, func() string { return sum(data) })
	case List:
		entries, err := fs.ReadDir(files, r.Name)
		return r.same(err, func() string { return listing(entries) })
	case Kind:
		info, err := fs.Stat(files, r.Name)
		return r.same(err, func() string { return info.Mode().Type().String() })
	case OwnKind:
		info, err := fs.Lstat(files, r.Name)
		return r.same(err, func() string { return info.Mode().Type().String() })
	case Link:
		target, err := fs.ReadLink(files, r.Name)
		return r.same(err, func() string { return sum([]byte(target)) })
	}
	return false
}

func (r Read) same(err error, now func() string) bool {
	if err != nil {
		return r.SHA256 == absent && errors.Is(err, fs.ErrNotExist)
	}
	return r.SHA256 == now()
}

// Files are the names of the files that were read, without those that were
// only looked for.
func (s Set) Files() []string {
	var names []string
	for _, r := range s {
		if r.Op == Content && r.SHA256 != absent {
			names = append(names, r.Name)
		}
	}
	return names
}

// Hash is the identity of the set with all that it read.
func (s Set) Hash() string {
	h := sha256.New()
	for _, r := range s {
		fmt.Fprintf(h, "%q %q %q\n", r.Op, r.Name, r.SHA256)
	}
	return hex.EncodeToString(h.Sum(nil))
}

func sum(data []byte) string {
	s := sha256.Sum256(data)
	return hex.EncodeToString(s[:])
}

// blobOf is Git's name of a file's content: as the file system knows it, else
// computed.
func blobOf(files fs.FS, name string, data []byte) string {
	if named, ok := files.(BlobNamer); ok {
		blob, _ := named.BlobName(name)
		return blob
	}
	h := sha1.New() //nolint:gosec // Git's name of a blob; SHA-256 is kept beside it
	fmt.Fprintf(h, "blob %d\x00", len(data))
	h.Write(data)
	return hex.EncodeToString(h.Sum(nil))
}

func listing(entries []fs.DirEntry) string {
	h := sha256.New()
	for _, e := range entries {
		writeEntry(h, e)
	}
	return hex.EncodeToString(h.Sum(nil))
}

func writeEntry(h hash.Hash, e fs.DirEntry) {
	fmt.Fprintf(h, "%q %s\n", e.Name(), e.Type())
}
