package outbound

import (
	"net/http"
	"net/url"
	"sync"

	"github.com/tugops/tug/internal/fault"
)

// maxRedirects is how often an answer may point elsewhere.
const maxRedirects = 5

// Client makes requests under a policy. It is safe for concurrent use.
type Client struct {
	policy Policy
	creds  Credentials
	bare   *transports
	http   *http.Client
}

// New makes a client. Requests carry the credentials that their URLs ask for.
func New(p Policy, creds Credentials) *Client {
	p = p.withDefaults()
	bare := &transports{policy: p, own: map[string]*http.Transport{}}
	return &Client{
		policy: p, creds: creds, bare: bare,
		http: &http.Client{Transport: authorizing{next: bare, creds: creds}, CheckRedirect: checkRedirect},
	}
}

// Policy is what New was given, with defaults.
func (c *Client) Policy() Policy { return c.policy }

// Credentials are those that New was given.
func (c *Client) Credentials() Credentials { return c.creds }

// Transport makes connections under the policy and adds no credentials: for
// libraries that handle them (OCI registries have a protocol for it).
func (c *Client) Transport() http.RoundTripper { return c.bare }

// HTTP is a client for requests that Get does not cover. Its redirects and
// credentials follow the same rules.
func (c *Client) HTTP() *http.Client { return c.http }

// checkRedirect refuses ways to less protection. Credentials are not looked at
// here: authorizing leaves them out once the origin has changed.
func checkRedirect(r *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return fault.New(fault.Invalid, "more than %d redirects", maxRedirects)
	}
	last := via[len(via)-1].URL
	if last.Scheme == "https" && r.URL.Scheme != "https" {
		return fault.New(fault.Invalid, "%s redirects to unprotected %s", Clean(last.String()), Clean(r.URL.String()))
	}
	if r.URL.Scheme != "https" && r.URL.Scheme != "http" {
		return fault.New(fault.Invalid, "%s redirects to %s, which is no web address", Clean(last.String()), Clean(r.URL.String()))
	}
	return nil
}

// authorizing adds the credential of each request's URL. The request of the
// caller never has it, so that net/http has nothing to copy to other hosts.
type authorizing struct {
	next  http.RoundTripper
	creds Credentials
}

// RoundTrip implements http.RoundTripper.
func (a authorizing) RoundTrip(r *http.Request) (*http.Response, error) {
	if stays(r) && r.Header.Get("Authorization") == "" {
		if c, ok := a.creds.For(r.URL); ok {
			r = r.Clone(r.Context())
			c.apply(r)
		}
	}
	return a.next.RoundTrip(r)
}

// stays reports whether every redirect that led to r kept to one origin.
func stays(r *http.Request) bool {
	for from := r.Response; from != nil && from.Request != nil; from = from.Request.Response {
		if !sameOrigin(from.Request.URL, r.URL) {
			return false
		}
	}
	return true
}

// transports chooses the transport of a host.
type transports struct {
	policy Policy
	mu     sync.Mutex
	own    map[string]*http.Transport
}

// RoundTrip implements http.RoundTripper.
func (t *transports) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := t.policy.CheckHost(r.URL.Hostname()); err != nil {
		return nil, err // a proxy would resolve it out of our sight
	}
	transport, err := t.of(r.URL)
	if err != nil {
		return nil, err
	}
	if r.Header.Get("User-Agent") == "" {
		r = r.Clone(r.Context())
		r.Header.Set("User-Agent", t.policy.UserAgent)
	}
	return transport.RoundTrip(r)
}

func (t *transports) of(u *url.URL) (*http.Transport, error) {
	host := ""
	for _, name := range []string{u.Host, u.Hostname()} {
		if t.policy.special(name) {
			host = name
			break
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if made, ok := t.own[host]; ok {
		return made, nil
	}
	made, err := t.policy.transport(host)
	if err == nil {
		t.own[host] = made
	}
	return made, err
}
