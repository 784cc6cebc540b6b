package kube

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"strconv"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/json"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
)

// pageSize of lists that no label selector bounds.
const pageSize = 500

// Get reads one object.
func (c *Client) Get(ctx context.Context, gvk schema.GroupVersionKind, namespace, name string) (*object.Object, error) {
	what, path, err := c.single(ctx, "get", gvk, namespace, name)
	if err != nil {
		return nil, err
	}
	body, err := c.do(ctx, call{method: http.MethodGet, path: path, what: what})
	if err != nil {
		return nil, err
	}
	return decode(what, body)
}

// List reads full objects. Like every read here it is consistent: it sees all
// writes that were confirmed before it (no resourceVersion is given, so the
// server answers from etcd or from a cache that it knows to be as new).
func (c *Client) List(ctx context.Context, gvk schema.GroupVersionKind, namespace, labelSelector string) ([]*object.Object, error) {
	objects, _, err := c.list(ctx, gvk, namespace, labelSelector)
	return objects, err
}

// listed is the JSON shape of a list of any kind.
type listed struct {
	Metadata struct {
		ResourceVersion string `json:"resourceVersion"`
		Continue        string `json:"continue"`
	} `json:"metadata"`
	Items []map[string]any `json:"items"`
}

// list gives the objects, and the resource version from which a watch goes on.
func (c *Client) list(ctx context.Context, gvk schema.GroupVersionKind, namespace, selector string) (all []*object.Object, version string, err error) {
	what, path, err := c.collection(ctx, "list", gvk, namespace)
	if err != nil {
		return nil, "", err
	}
	err = c.pages(ctx, call{method: http.MethodGet, path: path, what: what}, selector, func(body []byte) (string, error) {
		var page listed
		if err := json.Unmarshal(body, &page); err != nil {
			return "", badAnswer(what, err)
		}
		for _, item := range page.Items {
			all = append(all, typed(what, item))
		}
		version = page.Metadata.ResourceVersion
		return page.Metadata.Continue, nil
	}, func() { all = nil })
	return all, version, err
}

// pages sends r until take gives no continue token. A list with a label
// selector is not split: it is bounded by what one app owns, and one request
// is the quickest. A token that expired (410) makes the list start again in
// one piece, after restart.
func (c *Client) pages(ctx context.Context, r call, selector string, take func(body []byte) (string, error), restart func()) error {
	base := map[string]string{}
	if selector != "" {
		base["labelSelector"] = selector
	} else {
		base["limit"] = strconv.Itoa(pageSize)
	}
	for token := ""; ; {
		r.params = maps.Clone(base)
		if token != "" {
			r.params["continue"] = token
		}
		body, err := c.do(ctx, r)
		if errors.Is(err, errExpired) && token != "" {
			restart()
			delete(base, "limit")
			token = ""
			continue
		}
		if err != nil {
			return err
		}
		if token, err = take(body); token == "" || err != nil {
			return err
		}
	}
}

// decode reads one object: integers as int64, other numbers as float64.
func decode(what subject, body []byte) (*object.Object, error) {
	var fields map[string]any
	if err := json.Unmarshal(body, &fields); err != nil {
		return nil, badAnswer(what, err)
	}
	return typed(what, fields), nil
}

// typed sets apiVersion and kind where the server leaves them out: in the
// items of lists of built-in kinds.
func typed(what subject, fields map[string]any) *object.Object {
	if _, ok := fields["kind"]; !ok && fields != nil {
		fields["kind"] = what.gvk.Kind
		fields["apiVersion"] = what.gvk.GroupVersion().String()
	}
	return &object.Object{Fields: fields}
}

func badAnswer(what subject, err error) error {
	return fault.New(fault.Unavailable, "%s: the answer of the API server cannot be read: %w", what, err).
		Hint("check for proxies between here and the API server")
}
