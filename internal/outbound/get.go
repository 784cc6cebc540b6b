package outbound

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/tugops/tug/internal/fault"
)

// attempts is how often a request is made that fails for a passing reason.
const attempts = 3

// maxPause bounds what a server may ask to wait (Retry-After).
const maxPause = 10 * time.Second

// Request is one thing to get.
type Request struct {
	URL string
	// Accept becomes a header; so do ETag and Modified, of what is known.
	Accept, ETag, Modified string
	// Limit is the largest body in bytes.
	Limit int64
}

// Response is an answer with status 200, or 304 for a request with an ETag.
// The body is bounded: reading it fails beyond the limit, when the server is
// silent, takes too long or breaks off. The caller closes it.
type Response struct {
	Body io.ReadCloser
	// NotModified says that what the ETag named is still current.
	NotModified    bool
	ETag, Modified string
	// URL is where the body came from after redirects.
	URL *url.URL
	// Length as announced, -1 when it was not.
	Length int64
}

// Get makes a request, again when it fails for a passing reason.
func (c *Client) Get(ctx context.Context, r Request) (*Response, error) {
	var last error
	pause := c.policy.Pause
	for n := range attempts {
		if n > 0 {
			if err := wait(ctx, pause); err != nil {
				return nil, err
			}
			pause *= 2
		}
		res, after, err := c.once(ctx, r)
		if err == nil || after < 0 {
			return res, err
		}
		last, pause = err, max(pause, after)
	}
	return nil, last
}

// Data is Get for bodies that fit into memory. A body that breaks off is asked
// for again.
func (c *Client) Data(ctx context.Context, r Request) ([]byte, *Response, error) {
	var last error
	pause := c.policy.Pause
	for n := range attempts {
		if n > 0 {
			if err := wait(ctx, pause); err != nil {
				return nil, nil, err
			}
			pause *= 2
		}
		res, err := c.Get(ctx, r)
		if err != nil || res.NotModified {
			return nil, res, err
		}
		data, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err == nil {
			return data, res, nil
		}
		if last = err; !fault.Is(err, fault.Unavailable) {
			break
		}
	}
	return nil, nil, last
}

// once makes one request; after is how long to wait before the next, negative
// when there is no point in one.
func (c *Client) once(ctx context.Context, r Request) (_ *Response, after time.Duration, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.policy.Total, errTotal)
	done := cancel
	defer func() {
		if done != nil {
			done()
		}
	}()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.URL, nil)
	if err != nil {
		return nil, -1, fault.New(fault.Invalid, "address %s is no URL", Clean(r.URL))
	}
	if req.URL.User != nil {
		return nil, -1, fault.New(fault.Invalid, "address %s has a password in it", Clean(r.URL)).
			Hint("keep credentials out of files: see docs/sources.md for where they belong")
	}
	if r.Accept != "" {
		req.Header.Set("Accept", r.Accept)
	}
	if r.ETag != "" {
		req.Header.Set("If-None-Match", r.ETag)
	} else if r.Modified != "" {
		req.Header.Set("If-Modified-Since", r.Modified)
	}
	res, err := c.http.Do(req)
	if err != nil {
		again, err := c.refused(ctx, r, err)
		return nil, again, err
	}
	if res.StatusCode != http.StatusOK && (res.StatusCode != http.StatusNotModified || r.ETag == "" && r.Modified == "") {
		_ = res.Body.Close()
		return nil, retryAfter(res), c.status(r, res)
	}
	out := &Response{ETag: res.Header.Get("ETag"), Modified: res.Header.Get("Last-Modified"), URL: res.Request.URL, Length: res.ContentLength, NotModified: res.StatusCode == http.StatusNotModified}
	if out.Length > r.Limit {
		_ = res.Body.Close()
		return nil, -1, tooLarge(r)
	}
	out.Body = &body{ReadCloser: res.Body, ctx: ctx, cancel: cancel, request: r, left: r.Limit}
	done = nil
	return out, 0, nil
}

var errTotal = errors.New("the answer takes too long")

