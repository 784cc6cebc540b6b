package contract

import (
	"strings"
	"sync"
	"testing"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/forge"
)

func (s *suite) comment(t *testing.T, number int, name, body string) forge.Posted {
	t.Helper()
	p, err := s.forge.UpsertComment(t.Context(), number, forge.Comment{Name: name, Body: body})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func comments(t *testing.T, s *suite) {
	p := s.open(t, "promote/prod/shop")
	first := s.comment(t, p.Number, "preview", "one")
	if !first.Changed || first.URL == "" {
		t.Errorf("first: %+v", first)
	}
	if again := s.comment(t, p.Number, "preview", "one"); again.Changed || again.URL != first.URL {
		t.Errorf("the same again: %+v", again)
	}
	other := s.comment(t, p.Number, "preview/prod", "other")
	if second := s.comment(t, p.Number, "preview", "two\n\nlines"); !second.Changed || second.URL != first.URL || second.URL == other.URL {
		t.Errorf("changed: %+v", second)
	}
	got := s.Comments(t, p.Number)
	if len(got) != 2 || !strings.Contains(got[0], "two") || !strings.Contains(got[1], "other") {
		t.Errorf("comments: %q", got)
	}
	long := strings.Repeat("ä", s.forge.Kind().Limits().Comment)
	if _, err := s.forge.UpsertComment(t.Context(), p.Number, forge.Comment{Name: "long", Body: long}); !fault.Is(err, fault.Invalid) {
		t.Errorf("too long: %v", err)
	}
	if len(s.Comments(t, p.Number)) != 2 {
		t.Error("the one that is too long was written")
	}
}

func foreignComment(t *testing.T, s *suite) {
	p := s.open(t, "promote/prod/shop")
	planted := forge.Marker("preview") + "\nall is well"
	s.Comment(t, p.Number, planted)
	s.comment(t, p.Number, "preview", "one")
	s.comment(t, p.Number, "preview", "two")
	got := s.Comments(t, p.Number)
	if len(got) != 2 || strings.TrimSpace(got[0]) != planted || !strings.Contains(got[1], "two") {
		t.Errorf("comments: %q", got)
	}
}

// commentsAtOnce: jobs that write the first comment at the same time leave one.
func commentsAtOnce(t *testing.T, s *suite) {
	p := s.open(t, "promote/prod/shop")
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			if _, err := s.forge.UpsertComment(t.Context(), p.Number, forge.Comment{Name: "preview", Body: "the same"}); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if got := s.Comments(t, p.Number); len(got) != 1 {
		t.Errorf("comments: %q", got)
	}
}
