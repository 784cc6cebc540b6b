package inventory

import (
	"context"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tugops/tug/internal/object"
)

// Objects is what the store needs of a cluster. Errors are faults: NotFound,
// Exists, Conflict (resourceVersion differs), Denied.
type Objects interface {
	Get(ctx context.Context, gvk schema.GroupVersionKind, namespace, name string) (*object.Object, error)
	// Create posts a new object (no apply).
	Create(ctx context.Context, o *object.Object) (*object.Object, error)
	// Update replaces an object; its resourceVersion is the precondition.
	Update(ctx context.Context, o *object.Object) (*object.Object, error)
	Delete(ctx context.Context, gvk schema.GroupVersionKind, namespace, name string, w object.Write) error
	List(ctx context.Context, gvk schema.GroupVersionKind, namespace, labelSelector string) ([]*object.Object, error)
	// ListLive lists metadata only: chunks are found without reading them.
	ListLive(ctx context.Context, gvk schema.GroupVersionKind, namespace, labelSelector string) ([]object.Live, error)
}
