package git_test

import (
	"io/fs"
	"net/http"
	"strings"
	"testing"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/git"
	"github.com/tugops/tug/internal/gittest"
)

// A mirror sees what a branch names now, fetches what is new only, keeps old
// trees readable and knows what is behind a commit.
func TestMirrorFollows(t *testing.T) {
	t.Parallel()
	work := gittest.New(t)
	work.Write("a", "1\n", "big", strings.Repeat("0123456789\n", 5000))
	first := work.Commit("first")
	bare := work.Bare()
	server := gittest.Serve(t, bare, gittest.Access{ReadOnly: true})
	m := follow(t, server.URL)

	repo := tipOf(t, m, git.Tip{Branch: "main"}, first)
	old, _, err := repo.At(first)
	if err != nil {
		t.Fatal(err)
	}
	work.Write("a", "2\n")
	second := work.Commit("second")
	work.Git("push", "--quiet", bare.Dir, "main")
	repo = tipOf(t, m, git.Tip{}, second)
	if data, err := fs.ReadFile(old, "a"); err != nil || string(data) != "1\n" {
		t.Errorf("tree of the first commit: %q, %v", data, err)
	}
	files, _, err := repo.At(second)
	if err != nil {
		t.Fatal(err)
	}
	if data, err := fs.ReadFile(files, "a"); err != nil || string(data) != "2\n" {
		t.Errorf("tree of the second commit: %q, %v", data, err)
	}
	if is, err := repo.Ancestor(first, second); err != nil || !is {
		t.Errorf("the first commit is behind the second: %v, %v", is, err)
	}
	fetches := count(server.Requests(), "git-upload-pack")
	tipOf(t, m, git.Tip{Branch: "main"}, second)
	if again := count(server.Requests(), "POST"); again > fetches {
		t.Errorf("an unchanged branch was fetched again: %q", server.Requests())
	}
}

// After a forced push the branch is where it was put, and the old commit is
// known to be no ancestor.
func TestMirrorRewritten(t *testing.T) {
	t.Parallel()
	work := gittest.New(t)
	work.Write("a", "1\n")
	base := work.Commit("base")
	work.Write("a", "2\n")
	lost := work.Commit("lost")
	bare := work.Bare()
	m := follow(t, gittest.Serve(t, bare, gittest.Access{ReadOnly: true}).URL)
	tipOf(t, m, git.Tip{}, lost)
	work.Git("reset", "--quiet", "--hard", base)
	work.Write("a", "3\n")
	other := work.Commit("other")
	work.Git("push", "--quiet", "--force", bare.Dir, "main")
	repo := tipOf(t, m, git.Tip{}, other)
	if is, err := repo.Ancestor(lost, other); err != nil || is {
		t.Errorf("the lost commit is behind the other: %v, %v", is, err)
	}
}

// Tags are followed by name and by version.
func TestMirrorTags(t *testing.T) {
	t.Parallel()
	work := gittest.New(t)
	hashes := map[string]string{}
	for _, tag := range []string{"v1.2.0", "v1.10.0", "v2.0.0-rc.1", "v2.0.0", "nightly"} {
		work.Write("a", tag)
		hashes[tag] = work.Commit(tag)
		work.Git("tag", "-a", "-m", tag, tag)
	}
	m := follow(t, gittest.Serve(t, work.Bare(), gittest.Access{ReadOnly: true}).URL)
	for span, tag := range map[string]string{">=1.0 <2": "v1.10.0", "*": "v2.0.0", "~1.2": "v1.2.0", ">=2.0.0-0 <2.0.0": "v2.0.0-rc.1"} {
		if hash, name, err := m.Tip(t.Context(), git.Tip{Semver: span}); err != nil || hash != hashes[tag] || name != tag {
			t.Errorf("%s: %s (%s), %v; want %s", span, name, hash, err, tag)
		}
	}
	tipOf(t, m, git.Tip{Tag: "nightly"}, hashes["nightly"])
	if _, _, err := m.Tip(t.Context(), git.Tip{Semver: ">=3"}); !fault.Is(err, fault.NotFound) {
		t.Errorf("no such version: %v", err)
	}
	if _, _, err := m.Tip(t.Context(), git.Tip{Branch: "mian"}); !fault.Is(err, fault.NotFound) {
		t.Errorf("no such branch: %v", err)
	}
	for _, bad := range []git.Tip{{Branch: "a", Tag: "b"}, {Semver: "no range"}, {Branch: "--upload-pack=x"}} {
		if bad.Check() == nil {
			t.Errorf("%+v was accepted", bad)
		}
	}
}

func follow(t *testing.T, url string) *git.Mirror {
	t.Helper()
	remotes := &git.Remotes{Dir: t.TempDir(), HTTP: &http.Client{}}
	m, err := remotes.Follow(url)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// tipOf fetches a tip, which must be a certain commit.
func tipOf(t *testing.T, m *git.Mirror, tip git.Tip, want string) *git.Repo {
	t.Helper()
	hash, _, err := m.Tip(t.Context(), tip)
	if err != nil || hash != want {
		t.Fatalf("%s is %s, %v; want %s", tip, hash, err, want)
	}
	repo, err := m.Commit(t.Context(), hash)
	if err != nil {
		t.Fatal(err)
	}
	return repo
}

func count(lines []string, part string) int {
	n := 0
	for _, l := range lines {
		if strings.Contains(l, part) {
			n++
		}
	}
	return n
}
