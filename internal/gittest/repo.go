// Package gittest makes real Git repositories for tests, with the git program:
// what tug reads is what Git writes. Authors and dates are fixed, so that the
// same steps give the same hashes; the configuration of the user and of the
// system is not read.
package gittest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Author of every commit.
const (
	AuthorName  = "Test"
	AuthorEmail = "test@example.org"
)

// Start is the date of the first commit; each later one is a minute younger.
func Start() time.Time { return time.Date(2024, time.January, 2, 3, 4, 5, 0, time.UTC) }

// Repo is a repository in a folder of its own that goes with the test.
type Repo struct {
	// Dir is the working tree, or the repository itself when it is bare.
	Dir string

	t       testing.TB
	home    string
	commits int
}

// New makes an empty repository with a working tree on branch main. Extra
// arguments go to git init.
func New(t testing.TB, args ...string) *Repo {
	t.Helper()
	r := newRepo(t)
	r.Git(append([]string{"init", "--quiet", "--initial-branch=main"}, args...)...)
	return r
}

// NewBare makes an empty repository without a working tree, to push to.
func NewBare(t testing.TB) *Repo {
	t.Helper()
	return New(t, "--bare")
}

func newRepo(t testing.TB) *Repo {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return &Repo{Dir: dir, t: t, home: t.TempDir()}
}

// Clone makes a working clone of r. Extra arguments go to git clone.
func (r *Repo) Clone(args ...string) *Repo {
	r.t.Helper()
	return CloneURL(r.t, "file://"+filepath.ToSlash(r.Dir), args...)
}

// Bare makes a bare clone of r.
func (r *Repo) Bare() *Repo {
	r.t.Helper()
	return r.Clone("--bare")
}

// CloneURL clones from anywhere, a Server say. Extra arguments go to git clone.
func CloneURL(t testing.TB, url string, args ...string) *Repo {
	t.Helper()
	r := newRepo(t)
	args = append([]string{"clone", "--quiet"}, args...)
	r.Git(append(args, url, r.Dir)...)
	return r
}

// Write makes files of name, content, name, content, … Names are
// slash-separated; folders are made as needed.
func (r *Repo) Write(pairs ...string) {
	r.t.Helper()
	for i := 0; i+1 < len(pairs); i += 2 {
		file := r.Path(pairs[i])
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			r.t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(pairs[i+1]), 0o644); err != nil {
			r.t.Fatal(err)
		}
	}
}

// Remove deletes files or folders of the working tree.
func (r *Repo) Remove(names ...string) {
	r.t.Helper()
	for _, name := range names {
		if err := os.RemoveAll(r.Path(name)); err != nil {
			r.t.Fatal(err)
		}
	}
}

// Link makes a symbolic link with the given target.
func (r *Repo) Link(name, target string) {
	r.t.Helper()
	file := r.Path(name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		r.t.Fatal(err)
	}
	if err := os.Symlink(target, file); err != nil {
		r.t.Fatal(err)
	}
}

// Path is a slash-separated name as a path on disk.
func (r *Repo) Path(name string) string { return filepath.Join(r.Dir, filepath.FromSlash(name)) }

// Commit commits the whole working tree, also when nothing changed, and gives
// the full hash.
func (r *Repo) Commit(message string) string {
	r.t.Helper()
	r.Git("add", "--all")
	r.Git("commit", "--quiet", "--allow-empty", "--cleanup=verbatim", "--message", message)
	r.commits++
	return r.Git("rev-parse", "HEAD")
}

// Git runs git in the repository, fails the test when it fails, and gives what
// it printed without the last line end.
func (r *Repo) Git(args ...string) string {
	r.t.Helper()
	return r.GitInput(nil, args...)
}

// GitInput is Git with standard input.
func (r *Repo) GitInput(input []byte, args ...string) string {
	r.t.Helper()
	out, err := r.TryGit(input, args...)
	if err != nil {
		r.t.Fatalf("git %s: %v", strings.Join(args, " "), err)
	}
	return out
}

// TryGit is GitInput for commands that may fail; the error has what git said.
func (r *Repo) TryGit(input []byte, args ...string) (string, error) {
	cmd := exec.CommandContext(r.t.Context(), "git", args...)
	cmd.Dir = r.Dir
	cmd.Env = r.environment(cmd.Path)
	cmd.Stdin = bytes.NewReader(input)
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("%w: %s", err, strings.TrimSpace(problems.String()))
	}
	return strings.TrimSuffix(out.String(), "\n"), nil
}

// environment is all that git gets to know.
func (r *Repo) environment(program string) []string {
	date := Start().Add(time.Duration(r.commits) * time.Minute).Format(time.RFC3339)
	return []string{
		"PATH=" + filepath.Dir(program), // its scripts need a shell beside it
		"HOME=" + r.home,
		"LC_ALL=C",
		"GIT_CONFIG_NOSYSTEM=1",
		"GIT_CONFIG_GLOBAL=" + os.DevNull,
		"GIT_TERMINAL_PROMPT=0",
		"GIT_AUTHOR_NAME=" + AuthorName, "GIT_AUTHOR_EMAIL=" + AuthorEmail, "GIT_AUTHOR_DATE=" + date,
		"GIT_COMMITTER_NAME=" + AuthorName, "GIT_COMMITTER_EMAIL=" + AuthorEmail, "GIT_COMMITTER_DATE=" + date,
	}
}
