// Package outbound makes the HTTP connections that fetch charts, packages and
// Git trees: bounded in time and size, kept away from link-local and metadata
// addresses, and with credentials that are bound to a host and a path.
//
// A Client adds a credential to a request only when the request's own URL lies
// under the credential's prefix, and never after a redirect has led to another
// host, port or scheme (Helm CVE-2021-32690; Fleet GHSA-hx4v). Everything it
// needs to know comes as values: it reads neither the environment nor files.
package outbound

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/url"
	"time"

	"github.com/tugops/tug/internal/fault"
)

// Policy says which connections may be made, and how.
type Policy struct {
	// LinkLocal allows addresses that only the machine's own network gives
	// meaning to: link-local ones and the metadata services of clouds.
	LinkLocal bool
	// Roots are more certificate authorities (PEM) for every host, beside
	// those of the system; HostRoots for one "host" or "host:port".
	Roots     []byte
	HostRoots map[string][]byte
	// Certificates are client certificates by "host" or "host:port".
	Certificates map[string]tls.Certificate
	// Unverified are hosts whose certificate is not looked at.
	Unverified map[string]bool
	// Proxy is as in http.Transport; nil for none.
	Proxy func(*http.Request) (*url.URL, error)
	// UserAgent names the program.
	UserAgent string
	// Silence is how long a server may send nothing, Total how long one
	// answer may take in all; 20 s and 10 min when zero.
	Silence, Total time.Duration
	// Pause is the wait before the first repetition of a request, doubled for
	// each further one; 250 ms when zero.
	Pause time.Duration
}

// The defaults of a Policy.
const (
	defaultSilence = 20 * time.Second
	defaultTotal   = 10 * time.Minute
	defaultPause   = 250 * time.Millisecond
)

func (p Policy) withDefaults() Policy {
	if p.Silence == 0 {
		p.Silence = defaultSilence
	}
	if p.Total == 0 {
		p.Total = defaultTotal
	}
	if p.Pause == 0 {
		p.Pause = defaultPause
	}
	if p.UserAgent == "" {
		p.UserAgent = "tug"
	}
	return p
}

// special reports whether a host needs a transport of its own.
func (p Policy) special(host string) bool {
	return len(p.HostRoots[host]) > 0 || p.Unverified[host] || len(p.Certificates[host].Certificate) > 0
}

// TLS are the settings of connections to a host that are not HTTP.
func (p Policy) TLS(host string) (*tls.Config, error) {
	pool, err := p.pool(host)
	if err != nil {
		return nil, err
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool, InsecureSkipVerify: p.Unverified[host]}
	if c, ok := p.Certificates[host]; ok && len(c.Certificate) > 0 {
		config.Certificates = []tls.Certificate{c}
	}
	return config, nil
}

// transport makes the transport for one host; "" for all ordinary ones.
func (p Policy) transport(host string) (*http.Transport, error) {
	config, err := p.TLS(host)
	if err != nil {
		return nil, err
	}
	return &http.Transport{
		Proxy:                  p.Proxy,
		DialContext:            p.Dial,
		TLSClientConfig:        config,
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           64,
		MaxIdleConnsPerHost:    16,
		MaxConnsPerHost:        32,
		IdleConnTimeout:        p.Silence,
		TLSHandshakeTimeout:    p.Silence,
		ResponseHeaderTimeout:  p.Silence,
		MaxResponseHeaderBytes: 256 << 10,
	}, nil
}

// pool is nil where the system's authorities are enough.
func (p Policy) pool(host string) (*x509.CertPool, error) {
	if len(p.Roots) == 0 && len(p.HostRoots[host]) == 0 {
		return nil, nil
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	for _, pem := range [][]byte{p.Roots, p.HostRoots[host]} {
		if len(pem) > 0 && !pool.AppendCertsFromPEM(pem) {
			return nil, fault.New(fault.Invalid, "certificate authorities for %s: no PEM certificate in the file", orAll(host)).
				Hint("the file must hold lines of BEGIN CERTIFICATE")
		}
	}
	return pool, nil
}

func orAll(host string) string {
	if host == "" {
		return "all hosts"
	}
	return host
}
