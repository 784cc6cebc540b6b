package git

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/go-git/go-billy/v5"
	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/storage/filesystem"
	"github.com/go-git/go-git/v5/storage/filesystem/dotgit"

	"github.com/tugops/tug/internal/fault"
)

const (
	// maxFile is the largest file that is read, in bytes: what a render can
	// sensibly use, and a bound for what a repository can make tug hold.
	maxFile = 64 << 20
	// maxMeta bounds commits, tags and trees.
	maxMeta = 32 << 20
	// objectCache keeps bases of deltas, treeCache decoded folders (by number).
	objectCache = 32 << 20
	treeCache   = 8192
	// maxAlternates bounds the chain of borrowed object folders; Git's is 5.
	maxAlternates = 16
)

// store reads objects and refs. The library's storage is not safe for
// concurrent use, so that one lock guards it; reads are short.
type store struct {
	mu      sync.Mutex
	git     *filesystem.Storage
	objects []*filesystem.ObjectStorage // its own, then borrowed ones
	packs   string                      // folder of the packs
	seen    time.Time                   // its time when the packs were listed
	trees   map[plumbing.Hash]*tree
	partial bool
	shallow bool
	// lazy, when set, fetches an object that is not there.
	lazy func(plumbing.Hash) error
}

func openStore(dirs gitDirs, c config) (*store, error) {
	lru := cache.NewObjectLRU(objectCache)
	var files billy.Filesystem = ownObjects{osfs.New(dirs.git)}
	if dirs.git != dirs.common {
		files = ownObjects{dotgit.NewRepositoryFilesystem(osfs.New(dirs.git), osfs.New(dirs.common))}
	}
	s := &store{
		git:     filesystem.NewStorageWithOptions(files, lru, filesystem.Options{KeepDescriptors: true}),
		packs:   filepath.Join(dirs.common, "objects", "pack"),
		trees:   map[plumbing.Hash]*tree{},
		partial: c.partial(),
	}
	if info, err := os.Stat(filepath.Join(dirs.common, "shallow")); err == nil && info.Size() > 0 {
		s.shallow = true
	}
	s.objects = append(s.objects, &s.git.ObjectStorage)
	borrowed, err := alternates(filepath.Join(dirs.common, "objects"), nil)
	if err != nil {
		return nil, err
	}
	for _, dir := range borrowed {
		files := ownObjects{osfs.New(filepath.Dir(dir))}
		s.objects = append(s.objects, filesystem.NewObjectStorage(dotgit.New(files), lru))
	}
	s.seen = s.packTime()
	return s, nil
}

// ownObjects hides the list of borrowed object folders from the library, which
// opens them again for every object; store does it once.
type ownObjects struct{ billy.Filesystem }

func (o ownObjects) Open(name string) (billy.File, error) {
	if filepath.ToSlash(name) == "objects/info/alternates" {
		return nil, fs.ErrNotExist
	}
	return o.Filesystem.Open(name)
}

// alternates lists the object folders that one borrows from (git clone
// --shared or --reference), theirs included.
func alternates(objects string, known []string) ([]string, error) {
	f, err := os.Open(filepath.Join(objects, "info", "alternates"))
	if errors.Is(err, fs.ErrNotExist) {
		return known, nil
	}
	if err != nil {
		return nil, fault.New(fault.Invalid, "borrowed objects: %w", err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		dir := lines.Text()
		if dir == "" || dir[0] == '#' {
			continue
		}
		if !filepath.IsAbs(dir) {
			dir = filepath.Join(objects, dir)
		}
		if len(known) == maxAlternates {
			return nil, fault.New(fault.Invalid, "repository borrows objects from more than %d others", maxAlternates)
		}
		if known, err = alternates(dir, append(known, dir)); err != nil {
			return nil, err
		}
	}
	return known, lines.Err()
}

func (s *store) packTime() time.Time {
	info, err := os.Stat(s.packs)
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}

// read gives the content of an object of at most limit bytes and its type. The
// caller holds no lock.
func (s *store) read(h plumbing.Hash, limit int64) ([]byte, plumbing.ObjectType, error) {
	data, t, err := s.readHere(h, limit)
	if s.lazy == nil || !errors.Is(err, plumbing.ErrObjectNotFound) {
		return data, t, err
	}
	if err := s.lazy(h); err != nil {
		return nil, 0, err
	}
	return s.readHere(h, limit)
}

func (s *store) readHere(h plumbing.Hash, limit int64) ([]byte, plumbing.ObjectType, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	data, t, err := s.readOnce(h, limit)
	if now := s.packTime(); err != nil && !fault.Is(err, fault.Invalid) && !now.Equal(s.seen) {
		s.seen = now // another process fetched or repacked since
		for _, o := range s.objects {
			o.Reindex()
		}
		data, t, err = s.readOnce(h, limit)
	}
	if errors.Is(err, plumbing.ErrObjectNotFound) && s.lazy == nil {
		err = s.missing(h)
	}
	return data, t, err
}

func (s *store) readOnce(h plumbing.Hash, limit int64) ([]byte, plumbing.ObjectType, error) {
	for _, objects := range s.objects {
		size, err := objects.EncodedObjectSize(h)
		if errors.Is(err, plumbing.ErrObjectNotFound) {
			continue
		}
		if err != nil {
			return nil, 0, fmt.Errorf("read object %s: %w", h, err)
		}
		if size > limit {
			return nil, 0, fault.New(fault.Invalid, "%d MiB, more than the %d MiB that tug reads", size>>20, limit>>20)
		}
		data, t, err := content(objects, h)
		if err != nil {
			return nil, 0, fmt.Errorf("read object %s: %w", h, err)
		}
		return data, t, nil
	}
	return nil, 0, plumbing.ErrObjectNotFound
}

func content(objects *filesystem.ObjectStorage, h plumbing.Hash) ([]byte, plumbing.ObjectType, error) {
	o, err := objects.EncodedObject(plumbing.AnyObject, h)
	if err != nil {
		return nil, 0, err
	}
	r, err := o.Reader()
	if err != nil {
		return nil, 0, err
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	return data, o.Type(), err
}

// size is the length of an object in bytes.
func (s *store) size(h plumbing.Hash) (int64, error) {
	size, err := s.sizeHere(h)
	if !errors.Is(err, plumbing.ErrObjectNotFound) {
		return size, err
	}
	if s.lazy == nil {
		return 0, s.missing(h)
	}
	if err := s.lazy(h); err != nil {
		return 0, err
	}
	return s.sizeHere(h)
}

func (s *store) sizeHere(h plumbing.Hash) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, objects := range s.objects {
		size, err := objects.EncodedObjectSize(h)
		if !errors.Is(err, plumbing.ErrObjectNotFound) {
			return size, err
		}
	}
	return 0, plumbing.ErrObjectNotFound
}

// missing says why an object is not there, and how to get it.
func (s *store) missing(h plumbing.Hash) error {
	e := fault.New(fault.NotFound, "object %s is not in the repository", h)
	switch {
	case s.partial:
		return e.Hint("this is a partial clone without all files: fetch them with git fetch --refetch --no-filter, or check the revision out")
	case s.shallow:
		return e.Hint("this is a shallow clone: fetch the rest with git fetch --unshallow")
	}
	return e.Hint("the repository is damaged: git fsck says more, a fresh clone repairs it")
}
