// Package rest makes the JSON calls that the adapters of forges share: one
// host, bounded answers, rate limits, pages, and errors without the token.
//
// It stands on outbound: its certificate authorities, proxies and refused
// addresses count here too. Redirects stay on the forge and never change the
// method.
package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/forge"
	"github.com/tugops/tug/internal/outbound"
)

// Client calls the API of one forge.
type Client struct {
	// Base is the address of the API without a final slash.
	Base string
	// HTTP makes connections; no credentials of its own are needed.
	HTTP *outbound.Client
	// Login proves who asks; nil for anonymous calls.
	Login Login
	// Retry bounds repetitions of single requests.
	Retry forge.Retry
	// Timeout bounds one request and its answer; 45 s when zero.
	Timeout time.Duration
	// Accept and Header are sent with every request.
	Accept string
	Header map[string]string
}

// limit is the largest answer in bytes.
const limit = 16 << 20

// Call is one request.
type Call struct {
	Method string
	// Path is below Base, escaped; Query after it.
	Path  string
	Query url.Values
	// Body is sent as JSON; nil for none.
	Body any
	// Once is for calls that must not be made twice when the answer is lost.
	Once bool
}

// Answer is what came back besides the decoded body.
type Answer struct {
	Status int
	Header http.Header
}

// Do makes a call and decodes the answer into out, unless out is nil. Answers
// that are none are errors of type *Status inside a fault.
func (c *Client) Do(ctx context.Context, call Call, out any) (Answer, error) {
	var answer Answer
	again := forge.Always
	if call.Once {
		again = forge.Refused
	}
	err := c.Retry.Do(ctx, again, func() (err error) {
		answer, err = c.once(ctx, call, out)
		return err
	})
	return answer, err
}

// Get is Do for reading.
func (c *Client) Get(ctx context.Context, path string, query url.Values, out any) (Answer, error) {
	return c.Do(ctx, Call{Method: http.MethodGet, Path: path, Query: query}, out)
}

func (c *Client) once(ctx context.Context, call Call, out any) (Answer, error) {
	timeout := c.Timeout
	if timeout == 0 {
		timeout = 45 * time.Second
	}
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, errTimeout)
	defer cancel()
	at := place{call: call, base: c.Base}
	request, err := c.request(ctx, call)
	if err != nil {
		return Answer{}, err
	}
	secret, err := c.login(ctx, request)
	if err != nil {
		return Answer{}, err
	}
	at.secret = secret
	response, err := c.client().Do(request)
	if err != nil {
		return Answer{}, at.unreached(ctx, err)
	}
	defer func() { _ = response.Body.Close() }()
	answer := Answer{Status: response.StatusCode, Header: response.Header}
	data, err := at.read(ctx, response)
	if err != nil {
		return answer, err
	}
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return answer, at.failed(response, data, c.now())
	}
	if out == nil || response.StatusCode == http.StatusNoContent || len(bytes.TrimSpace(data)) == 0 {
		return answer, nil
	}
	if err := json.Unmarshal(data, out); err != nil {
		return answer, at.unreadable(response)
	}
	return answer, nil
}

func (c *Client) now() time.Time {
	if c.Retry.Clock != nil {
		return c.Retry.Clock.Now()
	}
	return time.Now()
}

func (c *Client) request(ctx context.Context, call Call) (*http.Request, error) {
	address := c.Base + call.Path
	if len(call.Query) > 0 {
		address += "?" + call.Query.Encode()
	}
	var body []byte
	if call.Body != nil {
		data, err := json.Marshal(call.Body)
		if err != nil {
			return nil, err
		}
		body = data
	}
	r, err := http.NewRequestWithContext(ctx, call.Method, address, bytes.NewReader(body))
	if err != nil || r.URL.User != nil {
		return nil, fault.New(fault.Invalid, "address of the forge %s is no usable URL", outbound.Clean(c.Base))
	}
	r.Header.Set("Accept", "application/json")
	if c.Accept != "" {
		r.Header.Set("Accept", c.Accept)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	for name, value := range c.Header {
		r.Header.Set(name, value)
	}
	return r, nil
}

// client is outbound's with stricter redirects: to the same place with the
// same method, or not at all.
func (c *Client) client() *http.Client {
	h := *c.HTTP.HTTP()
	h.CheckRedirect = func(r *http.Request, via []*http.Request) error {
		first := via[0]
		if len(via) > 3 || r.Method != first.Method || r.URL.Scheme != first.URL.Scheme || !strings.EqualFold(r.URL.Host, first.URL.Host) {
			return http.ErrUseLastResponse
		}
		return nil
	}
	return &h
}
