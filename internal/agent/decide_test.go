package agent

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func noon() time.Time { return time.Date(2026, time.November, 30, 12, 0, 0, 0, time.UTC) }

// TestDecide is the whole table of what follows from what is known of one app.
func TestDecide(t *testing.T) {
	t.Parallel()
	later := noon().Add(time.Minute)
	rendered := State{Known: true, Wanted: true, Commit: "c2", Looked: "c2", Name: "n2", Done: "c1", DoneName: "n1"}
	running := rendered
	running.Running, running.RunCommit, running.RunName = true, "c1", "n1"
	with := func(s State, change func(*State)) State { change(&s); return s }
	open := Around{Now: noon(), Ready: true, Open: true}
	tests := []struct {
		name   string
		state  State
		around Around
		want   Decision
	}{
		{"record not read", State{Wanted: true, Commit: "c1"}, open, Decision{Why: unknown}},
		{"new app", State{Known: true, Wanted: true, Commit: "c1"}, open, Decision{Action: Look}},
		{"new commit", with(rendered, func(s *State) { s.Looked = "c1" }), open, Decision{Action: Look}},
		{"being rendered", with(rendered, func(s *State) { s.Looked, s.Looking = "c1", true }), open, Decision{Why: looking}},
		{"render failed", with(rendered, func(s *State) { s.LookFailed, s.LookRetry = true, later }), open, Decision{Why: pausing, Again: later}},
		{"render failed a while ago", with(rendered, func(s *State) { s.LookFailed, s.LookRetry = true, noon() }), open, Decision{Action: Look}},
		{"render failed, asked for", with(rendered, func(s *State) { s.LookFailed, s.LookRetry, s.Forced = true, later, true }), open, Decision{Action: Look}},
		{"rendered", rendered, open, Decision{Action: Sync}},
		{"commit does not touch the app", with(rendered, func(s *State) { s.Name = "n1" }), open, Decision{Action: Adopt}},
		{"content is not known by name", with(rendered, func(s *State) { s.Name, s.DoneName = "", "" }), open, Decision{Action: Sync}},
		{"done", with(rendered, func(s *State) { s.Done = "c2" }), open, Decision{Why: settled}},
		{"done, asked for", with(rendered, func(s *State) { s.Done, s.Forced = "c2", true }), open, Decision{Action: Sync}},
		{"dependencies", rendered, Around{Now: noon(), Open: true}, Decision{Why: depends}},
		{"window", rendered, Around{Now: noon(), Ready: true, Opens: later}, Decision{Why: closed, Again: later}},
		{"window, asked for", with(rendered, func(s *State) { s.Forced = true }), Around{Now: noon(), Ready: true, Opens: later}, Decision{Action: Sync}},
		{"failed", with(rendered, func(s *State) { s.Failed, s.Retry = "n2", later }), open, Decision{Why: pausing, Again: later}},
		{"failed a while ago", with(rendered, func(s *State) { s.Failed, s.Retry = "n2", noon() }), open, Decision{Action: Sync}},
		{"something else failed: fix-forward", with(rendered, func(s *State) { s.Failed, s.Retry = "n1", later }), open, Decision{Action: Sync}},
		{"failed, asked for", with(rendered, func(s *State) { s.Failed, s.Retry, s.Forced = "n2", later, true }), open, Decision{Action: Sync}},
		{"consent", with(rendered, func(s *State) { s.Blocked, s.Retry = "n2", later }), open, Decision{Why: consenting, Again: later}},
		{"quarantined", with(rendered, func(s *State) { s.Quarantine = "n2" }), open, Decision{Why: quarantine}},
		{"something else is quarantined", with(rendered, func(s *State) { s.Quarantine = "n1" }), open, Decision{Action: Sync}},
		{"quarantined, asked for", with(rendered, func(s *State) { s.Quarantine, s.Forced = "n2", true }), open, Decision{Action: Sync}},
		{"suspended", with(rendered, func(s *State) { s.Suspended = true }), open, Decision{Why: suspended}},
		{"not declared", with(rendered, func(s *State) { s.Wanted = false }), open, Decision{Why: undeclared}},
		{"gone", with(rendered, func(s *State) { s.Wanted, s.Gone = false, true }), open, Decision{Action: Sync}},
		{"gone, without consent", with(rendered, func(s *State) { s.Wanted, s.Gone, s.Retry = false, true, later }), open, Decision{Why: consenting, Again: later}},

		{"at work", with(running, func(s *State) { s.RunCommit, s.RunName = "c2", "n2" }), open, Decision{Why: working}},
		{"at work, newer commit", with(running, func(s *State) { s.Looked = "c1" }), open, Decision{Action: Look}},
		{"at work, newer commit is being rendered", with(running, func(s *State) { s.Looked, s.Looking = "c1", true }), open, Decision{Why: working}},
		{"at work, newer commit changes the app", running, open, Decision{Action: Stop}},
		{"at work, newer commit may change the app", with(running, func(s *State) { s.Name, s.RunName = "", "" }), open, Decision{Action: Stop}},
		{"at work, newer commit is the same", with(running, func(s *State) { s.Name = "n1" }), open, Decision{Why: working}},
		{"at work, newer commit is broken", with(running, func(s *State) { s.LookFailed, s.LookRetry = true, later }), open, Decision{Why: pausing, Again: later}},
		{"at work, told to stop", with(running, func(s *State) { s.RunToStop = true }), open, Decision{Why: working}},
		{"at work, suspended", with(running, func(s *State) { s.Suspended = true }), open, Decision{Action: Stop}},
		{"at work, gone", with(running, func(s *State) { s.Wanted = false }), open, Decision{Action: Stop}},
		{"being deleted", with(running, func(s *State) { s.Wanted, s.RunPrunes = false, true }), open, Decision{Why: working}},
		{"being deleted, declared again", with(running, func(s *State) { s.RunPrunes = true }), open, Decision{Action: Stop}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, decide(test.state, test.around)); diff != "" {
				t.Errorf("decision (-want +got):\n%s", diff)
			}
		})
	}
}

