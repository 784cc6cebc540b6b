package kube

import (
	"context"
	"errors"
	"io"
	"time"
)

// errNoAnswer is the cause of a stream whose head did not come in time.
var errNoAnswer = errors.New("no answer in time")

// stream is an open answer without an end of its own.
type stream struct {
	io.ReadCloser
	cancel context.CancelCauseFunc
}

// Close ends the request.
func (s *stream) Close() error {
	s.cancel(context.Canceled)
	return s.ReadCloser.Close()
}

// open sends r and gives the body as it comes. Only its head must come within
// the client's timeout; dead connections are found by HTTP/2 pings.
func (c *Client) open(ctx context.Context, r call) (io.ReadCloser, error) {
	sctx, cancel := context.WithCancelCause(quiet(ctx))
	timer := time.AfterFunc(c.timeout, func() { cancel(errNoAnswer) })
	body, err := c.request(r).Stream(sctx)
	if !timer.Stop() && err == nil {
		body.Close()
		err = errNoAnswer
	}
	if err != nil {
		if errors.Is(context.Cause(sctx), errNoAnswer) {
			err = context.DeadlineExceeded
		}
		cancel(context.Canceled)
		return nil, err
	}
	return &stream{ReadCloser: body, cancel: cancel}, nil
}