// refused says why there was no answer at all.
func (c *Client) refused(ctx context.Context, r Request, err error) (time.Duration, error) {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return -1, fault.New(f.Kind, "get %s: %w", Clean(r.URL), f)
	}
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, errTotal) {
		return -1, cause
	}
	if timedOut(err) {
		return 0, fault.New(fault.Unavailable, "get %s: the server does not answer", Clean(r.URL)).
			Hint("it accepted the connection or not, but sent nothing for %s: is it up, and reachable from here?", c.policy.Silence)
	}
	e := fault.New(fault.Unavailable, "get %s: %w", Clean(r.URL), err)
	if isCertificate(err) {
		return -1, e.Hint("give the authority that signed its certificate with SSL_CERT_FILE or TUG_CA_FILE")
	}
	return 0, e.Hint("is the address right, and reachable from here?")
}

// status says what an answer that is none means.
func (c *Client) status(r Request, res *http.Response) error {
	at := Clean(r.URL)
	if end := Clean(res.Request.URL.String()); end != at {
		at += " (redirected to " + end + ")"
	}
	switch res.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		e := fault.New(fault.Denied, "get %s: the server says %s", at, res.Status)
		if cred, ok := c.creds.For(res.Request.URL); ok && stays(res.Request) {
			return e.Hint("it does not accept the credential for %s from %s", Clean(cred.Prefix), cred.From)
		}
		return e.Hint("there is no credential for it; docs/sources.md says where credentials are looked for")
	case http.StatusNotFound, http.StatusGone:
		return fault.New(fault.NotFound, "get %s: the server says %s", at, res.Status)
	}
	return fault.New(fault.Unavailable, "get %s: the server says %s", at, res.Status)
}

// retryAfter is the pause that an error status asks for; negative for those
// that would only come again.
func retryAfter(res *http.Response) time.Duration {
	switch res.StatusCode {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout, http.StatusInternalServerError:
	default:
		return -1
	}
	seconds, err := strconv.Atoi(res.Header.Get("Retry-After"))
	if err != nil {
		return 0
	}
	return min(max(time.Duration(seconds)*time.Second, 0), maxPause)
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func timedOut(err error) bool {
	n, ok := errors.AsType[net.Error](err)
	return ok && n.Timeout() || errors.Is(err, context.DeadlineExceeded)
}

// body bounds what is read of an answer.
type body struct {
	io.ReadCloser
	ctx     context.Context
	cancel  context.CancelFunc
	request Request
	left    int64
	read    int64
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, tooLarge(b.request)
	}
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.ReadCloser.Read(p)
	b.left -= int64(n)
	b.read += int64(n)
	if b.left < 0 {
		return max(n-1, 0), tooLarge(b.request)
	}
	if err == nil || errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return n, err
	}
	return n, b.broken(err)
}

func (b *body) broken(err error) error {
	at := Clean(b.request.URL)
	switch cause := context.Cause(b.ctx); {
	case errors.Is(cause, errTotal):
		return fault.New(fault.Unavailable, "get %s: %w (%d bytes so far)", at, errTotal, b.read)
	case cause != nil:
		return cause
	case timedOut(err):
		return fault.New(fault.Unavailable, "get %s: the server stopped sending after %d bytes", at, b.read)
	}
	return fault.New(fault.Unavailable, "get %s: the answer breaks off after %d bytes: %w", at, b.read, err)
}

// Close implements io.Closer.
func (b *body) Close() error {
	err := b.ReadCloser.Close()
	b.cancel()
	return err
}

func tooLarge(r Request) error {
	return fault.New(fault.Invalid, "get %s: the answer is larger than %s", Clean(r.URL), size(r.Limit))
}

func size(n int64) string {
	if n < 1<<20 {
		return fmt.Sprintf("%d bytes", n)
	}
	return fmt.Sprintf("%d MiB", n>>20)
}

// isCertificate reports whether the server could not prove who it is.
func isCertificate(err error) bool {
	_, ok := errors.AsType[*tls.CertificateVerificationError](err)
	return ok
}
