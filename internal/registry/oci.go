package registry

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/outbound"
)

// maxDocument bounds manifests, indexes and lists of tags, in bytes.
const maxDocument = 16 << 20

// maxBlob bounds layers, in bytes.
const maxBlob = 1 << 30

// remote are the options for every request to a registry: connections and
// credentials under the policy.
func (c *Charts) remote(ctx context.Context) []remote.Option {
	return []remote.Option{
		remote.WithContext(ctx),
		remote.WithTransport(boundedTransport{next: c.options.HTTP.Transport(), plain: c.options.PlainHTTP, total: c.options.HTTP.Policy().Total}),
		remote.WithAuthFromKeychain(chartKeychain{ctx, c}),
		remote.WithUserAgent(c.options.HTTP.Policy().UserAgent),
	}
}

// nameOptions marks registries that speak plain HTTP.
func (c *Charts) nameOptions(reference string) []name.Option {
	host, _, _ := strings.Cut(reference, "/")
	if c.options.PlainHTTP[host] {
		return []name.Option{name.Insecure}
	}
	return nil
}

// chartKeychain finds credentials for a registry, bound to the path of the
// repository too.
type chartKeychain struct {
	ctx    context.Context //nolint:containedctx // the library's older interface has none
	charts *Charts
}

var _ authn.ContextKeychain = chartKeychain{}

// Resolve implements authn.Keychain. The library prefers ResolveContext.
func (k chartKeychain) Resolve(r authn.Resource) (authn.Authenticator, error) {
	return k.ResolveContext(k.ctx, r)
}

// ResolveContext implements authn.ContextKeychain.
func (k chartKeychain) ResolveContext(ctx context.Context, r authn.Resource) (authn.Authenticator, error) {
	host := r.RegistryStr()
	at := &url.URL{Scheme: "oci", Host: host, Path: strings.TrimPrefix(r.String(), host)}
	cred, ok := k.charts.options.HTTP.Credentials().For(at)
	switch {
	case !ok:
		return keychain(k.charts.options.Logins).ResolveContext(ctx, r)
	case cred.User == "":
		return authn.FromConfig(authn.AuthConfig{RegistryToken: cred.Token}), nil
	}
	return authn.FromConfig(authn.AuthConfig{Username: cred.User, Password: cred.Password, IdentityToken: cred.Token}), nil
}

// boundedTransport bounds every answer and keeps to TLS.
type boundedTransport struct {
	next  http.RoundTripper
	plain map[string]bool
	total time.Duration
}

// RoundTrip implements http.RoundTripper.
func (t boundedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	// The library takes plain HTTP for granted in private networks.
	if r.URL.Scheme != "https" && !t.plain[r.URL.Host] && !outbound.IsLoopback(r.URL.Hostname()) {
		return nil, fault.New(fault.Invalid, "registry %s offers plain HTTP only", r.URL.Host).
			Hint("TUG_PLAIN_HTTP=%s allows it", r.URL.Host)
	}
	ctx, cancel := context.WithTimeout(r.Context(), t.total)
	res, err := t.next.RoundTrip(r.WithContext(ctx))
	if err != nil {
		cancel()
		return nil, err
	}
	limit := int64(maxDocument)
	if strings.Contains(r.URL.Path, "/blobs/") || r.Response != nil {
		limit = maxBlob
	}
	res.Body = &boundedBody{ReadCloser: res.Body, left: limit, cancel: cancel}
	return res, nil
}

type boundedBody struct {
	io.ReadCloser
	left   int64
	cancel context.CancelFunc
}

var errTooLarge = errors.New("the answer is too large")

// Read implements io.Reader.
func (b *boundedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, errTooLarge
	}
	return n, err
}

// Close implements io.Closer.
func (b *boundedBody) Close() error {
	defer b.cancel()
	return b.ReadCloser.Close()
}

// ociFault says what a registry's refusal means.
func (c *Charts) ociFault(ctx context.Context, what interface{ String() string }, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return fault.New(f.Kind, "%s: %w", what, f)
	}
	answer, ok := errors.AsType[*transport.Error](err)
	if !ok {
		if u, isURL := errors.AsType[*url.Error](err); isURL {
			err = u.Err
		}
		return fault.New(fault.Unavailable, "%s: %w", what, err).Hint("is the registry reachable from here?")
	}
	switch answer.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		return fault.New(fault.Denied, "%s: the registry says %s", what, statusText(answer)).
			Hint("log in (docker login, helm registry login), or see docs/sources.md for other places of credentials")
	case http.StatusNotFound:
		return fault.New(fault.NotFound, "%s is not in the registry", what)
	}
	return fault.New(fault.Unavailable, "%s: the registry says %s", what, statusText(answer))
}

// statusText is the status and the codes of an answer; messages may quote the
// request.
func statusText(e *transport.Error) string {
	words := []string{http.StatusText(e.StatusCode)}
	for _, d := range e.Errors {
		words = append(words, string(d.Code))
	}
	return strings.Join(words, " ")
}
