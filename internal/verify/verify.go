// Package verify asks, after a deploy, whether what is ready also does what it
// should: an address over HTTP, a port over TCP. (Jobs are run as hooks.)
package verify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tugops/tug/internal/fault"
)

const (
	// Within is how long a check is tried again where it does not say.
	Within = time.Minute
	// every is the pause between two tries, and once how long one may take.
	every = time.Second
	once  = 10 * time.Second
	// maxBody is how much of an answer is read, in bytes.
	maxBody = 1 << 20
)

// Check is one thing to ask: an HTTP address or a TCP one.
type Check struct {
	HTTP, TCP string
	// Status is the one that HTTP must answer with; any from 200 to 299 when
	// zero. Contains must stand in the answer.
	Status   int
	Contains string
	// Within bounds all tries; Within of this package when zero.
	Within time.Duration
}

// String names the check for people.
func (c Check) String() string {
	if c.TCP != "" {
		return "tcp " + c.TCP
	}
	return "http " + c.HTTP
}

// Prober asks.
type Prober struct {
	// Transport makes HTTP requests; no credentials are to be added by it.
	Transport http.RoundTripper
	// Dial makes TCP connections.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Every is the pause between two tries; a second when zero.
	Every time.Duration
}

// Run makes all checks at the same time, each again and again until it holds.
// One that does not hold in time is a NotReady fault that says what came last.
func (p Prober) Run(ctx context.Context, checks []Check) error {
	errs := make([]error, len(checks))
	var all sync.WaitGroup
	for i, c := range checks {
		all.Go(func() { errs[i] = p.until(ctx, c) })
	}
	all.Wait()
	errs = slices.DeleteFunc(errs, func(err error) bool { return err == nil })
	if len(errs) == 0 {
		return nil
	}
	return fault.New(fault.KindOf(errs[0]), "%w", errors.Join(errs...)).
		Hint("everything was ready, but does not do what verify in tug.yaml asks for")
}

// until tries a check until it holds.
func (p Prober) until(ctx context.Context, c Check) error {
	within := c.Within
	if within == 0 {
		within = Within
	}
	pause := p.Every
	if pause == 0 {
		pause = every
	}
	began := time.Now()
	for tries := 1; ; tries++ {
		err := p.try(ctx, c)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return fault.New(fault.Interrupted, "verify %s: %w", c, context.Cause(ctx))
		}
		if time.Since(began)+pause > within {
			return fault.New(fault.NotReady, "verify %s: %w, after %d tries in %s", c, err, tries, time.Since(began).Round(time.Second))
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
	}
}

func (p Prober) try(ctx context.Context, c Check) error {
	ctx, cancel := context.WithTimeout(ctx, once)
	defer cancel()
	if c.TCP != "" {
		conn, err := p.Dial(ctx, "tcp", c.TCP)
		if err != nil {
			return err
		}
		return conn.Close()
	}
	return p.get(ctx, c)
}

func (p Prober) get(ctx context.Context, c Check) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.HTTP, nil)
	if err != nil {
		return err
	}
	// A redirect is an answer: its status is looked at.
	res, err := p.Transport.RoundTrip(req)
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	if err != nil {
		return err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxBody))
	if err != nil {
		return err
	}
	ok := res.StatusCode == c.Status || c.Status == 0 && res.StatusCode/100 == 2
	switch {
	case !ok && c.Status != 0:
		return fmt.Errorf("the answer is %s, not %d", res.Status, c.Status)
	case !ok:
		return fmt.Errorf("the answer is %s", res.Status)
	case c.Contains != "" && !bytes.Contains(body, []byte(c.Contains)):
		return fmt.Errorf("the answer does not contain %q", strings.ToValidUTF8(c.Contains, ""))
	}
	return nil
}
