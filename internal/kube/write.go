package kube

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tugops/tug/internal/object"
)

// Create posts a new object. One of that name is an Exists fault.
func (c *Client) Create(ctx context.Context, o *object.Object) (*object.Object, error) {
	what, path, err := c.target(ctx, "create", o.GVK(), o.Namespace(), o.Name())
	if err != nil {
		return nil, err
	}
	return c.write(ctx, http.MethodPost, path, what, o)
}

// Update replaces an object. Its resourceVersion is the precondition: another
// one in the cluster is a Conflict fault.
func (c *Client) Update(ctx context.Context, o *object.Object) (*object.Object, error) {
	what, path, err := c.single(ctx, "update", o.GVK(), o.Namespace(), o.Name())
	if err != nil {
		return nil, err
	}
	return c.write(ctx, http.MethodPut, path, what, o)
}

func (c *Client) write(ctx context.Context, method, path string, what subject, o *object.Object) (*object.Object, error) {
	what.sent = o
	body, err := encode(what, o.Fields)
	if err != nil {
		return nil, err
	}
	params := map[string]string{"fieldManager": object.Manager, "fieldValidation": "Strict"}
	answer, err := c.do(ctx, call{method: method, path: path, params: params, body: body, send: typeJSON, what: what})
	if err != nil {
		return nil, err
	}
	return decode(what, answer)
}

// Patch applies a JSON patch (RFC 6902). A "test" that does not hold is a
// Conflict fault.
func (c *Client) Patch(ctx context.Context, gvk schema.GroupVersionKind, namespace, name string, patch []byte) (*object.Object, error) {
	what, path, err := c.single(ctx, "patch", gvk, namespace, name)
	if err != nil {
		return nil, err
	}
	what.guarded = bytes.Contains(patch, []byte(`"test"`))
	params := map[string]string{"fieldManager": object.Manager, "fieldValidation": "Strict"}
	answer, err := c.do(ctx, call{method: http.MethodPatch, path: path, params: params, body: patch, send: typeJSONPatch, what: what})
	if err != nil {
		return nil, err
	}
	return decode(what, answer)
}

// deleteOptions are the DeleteOptions of meta/v1 that tug uses.
type deleteOptions struct {
	Kind              string         `json:"kind"`
	APIVersion        string         `json:"apiVersion"`
	PropagationPolicy string         `json:"propagationPolicy"`
	Preconditions     *preconditions `json:"preconditions,omitempty"`
	DryRun            []string       `json:"dryRun,omitempty"`
}

type preconditions struct {
	UID             string `json:"uid,omitempty"`
	ResourceVersion string `json:"resourceVersion,omitempty"`
}

// Delete asks for an object to be deleted; finalizers may keep it for longer.
// An object that is not there is a NotFound fault, one that does not meet the
// preconditions of w a Conflict.
func (c *Client) Delete(ctx context.Context, gvk schema.GroupVersionKind, namespace, name string, w object.Write) error {
	what, path, err := c.single(ctx, "delete", gvk, namespace, name)
	if err != nil {
		return err
	}
	options := deleteOptions{Kind: "DeleteOptions", APIVersion: "v1", PropagationPolicy: "Background"}
	if w.Orphan {
		options.PropagationPolicy = "Orphan"
	}
	if w.UID != "" || w.ResourceVersion != "" {
		options.Preconditions = &preconditions{UID: w.UID, ResourceVersion: w.ResourceVersion}
	}
	if w.DryRun {
		options.DryRun = []string{"All"}
	}
	body, err := json.Marshal(options)
	if err != nil {
		return badAnswer(what, err)
	}
	_, err = c.do(ctx, call{method: http.MethodDelete, path: path, body: body, send: typeJSON, what: what})
	if err == nil && !w.DryRun {
		c.forget(gvk, name)
	}
	return err
}
