package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
)

// maxQuery bounds the query of a request, in bytes.
const maxQuery = 4 << 10

// wrap puts around a route what all have: limits, the token, headers, logs.
func (s *Server) wrap(r route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		begin, rec := time.Now(), &recorder{ResponseWriter: w, code: http.StatusOK}
		defer func() {
			if p := recover(); p != nil {
				// The value may hold what a request held.
				s.config.Log.Error("panic in a request", "route", r.path, "stack", string(debug.Stack()))
				fail(rec, http.StatusInternalServerError, "this is a bug in tug")
			}
			s.config.Observe(r.path, rec.code, time.Since(begin))
			s.config.Log.Debug("request", "route", r.path, "code", rec.code, "took", time.Since(begin))
		}()
		h := rec.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		req.Body = http.MaxBytesReader(rec, req.Body, 0)
		slots := s.requests
		if r.stream {
			slots = s.streams
		}
		select {
		case slots <- struct{}{}:
			defer func() { <-slots }()
		default:
			h.Set("Retry-After", "1")
			fail(rec, http.StatusServiceUnavailable, "too many requests are under way")
			return
		}
		s.serve(rec, req, r)
	})
}

func (s *Server) serve(w http.ResponseWriter, req *http.Request, r route) {
	ctx := req.Context()
	if !r.stream {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.config.Timeout)
		defer cancel()
		req = req.WithContext(ctx)
		// A reader that is slow does not hold its place for ever.
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(s.config.Timeout + patience))
	}
	switch {
	case len(req.URL.RawQuery) > maxQuery:
		fail(w, http.StatusRequestURITooLong, "the query is too long")
	case !r.open && bearer(req) == "":
		w.Header().Set("WWW-Authenticate", "Bearer")
		fail(w, http.StatusUnauthorized, "this needs a Kubernetes token", "send it as: Authorization: Bearer TOKEN")
	case r.raw != nil:
		r.raw(w, req)
	default:
		answer, err := r.handle(ctx, s.caller(req), req)
		if err != nil {
			s.refuse(w, err)
			return
		}
		write(w, answer)
	}
}

func (s *Server) caller(r *http.Request) *caller {
	return &caller{callers: s.config.Callers, token: bearer(r), known: map[object.Access]bool{}}
}

// refuse answers with an error; what has no explanation of its own stays
// inside.
func (s *Server) refuse(w http.ResponseWriter, err error) {
	code, text := http.StatusInternalServerError, "this cannot be answered"
	switch kind := fault.KindOf(err); {
	case errors.Is(err, errToken):
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		code, text = http.StatusUnauthorized, err.Error()
	case kind == fault.NotFound:
		code, text = http.StatusNotFound, err.Error()
	case kind == fault.Usage || kind == fault.Invalid:
		code, text = http.StatusBadRequest, err.Error()
	case kind == fault.Unavailable || errors.Is(err, context.DeadlineExceeded):
		w.Header().Set("Retry-After", "5")
		code, text = http.StatusServiceUnavailable, "the cluster does not answer in time"
	default:
		s.config.Log.Error("request", "error", err.Error())
	}
	if code == http.StatusNotFound || code == http.StatusBadRequest {
		fail(w, code, text, fault.HintsOf(err)...)
		return
	}
	fail(w, code, text)
}

func write(w http.ResponseWriter, answer any) {
	data, err := json.Marshal(answer)
	if err != nil {
		fail(w, http.StatusInternalServerError, "this cannot be written as JSON")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(data)+1))
	_, _ = w.Write(append(data, '\n')) // the reader is gone
}

func fail(w http.ResponseWriter, code int, text string, hints ...string) {
	data, err := json.Marshal(Problem{Error: text, Hints: hints})
	if err != nil {
		data = []byte(`{"error":"error"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_, _ = w.Write(append(data, '\n'))
}

// recorder remembers the status code.
type recorder struct {
	http.ResponseWriter
	code int
}

// WriteHeader implements http.ResponseWriter.
func (r *recorder) WriteHeader(code int) {
	r.code = code
	r.ResponseWriter.WriteHeader(code)
}

// Unwrap lets http.ResponseController reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
