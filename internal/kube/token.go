package kube

import (
	"net/http"

	"k8s.io/client-go/rest"

	"github.com/tugops/tug/internal/fault"
)

// WithToken makes a client for the same cluster that has a token and nothing
// else: none of the credentials of c go with its requests, and none of its
// wrappers see them.
func (c *Client) WithToken(token string) (*Client, error) {
	if token == "" {
		return nil, fault.New(fault.Denied, "there is no token")
	}
	config := rest.AnonymousClientConfig(c.config)
	config.BearerToken = token
	config.UserAgent = c.config.UserAgent
	config.WrapTransport = func(t http.RoundTripper) http.RoundTripper { return t }
	as, err := newClient(config, c.timeout)
	if err != nil {
		return nil, err
	}
	as.namespace, as.context = c.namespace, c.context
	return as, nil
}