// TestBackoff grows to a limit, within its spread.
func TestBackoff(t *testing.T) {
	t.Parallel()
	var last time.Duration
	for failures := 1; failures < 40; failures++ {
		middle := backoff(failures, 0.5)
		if middle < last || middle > lastBackoff {
			t.Fatalf("after %d failures: %s, before %s", failures, middle, last)
		}
		if low, high := backoff(failures, 0), backoff(failures, 1); low < middle*3/4-1 || high > middle*5/4+1 || low >= high {
			t.Fatalf("after %d failures: from %s to %s around %s", failures, low, high, middle)
		}
		last = middle
	}
	if backoff(1, 0.5) != firstBackoff || last != lastBackoff {
		t.Errorf("from %s to %s", backoff(1, 0.5), last)
	}
}

// TestWindows opens and closes by the clock on the wall.
func TestWindows(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skipf("no time zones: %v", err)
	}
	nights := Windows{{Days: []time.Weekday{time.Saturday}, From: 22 * time.Hour, To: 4 * time.Hour, Zone: berlin}}
	day := Windows{{From: 9 * time.Hour, To: 17 * time.Hour}}
	at := func(text string) time.Time {
		v, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	tests := []struct {
		name    string
		windows Windows
		now     string
		open    bool
		next    string
	}{
		{"none", nil, "2026-11-30T12:00:00Z", true, ""},
		{"within", day, "2026-11-30T09:00:00Z", true, ""},
		{"before", day, "2026-11-30T08:59:59Z", false, "2026-11-30T09:00:00Z"},
		{"after", day, "2026-11-30T17:00:00Z", false, "2026-12-01T09:00:00Z"},
		{"in the night", nights, "2026-12-05T23:00:00Z", true, ""},
		{"after midnight", nights, "2026-12-06T02:59:00Z", true, ""},
		{"over", nights, "2026-12-06T03:00:00Z", false, "2026-12-12T21:00:00Z"},
		{"in summer", nights, "2026-06-01T12:00:00Z", false, "2026-06-06T20:00:00Z"},
		{"two", append(day, nights...), "2026-12-05T18:00:00Z", false, "2026-12-05T21:00:00Z"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			open, next := test.windows.Open(at(test.now))
			got := ""
			if !next.IsZero() {
				got = next.UTC().Format(time.RFC3339)
			}
			if open != test.open || got != test.next {
				t.Errorf("open %v, next %q; want %v, %q", open, got, test.open, test.next)
			}
		})
	}
}
