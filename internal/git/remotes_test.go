package git_test

import (
	"context"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/git"
	"github.com/tugops/tug/internal/gittest"
)

// upstream is a repository of two commits, a tag and a branch.
func upstream(t *testing.T) (r *gittest.Repo, first, second string) {
	t.Helper()
	r = gittest.New(t)
	r.Write("app/a.yaml", "one\n")
	first = r.Commit("first")
	r.Git("tag", "-a", "-m", "annotated", "v1")
	r.Git("tag", "light")
	r.Git("branch", "old")
	r.Write("app/a.yaml", "two\n")
	second = r.Commit("second")
	return r, first, second
}

func remotes(t *testing.T) *git.Remotes {
	t.Helper()
	return &git.Remotes{Dir: t.TempDir(), HTTP: &http.Client{}}
}

func TestRemotes(t *testing.T) {
	t.Parallel()
	source, first, second := upstream(t)
	server := gittest.Serve(t, source.Bare(), gittest.Access{ReadOnly: true})
	r := remotes(t)
	for _, tc := range []struct{ ref, commit, text string }{
		{"", second, "two\n"},
		{"main", second, "two\n"},
		{"refs/heads/main", second, "two\n"},
		{"v1", first, "one\n"},
		{"refs/tags/v1", first, "one\n"},
		{"light", first, "one\n"},
		{"old", first, "one\n"},
		{first, first, "one\n"},
		{second, second, "two\n"},
	} {
		files, commit, err := r.Fetch(t.Context(), "git+"+server.URL, tc.ref)
		if err != nil {
			t.Fatalf("%s: %v", tc.ref, err)
		}
		data, err := fs.ReadFile(files, "app/a.yaml")
		if err != nil || string(data) != tc.text || commit.Hash != tc.commit {
			t.Errorf("%s: %q at %s, %v", tc.ref, data, commit.Hash, err)
		}
	}
	// What was fetched needs no network, by hash.
	offline := &git.Remotes{Dir: r.Dir, Offline: true}
	if _, _, err := offline.Fetch(t.Context(), server.URL, first); err != nil {
		t.Error(err)
	}
	_, _, err := offline.Fetch(t.Context(), server.URL, "main")
	checkFault(t, err, fault.Unavailable, "is not in the cache, and the network is not to be used", "locked")
}

// A commit that no ref names any more is fetched when the server gives it.
func TestRemotesWithoutDirectWants(t *testing.T) {
	t.Parallel()
	source, _, _ := upstream(t)
	source.Git("checkout", "-q", "-b", "long")
	source.Write("app/a.yaml", "three\n")
	middle := source.Commit("three")
	source.Write("app/a.yaml", "four\n")
	source.Commit("four")
	bare := source.Bare()
	server := gittest.Serve(t, bare, gittest.Access{ReadOnly: true})
	bare.Git("config", "uploadpack.allowAnySHA1InWant", "false")
	r := remotes(t)
	files, _, err := r.Fetch(t.Context(), server.URL, middle)
	if err != nil {
		t.Fatal(err)
	}
	if data, _ := fs.ReadFile(files, "app/a.yaml"); string(data) != "three\n" {
		t.Errorf("got %q", data)
	}
	_, _, err = r.Fetch(t.Context(), server.URL, strings.Repeat("1", 40))
	checkFault(t, err, fault.NotFound, "has no commit 1111", "")
}

func TestRemotesConcurrently(t *testing.T) {
	t.Parallel()
	source, _, second := upstream(t)
	server := gittest.Serve(t, source.Bare(), gittest.Access{ReadOnly: true})
	dir := t.TempDir()
	var group sync.WaitGroup
	for range 4 {
		r := &git.Remotes{Dir: dir, HTTP: &http.Client{}}
		for range 4 {
			group.Go(func() {
				_, commit, err := r.Fetch(t.Context(), server.URL, "main")
				if err != nil || commit.Hash != second {
					t.Errorf("%s, %v", commit.Hash, err)
				}
			})
		}
	}
	group.Wait()
	entries, err := filepath.Glob(filepath.Join(dir, "git", "*", "*"))
	if err != nil || len(entries) != 1 {
		t.Errorf("left in the cache: %q, %v", entries, err)
	}
}

// Commits that nobody asks for any more go from the cache.
func TestRemotesForget(t *testing.T) {
	t.Parallel()
	source, first, _ := upstream(t)
	server := gittest.Serve(t, source.Bare(), gittest.Access{ReadOnly: true})
	r := remotes(t)
	for _, ref := range []string{first, "main"} {
		if _, _, err := r.Fetch(t.Context(), server.URL, ref); err != nil {
			t.Fatal(err)
		}
	}
	old := time.Now().Add(-31 * 24 * time.Hour)
	found, _ := filepath.Glob(filepath.Join(r.Dir, "git", "*", first))
	if len(found) != 1 {
		t.Fatalf("found %q", found)
	}
	if err := os.Chtimes(found[0], old, old); err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.Fetch(t.Context(), server.URL, "old"); err != nil {
		t.Fatal(err)
	}
	// It was fetched again, by another name.
	if left, _ := filepath.Glob(filepath.Join(r.Dir, "git", "*", "*")); len(left) != 2 {
		t.Errorf("left %q", left)
	}
	if err := os.Chtimes(found[0], old, old); err != nil {
		t.Fatal(err)
	}
	other := &git.Remotes{Dir: r.Dir, HTTP: &http.Client{}}
	if _, _, err := other.Fetch(t.Context(), server.URL, "main"); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(r.Dir, "git", "*", "*")); len(left) != 1 {
		t.Errorf("left %q", left)
	}
}

