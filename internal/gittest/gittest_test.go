package gittest_test

import (
	"os"
	"strings"
	"testing"

	"github.com/tugops/tug/internal/gittest"
)

func TestHashesAreFixed(t *testing.T) {
	t.Parallel()
	make := func() string {
		r := gittest.New(t)
		r.Write("a/b.txt", "1\n")
		r.Commit("first")
		r.Write("a/b.txt", "2\n")
		return r.Commit("second")
	}
	if a, b := make(), make(); a != b || len(a) != 40 {
		t.Errorf("the same steps give %s and %s", a, b)
	}
}

func TestServe(t *testing.T) {
	t.Parallel()
	source := gittest.New(t)
	source.Write("a.txt", "1\n")
	first := source.Commit("first")
	server := gittest.Serve(t, source.Bare(), gittest.Access{User: "ci", Password: "secret"})

	clone := gittest.CloneURL(t, strings.Replace(server.URL, "://", "://ci:secret@", 1))
	if got := clone.Git("rev-parse", "HEAD"); got != first {
		t.Errorf("cloned %s, want %s", got, first)
	}
	clone.Write("a.txt", "2\n")
	second := clone.Commit("second")
	clone.Git("push", "--quiet", "origin", "main")
	if got, _, _ := strings.Cut(clone.Git("ls-remote", "origin", "refs/heads/main"), "\t"); got != second {
		t.Errorf("after the push main is %s, want %s", got, second)
	}
	if _, err := clone.TryGit(nil, "ls-remote", server.URL); err == nil {
		t.Error("no password was asked for")
	}
	if len(server.Requests()) == 0 || !strings.HasPrefix(server.Requests()[0], "GET /") {
		t.Errorf("requests: %q", server.Requests())
	}
}

func TestServeReadOnly(t *testing.T) {
	t.Parallel()
	source := gittest.New(t)
	source.Commit("first")
	server := gittest.Serve(t, source.Bare(), gittest.Access{ReadOnly: true})
	clone := gittest.CloneURL(t, server.URL, "--depth=1")
	clone.Commit("second")
	if _, err := clone.TryGit(nil, "push", "origin", "main"); err == nil {
		t.Error("a read-only server took a push")
	}
}

func TestWorkingTree(t *testing.T) {
	t.Parallel()
	r := gittest.New(t)
	r.Write("a/b", "1", "c", "2")
	r.Link("a/l", "../c")
	r.Remove("a/b")
	data, err := os.ReadFile(r.Path("a/l"))
	if err != nil || string(data) != "2" {
		t.Errorf("through the link: %q, %v", data, err)
	}
	if _, err := os.Stat(r.Path("a/b")); !os.IsNotExist(err) {
		t.Errorf("removed file: %v", err)
	}
	if _, err := r.TryGit(nil, "no-such-command"); err == nil || !strings.Contains(err.Error(), "no-such-command") {
		t.Errorf("error of git: %v", err)
	}
}
