package kube

import (
	"context"
	"net/http"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
)

// Media types that requests send or ask for.
const (
	typeJSON      = "application/json"
	typeApply     = "application/apply-patch+yaml"
	typeJSONPatch = "application/json-patch+json"
)

// call is one request and what its errors say of it.
type call struct {
	method string
	path   string
	params map[string]string
	body   []byte
	send   string // media type of body
	accept string // application/json when empty
	what   subject
}

// do sends one request within the client's timeout and gives the body of the
// answer. A kind that was learned from a CRD moments ago may not be routed by
// every API server yet: its 404 is asked again for a while.
func (c *Client) do(ctx context.Context, r call) ([]byte, error) {
	body, err := c.once(ctx, r)
	for wait := 50 * time.Millisecond; err != nil && r.what.young() && isTypeMissing(err); wait *= 2 {
		if !pause(ctx, wait) {
			break
		}
		body, err = c.once(ctx, r)
	}
	if err != nil {
		return nil, c.fault(ctx, r.what, err)
	}
	return body, nil
}

func (c *Client) once(ctx context.Context, r call) ([]byte, error) {
	result := c.request(r).Timeout(c.timeout).Do(quiet(ctx))
	if err := result.Error(); err != nil {
		return nil, err
	}
	return result.Raw()
}

// request builds a REST request without a timeout.
func (c *Client) request(r call) *rest.Request {
	accept := r.accept
	if accept == "" {
		accept = typeJSON
	}
	req := c.rest.Verb(r.method).AbsPath(r.path).SetHeader("Accept", accept)
	for k, v := range r.params {
		req.Param(k, v)
	}
	if r.method != http.MethodGet {
		req.SetHeader("Content-Type", r.send).Body(r.body)
	}
	return req
}

// quiet keeps client-go from logging to stderr: what matters of a request is
// in its result, and stderr belongs to the command line.
func quiet(ctx context.Context) context.Context {
	return klog.NewContext(ctx, klog.Logger{})
}

// pause waits for d; false means that ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// statusCodecs decode nothing but Status, in JSON and protobuf: all that
// client-go has to understand of an answer by itself.
func statusCodecs() runtime.NegotiatedSerializer {
	scheme := runtime.NewScheme()
	v1.AddToGroupVersion(scheme, schema.GroupVersion{Version: "v1"})
	return serializer.NewCodecFactory(scheme).WithoutConversion()
}
