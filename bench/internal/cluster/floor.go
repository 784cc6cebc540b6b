package cluster

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/types"

	"github.com/tugops/tug/bench/internal/workload"
)

// parallel is how many requests of the floor are under way at once.
const parallel = 16

// ApplyAll applies every object by itself, without any thought: the least that
// any tool needs for a first deploy.
func (l *Lab) ApplyAll(ctx context.Context, namespace string, objects []workload.Object) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(parallel)
	for _, o := range objects {
		g.Go(func() error {
			_, err := l.client.Patch(types.ApplyPatchType).AbsPath(o.Kind.Path(namespace), o.Name).
				Param("fieldManager", "bench").Body(o.YAML).DoRaw(ctx)
			if err != nil {
				return fmt.Errorf("apply %s %s: %w", o.Kind.Resource, o.Name, err)
			}
			return nil
		})
	}
	return g.Wait()
}

// ListAll lists the metadata of all kinds at once: the least that any tool
// needs to find out that nothing has changed.
func (l *Lab) ListAll(ctx context.Context, namespace string) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, k := range workload.Kinds() {
		g.Go(func() error {
			_, err := l.metadata(ctx, k, namespace)
			return err
		})
	}
	return g.Wait()
}
