package git_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/fstest"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/git"
	"github.com/tugops/tug/internal/gittest"
)

func readFile(files fs.FS, name string) ([]byte, error) { return fs.ReadFile(files, name) }

func TestTreeIsAFileSystem(t *testing.T) {
	t.Parallel()
	r := gittest.New(t)
	r.Write("Chart.yaml", "name: a\n", "templates/deployment.yaml", "kind: Deployment\n", "templates/deep/er/x", "", "run.sh", "#!/bin/sh\n")
	if err := os.Chmod(r.Path("run.sh"), 0o755); err != nil {
		t.Fatal(err)
	}
	r.Link("link.yaml", "Chart.yaml")
	r.Commit("one")
	r.Remove("templates")
	r.Write("Chart.yaml", "edited\n")
	files, commit := at(t, r.Dir, "HEAD")
	if err := fstest.TestFS(files, "Chart.yaml", "templates/deployment.yaml", "templates/deep/er/x", "run.sh", "link.yaml"); err != nil {
		t.Error(err)
	}
	info, err := fs.Stat(files, "run.sh")
	if err != nil || info.Mode() != 0o755 || !info.ModTime().Equal(commit.Time) || info.Size() != 10 {
		t.Errorf("run.sh: %v, %v", info, err)
	}
	var names []string
	err = fs.WalkDir(files, ".", func(p string, _ fs.DirEntry, err error) error {
		names = append(names, p)
		return err
	})
	want := []string{".", "Chart.yaml", "link.yaml", "run.sh", "templates", "templates/deep", "templates/deep/er", "templates/deep/er/x", "templates/deployment.yaml"}
	if d := cmp.Diff(want, names); d != "" || err != nil {
		t.Error(d, err)
	}
	for _, name := range []string{"gone", "templates/gone", "Chart.yaml/x"} {
		if _, err := readFile(files, name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"../x", "/Chart.yaml", "templates/", "a//b", ""} {
		if _, err := readFile(files, name); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := readFile(files, "templates"); err == nil {
		t.Error("a folder was read as a file")
	}
	if _, err := fs.ReadDir(files, "Chart.yaml"); err == nil {
		t.Error("a file was read as a folder")
	}
	sub, err := fs.Sub(files, "templates")
	if err != nil {
		t.Fatal(err)
	}
	if err := fstest.TestFS(sub, "deployment.yaml", "deep/er/x"); err != nil {
		t.Error(err)
	}
}

// links are checked in both file systems: a revision and the working tree.
func TestLinks(t *testing.T) {
	t.Parallel()
	outside := filepath.Join(t.TempDir(), "secret")
	write(t, outside, "secret")
	r := gittest.New(t)
	r.Write("dir/file", "content")
	r.Git("config", "http.extraheader", "secret")
	r.Link("ok", "dir/file")
	r.Link("okdir", "dir")
	r.Link("dir/up", "../ok")
	r.Link("chain", "okdir/up")
	r.Link("abs", outside)
	r.Link("climb", "../../../../../../etc/passwd")
	r.Link("dir/climb", "../../x")
	r.Link("dangling", "nothing")
	r.Link("loop1", "loop2")
	r.Link("loop2", "loop1")
	r.Link("config", ".git/config")
	r.Link("git", ".git")
	r.Link("dir/config", "../.git/config")
	r.Commit("one")
	repo := open(t, r.Dir)
	working, _, err := repo.Working()
	if err != nil {
		t.Fatal(err)
	}
	committed, _, err := repo.At("HEAD")
	if err != nil {
		t.Fatal(err)
	}
	for kind, files := range map[string]fs.FS{"working": working, "revision": committed} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			checkLinks(t, files)
		})
	}
}

