package git_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/git"
	"github.com/tugops/tug/internal/gittest"
)

func open(t testing.TB, path string) *git.Repo {
	t.Helper()
	r, err := git.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func at(t testing.TB, path, rev string) (fs.FS, git.Commit) {
	t.Helper()
	files, commit, err := open(t, path).At(rev)
	if err != nil {
		t.Fatal(err)
	}
	return files, commit
}

// checkFault looks at kind, message and hints of an error.
func checkFault(t *testing.T, err error, kind fault.Kind, want, hint string) {
	t.Helper()
	if !fault.Is(err, kind) || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v (%s), want %s with %q", err, fault.KindOf(err), kind, want)
		return
	}
	if hints := strings.Join(fault.HintsOf(err), "\n"); !strings.Contains(hints, hint) {
		t.Errorf("hints %q, want %q", hints, hint)
	}
}

func TestOpenFindsTheRepository(t *testing.T) {
	t.Parallel()
	r := gittest.New(t)
	r.Write("apps/shop/Chart.yaml", "name: shop\n")
	hash := r.Commit("first")
	worktree := filepath.Join(t.TempDir(), "linked")
	r.Git("worktree", "add", "--quiet", "-b", "side", worktree)
	bare := r.Bare()
	if err := os.Symlink(r.Path("apps"), filepath.Join(worktree, "link")); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		path, root, prefix string
		bare               bool
	}{
		"root":         {r.Dir, r.Dir, ".", false},
		"folder below": {r.Path("apps/shop"), r.Dir, "apps/shop", false},
		"file":         {r.Path("apps/shop/Chart.yaml"), r.Dir, "apps/shop/Chart.yaml", false},
		"linked":       {filepath.Join(worktree, "apps"), worktree, "apps", false},
		"through link": {filepath.Join(worktree, "link", "shop"), r.Dir, "apps/shop", false},
		"bare":         {bare.Dir, "", ".", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			repo := open(t, c.path)
			if repo.Root() != c.root || repo.Prefix() != c.prefix || repo.Bare() != c.bare {
				t.Errorf("root %q, prefix %q, bare %v", repo.Root(), repo.Prefix(), repo.Bare())
			}
			files, commit, err := repo.At("HEAD")
			if err != nil || commit.Hash != hash {
				t.Fatalf("HEAD is %s, %v", commit.Hash, err)
			}
			if data, err := fs.ReadFile(files, "apps/shop/Chart.yaml"); err != nil || string(data) != "name: shop\n" {
				t.Errorf("read %q, %v", data, err)
			}
		})
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	_, err := git.Open(t.TempDir())
	if !errors.Is(err, git.ErrNoRepository) {
		t.Errorf("a plain folder: %v", err)
	}
	checkFault(t, err, fault.NotFound, "not in a Git repository", "git init")
	_, err = git.Open(filepath.Join(t.TempDir(), "gone"))
	checkFault(t, err, fault.NotFound, "no such file or folder", "")

	moved := t.TempDir()
	write(t, filepath.Join(moved, ".git"), "gitdir: /nowhere/at/all\n")
	_, err = git.Open(moved)
	checkFault(t, err, fault.Invalid, "which is no repository", "worktree repair")
	write(t, filepath.Join(moved, ".git"), "hello\n")
	_, err = git.Open(moved)
	checkFault(t, err, fault.Invalid, "does not say where the repository is", "gitdir:")

	sha256 := gittest.New(t, "--object-format=sha256")
	_, err = git.Open(sha256.Dir)
	checkFault(t, err, fault.Invalid, "uses sha256 object names", "sha1")

	reftable := gittest.New(t)
	reftable.Git("config", "core.repositoryformatversion", "1")
	reftable.Git("config", "extensions.refStorage", "reftable")
	_, err = git.Open(reftable.Dir)
	checkFault(t, err, fault.Invalid, "stores its refs as reftable", "git refs migrate")

	broken := gittest.New(t)
	write(t, broken.Path(".git/config"), "[core\n")
	_, err = git.Open(broken.Dir)
	checkFault(t, err, fault.Invalid, "config", "git config --list")
}

