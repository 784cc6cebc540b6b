package api

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/forge/webhook"
)

// Bounds of webhooks.
const (
	hooksAtOnce = 8
	// refusals is how many requests of one address may be refused in a minute
	// before the next are turned away unread; maxAddresses how many addresses
	// are remembered.
	refusals     = 30
	maxAddresses = 1000
)

// Hooks receives what forges send: POST /webhooks/NAME, each name with a
// receiver and a secret of its own. What is said is a hint and nothing more.
type Hooks struct {
	receivers map[string]*webhook.Receiver
	hint      func(webhook.Hint) bool
	observe   func(result string)
	log       *slog.Logger
	now       func() time.Time
	slots     chan struct{}

	mu      sync.Mutex
	refused map[string]int // of each address, since
	since   time.Time
}

var _ http.Handler = (*Hooks)(nil)

// NewHooks makes a receiver of webhooks by name. Hint acts on what one says
// and reports whether it means anything here; observe hears the result of each
// request (accepted, ignored, refused), and may be nil.
func NewHooks(receivers map[string]*webhook.Receiver, hint func(webhook.Hint) bool, observe func(string), log *slog.Logger, now func() time.Time) *Hooks {
	if observe == nil {
		observe = func(string) {}
	}
	return &Hooks{
		receivers: receivers, hint: hint, observe: observe, log: log, now: now,
		slots: make(chan struct{}, hooksAtOnce), refused: map[string]int{},
	}
}

// ServeHTTP implements http.Handler.
func (h *Hooks) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer func() {
		if recover() != nil { // whatever was sent, the process lives
			h.log.Error("panic in a webhook")
			fail(w, http.StatusInternalServerError, "this is a bug in tug")
		}
	}()
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		fail(w, http.StatusMethodNotAllowed, "webhooks are posted")
		return
	}
	from := address(r)
	if h.tooMany(from) {
		h.observe("refused")
		w.Header().Set("Retry-After", "60")
		fail(w, http.StatusTooManyRequests, "too many requests of this address were refused")
		return
	}
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	default:
		w.Header().Set("Retry-After", "5")
		fail(w, http.StatusServiceUnavailable, "too many webhooks are under way")
		return
	}
	code, text, result := h.receive(w, r, from)
	h.observe(result)
	h.log.Debug("webhook", "name", r.PathValue("name"), "result", result, "code", code)
	if code >= http.StatusBadRequest {
		fail(w, code, text)
		return
	}
	w.WriteHeader(code)
	_, _ = io.WriteString(w, text+"\n") // the sender is gone
}

// receive reads one request. A name that is not known is refused like a secret
// that is wrong, so that names cannot be tried out.
func (h *Hooks) receive(w http.ResponseWriter, r *http.Request, from string) (code int, text, result string) {
	receiver, known := h.receivers[r.PathValue("name")]
	if !known {
		h.refuse(from)
		return http.StatusUnauthorized, "the proof of this webhook does not fit", "refused"
	}
	d, err := receiver.Receive(r.Header, http.MaxBytesReader(w, r.Body, webhook.BodyLimit+1))
	switch {
	case fault.Is(err, fault.Exists):
		return http.StatusOK, "received before", "ignored"
	case fault.Is(err, fault.Denied):
		h.refuse(from)
		return http.StatusUnauthorized, "the proof of this webhook does not fit", "refused"
	case err != nil:
		h.refuse(from)
		return http.StatusBadRequest, "this webhook cannot be read", "refused"
	}
	means := false
	for _, hint := range d.Hints {
		means = h.hint(hint) || means
	}
	if !means {
		return http.StatusOK, "nothing here follows that", "ignored"
	}
	return http.StatusAccepted, "accepted", "accepted"
}

// address is where a request comes from.
func address(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

func (h *Hooks) tooMany(from string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if now := h.now(); now.Sub(h.since) >= time.Minute || now.Before(h.since) || len(h.refused) >= maxAddresses {
		clear(h.refused)
		h.since = now
	}
	return h.refused[from] >= refusals
}

func (h *Hooks) refuse(from string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.refused[from]++
}
