package git_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/git"
	"github.com/tugops/tug/internal/gittest"
)

// TestRevisions compares with git rev-parse, with loose and with packed refs
// and objects.
func TestRevisions(t *testing.T) {
	t.Parallel()
	upstream := gittest.New(t)
	upstream.Commit("one")
	upstream.Git("branch", "feature/x")
	r := upstream.Clone()
	two := r.Commit("two")
	r.Git("tag", "light")
	r.Git("tag", "--annotate", "--message", "v1", "v1.0.0")
	r.Git("tag", "--annotate", "--message", "of a tag", "nested", "v1.0.0")
	r.Git("checkout", "--quiet", "-b", "side", "HEAD~1")
	r.Commit("side")
	r.Git("checkout", "--quiet", "main")
	r.Git("merge", "--quiet", "--no-edit", "side")
	r.Git("tag", "side") // a tag and a branch of one name: the tag wins
	revisions := []string{
		"HEAD", "@", "main", "heads/main", "refs/heads/main", "light", "v1.0.0", "tags/v1.0.0", "nested", "side",
		"origin", "origin/main", "origin/HEAD", "remotes/origin/feature/x", "origin/feature/x", "ORIG_HEAD",
		"HEAD~", "HEAD~1", "HEAD~2", "HEAD^", "HEAD^2", "HEAD^2~1", "@~1^0", "HEAD^0", "HEAD~0", "HEAD^^", "v1.0.0^{commit}", "v1.0.0^{}", "nested~1",
		two, two[:7], two[:12], two[:5], strings.ToUpper(two[:9]), two[:8] + "~1",
	}
	compare := func(t *testing.T) {
		t.Helper()
		repo := open(t, r.Dir)
		for _, rev := range revisions {
			want := r.Git("rev-parse", "--quiet", rev+"^{commit}")
			_, commit, err := repo.At(rev)
			if err != nil || commit.Hash != want {
				t.Errorf("%s is %s (%v), want %s", rev, commit.Hash, err, want)
			}
			if commit.Ref != rev {
				t.Errorf("ref of %s is %q", rev, commit.Ref)
			}
		}
	}
	compare(t)
	r.Git("gc", "--quiet")
	compare(t)
}

func TestUnknownRevisions(t *testing.T) {
	t.Parallel()
	r := gittest.New(t)
	r.Write("a", "1")
	r.Commit("one")
	r.Git("branch", "release-1")
	r.Git("update-ref", "refs/remotes/origin/feature", "HEAD")
	blob := r.Git("rev-parse", "HEAD:a")
	repo := open(t, r.Dir)
	for rev, c := range map[string]struct {
		kind       fault.Kind
		want, hint string
	}{
		"mian":                      {fault.NotFound, `no branch, tag or commit "mian"`, `did you mean "main"?`},
		"release-2":                 {fault.NotFound, `"release-2"`, `did you mean "release-1"?`},
		"feature":                   {fault.NotFound, `"feature"`, `did you mean "origin/feature"?`},
		"nothing-like-it":           {fault.NotFound, `"nothing-like-it"`, "git fetch"},
		"HEAD~5":                    {fault.NotFound, "has 0 parents", ""},
		"HEAD^2":                    {fault.NotFound, "has 0 parents", ""},
		strings.Repeat("1", 40):     {fault.NotFound, "is not in the repository", "git fsck"},
		"deadbeef":                  {fault.NotFound, `"deadbeef"`, "git fetch"},
		blob:                        {fault.Invalid, "is a blob, not a commit", "name a branch"},
		"HEAD^{tree}":               {fault.Usage, `"HEAD^{tree}"`, "~N"},
		"HEAD~99999999999999999999": {fault.Usage, "HEAD~999", ""},
		"":                          {fault.Usage, `revision ""`, "empty"},
		"--upload-pack=touch x":     {fault.Usage, "revision", "dash"},
		"-h":                        {fault.Usage, "revision", "dash"},
		"main..side":                {fault.Usage, "main..side", "range"},
		"HEAD:a":                    {fault.Usage, "HEAD:a", "paths"},
		":/one":                     {fault.Usage, ":/one", "searches"},
		"HEAD@{1}":                  {fault.Usage, "HEAD@{1}", "reflog"},
		"../../etc/passwd":          {fault.Usage, "../../etc", "range"},
		"/etc/passwd":               {fault.NotFound, "/etc/passwd", ""},
		"config":                    {fault.NotFound, `"config"`, ""},
		"a b":                       {fault.NotFound, `"a b"`, ""},
		"x\x00y":                    {fault.NotFound, "x", ""},
	} {
		_, _, err := repo.At(rev)
		checkFault(t, err, c.kind, c.want, c.hint)
	}
}

func TestAmbiguousHash(t *testing.T) {
	t.Parallel()
	r := gittest.New(t)
	var stream strings.Builder
	for i := range 1000 { // two of a thousand commits share four digits
		fmt.Fprintf(&stream, "commit refs/heads/main\ncommitter A <a@b> %d +0000\ndata 1\nx\n", 1_700_000_000+i)
	}
	r.GitInput([]byte(stream.String()), "fast-import", "--quiet")
	seen := map[string]string{}
	for hash := range strings.Lines(r.Git("rev-list", "main")) {
		hash = strings.TrimSpace(hash)
		other, ok := seen[hash[:4]]
		seen[hash[:4]] = hash
		if !ok {
			continue
		}
		_, _, err := open(t, r.Dir).At(hash[:4])
		checkFault(t, err, fault.Invalid, "is short for", hash)
		checkFault(t, err, fault.Invalid, "is short for", other)
		return
	}
	t.Fatal("no two commits share four digits")
}

