package service

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/notify"
	"github.com/tugops/tug/internal/object"
)

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 64 << 10

// caller makes the requests of one channel. Nothing that it says of them holds
// the address, which may be secret, beyond its host.
type caller struct {
	deps    Deps
	name    string // of the service, for errors
	secrets *object.Sensitive
}

// request is one request with a JSON body.
type request struct {
	method string // POST when empty
	url    string
	header map[string]string
	body   any
}

// answer is what a service said, read and closed.
type answer struct {
	code               int
	status, host, wait string // wait is Retry-After
	body               []byte
}

// send makes a request.
func (c caller) send(ctx context.Context, r request) (answer, error) {
	data, err := encode(r.body)
	if err != nil {
		return answer{}, fault.New(fault.Invalid, "%s: the message cannot be encoded", c.name)
	}
	return c.sendBytes(ctx, r, data)
}

// encode is JSON in which text stays as it is.
func encode(body any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(body)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

func (c caller) sendBytes(ctx context.Context, r request, data []byte) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, cmp.Or(r.method, http.MethodPost), r.url, bytes.NewReader(data))
	if err != nil {
		return answer{}, fault.New(fault.Invalid, "%s: the address is no URL", c.name)
	}
	req.Header.Set("Content-Type", "application/json")
	for name, value := range r.header {
		req.Header.Set(name, value)
	}
	res, err := c.deps.HTTP.Do(req)
	if err != nil {
		return answer{}, c.unreached(ctx, req.URL, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return answer{}, c.unreached(ctx, req.URL, err)
	}
	return answer{res.StatusCode, res.Status, req.URL.Host, res.Header.Get("Retry-After"), body}, nil
}

// unreached is the error of a request without an answer.
func (c caller) unreached(ctx context.Context, u *url.URL, err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err // the other parts hold the address
	}
	if f, ok := errors.AsType[*fault.Error](err); ok && f.Kind != fault.Unavailable {
		return fault.New(f.Kind, "%s at %s: %s", c.name, u.Host, c.clean(f.Error()))
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(ctx.Err(), context.DeadlineExceeded) {
		err = errors.New("it does not answer")
	}
	return &notify.Retry{Err: fault.New(fault.Unavailable, "%s at %s: %s", c.name, u.Host, c.clean(err.Error()))}
}

// clean takes the channel's own secrets out of a text, and keeps it short.
func (c caller) clean(text string) string {
	text = strings.Join(strings.Fields(c.secrets.Mask(text)), " ")
	return text[:min(len(text), 300)]
}

// refused is the error of an answer that is none of the good ones: what passes
// is a *notify.Retry.
func (c caller) refused(a answer, wait pause) error {
	text := fmt.Sprintf("%s at %s answers %s", c.name, a.host, a.status)
	if said := c.clean(string(a.body)); said != "" {
		text += ": " + said
	}
	switch code := a.code; {
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		return fault.New(fault.Denied, "%s", text).Hint("the token or address of the channel is not valid (any more)")
	case code == http.StatusTooManyRequests, code >= 500, code == http.StatusRequestTimeout:
		return &notify.Retry{After: wait.of(a, c.deps.Now), Err: fault.New(fault.Unavailable, "%s", text)}
	}
	return fault.New(fault.Invalid, "%s", text)
}
