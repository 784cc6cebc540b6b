package webhook

import (
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/tugops/tug/internal/forge"
)

// Seen remembers deliveries, so that one counts once. Its memory is bounded:
// the oldest make room. Only requests with a proof get into it.
type Seen struct {
	clock forge.Clock
	keep  time.Duration
	mu    sync.Mutex
	at    map[key]entry
	order []key // a ring, the next to be overwritten at next
	next  int
}

type key [sha256.Size]byte

type entry struct {
	time time.Time
	slot int // in the ring
}

// NewSeen remembers up to size keys (two for a delivery) for the time keep.
func NewSeen(size int, keep time.Duration, clock forge.Clock) *Seen {
	return &Seen{clock: clock, keep: keep, at: map[key]entry{}, order: make([]key, max(size, 2))}
}

// add remembers keys; false when one of them is known already.
func (s *Seen) add(keys []key) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock.Now()
	for _, k := range keys {
		if e, ok := s.at[k]; ok && now.Sub(e.time) < s.keep {
			return false
		}
	}
	for _, k := range keys {
		if old := s.order[s.next]; s.at[old].slot == s.next { // else it was remembered again later
			delete(s.at, old)
		}
		s.order[s.next], s.at[k] = k, entry{now, s.next}
		s.next = (s.next + 1) % len(s.order)
	}
	return true
}

func (s *Seen) remove(keys []key) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range keys {
		delete(s.at, k)
	}
}

// keys are what a delivery is known by: its id, and for the schemes that sign
// the body and not the id also the body, as its sender can be replayed under
// another id. The bodies of these hold times; those of others may repeat.
func (r *Receiver) keys(id string, body []byte) []key {
	var keys []key
	if id != "" {
		keys = append(keys, sha256.Sum256([]byte("id\x00"+string(r.scheme)+"\x00"+id)))
	}
	switch r.scheme {
	case GitHub, Gitea, Bitbucket, Nexus:
	default:
		if id != "" {
			return keys
		}
	}
	sum := sha256.Sum256(body)
	return append(keys, sha256.Sum256([]byte("body\x00"+string(r.scheme)+"\x00"+string(sum[:]))))
}

// deliveryID is the id that a sender gives a delivery.
func deliveryID(s Scheme, h http.Header, body []byte) string {
	names := map[Scheme][]string{
		GitHub: {"X-GitHub-Delivery"}, Gitea: {"X-Gitea-Delivery", "X-Forgejo-Delivery"}, Standard: {"Webhook-Id"},
		GitLab: {"Idempotency-Key", "X-Gitlab-Event-UUID"}, Bitbucket: {"X-Request-UUID", "X-Request-Id"},
		Nexus: {"X-Nexus-Webhook-Delivery"}, Generic: {"Idempotency-Key", "X-Delivery"},
	}
	for _, name := range names[s] {
		if id := h.Get(name); id != "" {
			return id
		}
	}
	var azure struct {
		ID string `json:"id"`
	}
	if s == Azure && json.Unmarshal(body, &azure) == nil {
		return azure.ID
	}
	return ""
}
