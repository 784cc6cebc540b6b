// Package notifytest is the contract of a notifier, and the services that
// notifiers send to as mocks in the process: they answer with what the
// services' documentation shows, and record what they were sent. It is
// imported by tests only.
package notifytest

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// Answer is how a mock behaves.
type Answer string

// The answers.
const (
	Works   Answer = "works"
	Later   Answer = "later"   // "too many requests", wait After
	Broken  Answer = "broken"  // an error of the service
	Denies  Answer = "denies"  // the token is wrong
	Hangs   Answer = "hangs"   // takes the request and never answers
	Leads   Answer = "leads"   // redirects to another place
	Endless Answer = "endless" // answers without an end
)

// After is what Later asks to wait, in seconds.
const After = 7

// Mock is a service.
type Mock interface {
	// Answer says how requests are answered from now on.
	Answer(Answer)
	// Got are the requests so far, as text: request line, headers that matter,
	// body.
	Got() []string
	// Knows reports whether the protocol of the service has such an answer.
	Knows(Answer) bool
}

// Reply is an answer of an HTTP service.
type Reply struct {
	Status int
	Header map[string]string
	Body   string
}

// HTTP is a service that speaks HTTP.
type HTTP struct {
	URL string

	replies map[Answer]Reply
	headers []string // that are recorded
	release chan struct{}

	mu     sync.Mutex
	answer Answer
	got    []string
	raw    []Request
}

// Request is a request as it came.
type Request struct {
	Method, Path string
	Header       http.Header
	Body         []byte
}

// NewHTTP runs a service that gives the replies, and records some headers of
// requests. Error replies repeat the request, as some services do, so that
// tests see whether a secret gets into an error.
func NewHTTP(t testing.TB, replies map[Answer]Reply, headers ...string) *HTTP {
	h := &HTTP{replies: replies, headers: headers, answer: Works, release: make(chan struct{})}
	server := httptest.NewServer(h)
	h.URL = server.URL
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(h.release) })
	return h
}

// ServeHTTP implements http.Handler.
func (h *HTTP) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	lines := []string{r.Method + " " + r.URL.RequestURI()}
	for _, name := range h.headers {
		lines = append(lines, name+": "+r.Header.Get(name))
	}
	text := strings.Join(append(lines, "", string(body), ""), "\n")
	h.mu.Lock()
	h.got, h.raw = append(h.got, text), append(h.raw, Request{r.Method, r.URL.RequestURI(), r.Header.Clone(), body})
	answer := h.answer
	h.mu.Unlock()
	h.reply(w, r, answer, text)
}

func (h *HTTP) reply(w http.ResponseWriter, r *http.Request, answer Answer, text string) {
	switch answer {
	case Hangs:
		select {
		case <-h.release:
		case <-r.Context().Done():
		}
		return
	case Leads:
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		return
	case Endless:
		w.WriteHeader(http.StatusBadRequest)
		for {
			if _, err := w.Write(make([]byte, 1<<16)); err != nil {
				return
			}
		}
	}
	reply := h.replies[answer]
	for name, value := range reply.Header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(reply.Status)
	fmt.Fprint(w, reply.Body)
	if answer == Broken || answer == Denies {
		fmt.Fprintf(w, "\n%s\n%s", r.Header.Get("Authorization"), text)
	}
}

// Answer implements Mock.
func (h *HTTP) Answer(a Answer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.answer = a
}

// Got implements Mock.
func (h *HTTP) Got() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]string(nil), h.got...)
}

// Requests are the requests as they came.
func (h *HTTP) Requests() []Request {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]Request(nil), h.raw...)
}

// Knows implements Mock.
func (h *HTTP) Knows(a Answer) bool {
	switch a {
	case Hangs, Leads, Endless:
		return true
	}
	_, ok := h.replies[a]
	return ok
}
