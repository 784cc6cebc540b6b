package apply

import (
	"context"
	"sync/atomic"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tugops/tug/internal/object"
)

// counting is a cluster that counts requests and lets a test act before one.
type counting struct {
	Cluster
	applies, deletes, watches, reads atomic.Int64
	// before, when set, is called ahead of each write.
	before func(ref object.Ref) error
}

func (c *counting) Apply(ctx context.Context, o *object.Object, w object.Write) (*object.Object, error) {
	c.applies.Add(1)
	if c.before != nil {
		if err := c.before(o.Ref()); err != nil {
			return nil, err
		}
	}
	return c.Cluster.Apply(ctx, o, w)
}

func (c *counting) Delete(ctx context.Context, gvk schema.GroupVersionKind, namespace, name string, w object.Write) error {
	c.deletes.Add(1)
	if c.before != nil {
		ref := object.Ref{Group: gvk.Group, Kind: gvk.Kind, Namespace: namespace, Name: name}
		if err := c.before(ref); err != nil {
			return err
		}
	}
	return c.Cluster.Delete(ctx, gvk, namespace, name, w)
}

func (c *counting) Watch(ctx context.Context, gvk schema.GroupVersionKind, namespace, selector string, handle func(object.Change) bool) error {
	c.watches.Add(1)
	return c.Cluster.Watch(ctx, gvk, namespace, selector, handle)
}

func (c *counting) GetLive(ctx context.Context, gvk schema.GroupVersionKind, namespace, name string) (object.Live, error) {
	c.reads.Add(1)
	return c.Cluster.GetLive(ctx, gvk, namespace, name)
}
