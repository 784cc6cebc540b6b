package contract

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/forge"
)

func statuses(t *testing.T, s *suite) {
	ctx, commit := t.Context(), s.Branch(t, "promote/prod/shop")
	if list, err := s.forge.Statuses(ctx, commit); err != nil || len(list) != 0 {
		t.Errorf("before: %v, %v", list, err)
	}
	preview := forge.Status{Context: "tug/preview", State: forge.Pending, Description: "rendering", URL: "https://ci.example/1"}
	check := forge.Status{Context: "tug/check", State: forge.Failure, Description: "2 findings", URL: "https://ci.example/2"}
	for _, st := range []forge.Status{preview, preview, check} {
		if err := s.forge.SetStatus(ctx, commit, st); err != nil {
			t.Fatal(err)
		}
	}
	s.has(t, commit, check, preview)
	preview.State, preview.Description = forge.Success, strings.Repeat("ä", 300)
	if err := s.forge.SetStatus(ctx, commit, preview); err != nil {
		t.Fatal(err)
	}
	preview.Description = forge.Cut(preview.Description, s.forge.Kind().Limits().StatusDescription)
	s.has(t, commit, check, preview)
	broken := forge.Status{Context: "tug/z", State: forge.Errored, Description: "no answer"}
	if err := s.forge.SetStatus(ctx, commit, broken); err != nil {
		t.Fatal(err)
	}
	if s.forge.Kind() == forge.GitLab {
		broken.State = forge.Failure // there is one word for both
	}
	s.has(t, commit, check, preview, broken)
	preview.State = forge.Failure
	if err := s.as(s.Reader, quick()).SetStatus(ctx, commit, preview); !fault.Is(err, fault.Denied) {
		t.Errorf("a reader may: %v", err)
	}
}

func (s *suite) has(t *testing.T, commit string, want ...forge.Status) {
	t.Helper()
	got, err := s.forge.Statuses(t.Context(), commit)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
