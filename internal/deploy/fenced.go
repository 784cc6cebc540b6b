package deploy

import (
	"context"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tugops/tug/internal/inventory"
	"github.com/tugops/tug/internal/object"
)

// fenced is a cluster whose writes are bounded by a Lease: each must begin
// while the Lease is held, and ends before anybody else could take it over
// (cluster-semantics.md 5.2). It bounds also what must outlive a cancelled
// context, which the Lease's own context cannot.
type fenced struct {
	Cluster
	lease *inventory.Lease
}

// fence gives the context of one write.
func (f fenced) fence(ctx context.Context) (context.Context, context.CancelFunc, error) {
	if err := f.lease.Check(); err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithDeadline(ctx, f.lease.Deadline())
	return ctx, cancel, nil
}

func (f fenced) Apply(ctx context.Context, o *object.Object, w object.Write) (*object.Object, error) {
	if w.DryRun {
		return f.Cluster.Apply(ctx, o, w)
	}
	ctx, cancel, err := f.fence(ctx)
	if err != nil {
		return nil, err
	}
	defer cancel()
	return f.Cluster.Apply(ctx, o, w)
}

func (f fenced) Create(ctx context.Context, o *object.Object) (*object.Object, error) {
	ctx, cancel, err := f.fence(ctx)
	if err != nil {
		return nil, err
	}
	defer cancel()
	return f.Cluster.Create(ctx, o)
}

func (f fenced) Update(ctx context.Context, o *object.Object) (*object.Object, error) {
	ctx, cancel, err := f.fence(ctx)
	if err != nil {
		return nil, err
	}
	defer cancel()
	return f.Cluster.Update(ctx, o)
}

func (f fenced) Patch(
	ctx context.Context, gvk schema.GroupVersionKind, namespace, name string, patch []byte,
) (*object.Object, error) {
	ctx, cancel, err := f.fence(ctx)
	if err != nil {
		return nil, err
	}
	defer cancel()
	return f.Cluster.Patch(ctx, gvk, namespace, name, patch)
}

func (f fenced) Delete(ctx context.Context, gvk schema.GroupVersionKind, namespace, name string, w object.Write) error {
	ctx, cancel, err := f.fence(ctx)
	if err != nil {
		return err
	}
	defer cancel()
	return f.Cluster.Delete(ctx, gvk, namespace, name, w)
}
