package cli

import (
	"bytes"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/event"
	"github.com/tugops/tug/internal/object"
)

func ref(kind, name string) object.Ref {
	return object.Ref{Kind: kind, Namespace: "shop", Name: name}
}

// rollout is what happens during a deploy with a slow object.
func rollout() []event.Event {
	web := ref("Deployment", "web")
	return []event.Event{
		{Type: event.PhaseStarted, App: "shop", Env: "prod", Message: "workloads", Total: 2},
		{Type: event.Applied, App: "shop", Env: "prod", Ref: ref("Service", "web"), Action: "create", Done: 1, Total: 2},
		{Type: event.Applied, App: "shop", Env: "prod", Ref: web, Action: "update", Done: 2, Total: 2},
		{Type: event.PhaseFinished, App: "shop", Env: "prod", Message: "workloads", Done: 2, Total: 2},
		{Type: event.PhaseStarted, App: "shop", Env: "prod", Message: "wait", Total: 1},
		{Type: event.Waiting, App: "shop", Env: "prod", Ref: web, Message: "0 of 1 replicas available"},
		{Type: event.Ready, App: "shop", Env: "prod", Ref: web, Done: 1, Total: 1},
		{Type: event.PhaseFinished, App: "shop", Env: "prod", Message: "wait", Done: 1, Total: 1},
		{Type: event.Released, App: "shop", Env: "prod", Message: "4"},
	}
}

func TestLines(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p := newLines(&out)
	for _, ev := range rollout() {
		p.Event(ev)
	}
	p.Close()
	want := `shop/prod: workloads (0 of 2)
  created Service shop/web
  updated Deployment shop/web
shop/prod: wait (0 of 1)
  waiting for Deployment shop/web: 0 of 1 replicas available
  ready Deployment shop/web
  recorded release 4
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestLinesCountManyObjects(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p := newLines(&out)
	p.Event(event.Event{Type: event.PhaseStarted, App: "shop", Message: "workloads", Total: manyObjects + 1})
	for i := range manyObjects + 1 {
		p.Event(event.Event{Type: event.Applied, App: "shop", Ref: ref("Service", "web"), Action: "create", Done: i + 1, Total: manyObjects + 1})
	}
	p.Event(event.Event{Type: event.Failed, App: "shop", Ref: ref("Service", "bad"), Message: "refused"})
	p.Event(event.Event{Type: event.PhaseFinished, App: "shop", Message: "workloads", Done: manyObjects + 1, Total: manyObjects + 1})
	want := "shop: workloads (0 of 61)\n  failed Service shop/bad: refused\nshop: workloads (61 of 61) done\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// screen is what a terminal shows of what was written to it: enough of one for
// cursor up and erase below.
type screen struct {
	mu   sync.Mutex
	rows []string
	max  int // most rows that were ever shown
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := string(p)
	for text != "" {
		if rest, ok := strings.CutPrefix(text, "\x1b["); ok {
			n := 0
			for rest[0] >= '0' && rest[0] <= '9' {
				n, rest = n*10+int(rest[0]-'0'), rest[1:]
			}
			if rest[0] == 'A' {
				s.rows = s.rows[:len(s.rows)-n]
			}
			text = rest[1:]
			continue
		}
		line, rest, _ := strings.Cut(text, "\n")
		s.rows = append(s.rows, line)
		s.max = max(s.max, len(s.rows))
		text = rest
	}
	return len(p), nil
}

func (s *screen) show() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.rows, "\n")
}

func TestLiveShowsWhatIsMissingAndCleansUp(t *testing.T) {
	t.Parallel()
	var s screen
	l := newLive(&s, style{}, func() int { return 60 })
	for _, ev := range rollout()[:6] {
		l.Event(ev)
	}
	l.mu.Lock()
	l.draw(nil)
	l.mu.Unlock()
	rows := strings.Split(s.show(), "\n")
	want := []string{
		"  ✓ created Service shop/web",
		"  ✓ updated Deployment shop/web",
		"✓ shop/prod: workloads (2 of 2)",
		"shop/prod: wait ░░░░░░░░░░░░░░░░░░░░ 0/1 0s",
		"  … Deployment shop/web: 0 of 1 replicas available",
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("while waiting, -want +got:\n%s", diff)
	}
	for _, ev := range rollout()[6:] {
		l.Event(ev)
	}
	l.Close()
	want = append(want[:3],
		"  ✓ ready Deployment shop/web",
		"✓ shop/prod: wait (1 of 1)",
		"✓ recorded release 4",
	)
	if diff := cmp.Diff(want, strings.Split(s.show(), "\n")); diff != "" {
		t.Errorf("at the end, -want +got:\n%s", diff)
	}
}

func TestLiveFitsTheTerminal(t *testing.T) {
	t.Parallel()
	var s screen
	l := newLive(&s, style{}, func() int { return 40 })
	l.Event(event.Event{Type: event.PhaseStarted, App: "shop", Message: "wait", Total: 50})
	for i := range 50 {
		r := ref("Deployment", "a-rather-long-name-"+strings.Repeat("x", i%20))
		r.Name += string(rune('a'+i%26)) + string(rune('a'+i/26))
		l.Event(event.Event{Type: event.Waiting, App: "shop", Ref: r, Message: "0 of 1 replicas available\nand more"})
	}
	l.mu.Lock()
	l.draw(nil)
	l.mu.Unlock()
	rows := strings.Split(s.show(), "\n")
	if len(rows) != liveRows+2 || rows[liveRows+1] != "    and 42 more" {
		t.Errorf("%d rows, the last is %q", len(rows), rows[len(rows)-1])
	}
	for _, row := range rows {
		if n := len([]rune(row)); n > 40 {
			t.Errorf("row of %d columns: %s", n, row)
		}
	}
	// An interrupt in the middle of a phase leaves nothing half-drawn.
	l.Close()
	if left := s.show(); left != "" {
		t.Errorf("left on the screen: %q", left)
	}
}

func TestLiveTakesTheBarOfAFinishedPhaseAway(t *testing.T) {
	t.Parallel()
	var s screen
	l := newLive(&s, style{}, func() int { return 60 })
	defer l.Close()
	for _, ev := range rollout()[:4] {
		l.Event(ev)
	}
	if shown := s.show(); strings.Contains(shown, "█") || !strings.HasSuffix(shown, "✓ shop/prod: workloads (2 of 2)") {
		t.Errorf("after the phase:\n%s", shown)
	}
}
