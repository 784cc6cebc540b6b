package kube

import (
	"context"
	"net/http"

	"k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tugops/tug/internal/object"
)

// acceptMetadata asks for metadata only, in protobuf where the server can.
func acceptMetadata(kind string) string {
	as := ";as=" + kind + ";g=meta.k8s.io;v=v1"
	return "application/vnd.kubernetes.protobuf" + as + ",application/json" + as
}

// ListLive lists metadata only, managed fields included: what tells clean
// objects from changed ones without reading them (cluster-semantics.md 3.2).
func (c *Client) ListLive(ctx context.Context, gvk schema.GroupVersionKind, namespace, labelSelector string) ([]object.Live, error) {
	all, _, err := c.listLive(ctx, gvk, namespace, labelSelector)
	return all, err
}

// listLive gives the metadata, and the resource version from which a watch
// goes on.
func (c *Client) listLive(ctx context.Context, gvk schema.GroupVersionKind, namespace, labelSelector string) (all []object.Live, version string, err error) {
	what, path, err := c.collection(ctx, "list", gvk, namespace)
	if err != nil {
		return nil, "", err
	}
	pool := interner{texts: map[string]string{}, fields: map[string][]byte{}}
	r := call{method: http.MethodGet, path: path, accept: acceptMetadata("PartialObjectMetadataList"), what: what}
	err = c.pages(ctx, r, labelSelector, func(body []byte) (string, error) {
		var page v1.PartialObjectMetadataList
		if err := decodeMetadata(body, &page); err != nil {
			return "", badAnswer(what, err)
		}
		for i := range page.Items {
			all = append(all, pool.live(what, &page.Items[i].ObjectMeta))
		}
		version = page.ResourceVersion
		return page.Continue, nil
	}, func() { all = nil })
	return all, version, err
}

// GetLive reads the metadata of one object.
func (c *Client) GetLive(ctx context.Context, gvk schema.GroupVersionKind, namespace, name string) (object.Live, error) {
	what, path, err := c.single(ctx, "get", gvk, namespace, name)
	if err != nil {
		return object.Live{}, err
	}
	body, err := c.do(ctx, call{method: http.MethodGet, path: path, accept: acceptMetadata("PartialObjectMetadata"), what: what})
	if err != nil {
		return object.Live{}, err
	}
	var meta v1.PartialObjectMetadata
	if err := decodeMetadata(body, &meta); err != nil {
		return object.Live{}, badAnswer(what, err)
	}
	pool := interner{texts: map[string]string{}, fields: map[string][]byte{}}
	return pool.live(what, &meta.ObjectMeta), nil
}
