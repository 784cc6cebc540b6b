package cli

import (
	"io"
	"log/slog"

	"github.com/tugops/tug/internal/object"
)

// maskedWriter is the last net under what a command prints: no decrypted value
// that could not be an ordinary word gets past it. Whoever prints text that
// repeats its input (errors, warnings, logs) masks it with e.sensitive before,
// short and plain words included.
//
// Every write is looked at by itself: results, errors and lines of progress
// are written as a whole.
type maskedWriter struct {
	w io.Writer
	e *Env
	// result says that it is where the result goes, which may be told to show
	// what is secret.
	result bool
}

// Write implements io.Writer.
func (m maskedWriter) Write(data []byte) (int, error) {
	if m.result && m.e.revealing {
		return m.w.Write(data)
	}
	text := string(data)
	masked := m.e.sensitive.MaskOutput(text)
	if masked == text {
		return m.w.Write(data)
	}
	if _, err := io.WriteString(m.w, masked); err != nil {
		return 0, err
	}
	return len(data), nil
}

// maskOutput puts the net under both streams.
func (e *Env) maskOutput() {
	e.sensitive = &object.Sensitive{}
	e.Stdout = maskedWriter{w: e.Stdout, e: e, result: true}
	e.Stderr = maskedWriter{w: e.Stderr, e: e}
}

// maskAttr masks what an attribute of a log line says.
func (e *Env) maskAttr(a slog.Attr) slog.Attr {
	switch v := a.Value.Resolve(); v.Kind() {
	case slog.KindString:
		a.Value = slog.StringValue(e.sensitive.Mask(v.String()))
	case slog.KindAny:
		// Errors, and whatever a library passes on.
		text := v.String()
		if masked := e.sensitive.Mask(text); masked != text {
			a.Value = slog.StringValue(masked)
		}
	}
	return a
}
