package cli

import (
	"log/slog"
	"net/http"
	"time"
)

// level is the log level that was chosen.
func (g Global) level() slog.Level {
	switch g.LogLevel {
	case "debug":
		return slog.LevelDebug
	case "info":
		return slog.LevelInfo
	case "error":
		return slog.LevelError
	}
	return slog.LevelWarn
}

// newLog writes to stderr, as JSON where results are JSON. Lines carry no time:
// they are read at once, or by a CI that adds its own.
func (e *Env) newLog() *slog.Logger {
	o := &slog.HandlerOptions{Level: e.Global.level(), ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		return e.maskAttr(withoutTime(groups, a))
	}}
	if e.Global.JSON() {
		return slog.New(slog.NewJSONHandler(e.Stderr, o)).With("type", "log")
	}
	return slog.New(slog.NewTextHandler(e.Stderr, o))
}

// withoutTime drops the time, and calls the message as errors and events do.
func withoutTime(groups []string, a slog.Attr) slog.Attr {
	switch {
	case len(groups) > 0:
	case a.Key == slog.TimeKey:
		return slog.Attr{}
	case a.Key == slog.MessageKey:
		a.Key = "message"
	}
	return a
}

// logged logs every request to the API server at level debug: method, path and
// status, never a body or a header, which may hold secrets.
func (e *Env) logged() func(http.RoundTripper) http.RoundTripper {
	if e.Global.level() > slog.LevelDebug {
		return nil
	}
	return func(next http.RoundTripper) http.RoundTripper { return logTransport{next, slog.Default()} }
}

type logTransport struct {
	next http.RoundTripper
	log  *slog.Logger
}

// RoundTrip implements http.RoundTripper.
func (t logTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	began := time.Now()
	answer, err := t.next.RoundTrip(r)
	attrs := []any{"method", r.Method, "url", r.URL.RequestURI(), "took", time.Since(began).Round(time.Millisecond)}
	if err != nil {
		t.log.Debug("request", append(attrs, "error", err)...)
		return nil, err
	}
	t.log.Debug("request", append(attrs, "status", answer.StatusCode)...)
	return answer, nil
}
