package rendercache_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/tugops/tug/internal/readset"
	"github.com/tugops/tug/internal/rendercache"
)

func key(t *testing.T, v any) rendercache.Key {
	t.Helper()
	k, err := rendercache.KeyOf(v)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// render reads a file and keeps what it made of it.
func render(t *testing.T, c *rendercache.Cache, k rendercache.Key, files fs.FS) string {
	t.Helper()
	trace := readset.New(files)
	data, err := fs.ReadFile(trace, "app.yaml")
	if err != nil {
		t.Fatal(err)
	}
	reads, err := trace.Set()
	if err != nil {
		t.Fatal(err)
	}
	result, err := c.Store(k, reads, append([]byte("rendered: "), data...))
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func repo(text string) fstest.MapFS {
	return fstest.MapFS{"app.yaml": {Data: []byte(text)}, "other.yaml": {Data: []byte(text)}}
}

func TestFind(t *testing.T) {
	t.Parallel()
	for name, dir := range map[string]string{"memory": "", "disk": t.TempDir()} {
		c := &rendercache.Cache{Dir: dir}
		k := key(t, "web")
		want := render(t, c, k, repo("one"))
		render(t, c, k, repo("two"))
		for again, c := range map[string]*rendercache.Cache{"same": c, "other process": {Dir: dir}} {
			if again == "other process" && dir == "" {
				continue
			}
			got, ok := c.Find(k, readset.NewMemo(repo("one")))
			if !ok || got != want {
				t.Errorf("%s, %s: got %q %v", name, again, got, ok)
			}
			data, ok := c.Load(got)
			if !ok || string(data) != "rendered: one" {
				t.Errorf("%s, %s: loaded %q %v", name, again, data, ok)
			}
			if _, ok := c.Find(k, readset.NewMemo(repo("three"))); ok {
				t.Errorf("%s, %s: a result for files that were never rendered", name, again)
			}
			if _, ok := c.Find(key(t, "shop"), readset.NewMemo(repo("one"))); ok {
				t.Errorf("%s, %s: a result of another key", name, again)
			}
		}
	}
}

func TestDamagedFilesAreMissing(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(data []byte) []byte{
		"cut":      func(d []byte) []byte { return d[:len(d)/2] },
		"empty":    func([]byte) []byte { return nil },
		"other":    func([]byte) []byte { return []byte("null") },
		"flipped":  func(d []byte) []byte { d[len(d)/2] ^= 0xff; return d },
		"appended": func(d []byte) []byte { return append(d, 'x') },
	} {
		dir := t.TempDir()
		c := &rendercache.Cache{Dir: dir}
		k := key(t, "web")
		render(t, c, k, repo("one"))
		err := filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			data, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			return os.WriteFile(file, damage(data), 0o600)
		})
		if err != nil {
			t.Fatal(err)
		}
		other := &rendercache.Cache{Dir: dir}
		result, ok := other.Find(k, readset.NewMemo(repo("one")))
		if !ok {
			continue
		}
		if data, ok := other.Load(result); ok && string(data) != "rendered: one" {
			t.Errorf("%s: loaded %q", name, data)
		}
	}
}

func TestTrimRemovesTheOldest(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := &rendercache.Cache{Dir: dir, Max: 64 << 10}
	var last rendercache.Key
	for i := range 40 {
		last = key(t, i)
		trace := readset.New(repo("x"))
		_, _ = trace.ReadFile("app.yaml")
		reads, _ := trace.Set()
		noise := bytes.Repeat([]byte(fmt.Sprintf("%x", fmt.Sprintf("%d", i*7919))), 1)
		for j := range 300 {
			noise = append(noise, fmt.Sprintf("%x", i*j*2654435761)...)
		}
		if _, err := c.Store(last, reads, noise); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Trim(); err != nil {
		t.Fatal(err)
	}
	var total int64
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, _ error) error {
		if info, err := d.Info(); err == nil && !d.IsDir() {
			total += info.Size()
		}
		return nil
	})
	if total > 64<<10 || total == 0 {
		t.Errorf("%d bytes are left", total)
	}
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var group sync.WaitGroup
	for p := range 4 {
		c := &rendercache.Cache{Dir: dir, Max: 4 << 10} // a process
		for w := range 4 {
			group.Go(func() {
				for i := range 20 {
					text := fmt.Sprintf("%d", (p+w+i)%5)
					k := key(t, i%3)
					if result, ok := c.Find(k, readset.NewMemo(repo(text))); ok {
						if data, ok := c.Load(result); ok && string(data) != "rendered: "+text {
							t.Errorf("got %q for %q", data, text)
						}
						continue
					}
					render(t, c, k, repo(text))
					if err := c.Trim(); err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	group.Wait()
}

func TestForeignEntriesAreMissing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	k := key(t, "web")
	render(t, &rendercache.Cache{Dir: dir}, k, repo("one"))
	for _, text := range []string{`[{}]`, `[{"result":"ab"}]`, `[{"reads":[],"result":"../../../../etc/passwd"}]`, `{}`, `null`} {
		err := filepath.WalkDir(filepath.Join(dir), func(file string, d fs.DirEntry, err error) error {
			if err == nil && filepath.Ext(file) == ".json" {
				err = os.WriteFile(file, []byte(text), 0o600)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if result, ok := (&rendercache.Cache{Dir: dir}).Find(k, readset.NewMemo(repo("one"))); ok {
			t.Errorf("%s: found %q", text, result)
		}
	}
}