func checkLinks(t *testing.T, files fs.FS) {
	t.Helper()
	for _, name := range []string{"ok", "okdir/file", "dir/up", "okdir/up", "chain"} {
		if data, err := readFile(files, name); err != nil || string(data) != "content" {
			t.Errorf("%s: %q, %v", name, data, err)
		}
	}
	for _, name := range []string{"abs", "climb", "dir/climb", "okdir/climb"} {
		_, err := readFile(files, name)
		checkFault(t, err, fault.Invalid, "symbolic link leaves the repository", "relative link")
	}
	for _, name := range []string{"dangling", "dir/file/below", "ok/below", "config", "dir/config", "git/config", ".git/config", "git"} {
		if data, err := readFile(files, name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %q, %v", name, data, err)
		}
	}
	_, err := readFile(files, "loop1")
	checkFault(t, err, fault.Invalid, "symbolic links", "point at each other")
	if target, err := fs.ReadLink(files, "okdir"); err != nil || target != "dir" {
		t.Errorf("target %q, %v", target, err)
	}
	if info, err := fs.Lstat(files, "abs"); err != nil || info.Mode().Type() != fs.ModeSymlink {
		t.Errorf("lstat: %v, %v", info, err)
	}
	if _, err := fs.ReadLink(files, "dir/file"); err == nil {
		t.Error("a file was read as a link")
	}
	entries, err := fs.ReadDir(files, ".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() == ".git" {
			t.Error(".git is visible")
		}
	}
}

func TestSubmoduleEntries(t *testing.T) {
	t.Parallel()
	r := gittest.New(t)
	r.Write("charts/a/Chart.yaml", "name: a\n")
	r.Git("add", ".")
	r.Git("update-index", "--add", "--cacheinfo", "160000,1111111111111111111111111111111111111111,charts/sub")
	r.Git("commit", "--quiet", "--message", "one")
	files, _ := at(t, r.Dir, "HEAD")
	entries, err := fs.ReadDir(files, "charts")
	if err != nil || len(entries) != 2 || entries[1].Type() != fs.ModeIrregular {
		t.Errorf("entries %v, %v", entries, err)
	}
	for _, name := range []string{"charts/sub", "charts/sub/Chart.yaml"} {
		_, err := readFile(files, name)
		checkFault(t, err, fault.Invalid, "sub is a submodule at commit 1111", "submodule update")
	}
	if err := fs.WalkDir(files, ".", func(_ string, _ fs.DirEntry, err error) error { return err }); err != nil {
		t.Errorf("walking past a submodule: %v", err)
	}
}

