package registry

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/outbound"
)

// ImageOptions say how registries of images are reached. The zero value is
// for public registries.
type ImageOptions struct {
	// Logins are asked in order; the first that has one wins.
	Logins []Logins
	// Roots are certificate authorities (PEM) beside those of the system.
	Roots []byte
	// Unverified accepts any certificate, Plain also HTTP without TLS;
	// PlainHTTP are registries ("host:port") that speak no TLS.
	Unverified, Plain bool
	PlainHTTP         map[string]bool
	// Proxy is as in http.Transport; nil for none.
	Proxy func(*http.Request) (*url.URL, error)
	// Wrap sees every request before it is sent, and without its credentials'
	// meaning: it must not log headers. Nil for none.
	Wrap      func(http.RoundTripper) http.RoundTripper
	UserAgent string
	// Timeout bounds one question with its repetitions; 60 s when zero.
	Timeout time.Duration
	// Pause is the wait before the first repetition, doubled for each further
	// one; 250 ms when zero. A request is made three times at most.
	Pause time.Duration
	// Silence is how long a registry may take until its answer begins; 15 s
	// when zero.
	Silence time.Duration
}

const (
	imageTimeout  = 60 * time.Second
	imagePause    = 250 * time.Millisecond
	imageAttempts = 3
	silence       = 15 * time.Second // until an answer begins
	maxAnswer     = 32 << 20         // bytes
	connections   = 16               // kept open per host
)

// Images answers questions about images. It is safe for concurrent use, and
// keeps the token of each repository.
type Images struct {
	puller    *remote.Puller
	plain     bool
	plainHTTP map[string]bool
	timeout   time.Duration
}

// NewImages prepares a client; nothing is asked yet.
func NewImages(o ImageOptions) (*Images, error) {
	transport, err := o.transport(maxAnswer)
	if err != nil {
		return nil, err
	}
	if o.Pause == 0 {
		o.Pause = imagePause
	}
	puller, err := remote.NewPuller(
		remote.WithTransport(transport),
		remote.WithAuthFromKeychain(keychain(o.Logins)),
		remote.WithUserAgent(o.UserAgent),
		remote.WithRetryBackoff(remote.Backoff{Duration: o.Pause, Factor: 2, Jitter: 0.1, Steps: imageAttempts}),
	)
	if err != nil {
		return nil, err
	}
	i := &Images{puller: puller, plain: o.Plain, plainHTTP: o.PlainHTTP, timeout: o.Timeout}
	if i.timeout == 0 {
		i.timeout = imageTimeout
	}
	return i, nil
}

// options say how a reference is reached.
func (i *Images) options(reference string) []name.Option {
	host, _, _ := strings.Cut(reference, "/")
	if i.plain || i.plainHTTP[host] {
		return []name.Option{name.Insecure}
	}
	return nil
}

// transport makes connections; most bounds an answer in bytes.
func (o ImageOptions) transport(most int64) (http.RoundTripper, error) {
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if len(o.Roots) > 0 && !roots.AppendCertsFromPEM(o.Roots) {
		return nil, fault.New(fault.Invalid, "certificates for registries: no certificate in PEM form").
			Hint("a CA file begins with -----BEGIN CERTIFICATE-----")
	}
	// Metadata services and link-local addresses are no registries.
	quiet := cmp.Or(o.Silence, silence)
	policy := outbound.Policy{Silence: quiet}
	var t http.RoundTripper = &http.Transport{
		Proxy: o.Proxy, DialContext: policy.Dial, ForceAttemptHTTP2: true,
		TLSHandshakeTimeout: quiet, ResponseHeaderTimeout: quiet,
		MaxIdleConnsPerHost: connections, IdleConnTimeout: 90 * time.Second,
		TLSClientConfig: &tls.Config{
			RootCAs:            roots,
			InsecureSkipVerify: o.Unverified, //nolint:gosec // a person asked for it with --registry-verify-certs=false
		},
	}
	if o.Wrap != nil {
		t = o.Wrap(t)
	}
	return limited{next: t, plain: o.Plain, hosts: o.PlainHTTP, most: most}, nil
}

// limited bounds the size of answers, and keeps to TLS: the library takes
// plain HTTP for granted in private networks, where it would send passwords
// for everybody to read when a certificate is wrong.
type limited struct {
	next  http.RoundTripper
	plain bool
	hosts map[string]bool
	most  int64
}

// RoundTrip implements http.RoundTripper.
func (l limited) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "https" && !l.plain && !l.hosts[r.URL.Host] && !outbound.IsLoopback(r.URL.Hostname()) {
		return nil, fault.New(fault.Invalid, "no connection without TLS to %s", r.URL.Host).Hint("--registry-insecure allows it, and TUG_PLAIN_HTTP=%s for that registry alone", r.URL.Host)
	}
	res, err := l.next.RoundTrip(r)
	if err == nil {
		res.Body = &limitedBody{ReadCloser: res.Body, left: l.most, most: l.most}
	}
	return res, err
}

type limitedBody struct {
	io.ReadCloser
	left, most int64
}

func (b *limitedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return n, fault.New(fault.Unavailable, "an answer of more than %d MiB", b.most>>20)
	}
	return n, err
}

// bound gives a question its time.
func (i *Images) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, i.timeout, fault.New(fault.Unavailable, "no complete answer within %s", i.timeout))
}
