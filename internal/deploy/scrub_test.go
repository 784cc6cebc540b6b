package deploy

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/tugops/tug/internal/event"
	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/snapshot"
)

func TestErrorsAndEventsHoldNoSecrets(t *testing.T) {
	t.Parallel()
	objects, err := object.ReadYAML("s.yaml", []byte("apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {p: aHVudGVyMjI=}\n"))
	if err != nil {
		t.Fatal(err)
	}
	p := &Prepared{Snapshot: &snapshot.Snapshot{Objects: objects}}
	failed := fmt.Errorf("wait: %w", fault.New(fault.NotReady, "last line: password is hunter22 (aHVudGVyMjI=)").Hint("look"))
	got := scrubError(failed, p)
	if strings.Contains(got.Error(), "hunter22") || strings.Contains(got.Error(), "aHVudGVyMjI=") {
		t.Errorf("the error tells the secret: %v", got)
	}
	if !fault.Is(got, fault.NotReady) || len(fault.HintsOf(got)) != 1 {
		t.Errorf("kind %s, hints %v: lost", fault.KindOf(got), fault.HintsOf(got))
	}
	var said string
	scrubbed(func(ev event.Event) { said = ev.Message }, p).Emit(event.Event{Message: "log: hunter22"})
	if said != "log: "+object.Masked {
		t.Errorf("the event says %q", said)
	}
	if plain := fault.New(fault.Invalid, "nothing to hide"); !errors.Is(scrubError(plain, p), plain) || scrubError(plain, p).Error() != plain.Error() {
		t.Error("an error without a secret was changed")
	}
}

func TestErrorsHoldNothingThatWasDecrypted(t *testing.T) {
	t.Parallel()
	p := &Prepared{
		Snapshot: &snapshot.Snapshot{Sensitive: object.NewSensitive("hunter2-now")},
		before:   &snapshot.Snapshot{Sensitive: object.NewSensitive("hunter1-before")},
	}
	got := scrubError(errors.New("refused: hunter2-now instead of hunter1-before"), p).Error()
	if got != "refused: (masked) instead of (masked)" {
		t.Errorf("error %q", got)
	}
}
