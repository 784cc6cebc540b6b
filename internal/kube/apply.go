package kube

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"strconv"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
)

// Apply is a server-side apply by manager tug. It gives the object as stored
// (or as it would be stored, for a dry run).
//
// Unknown fields are refused (fieldValidation Strict): an apply that silently
// drops a misspelt field would deploy something else than the snapshot.
// w.UID and w.ResourceVersion travel in the body's metadata, where the server
// takes them as preconditions; o itself is not changed.
func (c *Client) Apply(ctx context.Context, o *object.Object, w object.Write) (*object.Object, error) {
	what, path, err := c.single(ctx, "patch", o.GVK(), o.Namespace(), o.Name())
	if err != nil {
		return nil, err
	}
	what.sent = o
	body, err := encode(what, withPreconditions(o.Fields, w))
	if err != nil {
		return nil, err
	}
	params := map[string]string{
		"fieldManager":    object.Manager,
		"fieldValidation": "Strict",
		"force":           strconv.FormatBool(w.Force),
	}
	if w.DryRun {
		params["dryRun"] = "All"
	}
	answer, err := c.do(ctx, call{method: http.MethodPatch, path: path, params: params, body: body, send: typeApply, what: what})
	if err != nil {
		return nil, err
	}
	stored, err := decode(what, answer)
	if err == nil && !w.DryRun {
		c.learn(stored)
	}
	return stored, err
}

// withPreconditions is fields with the preconditions of w in its metadata.
// It shares everything else with fields.
func withPreconditions(fields map[string]any, w object.Write) map[string]any {
	if w.UID == "" && w.ResourceVersion == "" {
		return fields
	}
	meta, _ := fields["metadata"].(map[string]any)
	meta = maps.Clone(meta)
	if w.UID != "" {
		meta["uid"] = w.UID
	}
	if w.ResourceVersion != "" {
		meta["resourceVersion"] = w.ResourceVersion
	}
	out := maps.Clone(fields)
	out["metadata"] = meta
	return out
}

// encode writes fields as JSON; json.Number keeps its text.
func encode(what subject, fields map[string]any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(fields); err != nil {
		return nil, fault.New(fault.Invalid, "%s: not representable as JSON: %w", what, err)
	}
	return b.Bytes(), nil
}
