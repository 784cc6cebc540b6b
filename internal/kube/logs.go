package kube

import (
	"context"
	"io"
	"net/http"
	"strconv"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tugops/tug/internal/object"
)

// Logs opens the log of one container (its only one when container is empty),
// the last lines of it only. The caller closes the reader; a followed log
// ends with the container, with ctx or by Close. A container that has not
// started yet is a NotReady fault.
func (c *Client) Logs(ctx context.Context, namespace, pod, container string, o object.LogOptions) (io.ReadCloser, error) {
	gvk := schema.GroupVersionKind{Version: "v1", Kind: "Pod"}
	what, path, err := c.single(ctx, "get", gvk, namespace, pod)
	if err != nil {
		return nil, err
	}
	what.text = "log of " + what.ref.String()
	params := map[string]string{}
	if container != "" {
		params["container"] = container
		what.text += " container " + container
	}
	if o.Follow {
		params["follow"] = "true"
	}
	if o.Previous {
		params["previous"] = "true"
	}
	if o.Tail > 0 {
		params["tailLines"] = strconv.FormatInt(o.Tail, 10)
	}
	r := call{method: http.MethodGet, path: path + "/log", params: params, accept: "text/plain,application/json", what: what}
	body, err := c.open(ctx, r)
	if err != nil {
		return nil, c.fault(ctx, what, err)
	}
	return body, nil
}