func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestWorking(t *testing.T) {
	t.Parallel()
	r := gittest.New(t)
	r.Write("a.txt", "committed\n")
	_, commit, err := open(t, r.Dir).Working()
	if err != nil || !commit.IsZero() {
		t.Fatalf("before the first commit: %+v, %v", commit, err)
	}
	hash := r.Commit("title\n\nbody\n\nSigned-off-by: A <a@example.org>\nReviewed-by: B\n")
	r.Write("a.txt", "edited\n", "new/b.txt", "")
	files, commit, err := open(t, r.Dir).Working()
	if err != nil {
		t.Fatal(err)
	}
	want := git.Commit{Hash: hash, Time: gittest.Start(), Message: "title", Ref: "main", Trailers: []string{"Signed-off-by: A <a@example.org>", "Reviewed-by: B"}}
	if d := cmp.Diff(want, commit); d != "" {
		t.Error(d)
	}
	if data, err := fs.ReadFile(files, "a.txt"); err != nil || string(data) != "edited\n" {
		t.Errorf("read %q, %v", data, err)
	}
	if err := fstest.TestFS(files, "a.txt", "new/b.txt"); err != nil {
		t.Error(err)
	}
	r.Git("checkout", "--quiet", "--detach")
	if _, commit, err = open(t, r.Dir).Working(); err != nil || commit.Ref != "HEAD" {
		t.Errorf("detached: %+v, %v", commit, err)
	}
	_, _, err = open(t, r.Bare().Dir).Working()
	checkFault(t, err, fault.Invalid, "is a bare repository", "--rev")
}

func TestTrailers(t *testing.T) {
	t.Parallel()
	r := gittest.New(t)
	for message, want := range map[string][]string{
		"title":                                       nil,
		"Fix: title":                                  nil,
		"title\n\nbody: has a colon\nand text":        nil,
		"title\n\nA: 1\nB:2\n":                        {"A: 1", "B:2"},
		"title\n\nbody\n\nA: 1\n  folded\n":           {"A: 1 folded"},
		"t\n\nSigned-off-by: x\na\nb\nc\n":            {"Signed-off-by: x"},
		"t\n\nSigned-off-by: x\na\nb\nc\nd\n":         nil,
		"t\n\nA: 1\n(cherry picked from commit 1f)\n": {"A: 1"},
		"t\r\n\r\nA: 1\r\n":                           {"A: 1"},
	} {
		r.Commit(message)
		_, commit := at(t, r.Dir, "HEAD")
		if d := cmp.Diff(want, commit.Trailers); d != "" {
			t.Errorf("%q:\n%s", message, d)
		}
		if title, _, _ := strings.Cut(message, "\n"); commit.Message != strings.TrimSpace(title) {
			t.Errorf("title of %q is %q", message, commit.Message)
		}
	}
}

func TestFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.yaml"), "a: 1\n")
	files, err := git.Folder(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := fstest.TestFS(files, "a.yaml"); err != nil {
		t.Error(err)
	}
	if named, ok := files.(interface{ FolderName() string }); !ok || named.FolderName() != filepath.Base(dir) {
		t.Errorf("the folder does not know its name: %v", ok)
	}
	_, err = git.Folder(filepath.Join(dir, "gone"))
	checkFault(t, err, fault.NotFound, "no such folder", "")
	_, err = git.Folder(filepath.Join(dir, "a.yaml"))
	checkFault(t, err, fault.Invalid, "is not a folder", "")
}

func TestRemoteURL(t *testing.T) {
	t.Parallel()
	for remote, want := range map[string]string{
		"https://github.com/a/b.git":              "https://github.com/a/b.git",
		"https://user:token@github.com/a/b.git":   "https://github.com/a/b.git",
		"https://token@github.com/a/b":            "https://github.com/a/b",
		"https://git.example/a?private_token=x#y": "https://git.example/a",
		"git@github.com:a/b.git":                  "git@github.com:a/b.git",
		"git:secret@github.com:a/b.git":           "git@github.com:a/b.git",
		"ssh://git:secret@host:22/a":              "ssh://git@host:22/a",
		"../sibling.git":                          "../sibling.git",
	} {
		r := gittest.New(t)
		r.Commit("first")
		r.Git("remote", "add", "upstream", remote)
		if got := open(t, r.Dir).RemoteURL(); got != want {
			t.Errorf("%s: got %q, want %q", remote, got, want)
		}
	}
	r := gittest.New(t)
	if got := open(t, r.Dir).RemoteURL(); got != "" {
		t.Errorf("without a remote: %q", got)
	}
	r.Git("remote", "add", "fork", "https://git.example/fork")
	r.Git("remote", "add", "origin", "https://git.example/origin")
	if got := open(t, r.Dir).RemoteURL(); got != "https://git.example/origin" {
		t.Errorf("of two remotes: %q", got)
	}
	r.Commit("first")
	r.Git("config", "branch.main.remote", "fork")
	if got := open(t, r.Dir).RemoteURL(); got != "https://git.example/fork" {
		t.Errorf("of the branch: %q", got)
	}
}

func TestCommitTimeIsUTC(t *testing.T) {
	t.Parallel()
	r := gittest.New(t)
	r.Commit("first")
	r.GitInput(nil, "-c", "user.name=x", "commit", "--amend", "--quiet", "--allow-empty", "--no-edit")
	_, commit := at(t, r.Dir, "HEAD")
	if commit.Time.Location() != time.UTC {
		t.Errorf("time %s", commit.Time)
	}
}