func TestShallowClone(t *testing.T) {
	t.Parallel()
	r := gittest.New(t)
	old := r.Commit("one")
	r.Commit("two")
	repo := open(t, r.Clone("--depth=1").Dir)
	if _, _, err := repo.At("HEAD"); err != nil {
		t.Error(err)
	}
	for _, rev := range []string{"HEAD~1", old, "v1.0.0"} {
		_, _, err := repo.At(rev)
		checkFault(t, err, fault.NotFound, "", "git fetch --unshallow")
	}
}

func TestPartialClone(t *testing.T) {
	t.Parallel()
	r := gittest.New(t)
	r.Write("a.txt", "1\n")
	r.Commit("one")
	r.Write("a.txt", "2\n")
	r.Commit("two")
	server := gittest.Serve(t, r.Bare(), gittest.Access{})
	clone := gittest.CloneURL(t, server.URL, "--filter=blob:none")
	files, _ := at(t, clone.Dir, "HEAD")
	if _, err := readFile(files, "a.txt"); err != nil {
		t.Errorf("a file that is checked out: %v", err)
	}
	files, _ = at(t, clone.Dir, "HEAD~1")
	_, err := readFile(files, "a.txt")
	checkFault(t, err, fault.NotFound, "is not in the repository", "partial clone")
}

func TestBorrowedObjects(t *testing.T) {
	t.Parallel()
	r := gittest.New(t)
	r.Write("a.txt", "1\n")
	hash := r.Commit("one")
	r.Git("gc", "--quiet")
	second := gittest.CloneURL(t, r.Dir, "--shared")
	third := gittest.CloneURL(t, second.Dir, "--shared")
	third.Write("b.txt", "2\n")
	third.Commit("two")
	files, _ := at(t, third.Dir, "HEAD")
	for _, name := range []string{"a.txt", "b.txt"} {
		if _, err := readFile(files, name); err != nil {
			t.Error(err)
		}
	}
	if _, commit := at(t, third.Dir, hash[:8]); commit.Hash != hash {
		t.Errorf("short hash of a borrowed commit: %s", commit.Hash)
	}
	write(t, filepath.Join(third.Dir, ".git", "objects", "info", "alternates"), third.Path(".git/objects")+"\n")
	_, err := git.Open(third.Dir)
	checkFault(t, err, fault.Invalid, "borrows objects", "")
}

// TestNewPacks reads what another process fetched after Open.
func TestNewPacks(t *testing.T) {
	t.Parallel()
	r := gittest.New(t)
	r.Commit("one")
	r.Git("gc", "--quiet")
	repo := open(t, r.Dir)
	if _, _, err := repo.At("HEAD"); err != nil {
		t.Fatal(err)
	}
	r.Write("a.txt", "2\n")
	two := r.Commit("two")
	r.Git("gc", "--quiet", "--prune=now")
	loose, err := filepath.Glob(r.Path(".git/objects/" + two[:2] + "/*"))
	if err != nil || len(loose) > 0 {
		t.Fatalf("still loose: %v, %v", loose, err)
	}
	files, commit, err := repo.At("main")
	if err != nil || commit.Hash != two {
		t.Fatalf("main is %s, %v", commit.Hash, err)
	}
	if data, err := readFile(files, "a.txt"); err != nil || string(data) != "2\n" {
		t.Errorf("read %q, %v", data, err)
	}
}

func TestSubmoduleWorkingTree(t *testing.T) {
	t.Parallel()
	inner := gittest.New(t)
	inner.Write("values.yaml", "a: 1\n")
	hash := inner.Commit("inner")
	r := gittest.New(t)
	r.Git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", inner.Dir, "vendor/inner")
	r.Commit("outer")
	repo := open(t, r.Path("vendor/inner"))
	_, commit, err := repo.Working()
	if err != nil || commit.Hash != hash || repo.Root() != r.Path("vendor/inner") {
		t.Errorf("in the submodule: %s in %s, %v", commit.Hash, repo.Root(), err)
	}
	if _, err := os.Stat(r.Path("vendor/inner/.git")); err != nil {
		t.Fatal(err)
	}
}

// FuzzRevision: no revision makes At panic or give an error without a kind.
func FuzzRevision(f *testing.F) {
	r := gittest.New(f)
	r.Commit("one")
	r.Git("tag", "v1")
	repo := open(f, r.Dir)
	for _, rev := range []string{"HEAD", "main~1", "v1^{}", "@^2~3", "-x", "refs/heads/../x", "deadbeef", "~", "^^^", "a\x00b", "main.lock", "HEAD^{"} {
		f.Add(rev)
	}
	f.Fuzz(func(t *testing.T, rev string) {
		if _, _, err := repo.At(rev); err != nil && fault.KindOf(err) == fault.Internal {
			t.Errorf("%q: %v", rev, err)
		}
	})
}
