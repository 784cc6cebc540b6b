// Package kube is the cluster: discovery, reads, watches, server-side apply,
// deletes, access reviews, events and logs. It is the only importer of
// client-go.
//
// Every error that leaves it is a fault that names its subject (the object as
// object.Ref shows it, or the kind and namespace of a list), so callers add
// neither. The kinds are those of apply.Cluster and inventory.Objects, plus
// Interrupted where the caller's own context was cancelled; the fault then
// wraps the context's error.
//
// Requests are plain REST on JSON and metadata-only protobuf. The typed
// clientsets of client-go are not linked: registering their types would cost
// every command its start-up time.
package kube

import (
	"net/http"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
)

// Options select a cluster.
type Options struct {
	// Kubeconfig is a file, or a list of files as in KUBECONFIG. When empty:
	// KUBECONFIG, ~/.kube/config, then the service account of the pod.
	Kubeconfig string
	// Context of the kubeconfig; its current one when empty.
	Context string
	// UserAgent names the program and its version to the API server.
	UserAgent string
	// Wrap, when not nil, is put around the transport, for logs.
	Wrap func(http.RoundTripper) http.RoundTripper
	// Timeout bounds every request, retries included, except watches and
	// logs; 15 s when zero. It must be shorter than the Lease of a writer
	// (cluster-semantics.md 5.2). The server is told and gives up as well.
	Timeout time.Duration
}

// defaultTimeout of one request.
const defaultTimeout = 15 * time.Second

// Client is one identity's view of one cluster. It is safe for use by several
// goroutines.
type Client struct {
	rest      rest.Interface
	config    *rest.Config
	host      string
	namespace string
	context   string
	timeout   time.Duration
	warnings  *warnings

	mu        sync.Mutex // guards known
	known     *catalogue
	learnedMu sync.Mutex // guards learned
	learned   map[schema.GroupKind][]resource
}

// newClient makes a client over a checked configuration. It sends nothing.
func newClient(config *rest.Config, timeout time.Duration) (*Client, error) {
	if timeout <= 0 {
		timeout = defaultTimeout
	}
	c := &Client{
		host:     config.Host,
		config:   config,
		timeout:  timeout,
		warnings: &warnings{seen: map[string]bool{}},
		learned:  map[schema.GroupKind][]resource{},
	}
	config.WarningHandlerWithContext = c.warnings
	config.QPS = -1 // priority and fairness of the server, no limit of our own
	config.Timeout = 0
	config.NegotiatedSerializer = statusCodecs()
	httpClient, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, configFault(nil, err)
	}
	return c, c.dial(httpClient)
}

// WithTimeout is c with another bound of every request. It shares the
// connections, the warnings and what was discovered so far.
func (c *Client) WithTimeout(d time.Duration) *Client {
	c.mu.Lock()
	defer c.mu.Unlock()
	return &Client{
		rest: c.rest, config: c.config, host: c.host, namespace: c.namespace, context: c.context,
		timeout: d, warnings: c.warnings, known: c.known, learned: map[schema.GroupKind][]resource{},
	}
}

// dial sets the REST client over an HTTP client.
func (c *Client) dial(httpClient *http.Client) error {
	r, err := rest.UnversionedRESTClientForConfigAndClient(c.config, httpClient)
	if err != nil {
		return configFault(nil, err)
	}
	c.rest = r
	return nil
}

// Host is the URL of the API server.
func (c *Client) Host() string { return c.host }

// Context is the name of the kubeconfig context in use; "" inside a pod.
func (c *Client) Context() string { return c.context }

// Namespace is the one of the context, "default" when it has none.
func (c *Client) Namespace() string { return c.namespace }

// Warnings are the distinct warnings of the API server so far, in the order
// in which they came ("policy/v1beta1 PodDisruptionBudget is deprecated ...").
func (c *Client) Warnings() []string { return c.warnings.list() }
