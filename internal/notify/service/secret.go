package service

import (
	"log/slog"
	"net/url"
	"strings"

	"github.com/tugops/tug/internal/object"
)

// Secret is a text that shows nothing of itself however it is printed.
type Secret struct{ value string }

// Hide makes a Secret.
func Hide(text string) Secret { return Secret{text} }

// Empty reports that there is nothing to hide.
func (s Secret) Empty() bool { return s.value == "" }

// String implements fmt.Stringer.
func (s Secret) String() string {
	if s.Empty() {
		return "(none)"
	}
	return "(secret)"
}

// GoString implements fmt.GoStringer.
func (s Secret) GoString() string { return s.String() }

// LogValue implements slog.LogValuer.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText implements encoding.TextMarshaler.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// shortest is the length from which on a part of a secret address is secret.
const shortest = 8

// sensitive are all secrets of a channel: also the parts of its address, which
// an answer may repeat without the rest.
func (s Settings) sensitive() *object.Sensitive {
	all := object.NewSensitive(s.URL.value, s.Token.value, s.Password.value, s.Signing.value)
	u, err := url.Parse(s.URL.value)
	if err != nil {
		return all
	}
	all.Value(u.RequestURI())
	for part := range strings.SplitSeq(u.Path, "/") {
		if len(part) >= shortest {
			all.Value(part)
		}
	}
	for _, values := range u.Query() {
		for _, v := range values {
			if len(v) >= shortest {
				all.Value(v)
			}
		}
	}
	return all
}
