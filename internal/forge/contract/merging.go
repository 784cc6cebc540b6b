package contract

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/forge"
)

func merge(t *testing.T, s *suite) {
	ctx, p := t.Context(), s.open(t, "promote/prod/shop")
	commit, err := s.forge.MergePullRequest(ctx, p.Number, p.HeadCommit, forge.MergeOptions{Title: "Promote shop", Message: "to prod", DeleteBranch: true})
	if err != nil {
		t.Fatal(err)
	}
	if tip := s.Tip(t, "main"); commit != tip {
		t.Errorf("merged as %s, main is %s", commit, tip)
	}
	now := s.read(t, p.Number)
	if now.State != forge.Merged || now.MergeCommit != commit || now.HeadCommit != p.HeadCommit {
		t.Errorf("after: %+v", now)
	}
	if tip := s.Tip(t, "promote/prod/shop"); tip != "" {
		t.Errorf("the branch is still there: %s", tip)
	}
	again, err := s.forge.MergePullRequest(ctx, p.Number, p.HeadCommit, forge.MergeOptions{})
	if err != nil || again != commit {
		t.Errorf("again: %s, %v", again, err)
	}
	if err := s.forge.ClosePullRequest(ctx, p.Number, ""); !errors.Is(err, forge.ErrNotOpen) || !fault.Is(err, fault.Conflict) {
		t.Errorf("close a merged one: %v", err)
	}
	of, err := s.forge.PullRequestsOf(ctx, commit)
	if err != nil || len(of) != 1 || of[0].Number != p.Number {
		t.Errorf("pull requests of the merge: %+v, %v", of, err)
	}
}

func staleHead(t *testing.T, s *suite) {
	p, before := s.open(t, "promote/prod/shop"), s.Tip(t, "main")
	s.Push(t, "promote/prod/shop")
	_, err := s.forge.MergePullRequest(t.Context(), p.Number, p.HeadCommit, forge.MergeOptions{})
	if !errors.Is(err, forge.ErrHeadMoved) || !fault.Is(err, fault.Conflict) {
		t.Errorf("stale head: %v", err)
	}
	if s.Tip(t, "main") != before {
		t.Error("something was merged")
	}
}

func closed(t *testing.T, s *suite) {
	p := s.open(t, "promote/prod/shop")
	if err := s.forge.ClosePullRequest(t.Context(), p.Number, ""); err != nil {
		t.Fatal(err)
	}
	_, err := s.forge.MergePullRequest(t.Context(), p.Number, p.HeadCommit, forge.MergeOptions{})
	if !errors.Is(err, forge.ErrNotOpen) || !fault.Is(err, fault.Conflict) {
		t.Errorf("closed: %v", err)
	}
}

func conflicting(t *testing.T, s *suite) {
	p := s.open(t, "promote/prod/shop")
	s.Clash(t, "promote/prod/shop")
	before := s.Tip(t, "main")
	short := forge.Retry{Within: 2 * time.Second, Least: 20 * time.Millisecond, Most: 200 * time.Millisecond}
	_, err := s.as(s.Writer, short).MergePullRequest(t.Context(), p.Number, p.HeadCommit, forge.MergeOptions{})
	if !errors.Is(err, forge.ErrConflicts) || !fault.Is(err, fault.Conflict) {
		t.Errorf("conflict: %v", err)
	}
	if _, passing := forge.AsLater(err); passing && s.forge.Kind() != forge.Gitea {
		t.Errorf("a conflict that the forge told was tried again: %v", err)
	}
	if s.Tip(t, "main") != before {
		t.Error("something was merged")
	}
}

// race merges several at once: every base but the first is one that moved.
func race(t *testing.T, s *suite) {
	const count = 3
	var open []forge.PullRequest
	for i := range count {
		open = append(open, s.open(t, fmt.Sprintf("promote/%d", i)))
	}
	if s.Race != nil {
		s.Race(2)
	}
	patient := s.as(s.Writer, forge.Retry{Within: 2 * time.Minute, Least: 20 * time.Millisecond, Most: time.Second})
	var group sync.WaitGroup
	for _, p := range open {
		group.Go(func() {
			if _, err := patient.MergePullRequest(t.Context(), p.Number, p.HeadCommit, forge.MergeOptions{}); err != nil {
				t.Errorf("#%d: %v", p.Number, err)
			}
		})
	}
	group.Wait()
	for _, p := range open {
		if now := s.read(t, p.Number); now.State != forge.Merged {
			t.Errorf("#%d is %s", p.Number, now.State)
		}
	}
}

func protected(t *testing.T, s *suite) {
	ctx := t.Context()
	before, err := s.forge.Protection(ctx, "main")
	if err != nil || !before.Exists || before.Protected != forge.No || before.Push != forge.Yes || len(before.Checks) != 0 {
		t.Errorf("before: %+v, %v", before, err)
	}
	s.Protect(t, "tug/check")
	rules, err := s.forge.Protection(ctx, "main")
	if err != nil || rules.Protected != forge.Yes || rules.Push == forge.Yes || !slices.Equal(rules.Checks, []string{"tug/check"}) && !slices.Equal(rules.Checks, []string{"*"}) {
		t.Errorf("protected: %+v, %v", rules, err)
	}
	p := s.open(t, "promote/prod/shop")
	short := forge.Retry{Within: 2 * time.Second, Least: 20 * time.Millisecond, Most: 200 * time.Millisecond}
	_, err = s.as(s.Writer, short).MergePullRequest(ctx, p.Number, p.HeadCommit, forge.MergeOptions{})
	if !fault.Is(err, fault.NotReady) || !strings.Contains(err.Error(), "check") && !strings.Contains(err.Error(), "ci ") {
		t.Errorf("without the check: %v", err)
	}
	if err := s.forge.SetStatus(ctx, p.HeadCommit, forge.Status{Context: "tug/check", State: forge.Success}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.forge.MergePullRequest(ctx, p.Number, p.HeadCommit, forge.MergeOptions{}); err != nil {
		t.Errorf("with the check: %v", err)
	}
}

func permissions(t *testing.T, s *suite) {
	ctx, p := t.Context(), s.open(t, "promote/prod/shop")
	may, err := s.forge.Permissions(ctx)
	if err != nil || may.Code != forge.Write || may.PullRequests != forge.Write || may.Statuses != forge.Write || may.Admin != forge.No || may.Identity != s.WriterName {
		t.Errorf("writer: %+v, %v", may, err)
	}
	reader := s.as(s.Reader, quick())
	if may, err = reader.Permissions(ctx); err != nil || may.Code != forge.Read || may.PullRequests != forge.Read || may.Statuses != forge.Read || may.Admin != forge.No {
		t.Errorf("reader: %+v, %v", may, err)
	}
	title := "x"
	_, one := reader.UpdatePullRequest(ctx, p.Number, forge.Change{Title: &title})
	_, two := reader.MergePullRequest(ctx, p.Number, p.HeadCommit, forge.MergeOptions{})
	_, three := s.as(Canary+"-unknown", quick()).PullRequest(ctx, p.Number)
	for i, err := range []error{one, two, three} {
		if !fault.Is(err, fault.Denied) && !(i == 2 && fault.Is(err, fault.NotFound)) {
			t.Errorf("%d: %v", i+1, err)
		}
		if err != nil && strings.Contains(err.Error(), Canary) {
			t.Errorf("%d shows the token: %v", i+1, err)
		}
	}
}
