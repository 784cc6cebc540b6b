package git_test

import (
	"testing"

	"github.com/tugops/tug/internal/gittest"
)

func TestAncestor(t *testing.T) {
	t.Parallel()
	r := gittest.New(t)
	first := r.Commit("first")
	r.Git("checkout", "-q", "-b", "side")
	side := r.Commit("on a branch")
	r.Git("checkout", "-q", "main")
	second := r.Commit("second")
	r.Git("merge", "-q", "--no-ff", "-m", "merge", "side")
	merged := r.Commit("third")
	r.Git("checkout", "-q", "-b", "other", first)
	other := r.Commit("never merged")
	r.Git("checkout", "-q", "main")

	whole, shallow := open(t, r.Dir), open(t, r.Clone("--depth=1").Dir)
	for _, tc := range []struct {
		name, commit string
		want         bool
	}{
		{"itself", merged, true},
		{"first parent", second, true},
		{"merged branch", side, true},
		{"root", first, true},
		{"other branch", other, false},
		{"unknown commit", "0123456789012345678901234567890123456789", false},
		{"no commit", "HEAD", false},
	} {
		got, err := whole.Ancestor(tc.commit, "HEAD")
		if err != nil || got != tc.want {
			t.Errorf("%s: %v, %v, want %v", tc.name, got, err, tc.want)
		}
	}
	if got, err := whole.Ancestor(merged, "HEAD~1"); got || err != nil {
		t.Errorf("a later commit: %v, %v", got, err)
	}
	// What a shallow clone does not hold is no ancestor, and no error.
	for _, commit := range []string{first, side} {
		if got, err := shallow.Ancestor(commit, "HEAD"); got || err != nil {
			t.Errorf("shallow clone: %v, %v", got, err)
		}
	}
	if got, err := shallow.Ancestor(merged, "HEAD"); !got || err != nil {
		t.Errorf("the commit of a shallow clone: %v, %v", got, err)
	}
}
