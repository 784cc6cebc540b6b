package contract

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
)

// Faults is a server between an adapter and a forge that makes things go
// wrong: each fault once, for the first request that it fits.
type Faults struct {
	next http.Handler
	mu   sync.Mutex
	list []*injected
	// small makes pages of lists hold two items.
	small bool
	seen  []string // "METHOD path"
}

type injected struct {
	method, path string // path ends with this
	times        int
	act          func(w http.ResponseWriter, r *http.Request, next http.Handler)
}

// on adds a fault for the next requests with a method and an end of the path.
func (f *Faults) on(method, path string, times int, act func(http.ResponseWriter, *http.Request, http.Handler)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = append(f.list, &injected{method, path, times, act})
}

// clear removes what was not used.
func (f *Faults) clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = nil
}

// unused counts faults that no request met.
func (f *Faults) unused() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, x := range f.list {
		n += x.times
	}
	return n
}

// ServeHTTP implements http.Handler.
func (f *Faults) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if x := f.take(r); x != nil {
		x.act(w, r, f.next)
		return
	}
	f.next.ServeHTTP(w, r)
}

func (f *Faults) take(r *http.Request) *injected {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen = append(f.seen, r.Method+" "+r.URL.Path)
	if q := r.URL.Query(); f.small && r.Method == http.MethodGet {
		for _, name := range []string{"limit", "per_page"} {
			if q.Has(name) {
				q.Set(name, "2")
			}
		}
		r.URL.RawQuery = q.Encode()
	}
	for _, x := range f.list {
		if x.times > 0 && (x.method == r.Method || x.method == "") && strings.HasSuffix(r.URL.Path, x.path) {
			x.times--
			return x
		}
	}
	return nil
}

// answer refuses before the forge sees the request.
func answer(code int, body string, headers ...string) func(http.ResponseWriter, *http.Request, http.Handler) {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		_, _ = w.Write([]byte(body))
	}
}

// lose lets the forge do it and drops the connection.
func lose(w http.ResponseWriter, r *http.Request, next http.Handler) {
	next.ServeHTTP(httptest.NewRecorder(), r)
	panic(http.ErrAbortHandler)
}

// breakOff lets the forge do it and sends half of the answer.
func breakOff(w http.ResponseWriter, r *http.Request, next http.Handler) {
	record := httptest.NewRecorder()
	next.ServeHTTP(record, r)
	body := record.Body.Bytes()
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)+10))
	w.WriteHeader(record.Code)
	_, _ = w.Write(body[:len(body)/2])
	panic(http.ErrAbortHandler)
}

// huge never ends.
func huge(w http.ResponseWriter, r *http.Request, _ http.Handler) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write([]byte(`{"title":"`))
	block := bytes.Repeat([]byte("a"), 1<<20)
	for r.Context().Err() == nil {
		if _, err := w.Write(block); err != nil {
			return
		}
	}
}

// hang accepts the request and says nothing until the client is gone.
func hang(_ http.ResponseWriter, r *http.Request, _ http.Handler) { <-r.Context().Done() }
