package rendercache

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
)

// resultForm is the name of a result.
var resultForm = regexp.MustCompile(`\A[0-9a-f]{64}\z`)

// onDisk are the entries of a key that the folder has.
func (c *Cache) onDisk(k Key) []entry {
	if c.Dir == "" {
		return nil
	}
	data, err := readLimited(c.entryFile(k))
	if err != nil {
		return nil
	}
	var list []entry
	if json.Unmarshal(data, &list) != nil {
		return nil
	}
	return slices.DeleteFunc(list, func(e entry) bool { return !resultForm.MatchString(e.Result) || len(e.Reads) == 0 })
}

// add puts an entry in front of those of its key. Of two processes that do so
// at once one may lose its entry, and renders again.
func (c *Cache) add(k Key, e entry) error {
	list := front(c.onDisk(k), e)
	return c.write(c.entryFile(k), func() ([]byte, error) { return json.Marshal(list) })
}

// write replaces a file as a whole.
func (c *Cache) write(file string, content func() ([]byte, error)) (err error) {
	data, err := content()
	if err != nil {
		return fmt.Errorf("render cache: %w", err)
	}
	dir := filepath.Dir(file)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("render cache: %w", err)
	}
	tmp, err := os.CreateTemp(dir, ".new-*")
	if err != nil {
		return fmt.Errorf("render cache: %w", err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(tmp.Name())
		}
	}()
	_, err = tmp.Write(data)
	if closeErr := tmp.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(tmp.Name(), file)
	}
	if err != nil {
		return fmt.Errorf("render cache: %w", err)
	}
	c.mu.Lock()
	c.stored = true
	c.mu.Unlock()
	return nil
}

func readLimited(file string) ([]byte, error) {
	// A pipe would be waited for.
	if info, err := os.Lstat(file); err != nil || !info.Mode().IsRegular() {
		return nil, cmp.Or(err, fs.ErrInvalid)
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxFile {
		return nil, fs.ErrInvalid
	}
	data := make([]byte, info.Size())
	if _, err := io.ReadFull(f, data); err != nil {
		return nil, errors.Join(err, fs.ErrInvalid)
	}
	return data, nil
}
