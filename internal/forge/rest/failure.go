package rest

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/forge"
	"github.com/tugops/tug/internal/outbound"
)

var errTimeout = errors.New("the forge takes too long")

// Status is an answer that is none.
type Status struct {
	Code int
	// Said is the forge's message, cut to one line, without the token.
	Said string
}

// Error implements error.
func (s *Status) Error() string {
	text := "the forge says " + strconv.Itoa(s.Code) + " " + http.StatusText(s.Code)
	if s.Said != "" {
		text += ": " + s.Said
	}
	return text
}

// Code is the status of an answer that is none; 0 for other errors.
func Code(err error) int {
	if s, ok := errors.AsType[*Status](err); ok {
		return s.Code
	}
	return 0
}

// place is a request, for messages.
type place struct {
	call   Call
	base   string
	secret Proof
}

func (p place) String() string {
	method := strings.ToLower(p.call.Method)
	return method + " " + outbound.Clean(p.base+p.call.Path)
}

// unreached says why there was no answer.
func (p place) unreached(ctx context.Context, err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return fault.New(f.Kind, "%s: %w", p, f) // of the policy
	}
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, errTimeout) {
		return cause
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return fault.New(fault.Unavailable, "%s: %w", p, err).Hint("give the authority that signed its certificate with TUG_CA_FILE")
	}
	done := forge.Unknown
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		done = forge.No // nothing was sent
	}
	return p.passing(done, 0, p.redacted(err)).Hint("is the forge up, and reachable from here?")
}

// redacted keeps the error but not a secret in its text.
func (p place) redacted(err error) error {
	if p.secret.Secret != "" && strings.Contains(err.Error(), p.secret.Secret) {
		return errors.New(p.clean(err.Error()))
	}
	return err
}

func (p place) passing(done forge.Answer, after time.Duration, err error) *fault.Error {
	return fault.New(fault.Unavailable, "%s: %w", p, &forge.Later{Err: err, After: after, Done: done})
}

// read takes the body, bounded.
func (p place) read(ctx context.Context, r *http.Response) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	if len(data) > limit {
		return nil, fault.New(fault.Invalid, "%s: the answer is larger than %d MiB", p, limit>>20)
	}
	if err != nil {
		if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, errTimeout) {
			return nil, cause
		}
		return nil, p.passing(forge.Unknown, 0, errors.New("the answer breaks off"))
	}
	return data, nil
}

// unreadable is an answer of something that is no forge, a proxy mostly.
func (p place) unreadable(r *http.Response) error {
	kind := Line(r.Header.Get("Content-Type"), 60)
	return fault.New(fault.Unavailable, "%s: %w", p, &forge.Later{Err: errors.New("the answer (" + kind + ") is not the JSON of a forge"), Done: forge.Unknown}).
		Hint("is this the address of a forge, and its kind the right one (TUG_FORGE)?")
}

// failed says what an error status means.
func (p place) failed(r *http.Response, body []byte, now time.Time) error {
	said, limited := message(body)
	status := &Status{Code: r.StatusCode, Said: p.clean(said)}
	if wait, ok := rateLimit(r, limited, now); ok {
		return p.passing(forge.No, wait, status).Hint("the rate limit of the token from %s is used up", p.secret.from())
	}
	bad := func(kind fault.Kind) *fault.Error { return fault.New(kind, "%s: %w", p, status) }
	switch code := r.StatusCode; {
	case code >= 300 && code < 400:
		return bad(fault.Invalid).Hint("it redirects to another place, where no token is sent: was the repository moved?")
	case code == http.StatusUnauthorized:
		return bad(fault.Denied).Hint("it does not accept the token from %s: was it revoked, or has it run out?", p.secret.from())
	case code == http.StatusForbidden:
		return bad(fault.Denied).Hint("the token from %s may not do that", p.secret.from())
	case code == http.StatusNotFound, code == http.StatusGone:
		return bad(fault.NotFound).Hint("it does not exist, or the token from %s may not see it", p.secret.from())
	case code == http.StatusRequestTimeout, code >= 500 && code != http.StatusNotImplemented:
		return p.passing(forge.Unknown, after(r, now), status)
	case code == http.StatusConflict:
		return bad(fault.Conflict)
	case code == http.StatusLocked:
		return bad(fault.Denied).Hint("the repository is archived or locked")
	}
	return bad(fault.Invalid)
}

func (p Proof) from() string {
	if p.From == "" {
		return "nowhere (there is none)"
	}
	return p.From
}

// message reads the forms that forges give errors. limited says that it is
// documented as that of a limit (GitHub links the page about it).
func message(body []byte) (text string, limited bool) {
	var m struct {
		Message          any             `json:"message"`
		Error            any             `json:"error"`
		Description      string          `json:"error_description"`
		Errors           json.RawMessage `json:"errors"`
		DocumentationURL string          `json:"documentation_url"`
	}
	if json.Unmarshal(body, &m) != nil {
		return "", false
	}
	for _, v := range []any{m.Message, m.Error, m.Description} {
		text = flat(v)
		if text != "" {
			break
		}
	}
	var list any
	if json.Unmarshal(m.Errors, &list) == nil && flat(list) != "" {
		text += " (" + flat(list) + ")"
	}
	return text, strings.Contains(m.DocumentationURL, "rate-limit")
}

// flat joins the words of a message that is a list or an object.
func flat(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []any:
		var words []string
		for _, x := range v {
			if w := flat(x); w != "" {
				words = append(words, w)
			}
		}
		return strings.Join(words, "; ")
	case map[string]any:
		if s, ok := v["message"].(string); ok {
			return s
		}
		var words []string
		for name, x := range v {
			words = append(words, name+" "+flat(x))
		}
		return strings.Join(words, "; ")
	}
	return ""
}

// clean makes a text of the forge fit for a message.
func (p place) clean(text string) string {
	if p.secret.Secret != "" {
		text = strings.ReplaceAll(text, p.secret.Secret, "(token)")
	}
	return Line(text, 300)
}

// Line is text on one line without control characters, cut to limit runes.
func Line(text string, limit int) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	return forge.Cut(strings.Join(strings.Fields(text), " "), limit)
}
