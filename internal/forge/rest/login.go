package rest

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/tugops/tug/internal/fault"
)

// Login proves who asks.
type Login interface {
	// Proof gives the header to send. It may fetch a fresh token.
	Proof(ctx context.Context) (Proof, error)
}

// Proof is a secret and the header that carries it. However it is shown, the
// secret is not.
type Proof struct {
	// Header is Authorization when empty; Prefix goes before the secret
	// ("Bearer ").
	Header, Prefix, Secret string
	// From says where the secret comes from ("GITHUB_TOKEN"), for messages.
	From string
}

var (
	_ Login          = Proof{}
	_ fmt.Stringer   = Proof{}
	_ slog.LogValuer = Proof{}
)

// Bearer is a token as most APIs take it.
func Bearer(token, from string) Proof { return Proof{Prefix: "Bearer ", Secret: token, From: from} }

// Proof implements Login.
func (p Proof) Proof(context.Context) (Proof, error) { return p, nil }

// String implements fmt.Stringer without the secret.
func (p Proof) String() string { return "token from " + p.From }

// GoString implements fmt.GoStringer without the secret.
func (p Proof) GoString() string { return p.String() }

// LogValue implements slog.LogValuer without the secret.
func (p Proof) LogValue() slog.Value { return slog.StringValue(p.String()) }

// MarshalText implements encoding.TextMarshaler without the secret.
func (p Proof) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// login adds the proof to a request.
func (c *Client) login(ctx context.Context, r *http.Request) (Proof, error) {
	if c.Login == nil {
		return Proof{}, nil
	}
	p, err := c.Login.Proof(ctx)
	if err != nil || p.Secret == "" {
		return p, err
	}
	for _, b := range []byte(p.Secret) {
		if b <= ' ' || b > '~' {
			return Proof{}, fault.New(fault.Invalid, "the token from %s holds characters that no token has", p.From).
				Hint("is there a line break or a space in it?")
		}
	}
	name := p.Header
	if name == "" {
		name = "Authorization"
	}
	r.Header.Set(name, p.Prefix+p.Secret)
	return p, nil
}
