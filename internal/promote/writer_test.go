package promote_test

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/git"
	"github.com/tugops/tug/internal/gittest"
	"github.com/tugops/tug/internal/promote"
)

const digest = "@sha256:5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"

func build(app string, n int64) promote.Intent {
	return promote.Intent{App: app, Environment: "dev", Sequence: n, Images: []promote.Image{{Name: app, NewImage: "registry.example/" + app + digest, Tag: "1." + string(rune('0'+n))}}}
}

// flaky is a repository whose pushes fail in chosen ways.
type flaky struct {
	*git.Upstream
	push func(n int, do func() error) error
	n    int
}

func (f *flaky) Push(ctx context.Context, moves ...git.Move) error {
	f.n++
	return f.push(f.n, func() error { return f.Upstream.Push(ctx, moves...) })
}

func newWriter(t *testing.T, bare *gittest.Repo, push func(n int, do func() error) error) *promote.Writer {
	t.Helper()
	server := gittest.Serve(t, bare, gittest.Access{})
	u, err := (&git.Remotes{HTTP: &http.Client{}}).Upstream(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	who := git.Signature{Name: "tug", Email: "tug@example.org"}
	return &promote.Writer{
		Repository: &flaky{Upstream: u, push: push},
		Target: func(_ fs.FS, in promote.Intent) (promote.Target, error) {
			return promote.Target{Lock: "app-locks/" + in.Environment + "/" + in.App + ".lock.yaml"}, nil
		},
		Author: who, Committer: who, Now: time.Now, Deadline: time.Now().Add(time.Minute),
		Pause: func(context.Context, int, time.Duration) error { return nil },
	}
}

func config(t *testing.T) *gittest.Repo {
	t.Helper()
	r := gittest.New(t)
	r.Write("a.txt", "1\n")
	r.Commit("first")
	return r.Bare()
}

func commits(bare *gittest.Repo) string { return bare.Git("log", "--format=%s", "main") }

// TestAnswerThatIsLost: a push that went through without an answer is found at
// the branch, and below a commit of somebody else, and never made twice.
func TestAnswerThatIsLost(t *testing.T) {
	t.Parallel()
	for _, other := range []bool{false, true} {
		bare := config(t)
		w := newWriter(t, bare, func(n int, do func() error) error {
			if err := do(); err != nil || n > 1 {
				return err
			}
			if other {
				c := bare.Clone()
				c.Write("b.txt", "1\n")
				c.Commit("by hand")
				c.Git("push", "--quiet", "origin", "HEAD:main")
			}
			return &git.Refused{Why: "connection reset", Unknown: true}
		})
		r, err := w.Direct(t.Context(), "main", []promote.Intent{build("shop", 1), build("blog", 1)})
		if err != nil || len(r.Outcomes) != 2 || r.Outcomes[0].Action != promote.Promoted || r.Outcomes[1].Action != promote.Promoted {
			t.Fatalf("%+v, %v", r, err)
		}
		if got := strings.Count(commits(bare), "Promote"); got != 2 {
			t.Errorf("other %v: log\n%s", other, commits(bare))
		}
		if got := bare.Git("rev-parse", r.Outcomes[1].Commit+"^"); got != r.Outcomes[0].Commit {
			t.Errorf("commits %+v", r.Outcomes)
		}
	}
}

// TestPushThatNeverArrived: no answer, and nothing at the branch: again.
func TestPushThatNeverArrived(t *testing.T) {
	t.Parallel()
	bare := config(t)
	w := newWriter(t, bare, func(n int, do func() error) error {
		if n < 3 {
			return &git.Refused{Why: "connection reset", Unknown: true}
		}
		return do()
	})
	r, err := w.Direct(t.Context(), "main", []promote.Intent{build("shop", 1)})
	if err != nil || r.Attempts != 3 || strings.Count(commits(bare), "Promote") != 1 {
		t.Errorf("%+v, %v\n%s", r, err, commits(bare))
	}
}

// TestBranchThatMoves: intents are applied anew to what others pushed, also
// when the base was pushed by force.
func TestBranchThatMoves(t *testing.T) {
	t.Parallel()
	bare := config(t)
	w := newWriter(t, bare, func(n int, do func() error) error {
		if n < 3 {
			c := bare.Clone()
			c.Write("b.txt", strings.Repeat("x", n))
			c.Git("add", "--all")
			c.Git("commit", "--quiet", "--amend", "--no-edit")
			c.Git("push", "--quiet", "--force", "origin", "HEAD:main")
		}
		return do()
	})
	r, err := w.Direct(t.Context(), "main", []promote.Intent{build("shop", 1)})
	if err != nil || r.Attempts != 3 || bare.Git("show", "main:b.txt") != "xx" || strings.Count(commits(bare), "Promote") != 1 {
		t.Errorf("%+v, %v\n%s", r, err, commits(bare))
	}
}

// TestRefusalForGood: a hook that says no is told apart from a race by the
// branch that stays where it is.
func TestRefusalForGood(t *testing.T) {
	t.Parallel()
	bare := config(t)
	hook := "#!/bin/sh\necho 'fetch first' >&2\nexit 1\n"
	if err := os.WriteFile(filepath.Join(bare.Dir, "hooks", "pre-receive"), []byte(hook), 0o755); err != nil {
		t.Fatal(err)
	}
	w := newWriter(t, bare, func(_ int, do func() error) error { return do() })
	_, err := w.Direct(t.Context(), "main", []promote.Intent{build("shop", 1)})
	if !fault.Is(err, fault.Denied) || !strings.Contains(err.Error(), "fetch first") || !strings.Contains(strings.Join(fault.HintsOf(err), " "), "--pr") {
		t.Errorf("%v %q", err, fault.HintsOf(err))
	}
}

// TestDeadline: attempts are bounded by time, and the error says what to do.
func TestDeadline(t *testing.T) {
	t.Parallel()
	w := newWriter(t, config(t), func(int, func() error) error { return git.ErrMoved })
	w.Deadline = time.Now()
	_, err := w.Direct(t.Context(), "main", []promote.Intent{build("shop", 1)})
	if !fault.Is(err, fault.Unavailable) || !errors.Is(err, git.ErrMoved) || !strings.Contains(strings.Join(fault.HintsOf(err), " "), "--intents") {
		t.Errorf("%v", err)
	}
	_, err = w.Direct(t.Context(), "mian", []promote.Intent{build("shop", 1)})
	if !fault.Is(err, fault.NotFound) || !strings.Contains(strings.Join(fault.HintsOf(err), " "), `did you mean "main"`) {
		t.Errorf("%v %q", err, fault.HintsOf(err))
	}
}
