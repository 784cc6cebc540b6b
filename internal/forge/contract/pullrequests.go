package contract

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/forge"
)

func life(t *testing.T, s *suite) {
	ctx := t.Context()
	if _, ok, err := s.forge.FindPullRequest(ctx, "promote/prod/shop", "main"); err != nil || ok {
		t.Fatalf("before: %v, %v", ok, err)
	}
	made := s.open(t, "promote/prod/shop", "tug", "prod")
	want := forge.PullRequest{
		Number: made.Number, URL: made.URL, Title: "Promote promote/prod/shop", Body: "Body of promote/prod/shop", State: forge.Open,
		Head: "promote/prod/shop", Base: "main", HeadRepository: s.Path, HeadCommit: s.Tip(t, "promote/prod/shop"), Author: s.WriterName, Labels: []string{"prod", "tug"},
	}
	s.same(t, "opened", want, made)
	if made.URL == "" || made.Fork(s.forge.Repository()) {
		t.Errorf("opened: %+v", made)
	}
	found, ok, err := s.forge.FindPullRequest(ctx, "promote/prod/shop", "main")
	if err != nil || !ok {
		t.Fatalf("find: %v, %v", ok, err)
	}
	s.same(t, "found", want, found)
	for _, other := range [][2]string{{"promote/prod", "main"}, {"main", "promote/prod/shop"}, {"promote/prod/shop", "other"}} {
		if _, ok, err := s.forge.FindPullRequest(ctx, other[0], other[1]); err != nil || ok {
			t.Errorf("find %v: %v, %v", other, ok, err)
		}
	}
	title, body, labels := "Promote 1.2", "Line\n\n| a | b |\n|---|---|\n", []string{"tug", "new label"}
	want.Title, want.Body, want.Labels = title, body, []string{"new label", "tug"}
	if _, err := s.forge.UpdatePullRequest(ctx, made.Number, forge.Change{Title: &title, Body: &body, Labels: &labels}); err != nil {
		t.Fatal(err)
	}
	s.same(t, "updated", want, s.read(t, made.Number))
	want.Labels = nil
	updated, err := s.forge.UpdatePullRequest(ctx, made.Number, forge.Change{Labels: &[]string{}})
	if err != nil {
		t.Fatal(err)
	}
	s.same(t, "without labels", want, updated)
	for range 2 { // the second time it is closed already
		if err := s.forge.ClosePullRequest(ctx, made.Number, "Nothing is left to promote."); err != nil {
			t.Fatal(err)
		}
	}
	want.State = forge.Closed
	s.same(t, "closed", want, s.read(t, made.Number))
	if got := s.Comments(t, made.Number); len(got) != 1 || !forge.IsText(got[0], "closed") {
		t.Errorf("comments: %q", got)
	}
	if _, ok, err := s.forge.FindPullRequest(ctx, "promote/prod/shop", "main"); err != nil || ok {
		t.Errorf("after: %v, %v", ok, err)
	}
	again, err := s.forge.OpenPullRequest(ctx, forge.NewPullRequest{Title: "Again", Head: "promote/prod/shop", Base: "main"})
	if err != nil || again.Number == made.Number {
		t.Errorf("again: %+v, %v", again, err)
	}
}

// same compares but for what forges find out later.
func (s *suite) same(t *testing.T, what string, want, got forge.PullRequest) {
	t.Helper()
	got.Mergeable, want.Mergeable = forge.Unknown, forge.Unknown
	if len(got.Labels) == 0 {
		got.Labels = nil
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s: %s", what, d)
	}
}

func duplicate(t *testing.T, s *suite) {
	s.open(t, "promote/prod/shop")
	_, err := s.forge.OpenPullRequest(t.Context(), forge.NewPullRequest{Title: "Second", Head: "promote/prod/shop", Base: "main"})
	if !errors.Is(err, forge.ErrDuplicate) || !fault.Is(err, fault.Conflict) {
		t.Errorf("duplicate: %v", err)
	}
	if n := s.Count(t); n != 1 {
		t.Errorf("%d pull requests", n)
	}
	_, err = s.forge.OpenPullRequest(t.Context(), forge.NewPullRequest{Title: "None", Head: "no/such/branch", Base: "main"})
	if err == nil || errors.Is(err, forge.ErrDuplicate) || fault.Is(err, fault.Unavailable) || fault.Is(err, fault.Internal) {
		t.Errorf("no branch: %v", err)
	}
}

func pages(t *testing.T, s *suite) {
	s.faults.small = true
	first := s.open(t, "promote/0")
	for i := 1; i < 5; i++ {
		s.open(t, fmt.Sprintf("promote/%d", i))
	}
	found, ok, err := s.forge.FindPullRequest(t.Context(), "promote/0", "main")
	if err != nil || !ok || found.Number != first.Number {
		t.Errorf("find on the last page: %+v, %v, %v", found, ok, err)
	}
	for i := range 5 {
		if _, err := s.forge.UpsertComment(t.Context(), first.Number, forge.Comment{Name: fmt.Sprintf("note-%d", i), Body: "x"}); err != nil {
			t.Fatal(err)
		}
		if err := s.forge.SetStatus(t.Context(), first.HeadCommit, forge.Status{Context: fmt.Sprintf("check-%d", i), State: forge.Success}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.forge.UpsertComment(t.Context(), first.Number, forge.Comment{Name: "note-4", Body: "y"}); err != nil {
		t.Fatal(err)
	}
	if got := s.Comments(t, first.Number); len(got) != 5 {
		t.Errorf("comments: %q", got)
	}
	list, err := s.forge.Statuses(t.Context(), first.HeadCommit)
	if err != nil || len(list) != 5 {
		t.Errorf("statuses: %v, %v", list, err)
	}
	of, err := s.forge.PullRequestsOf(t.Context(), first.HeadCommit)
	if err != nil || !slices.ContainsFunc(of, func(p forge.PullRequest) bool { return p.Number == first.Number }) {
		t.Errorf("pull requests of the head: %v, %v", of, err)
	}
}

func notThere(t *testing.T, s *suite) {
	ctx := t.Context()
	nowhere := "0123456789abcdef0123456789abcdef01234567"
	_, one := s.forge.PullRequest(ctx, 4711)
	_, two := s.forge.UpsertComment(ctx, 4711, forge.Comment{Name: "x", Body: "x"})
	_, three := s.forge.MergePullRequest(ctx, 4711, nowhere, forge.MergeOptions{})
	four := s.forge.SetStatus(ctx, nowhere, forge.Status{Context: "x", State: forge.Success})
	five := s.forge.ClosePullRequest(ctx, 4711, "x")
	for i, err := range []error{one, two, three, four, five} {
		if !fault.Is(err, fault.NotFound) {
			t.Errorf("%d: %v", i+1, err)
		}
	}
	if of, err := s.forge.PullRequestsOf(ctx, nowhere); err != nil || len(of) != 0 {
		t.Errorf("pull requests of no commit: %v, %v", of, err)
	}
	if p, err := s.forge.Protection(ctx, "no/branch"); err != nil || p.Exists {
		t.Errorf("protection of no branch: %+v, %v", p, err)
	}
}
