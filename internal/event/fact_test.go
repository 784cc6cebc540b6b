package event_test

import (
	"testing"
	"time"

	"github.com/tugops/tug/internal/event"
	"github.com/tugops/tug/internal/object"
)

// TestKey tells facts apart by what they say, not by when.
func TestKey(t *testing.T) {
	ref := func(name string) object.Ref { return object.Ref{Kind: "Service", Namespace: "shop", Name: name} }
	at := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	fact := event.Fact{
		Time: at, Kind: event.KindDriftHealed, App: "shop", Namespace: "shop", Message: "healed",
		Objects: []event.Touched{{Ref: ref("a"), Manager: "kubectl-edit", At: at}, {Ref: ref("b")}},
	}
	again := fact
	again.Time, again.Took, again.Release = at.Add(time.Hour), time.Second, 7
	again.Objects = []event.Touched{{Ref: ref("b")}, {Ref: ref("a"), Manager: "kubectl-edit", At: at.Add(time.Hour)}}
	if fact.Key() != again.Key() {
		t.Error("one fact, told again later, has another key")
	}
	if fact.Objects[0].At.IsZero() {
		t.Error("making a key changed the fact")
	}
	for name, change := range map[string]func(*event.Fact){
		"kind":    func(f *event.Fact) { f.Kind = event.KindDriftDetected },
		"app":     func(f *event.Fact) { f.App = "other" },
		"manager": func(f *event.Fact) { f.Objects = []event.Touched{{Ref: ref("a"), Manager: "k9s"}, {Ref: ref("b")}} },
		"commit":  func(f *event.Fact) { f.Commit = "abc" },
	} {
		other := fact
		change(&other)
		if other.Key() == fact.Key() {
			t.Errorf("another %s has the same key", name)
		}
	}
}

// TestTell fills in the usual severity, and only where there is none.
func TestTell(t *testing.T) {
	var got event.Fact
	facts := event.Facts(func(f event.Fact) { got = f })
	facts.Tell(event.Fact{Kind: event.KindFighting})
	if got.Severity != event.SeverityError {
		t.Errorf("severity of fighting is %q", got.Severity)
	}
	facts.Tell(event.Fact{Kind: event.KindFighting, Severity: event.SeverityInfo})
	if got.Severity != event.SeverityInfo {
		t.Errorf("a severity that was given became %q", got.Severity)
	}
	event.Facts(nil).Tell(event.Fact{})
	for _, k := range event.Kinds() {
		if !k.Severity().AtLeast(event.SeverityInfo) {
			t.Errorf("%s has the unknown severity %q", k, k.Severity())
		}
	}
	if event.SeverityInfo.AtLeast(event.SeverityWarning) || !event.SeverityError.AtLeast(event.SeverityWarning) {
		t.Error("severities are in the wrong order")
	}
}
