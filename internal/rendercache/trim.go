package rendercache

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// abandoned is the age at which a file that was never renamed is left behind
// by a process that died.
const abandoned = time.Hour

// Trim brings the folder below its limit: what was not used for longest goes
// first. It does nothing when this process stored nothing.
func (c *Cache) Trim() error {
	c.mu.Lock()
	stored := c.stored
	c.stored = false
	c.mu.Unlock()
	if !stored {
		return nil
	}
	limit := c.Max
	if limit == 0 {
		limit = DefaultMax
	}
	files, total, err := c.files()
	if err != nil {
		return err
	}
	slices.SortFunc(files, func(a, b kept) int { return a.used.Compare(b.used) })
	for _, f := range files {
		if total <= limit {
			return nil
		}
		if err := os.Remove(f.name); err == nil {
			total -= f.size
		}
	}
	return nil
}

type kept struct {
	name string
	size int64
	used time.Time
}

// files lists what is kept. What other processes remove meanwhile is left out.
func (c *Cache) files() (list []kept, total int64, err error) {
	err = filepath.WalkDir(filepath.Join(c.Dir, format), func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil //nolint:nilerr // another process removed it
		}
		info, err := d.Info()
		if err != nil {
			return nil //nolint:nilerr // another process removed it
		}
		if filepath.Ext(name) != ".s2" && filepath.Ext(name) != ".json" {
			if time.Since(info.ModTime()) > abandoned {
				_ = os.Remove(name)
			}
			return nil
		}
		list = append(list, kept{name, info.Size(), info.ModTime()})
		total += info.Size()
		return nil
	})
	if err != nil {
		return nil, 0, fmt.Errorf("render cache: %w", err)
	}
	return list, total, nil
}
