package kube

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/url"
	"strings"
	"syscall"

	"github.com/tugops/tug/internal/fault"
)

// networkFault translates requests that brought no answer.
func (c *Client) networkFault(s subject, err error) error {
	if f := credentialFault(err); f != nil {
		return f
	}
	if f := c.certificateFault(err); f != nil {
		return f
	}
	dns, isDNS := errors.AsType[*net.DNSError](err)
	switch {
	case isDNS:
		return fault.New(fault.Unavailable, "%s: the cluster's name %s is unknown", s, dns.Name).
			Hint("check the server address of kubeconfig context %q, and VPN or DNS", c.context)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fault.New(fault.Unavailable, "%s: the cluster at %s does not answer: connection refused", s, c.host).
			Hint("check that the cluster runs and that kubeconfig context %q is the one you mean", c.context)
	case isTimeout(err):
		return fault.New(fault.Unavailable, "%s: no answer from %s within %s", s, c.host, c.timeout).
			Hint("try again; if it persists, check the network to the cluster and its admission webhooks")
	default:
		return fault.New(fault.Unavailable, "%s: the cluster at %s: %s", s, c.host, s.scrub(innermost(err))).
			Hint("check the network between here and the cluster, proxies included")
	}
}

func isTimeout(err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return errors.Is(err, context.DeadlineExceeded) || ok && timeout.Timeout()
}

// innermost is the text without the method and URL that net/http adds.
func innermost(err error) string {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	return flatten(err)
}

// credentialFault reports a credential plugin (exec) that is missing or
// fails. client-go has no error types for it.
func credentialFault(err error) error {
	text := innermost(err)
	if !strings.Contains(text, "getting credentials: ") {
		return nil
	}
	_, text, _ = strings.Cut(text, "getting credentials: ")
	text, _, _ = strings.Cut(text, " It looks like you are trying")
	if strings.Contains(text, "not found") || strings.Contains(text, "no such file") {
		return fault.New(fault.Unavailable, "credential plugin of the kubeconfig: %s", text).
			Hint("install this program, or put it on PATH")
	}
	return fault.New(fault.Denied, "credential plugin of the kubeconfig: %s", text).
		Hint("run the plugin by hand to see what it lacks; logging in again often helps")
}

// certificateFault reports that one side does not accept the other's
// certificate, or nil.
func (c *Client) certificateFault(err error) error {
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return fault.New(fault.Unavailable, "the certificate of %s is signed by an authority that the kubeconfig does not name", c.host).
			Hint("the cluster may have been created anew: fetch its kubeconfig again (certificate-authority-data)")
	}
	if host, ok := errors.AsType[x509.HostnameError](err); ok {
		return fault.New(fault.Unavailable, "the certificate of %s is for another host: %w", c.host, host).
			Hint("use an address that the certificate names, or set tls-server-name in the kubeconfig")
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		return fault.New(fault.Unavailable, "the certificate of %s is not valid: %w", c.host, invalid).
			Hint("check the clocks on both sides, and renew the certificate")
	}
	if alert, ok := errors.AsType[tls.AlertError](err); ok {
		return fault.New(fault.Denied, "%s refuses the client certificate: %w", c.host, alert).
			Hint("client certificates expire: fetch the kubeconfig again or log in again")
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok || strings.Contains(err.Error(), "server gave HTTP response to HTTPS client") {
		return fault.New(fault.Unavailable, "%s does not speak TLS", c.host).
			Hint("check the server address of kubeconfig context %q", c.context)
	}
	return nil
}
