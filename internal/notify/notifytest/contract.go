package notifytest

import (
	"context"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tugops/tug/internal/event"
	"github.com/tugops/tug/internal/notify"
	"github.com/tugops/tug/internal/object"
)

// Canary is a secret of an app. It is in every text of Facts, and may be in
// nothing that a notifier sends.
const Canary = "canary-9f3e71c2d4"

// Token is the secret of a channel: tests put it into every address and token
// that they configure. No error may tell it.
const Token = "token-5b8a02e6f1"

// Subject is a notifier under test.
type Subject struct {
	// Start runs the service and makes a notifier that sends to it.
	Start func(t *testing.T) (notify.Notifier, Mock)
	// Silent says that the service cannot tell how long to wait.
	Silent bool
	// Kinds are those that it sends; nil for all.
	Kinds []event.Kind
}

// Run is what every notifier does.
func Run(t *testing.T, s Subject) {
	t.Helper()
	start := s.Start
	for _, about := range Facts() {
		if s.Kinds == nil || slices.Contains(s.Kinds, about.Kind) {
			t.Run("sends "+string(about.Kind), func(t *testing.T) { sends(t, about, start) })
		} else {
			t.Run("passes over "+string(about.Kind), func(t *testing.T) { passesOver(t, about, start) })
		}
	}
	t.Run("later", func(t *testing.T) { waits(t, !s.Silent, start) })
	t.Run("broken", func(t *testing.T) { broken(t, start) })
	t.Run("denied", func(t *testing.T) { denied(t, start) })
	t.Run("hangs", func(t *testing.T) { hangs(t, start) })
	t.Run("leads elsewhere", func(t *testing.T) { leads(t, start) })
	t.Run("endless", func(t *testing.T) { endless(t, start) })
}

// Compose makes the message of a fact.
func Compose(f event.Fact) notify.Message {
	return notify.Compose("under-test", f, object.NewSensitive(Canary))
}

// sends wants one request, without any secret of the app, and the same again
// for the same message.
func sends(t *testing.T, about event.Fact, start func(t *testing.T) (notify.Notifier, Mock)) {
	n, mock := start(t)
	for range 2 {
		if err := n.Send(t.Context(), Compose(about)); err != nil {
			t.Fatal(err)
		}
	}
	got := mock.Got()
	if len(got) != 2 {
		t.Fatalf("%d requests for two messages", len(got))
	}
	if got[0] != got[1] {
		t.Errorf("the same message is sent in two ways:\n%s\n%s", got[0], got[1])
	}
	if tells(got[0], Canary) {
		t.Errorf("a secret is told:\n%s", got[0])
	}
	if !strings.Contains(got[0], "shop") {
		t.Errorf("the app is not named:\n%s", got[0])
	}
}

func passesOver(t *testing.T, about event.Fact, start func(t *testing.T) (notify.Notifier, Mock)) {
	n, mock := start(t)
	if err := n.Send(t.Context(), Compose(about)); err != nil || len(mock.Got()) > 0 {
		t.Errorf("sent %q, error %v", mock.Got(), err)
	}
}

// tells reports whether a text holds a value, also in base64.
func tells(text, value string) bool {
	if strings.Contains(text, value) {
		return true
	}
	for shift := range 3 {
		coded := base64.StdEncoding.EncodeToString(append(make([]byte, shift), value...))
		if strings.Contains(text, coded[4:len(coded)-4]) {
			return true
		}
	}
	return false
}

// after sends one message to a service that behaves in some way.
func after(t *testing.T, a Answer, start func(t *testing.T) (notify.Notifier, Mock)) error {
	t.Helper()
	n, mock := start(t)
	if !mock.Knows(a) {
		t.Skipf("this service has no answer %q", a)
	}
	mock.Answer(a)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	err := n.Send(ctx, Compose(Facts()[0]))
	switch {
	case err == nil:
		t.Fatalf("no error although the service %s", a)
	case tells(err.Error(), Token):
		t.Errorf("the error tells the token: %v", err)
	case tells(err.Error(), Canary):
		t.Errorf("the error tells a secret: %v", err)
	case len(err.Error()) > 1000 || strings.Contains(err.Error(), "\n"):
		t.Errorf("the error is not one short line: %v", err)
	}
	return err
}

func waits(t *testing.T, asks bool, start func(t *testing.T) (notify.Notifier, Mock)) {
	retry, ok := errors.AsType[*notify.Retry](after(t, Later, start))
	if !ok {
		t.Fatal("not sent again after \"later\"")
	}
	if want := time.Duration(After) * time.Second; asks && retry.After != want {
		t.Errorf("sent again after %s, asked for %s", retry.After, want)
	}
}

func broken(t *testing.T, start func(t *testing.T) (notify.Notifier, Mock)) {
	if _, ok := errors.AsType[*notify.Retry](after(t, Broken, start)); !ok {
		t.Error("not sent again after an error of the service")
	}
}

func denied(t *testing.T, start func(t *testing.T) (notify.Notifier, Mock)) {
	if _, ok := errors.AsType[*notify.Retry](after(t, Denies, start)); ok {
		t.Error("a wrong token is tried again")
	}
}

// hangs ends the context of a request that is under way.
func hangs(t *testing.T, start func(t *testing.T) (notify.Notifier, Mock)) {
	n, mock := start(t)
	if !mock.Knows(Hangs) {
		t.Skip("this service cannot hang")
	}
	mock.Answer(Hangs)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err := n.Send(ctx, Compose(Facts()[0]))
	if _, ok := errors.AsType[*notify.Retry](err); !ok {
		t.Errorf("not sent again after no answer: %v", err)
	}
	if err != nil && tells(err.Error(), Token) {
		t.Errorf("the error tells the token: %v", err)
	}
}

// leads wants that nothing is sent elsewhere.
func leads(t *testing.T, start func(t *testing.T) (notify.Notifier, Mock)) {
	var mock Mock
	err := after(t, Leads, func(t *testing.T) (n notify.Notifier, m Mock) {
		n, mock = start(t)
		return n, mock
	})
	if _, ok := errors.AsType[*notify.Retry](err); ok {
		t.Error("a redirect is tried again")
	}
	if got := mock.Got(); len(got) != 1 {
		t.Errorf("%d requests: a redirect was followed", len(got))
	}
}

// endless wants that an answer is read in part only.
func endless(t *testing.T, start func(t *testing.T) (notify.Notifier, Mock)) {
	_ = after(t, Endless, start)
}
