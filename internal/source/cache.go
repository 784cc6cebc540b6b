package source

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// Cache keeps content under its SHA-256. Files appear whole, are checked when
// they are read, and go when the cache is too large, the longest unused first.
// Any number of processes can use one folder.
type Cache struct {
	// Dir holds the cache; empty for none.
	Dir string
	// Limit is its size in bytes; 1 GiB when zero.
	Limit int64

	mu    sync.Mutex
	known bool  // total was counted
	total int64 // bytes, as far as this process knows
}

const defaultLimit = 1 << 30

var errNotCached = errors.New("not in the cache")

var sumForm = regexp.MustCompile(`\A[0-9a-f]{64}\z`)

// Get gives content by its hash. Content that is not what its name says is
// removed.
func (c *Cache) Get(sum string) ([]byte, error) {
	if c == nil || c.Dir == "" || !sumForm.MatchString(sum) {
		return nil, errNotCached
	}
	file := c.file(sum)
	f, err := os.Open(file)
	if err != nil {
		return nil, errNotCached
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxUnpacked+1))
	if err != nil || Sum(data) != sum {
		_ = os.Remove(file)
		return nil, errNotCached
	}
	now := time.Now()
	_ = os.Chtimes(file, now, now) // when it was used last
	return data, nil
}

// Put keeps content.
func (c *Cache) Put(sum string, data []byte) error {
	if c == nil || c.Dir == "" {
		return nil
	}
	file := c.file(sum)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return fmt.Errorf("cache: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(file), ".new-*")
	if err != nil {
		return fmt.Errorf("cache: %w", err)
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return fmt.Errorf("cache: %w", err)
	}
	return c.grown(sum, int64(len(data)))
}

// grown looks whether the cache is too large. Looking at every file is for the
// first time, and for when it is.
func (c *Cache) grown(sum string, size int64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.total += size
	if c.known && c.total <= cmp.Or(c.Limit, defaultLimit) {
		return nil
	}
	total, err := c.evict(sum)
	c.known, c.total = err == nil, total
	return err
}

func (c *Cache) file(sum string) string {
	return filepath.Join(c.Dir, "content", sum[:2], sum)
}

// evict removes the longest unused content until the rest fits, but never what
// was just put, and what crashed writers left. It gives the size that is left.
func (c *Cache) evict(keep string) (int64, error) {
	type item struct {
		file string
		size int64
		used time.Time
	}
	var items []item
	var total int64
	err := filepath.WalkDir(filepath.Join(c.Dir, "content"), func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return skipGone(err)
		}
		info, err := d.Info()
		if err != nil {
			return skipGone(err)
		}
		if strings.HasPrefix(d.Name(), ".new-") {
			if time.Since(info.ModTime()) > time.Hour {
				_ = os.Remove(file)
			}
			return nil
		}
		total += info.Size()
		if d.Name() != keep {
			items = append(items, item{file, info.Size(), info.ModTime()})
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("cache: %w", err)
	}
	slices.SortFunc(items, func(a, b item) int { return cmp.Or(a.used.Compare(b.used), strings.Compare(a.file, b.file)) })
	for _, i := range items {
		if total <= cmp.Or(c.Limit, defaultLimit) {
			break
		}
		if err := os.Remove(i.file); err == nil || errors.Is(err, fs.ErrNotExist) {
			total -= i.size
		}
	}
	return total, nil
}

// skipGone forgives that another process removed a file.
func skipGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
