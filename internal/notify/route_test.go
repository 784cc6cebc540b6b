package notify

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/event"
)

func TestChannels(t *testing.T) {
	t.Parallel()
	routes := []Route{
		{To: []string{"all"}},
		{To: []string{"shop", "all"}, Apps: []string{"shop-*", "till"}},
		{To: []string{"prod"}, Environments: []string{"prod*"}},
		{To: []string{"bad"}, Severity: event.SeverityWarning},
		{To: []string{"worst"}, Severity: event.SeverityError},
		{To: []string{"drift"}, Events: []event.Kind{event.KindDriftHealed, event.KindFighting}},
	}
	for _, tc := range []struct {
		note event.Fact
		want []string
	}{
		{event.Fact{Kind: event.KindDeployed, App: "shop-web", Env: "dev"}, []string{"all", "shop"}},
		{event.Fact{Kind: event.KindDeployed, App: "shop", Env: "prod-eu"}, []string{"all", "prod"}},
		{event.Fact{Kind: event.KindFailed, App: "till"}, []string{"all", "shop", "bad", "worst"}},
		{event.Fact{Kind: event.KindDriftHealed, App: "x"}, []string{"all", "bad", "drift"}},
		{event.Fact{Kind: event.KindDriftHealed, Severity: event.SeverityInfo, App: "x"}, []string{"all", "drift"}},
	} {
		if d := cmp.Diff(tc.want, Channels(routes, tc.note)); d != "" {
			t.Errorf("%+v: %s", tc.note, d)
		}
	}
	if Channels(nil, event.Fact{}) != nil {
		t.Error("a note without a route is sent")
	}
}

func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	var m memory
	now := time.Now()
	for i := range 3 * maxRemembers {
		n := note(event.KindDegraded, "x")
		n.App = n.App + time.Duration(i).String()
		m.again(n, now)
	}
	for i := range 3 * maxRemembers {
		m.again(note(event.KindDegraded, time.Duration(i).String()), now)
	}
	keys := 0
	for _, t := range m.troubles {
		keys += len(t.keys)
	}
	if keys > maxRemembers || keys != m.size {
		t.Errorf("remembers %d, counted %d", keys, m.size)
	}
}

func TestBucket(t *testing.T) {
	t.Parallel()
	now := time.Now()
	b := newBucket(60, now)
	for range burst {
		if w := b.take(now); w != 0 {
			t.Fatalf("waits %s within the burst", w)
		}
	}
	wait := b.take(now)
	if wait != time.Second {
		t.Errorf("waits %s, want 1s", wait)
	}
	if w := b.take(now.Add(wait)); w != 0 {
		t.Errorf("waits %s after it waited", w)
	}
	if w := b.take(now.Add(-time.Hour)); w <= 0 || w > time.Second {
		t.Errorf("waits %s after the clock went back", w)
	}
}
