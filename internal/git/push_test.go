package git_test

import (
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/git"
	"github.com/tugops/tug/internal/gittest"
)

func openUpstream(t *testing.T, url string) *git.Upstream {
	t.Helper()
	u, err := remotes(t).Upstream(url)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func signature() git.Signature {
	return git.Signature{Name: "tug", Email: "tug@example.org", Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
}

func change(message string, pairs ...string) git.NewCommit {
	c := git.NewCommit{Author: signature(), Committer: signature(), Message: func(string) string { return message + "\n" }, Files: map[string][]byte{}}
	for i := 0; i < len(pairs); i += 2 {
		c.Files[pairs[i]] = []byte(pairs[i+1])
		if pairs[i+1] == "" {
			c.Files[pairs[i]] = nil
		}
	}
	return c
}

func tip(t *testing.T, u *git.Upstream, branch string) *git.Tree {
	t.Helper()
	refs, err := u.Refs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	tree, err := u.At(t.Context(), refs.Branches[branch])
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

func commitOn(t *testing.T, u *git.Upstream, on *git.Tree, c git.NewCommit) *git.Tree {
	t.Helper()
	tree, err := u.Commit(on, c)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

func TestPush(t *testing.T) {
	t.Parallel()
	source, _, _ := upstream(t)
	source.Write("app/run.sh", "#!/bin/sh\n", "app/deep/er/x", "x", "b.yaml", "b\n")
	if err := os.Chmod(source.Path("app/run.sh"), 0o755); err != nil {
		t.Fatal(err)
	}
	third := source.Commit("third")
	bare := source.Bare()
	server := gittest.Serve(t, bare, gittest.Access{})
	u := openUpstream(t, server.URL)
	refs, err := u.Refs(t.Context())
	if err != nil || refs.Default != "main" || refs.Branches["main"] != third || refs.Branches["old"] == "" {
		t.Fatalf("%+v, %v", refs, err)
	}
	on := tip(t, u, "main")
	if data, err := fs.ReadFile(on.Files, "app/a.yaml"); err != nil || string(data) != "two\n" {
		t.Fatalf("%q, %v", data, err)
	}
	one := commitOn(t, u, on, change("one", "app/a.yaml", "three\n", "app/run.sh", "#!/bin/sh\nexit\n", "new/er/file", "1\n", "app/deep/er/x", ""))
	two := commitOn(t, u, one, change("two", "b.yaml", "c\n"))
	if err := u.Push(t.Context(), git.Move{Branch: "main", Old: third, New: two}); err != nil {
		t.Fatal(err)
	}
	bare.Git("fsck", "--strict")
	if got := bare.Git("log", "--format=%s %an", "-3", "main"); got != "two tug\none tug\nthird Test" {
		t.Errorf("log:\n%s", got)
	}
	want := "M\tapp/a.yaml\nD\tapp/deep/er/x\nM\tapp/run.sh\nM\tb.yaml\nA\tnew/er/file"
	if got := bare.Git("diff", "--name-status", third, "main"); got != want {
		t.Errorf("diff:\n%s", got)
	}
	if got := bare.Git("ls-tree", "main", "app/run.sh"); !strings.HasPrefix(got, "100755") {
		t.Errorf("mode: %s", got)
	}
	// The same again finds that the branch moved, and sends nothing.
	before := len(server.Requests())
	if err := u.Push(t.Context(), git.Move{Branch: "main", Old: third, New: one}); !errors.Is(err, git.ErrMoved) {
		t.Errorf("%v", err)
	}
	if got := server.Requests()[before:]; len(got) != 1 {
		t.Errorf("requests %q", got)
	}
}

func TestPushSeveralBranches(t *testing.T) {
	t.Parallel()
	source, first, second := upstream(t)
	bare := source.Bare()
	u := openUpstream(t, gittest.Serve(t, bare, gittest.Access{}).URL)
	a := commitOn(t, u, tip(t, u, "main"), change("a", "a", "1"))
	b := commitOn(t, u, tip(t, u, "old"), change("b", "b", "1"))
	err := u.Push(t.Context(), git.Move{Branch: "main", Old: second, New: a}, git.Move{Branch: "promote/prod/shop", New: b})
	if err != nil {
		t.Fatal(err)
	}
	if got := bare.Git("rev-parse", "main", "promote/prod/shop"); got != a.Commit.Hash+"\n"+b.Commit.Hash {
		t.Errorf("tips %s", got)
	}
	// Back to an older commit, and away with the other: a lease, not a fast-forward.
	back := tip(t, u, "old")
	err = u.Push(t.Context(), git.Move{Branch: "main", Old: a.Commit.Hash, New: back}, git.Move{Branch: "promote/prod/shop", Old: b.Commit.Hash})
	if err != nil {
		t.Fatal(err)
	}
	if got := bare.Git("for-each-ref", "--format=%(refname:short) %(objectname)", "refs/heads"); got != "main "+first+"\nold "+first {
		t.Errorf("refs:\n%s", got)
	}
}

// TestUpstreamFetchesLittle: from a server that can, files are fetched when
// they are read, and a later tip without what is there.
func TestUpstreamFetchesLittle(t *testing.T) {
	t.Parallel()
	for _, partial := range []string{"true", "false"} {
		source, _, second := upstream(t)
		bare := source.Bare()
		server := gittest.Serve(t, bare, gittest.Access{})
		bare.Git("config", "uploadpack.allowFilter", partial)
		u := openUpstream(t, server.URL)
		on := tip(t, u, "main")
		requests := len(server.Requests())
		for range 2 {
			if data, err := fs.ReadFile(on.Files, "app/a.yaml"); err != nil || string(data) != "two\n" {
				t.Fatalf("%q, %v", data, err)
			}
		}
		if got := len(server.Requests()) - requests; got != map[string]int{"true": 1, "false": 0}[partial] {
			t.Errorf("partial %s: %d requests for one file", partial, got)
		}
		if info, err := fs.Stat(on.Files, "app/a.yaml"); err != nil || info.Size() != 4 {
			t.Errorf("%v, %v", info, err)
		}
		push(t, bare, "other.yaml", "3\n")
		next := tip(t, u, "main")
		if next.Commit.Hash == second {
			t.Fatal("the tip did not move")
		}
		for name, want := range map[string]string{"app/a.yaml": "two\n", "other.yaml": "3\n"} {
			if data, err := fs.ReadFile(next.Files, name); err != nil || string(data) != want {
				t.Errorf("partial %s: %s is %q, %v", partial, name, data, err)
			}
		}
		built := commitOn(t, u, next, change("built", "app/a.yaml", "four\n"))
		if err := u.Push(t.Context(), git.Move{Branch: "main", Old: next.Commit.Hash, New: built}); err != nil {
			t.Error(err)
		}
		bare.Git("fsck", "--strict")
	}
}

// push commits a file from a clone.
func push(t *testing.T, bare *gittest.Repo, name, text string) string {
	t.Helper()
	c := bare.Clone()
	c.Write(name, text)
	hash := c.Commit("by hand: " + name)
	c.Git("push", "--quiet", "--force", "origin", "HEAD:main")
	return hash
}

func TestPushRefused(t *testing.T) {
	t.Parallel()
	source, _, second := upstream(t)
	bare := source.Bare()
	hook := "#!/bin/sh\necho 'Not allowed to push to protected branch main' >&2\nexit 1\n"
	if err := os.WriteFile(filepath.Join(bare.Dir, "hooks", "pre-receive"), []byte(hook), 0o755); err != nil {
		t.Fatal(err)
	}
	u := openUpstream(t, gittest.Serve(t, bare, gittest.Access{}).URL)
	built := commitOn(t, u, tip(t, u, "main"), change("a", "a", "1"))
	err := u.Push(t.Context(), git.Move{Branch: "main", Old: second, New: built})
	refused, ok := errors.AsType[*git.Refused](err)
	if !ok || refused.Unknown || refused.Branch != "main" || !strings.Contains(err.Error(), "(Not allowed to push to protected branch main)") {
		t.Errorf("%v", err)
	}
	u = openUpstream(t, gittest.Serve(t, source.Bare(), gittest.Access{ReadOnly: true}).URL)
	built = commitOn(t, u, tip(t, u, "main"), change("a", "a", "1"))
	checkFault(t, u.Push(t.Context(), git.Move{Branch: "main", Old: second, New: built}), fault.Denied, "403", "credential")
}

// TestPushLosesTheAnswer: a server that takes a push and then breaks off is
// told apart from one that says no.
func TestPushLosesTheAnswer(t *testing.T) {
	t.Parallel()
	source, _, second := upstream(t)
	bare := source.Bare()
	target, err := url.Parse(gittest.Serve(t, bare, gittest.Access{}).URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: target.Scheme, Host: target.Host})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/git-receive-pack") {
			proxy.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	u := openUpstream(t, server.URL+target.Path)
	built := commitOn(t, u, tip(t, u, "main"), change("a", "a", "1"))
	err = u.Push(t.Context(), git.Move{Branch: "main", Old: second, New: built})
	if refused, ok := errors.AsType[*git.Refused](err); !ok || !refused.Unknown {
		t.Errorf("%v", err)
	}
	if got := bare.Git("rev-parse", "main"); got != built.Commit.Hash {
		t.Errorf("main is %s", got)
	}
}

// TestPushRaces: of pushes from one commit, one wins, and nobody thinks to have
// won who did not.
func TestPushRaces(t *testing.T) {
	t.Parallel()
	source, _, second := upstream(t)
	bare := source.Bare()
	server := gittest.Serve(t, bare, gittest.Access{})
	var won atomic.Int32
	var all sync.WaitGroup
	for i := range 6 {
		u := openUpstream(t, server.URL)
		built := commitOn(t, u, tip(t, u, "main"), change("a", string(rune('a'+i)), "1"))
		all.Go(func() {
			err := u.Push(t.Context(), git.Move{Branch: "main", Old: second, New: built})
			_, refused := errors.AsType[*git.Refused](err)
			switch {
			case err == nil:
				won.Add(1)
			case !refused && !errors.Is(err, git.ErrMoved):
				t.Errorf("%v", err)
			}
		})
	}
	all.Wait()
	if won.Load() != 1 {
		t.Errorf("%d won", won.Load())
	}
}

func TestCommitRefuses(t *testing.T) {
	t.Parallel()
	source, _, _ := upstream(t)
	source.Link("link", "app")
	source.Link("file", "app/a.yaml")
	source.Commit("links")
	u := openUpstream(t, gittest.Serve(t, source.Bare(), gittest.Access{}).URL)
	on := tip(t, u, "main")
	for name, want := range map[string]string{
		"link/x": "link is no folder", "file": "file is a symbolic link", "app/a.yaml/x": "app/a.yaml is no folder", "app": "app is a folder",
		"../x": "no name of a file", ".git/config": "no name of a file", "a//b": "no name of a file", "": "no name of a file",
	} {
		if _, err := u.Commit(on, change("x", name, "1")); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestPushSSH(t *testing.T) {
	t.Parallel()
	source, _, second := upstream(t)
	bare := source.Bare()
	server := serveSSH(t, bare.Dir)
	r := &git.Remotes{Dir: t.TempDir(), SSH: git.SSH{Keys: []string{server.key}, KnownHosts: []string{knownHosts(t, server.address, server.hostKey)}}}
	u, err := r.Upstream("ssh://git@" + server.address + "/team/app.git")
	if err != nil {
		t.Fatal(err)
	}
	on := tip(t, u, "main")
	if data, err := fs.ReadFile(on.Files, "app/a.yaml"); err != nil || string(data) != "two\n" {
		t.Fatalf("%q, %v", data, err)
	}
	built := commitOn(t, u, on, change("a", "app/a.yaml", "1"))
	if err := u.Push(t.Context(), git.Move{Branch: "main", Old: second, New: built}); err != nil {
		t.Fatal(err)
	}
	if got := bare.Git("rev-parse", "main"); got != built.Commit.Hash {
		t.Errorf("main is %s", got)
	}
}

func TestUpstreamRefuses(t *testing.T) {
	t.Parallel()
	_, err := remotes(t).Upstream("file:///srv/x.git")
	checkFault(t, err, fault.Invalid, "on this machine", "https or ssh")
	_, err = remotes(t).AsOffline().Upstream("https://git.example/x")
	checkFault(t, err, fault.Unavailable, "not to be used", "")
	_, err = remotes(t).Upstream("ext::sh")
	checkFault(t, err, fault.Invalid, "this is no URL", "")
}

func TestChangedBetweenTrees(t *testing.T) {
	t.Parallel()
	source, _, _ := upstream(t)
	source.Write("app/deep/x", "1", "same/y", "1", "gone/z", "1", "kind", "1")
	source.Commit("more")
	u := openUpstream(t, gittest.Serve(t, source.Bare(), gittest.Access{}).URL)
	on := tip(t, u, "main")
	next := commitOn(t, u, on, change("next", "app/deep/x", "2", "gone/z", "", "new/a/b", "1", "kind", ""))
	next = commitOn(t, u, next, change("again", "kind/now", "a folder"))
	got, err := u.Changed(on, next)
	if want := "app/deep/x gone/z kind kind/now new/a/b"; err != nil || strings.Join(got, " ") != want {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := u.Changed(on, on); err != nil || len(got) != 0 {
		t.Errorf("%q, %v", got, err)
	}
}
