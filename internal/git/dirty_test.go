package git_test

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/gittest"
)

func TestChanged(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(r *gittest.Repo)
		paths  []string
		want   []string
	}{
		"nothing":            {func(*gittest.Repo) {}, []string{"."}, nil},
		"edited":             {func(r *gittest.Repo) { r.Write("app/a.yaml", "2") }, []string{"."}, []string{"app/a.yaml"}},
		"outside the path":   {func(r *gittest.Repo) { r.Write("other/x", "2") }, []string{"app"}, nil},
		"one file":           {func(r *gittest.Repo) { r.Write("app/a.yaml", "2") }, []string{"app/a.yaml", "app"}, []string{"app/a.yaml"}},
		"staged":             {func(r *gittest.Repo) { r.Write("app/new", "2"); r.Git("add", ".") }, []string{"app"}, []string{"app/new"}},
		"untracked":          {func(r *gittest.Repo) { r.Write("app/x/y", "2", "app/x/z", "") }, []string{"app"}, []string{"app/x/y", "app/x/z"}},
		"untracked path":     {func(r *gittest.Repo) { r.Write("new/x", "2") }, []string{"new"}, []string{"new/x"}},
		"ignored":            {func(r *gittest.Repo) { r.Write("app/x.log", "", "app/tmp/y", "", "app/sub/local/z", "") }, []string{"."}, nil},
		"ignored, but not":   {func(r *gittest.Repo) { r.Write("app/keep.log", "") }, []string{"."}, []string{"app/keep.log"}},
		"excluded":           {func(r *gittest.Repo) { r.Write(".git/info/exclude", "*.me\n", "app/a.me", "") }, []string{"."}, nil},
		"tracked though":     {func(r *gittest.Repo) { r.Write("app/tracked.log", "2") }, []string{"."}, []string{"app/tracked.log"}},
		"deleted":            {func(r *gittest.Repo) { r.Remove("app/sub") }, []string{"."}, []string{"app/sub/.gitignore", "app/sub/b.yaml"}},
		"deleted path":       {func(r *gittest.Repo) { r.Remove("app") }, []string{"app/sub/b.yaml"}, []string{"app/sub/b.yaml"}},
		"file for folder":    {func(r *gittest.Repo) { r.Remove("app/sub"); r.Write("app/sub", "") }, []string{"."}, []string{"app/sub"}},
		"below a file":       {func(r *gittest.Repo) { r.Remove("app/sub"); r.Write("app/sub", "") }, []string{"app/sub/b.yaml"}, []string{"app/sub/b.yaml"}},
		"folder for file":    {func(r *gittest.Repo) { r.Remove("app/a.yaml"); r.Write("app/a.yaml/x", "") }, []string{"."}, []string{"app/a.yaml"}},
		"other link":         {func(r *gittest.Repo) { r.Remove("link"); r.Link("link", "other") }, []string{"."}, []string{"link"}},
		"link for file":      {func(r *gittest.Repo) { r.Remove("app/a.yaml"); r.Link("app/a.yaml", "sub/b.yaml") }, []string{"."}, []string{"app/a.yaml"}},
		"mode only":          {func(r *gittest.Repo) { _ = os.Chmod(r.Path("app/a.yaml"), 0o755) }, []string{"."}, nil},
		"time only":          {func(r *gittest.Repo) { r.Write("app/a.yaml", "1") }, []string{"."}, nil},
		"line ends":          {func(r *gittest.Repo) { r.Write("lines.txt", "a\r\nb\r\n") }, []string{"."}, []string{"lines.txt"}},
		"converted":          {func(r *gittest.Repo) { r.Git("config", "core.autocrlf", "true"); r.Write("lines.txt", "a\r\nb\r\n") }, []string{"."}, nil},
		"another repository": {func(r *gittest.Repo) { r.Git("init", "--quiet", "app/inner"); r.Write("app/inner/x", "") }, []string{"."}, nil},
		"not there":          {func(*gittest.Repo) {}, []string{"no/such/path"}, nil},
		"committed":          {func(r *gittest.Repo) { r.Write("app/a.yaml", "2"); r.Commit("two") }, []string{"."}, nil},
		"sparse":             {func(r *gittest.Repo) { r.Git("sparse-checkout", "set", "--no-cone", "/other/") }, []string{"."}, nil},
		"deleted in sparse": {func(r *gittest.Repo) {
			r.Git("sparse-checkout", "set", "--no-cone", "/other/")
			r.Remove("other/x")
		}, []string{"."}, []string{"other/x"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := gittest.New(t)
			r.Write("app/a.yaml", "1", "app/sub/b.yaml", "1", "other/x", "1", "app/tracked.log", "1", "lines.txt", "a\nb\n",
				".gitignore", "# comment\n*.log\n!keep.log\n/app/tmp/\n", "app/sub/.gitignore", "local\n")
			r.Git("add", "--force", "app/tracked.log")
			r.Link("link", "app/a.yaml")
			r.Commit("one")
			r.Git("gc", "--quiet")
			repo := open(t, r.Dir)
			c.change(r)
			if name == "converted" {
				repo = open(t, r.Dir)
			}
			if name == "sparse" || name == "deleted in sparse" {
				repo = open(t, r.Dir)
				c.want = withoutSparse(c.want, r)
			}
			got, err := repo.Changed(c.paths...)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
			dirty, err := repo.Dirty(c.paths...)
			if err != nil || dirty != (len(c.want) > 0) {
				t.Errorf("dirty %v, %v", dirty, err)
			}
		})
	}
}

// withoutSparse makes sure that the sparse checkout really left files out.
func withoutSparse(want []string, r *gittest.Repo) []string {
	if _, err := os.Stat(r.Path("app/a.yaml")); err == nil {
		return []string{"the checkout is not sparse"}
	}
	return want
}

func TestChangedWithoutCommit(t *testing.T) {
	t.Parallel()
	r := gittest.New(t)
	r.Write("a", "1")
	repo := open(t, r.Dir)
	got, err := repo.Changed(".")
	if d := cmp.Diff([]string{"a"}, got); d != "" || err != nil {
		t.Error(d, err)
	}
	_, err = repo.Changed("../x")
	checkFault(t, err, fault.Invalid, `"../x" is not in the repository`, "")
	if dirty, err := open(t, r.Bare().Dir).Dirty("."); dirty || err != nil {
		t.Errorf("a bare repository is dirty: %v", err)
	}
}

// TestChangedInSubmodulesIsNotCompared: a submodule may be anywhere, or not there.
func TestChangedInSubmodulesIsNotCompared(t *testing.T) {
	t.Parallel()
	r := gittest.New(t)
	r.Write("a", "1")
	r.Git("add", ".")
	r.Git("update-index", "--add", "--cacheinfo", "160000,1111111111111111111111111111111111111111,sub")
	r.Git("commit", "--quiet", "--message", "one")
	if dirty, err := open(t, r.Dir).Dirty("."); dirty || err != nil {
		t.Errorf("a submodule that is not there: %v, %v", dirty, err)
	}
}
