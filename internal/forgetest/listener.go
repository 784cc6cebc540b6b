package forgetest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"
)

// patience is how long an event may take.
const patience = 30 * time.Second

// Listener takes the deliveries of webhooks and keeps them.
type Listener struct {
	URL string
	// Secret is the key that deliveries are signed with.
	Secret string

	t          testing.TB
	mu         sync.Mutex
	deliveries []Delivery
	arrived    chan struct{} // closed and replaced with every delivery
}

// Delivery is one request of a webhook.
type Delivery struct {
	ID     string // X-Gitea-Delivery, the same for every attempt
	Event  string // X-Gitea-Event
	Header http.Header
	Body   []byte
}

// Listen starts a listener that ends with the test.
func Listen(t testing.TB) *Listener {
	t.Helper()
	l := &Listener{Secret: unique("secret"), t: t, arrived: make(chan struct{})}
	server := httptest.NewServer(http.HandlerFunc(l.take))
	t.Cleanup(server.Close)
	l.URL = server.URL + "/hook"
	return l
}

func (l *Listener) take(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.deliveries = append(l.deliveries, Delivery{
		ID: r.Header.Get("X-Gitea-Delivery"), Event: r.Header.Get("X-Gitea-Event"), Header: r.Header, Body: body,
	})
	close(l.arrived)
	l.arrived = make(chan struct{})
}

// Deliveries are those so far, in the order of their arrival.
func (l *Listener) Deliveries() []Delivery {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.deliveries)
}

// Await gives the first delivery of an event, and fails the test when none
// comes.
func (l *Listener) Await(event string) Delivery {
	l.t.Helper()
	return l.AwaitMatch(event, func(Delivery) bool { return true })
}

// AwaitMatch is Await for the first delivery that matches.
func (l *Listener) AwaitMatch(event string, matches func(Delivery) bool) Delivery {
	l.t.Helper()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		l.mu.Lock()
		seen, arrived := slices.Clone(l.deliveries), l.arrived
		l.mu.Unlock()
		if i := slices.IndexFunc(seen, func(d Delivery) bool { return d.Event == event && matches(d) }); i >= 0 {
			return seen[i]
		}
		select {
		case <-arrived:
		case <-timer.C:
			l.t.Fatalf("no delivery of %s in %s, only %d others", event, patience, len(seen))
		}
	}
}

// Signed reports whether the delivery carries the signature of a secret.
func (d Delivery) Signed(secret string) bool {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(d.Body)
	got, err := hex.DecodeString(d.Header.Get("X-Gitea-Signature"))
	return err == nil && hmac.Equal(got, mac.Sum(nil))
}
