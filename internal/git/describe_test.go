package git_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/tugops/tug/internal/git"
	"github.com/tugops/tug/internal/gittest"
)

func every(string) bool { return true }

func describe(t *testing.T, dir string) git.Description {
	t.Helper()
	d, err := open(t, dir).Describe(every)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestDescribe compares with the git program.
func TestDescribe(t *testing.T) {
	t.Parallel()
	r := gittest.New(t)
	r.Commit("first")
	if d := describe(t, r.Dir); d.Nearest != nil || d.Branch != "main" || d.Commit.Hash == "" {
		t.Errorf("without tags: %+v", d)
	}
	r.Git("tag", "v1.0.0")
	r.Commit("second")
	r.Git("checkout", "-q", "-b", "side")
	r.Commit("side 1")
	r.Git("tag", "-a", "-m", "annotated", "v1.1.0")
	r.Commit("side 2")
	r.Git("checkout", "-q", "main")
	for i := range 3 {
		r.Commit("main " + strconv.Itoa(i))
		agree(t, r)
	}
	r.Git("merge", "-q", "--no-ff", "-m", "merge", "side")
	agree(t, r)
	r.Commit("after")
	agree(t, r)
	r.Git("tag", "v2.0.0")
	r.Git("tag", "latest")
	if d := describe(t, r.Dir); strings.Join(d.Tags, " ") != "latest v2.0.0" || d.Distance != 0 {
		t.Errorf("tagged: %+v", d)
	}
	r.Git("checkout", "-q", "--detach", "HEAD~1")
	if d := describe(t, r.Dir); d.Branch != "" {
		t.Errorf("detached: %+v", d)
	}
}

func agree(t *testing.T, r *gittest.Repo) {
	t.Helper()
	d := describe(t, r.Dir)
	got := strings.Join(d.Nearest, "|") + "-" + strconv.Itoa(d.Distance)
	words := strings.Split(r.Git("describe", "--tags", "--long"), "-g")
	if got != words[0] {
		t.Errorf("%s, git describe says %s", got, words[0])
	}
}

func TestDescribeShallow(t *testing.T) {
	t.Parallel()
	r := gittest.New(t)
	r.Commit("first")
	r.Git("tag", "v1.0.0")
	r.Commit("second")
	r.Commit("third")
	d := describe(t, r.Clone("--depth=1").Dir)
	if !d.Shallow || d.Nearest != nil {
		t.Errorf("%+v", d)
	}
	if d, err := open(t, r.Dir).Describe(func(tag string) bool { return tag != "v1.0.0" }); err != nil || d.Nearest != nil {
		t.Errorf("%+v, %v: the tag was not to count", d, err)
	}
}

func TestDescribeWithoutCommit(t *testing.T) {
	t.Parallel()
	if d := describe(t, gittest.New(t).Dir); !d.Commit.IsZero() {
		t.Errorf("%+v", d)
	}
}