func TestLFS(t *testing.T) {
	t.Parallel()
	content := "large content\n"
	sum := sha256.Sum256([]byte(content))
	oid := hex.EncodeToString(sum[:])
	r := gittest.New(t)
	r.Write("big.tgz", fmt.Sprintf("version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize %d\n", oid, len(content)))
	r.Commit("one")
	repo := open(t, r.Dir)
	working, _, err := repo.Working()
	if err != nil {
		t.Fatal(err)
	}
	_, err = readFile(working, "big.tgz")
	checkFault(t, err, fault.Invalid, "a Git LFS pointer", "git lfs pull")
	files, _ := at(t, r.Dir, "HEAD")
	_, err = readFile(files, "big.tgz")
	checkFault(t, err, fault.Invalid, "a Git LFS pointer", "git lfs fetch")

	store := ".git/lfs/objects/" + oid[:2] + "/" + oid[2:4] + "/" + oid
	r.Write(store, "other")
	_, err = readFile(files, "big.tgz")
	checkFault(t, err, fault.Invalid, "is damaged", "git lfs fsck")
	r.Write(store, content)
	if data, err := readFile(files, "big.tgz"); err != nil || string(data) != content {
		t.Errorf("read %q, %v", data, err)
	}
	if info, err := fs.Stat(files, "big.tgz"); err != nil || info.Size() != int64(len(content)) {
		t.Errorf("stat %v, %v", info, err)
	}
	r.Write("big.tgz", content)
	if dirty, err := repo.Dirty("."); dirty || err != nil {
		t.Errorf("what git lfs checks out is dirty: %v, %v", dirty, err)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	r := gittest.New(t)
	r.Write("big", string(bytes.Repeat([]byte("0123456789abcdef"), 5<<20)))
	r.Commit("one")
	if err := syscall.Mkfifo(r.Path("pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	repo := open(t, r.Dir)
	working, _, err := repo.Working()
	if err != nil {
		t.Fatal(err)
	}
	_, err = readFile(working, "pipe")
	checkFault(t, err, fault.Invalid, "neither a file nor a folder", "never read")
	_, err = readFile(working, "big")
	checkFault(t, err, fault.Invalid, "80 MiB, more than the 64 MiB", "")
	files, _ := at(t, r.Dir, "HEAD")
	_, err = readFile(files, "big")
	checkFault(t, err, fault.Invalid, "80 MiB, more than the 64 MiB", "")
}

// TestForbiddenNames reads trees that git would refuse to check out.
func TestForbiddenNames(t *testing.T) {
	t.Parallel()
	r := gittest.New(t)
	blob := r.GitInput([]byte("x"), "hash-object", "-w", "--stdin")
	raw := func(name string) string {
		var id [20]byte
		if _, err := hex.Decode(id[:], []byte(blob)); err != nil {
			t.Fatal(err)
		}
		return "100644 " + name + "\x00" + string(id[:])
	}
	for _, tree := range []string{raw(".."), raw("."), raw(".git"), raw(".GIT"), raw("a/b"), raw(`a\b`), raw(""), raw("a") + raw("a"), "100644 a\x00short", "nonsense"} {
		h := r.GitInput([]byte(tree), "hash-object", "-w", "--literally", "-t", "tree", "--stdin")
		commit := r.GitInput([]byte("tree "+h+"\nauthor A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n\nx\n"), "hash-object", "-w", "--literally", "-t", "commit", "--stdin")
		_, _, err := open(t, r.Dir).At(commit)
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("tree %q: %v", tree, err)
		}
	}
}

func TestConcurrentReads(t *testing.T) {
	t.Parallel()
	r := gittest.New(t)
	for i := range 50 {
		r.Write(fmt.Sprintf("d%d/f", i%7), strings.Repeat(fmt.Sprintf("line %d\n", i), 100), fmt.Sprintf("d%d/g%d", i%7, i), "x")
		if i%10 == 0 {
			r.Commit("more")
		}
	}
	r.Commit("last")
	r.Git("gc", "--quiet")
	repo := open(t, r.Dir)
	var wait sync.WaitGroup
	for i := range 8 {
		wait.Go(func() {
			files, _, err := repo.At(fmt.Sprintf("HEAD~%d", i%3))
			if err != nil {
				t.Error(err)
				return
			}
			err = fs.WalkDir(files, ".", func(p string, d fs.DirEntry, err error) error {
				if err == nil && !d.IsDir() {
					_, err = readFile(files, p)
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
			_ = repo.RemoteURL()
			if _, _, err := repo.Working(); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
}

// FuzzTree: any bytes as a tree object give files or a fault.
func FuzzTree(f *testing.F) {
	f.Add([]byte("100644 a\x0001234567890123456789"))
	f.Add([]byte("40000 d\x0001234567890123456789160000 s\x0001234567890123456789"))
	f.Add([]byte("999 a\x00"))
	f.Add([]byte("100644 \xaa\x0001234567890123456789")) // Latin-1: listed, never opened
	f.Fuzz(func(t *testing.T, data []byte) {
		names, err := git.TreeNames(data)
		if err != nil && !fault.Is(err, fault.Invalid) {
			t.Errorf("no fault: %v", err)
		}
		for _, n := range names {
			if utf8.ValidString(n) && !fs.ValidPath(n) || strings.Contains(n, "/") || n == "." {
				t.Errorf("name %q", n)
			}
		}
	})
}