func TestRemotesLocal(t *testing.T) {
	t.Parallel()
	source, _, second := upstream(t)
	r := remotes(t)
	_, _, err := r.Fetch(t.Context(), "file://"+source.Dir, "main")
	checkFault(t, err, fault.Denied, "is on this machine", "TUG_ALLOW_LOCAL")
	r.Local = true
	_, commit, err := r.Fetch(t.Context(), "file://"+source.Dir, "")
	if err != nil || commit.Hash != second {
		t.Errorf("%s, %v", commit.Hash, err)
	}
	_, _, err = r.Fetch(t.Context(), "file://"+source.Dir+"/app", "")
	checkFault(t, err, fault.NotFound, "is no repository", "")
}

func TestRemotesRefuse(t *testing.T) {
	t.Parallel()
	source, _, _ := upstream(t)
	server := gittest.Serve(t, source.Bare(), gittest.Access{ReadOnly: true})
	locked := gittest.Serve(t, source.Bare(), gittest.Access{User: "ci", Password: "secret"})
	empty := gittest.Serve(t, gittest.NewBare(t), gittest.Access{})
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("hello"))
	}))
	t.Cleanup(web.Close)
	for _, tc := range []struct {
		url, ref string
		kind     fault.Kind
		err      string
	}{
		{server.URL, "none", fault.NotFound, `no branch or tag "none"`},
		{server.URL, "--upload-pack=x", fault.Invalid, "is no name of a branch"},
		{server.URL, "a..b", fault.Invalid, "is no name of a branch"},
		{server.URL, "a b", fault.Invalid, "is no name of a branch"},
		{locked.URL, "", fault.Denied, "the server says 401"},
		{empty.URL, "", fault.NotFound, "has no commits"},
		{web.URL + "/x", "", fault.Invalid, "is no Git repository"},
		{server.URL + "x", "", fault.NotFound, "the server says 404"},
		{"https://user:secret@example.org/x.git", "", fault.Invalid, "credentials do not belong into a URL"},
		{"http://example.org/x.git", "", fault.Invalid, "plain http"},
		{"ext::sh -c date", "", fault.Invalid, "this is no URL"},
		{"ext://sh", "", fault.Invalid, `protocol "ext" is not supported`},
		{"git://example.org/x", "", fault.Invalid, `protocol "git" is not supported`},
		{"ssh://-oProxyCommand=x/y", "", fault.Invalid, "malformed"},
		{"git@-oProxyCommand=x:y", "", fault.Invalid, "this is no URL"},
		{"git@host:-x", "", fault.Invalid, "this is no URL"},
		{"https://host", "", fault.Invalid, "host or path is missing"},
		{"../x", "", fault.Invalid, "this is no URL"},
	} {
		_, _, err := remotes(t).Fetch(t.Context(), tc.url, tc.ref)
		if !fault.Is(err, tc.kind) || !strings.Contains(err.Error(), tc.err) {
			t.Errorf("%s %s: %v, want %q", tc.url, tc.ref, err, tc.err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("a password is in %v", err)
		}
	}
}

// Servers that hang or break off cost bounded time and leave nothing.
func TestRemotesBroken(t *testing.T) {
	t.Parallel()
	source, _, _ := upstream(t)
	good := gittest.Serve(t, source.Bare(), gittest.Access{ReadOnly: true})
	hang := make(chan struct{})
	for name, tc := range map[string]struct {
		answer http.HandlerFunc
		err    string
	}{
		"refs break off": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/x-git-upload-pack-advertisement")
			_, _ = w.Write([]byte("001e# service=git-upload-pack\n0000"))
		}, "fetch "},
		"refs are none": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/x-git-upload-pack-advertisement")
			_, _ = w.Write([]byte("zzzz"))
		}, "fetch "},
		"hangs": {func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-hang:
			case <-r.Context().Done():
			}
		}, "deadline exceeded"},
		"pack is garbage": {func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet {
				res, err := http.Get(good.URL + "/info/refs?service=git-upload-pack")
				if err != nil {
					t.Error(err)
					return
				}
				defer res.Body.Close()
				w.Header().Set("Content-Type", res.Header.Get("Content-Type"))
				_ = res.Write(discardHeader{w})
				return
			}
			_, _ = w.Write([]byte("0008NAK\nPACK"))
		}, "fetch "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(tc.answer)
			defer server.Close()
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			r := remotes(t)
			_, _, err := r.Fetch(ctx, server.URL+"/x", "main")
			if err == nil || !strings.Contains(err.Error(), tc.err) {
				t.Errorf("got %v", err)
			}
			left, _ := filepath.Glob(filepath.Join(r.Dir, "git", "*", "*"))
			if len(left) > 0 {
				t.Errorf("left %q", left)
			}
		})
	}
}

// discardHeader takes what http.Response.Write writes, head and all: good
// enough for a body that must not make sense.
type discardHeader struct{ http.ResponseWriter }

func TestRemotesMaxPack(t *testing.T) {
	t.Parallel()
	source, _, _ := upstream(t)
	server := gittest.Serve(t, source.Bare(), gittest.Access{ReadOnly: true})
	r := remotes(t)
	r.MaxPack = 100
	_, _, err := r.Fetch(t.Context(), server.URL, "main")
	checkFault(t, err, fault.Invalid, "the pack is larger than", "")
	if left, _ := os.ReadDir(filepath.Join(r.Dir, "git")); len(left) > 1 {
		t.Errorf("left %v", left)
	}
}
