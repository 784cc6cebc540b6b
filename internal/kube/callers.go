package kube

import (
	"context"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
)

// Callers asks the cluster about others: what the holder of a token may do, by
// reviews under that token.
type Callers struct{ Client *Client }

// Denied are the accesses that the holder of a token does not have. A Denied
// fault means that the cluster does not take the token.
func (c Callers) Denied(ctx context.Context, token string, wanted []object.Access) ([]object.Access, error) {
	as, err := c.Client.WithToken(token)
	if err != nil {
		return nil, err
	}
	return as.Denied(ctx, wanted)
}

// Resource is the plural name of the kind of an object; "" when it is not
// served.
func (c Callers) Resource(ctx context.Context, ref object.Ref) (string, error) {
	gvr, err := c.Client.Resource(ctx, schema.GroupKind{Group: ref.Group, Kind: ref.Kind})
	if fault.Is(err, fault.Gone) {
		return "", nil
	}
	return gvr.Resource, err
}
