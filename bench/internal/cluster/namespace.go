package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/tugops/tug/bench/internal/workload"
)

const (
	// poll is the time between two looks at the cluster.
	poll = 200 * time.Millisecond
	// patience is how long the cluster may take to settle.
	patience = 5 * time.Minute
)

// CreateNamespace makes a namespace.
func (l *Lab) CreateNamespace(ctx context.Context, name string) error {
	body := fmt.Sprintf(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":%q}}`, name)
	err := l.client.Post().AbsPath("/api/v1/namespaces").Body([]byte(body)).Do(ctx).Error()
	if err != nil {
		return fmt.Errorf("create namespace %s: %w", name, err)
	}
	return nil
}

// DeleteNamespace deletes a namespace with all that is in it and waits until
// it is gone.
func (l *Lab) DeleteNamespace(ctx context.Context, name string) error {
	path := "/api/v1/namespaces/" + name
	if err := l.client.Delete().AbsPath(path).Do(ctx).Error(); err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("delete namespace %s: %w", name, err)
	}
	err := wait.PollUntilContextTimeout(ctx, poll, patience, true, func(ctx context.Context) (bool, error) {
		err := l.client.Get().AbsPath(path).Do(ctx).Error()
		if apierrors.IsNotFound(err) {
			return true, nil
		}
		return false, err
	})
	if err != nil {
		return fmt.Errorf("wait until namespace %s is gone: %w", name, err)
	}
	return nil
}

// Count is how many objects of the big chart are in a namespace. Those that
// Kubernetes puts there itself do not count.
func (l *Lab) Count(ctx context.Context, namespace string) (int, error) {
	ours := map[string]bool{}
	for i := range workload.Groups {
		ours[workload.ObjectName(i)] = true
	}
	n := 0
	for _, k := range workload.Kinds() {
		list, err := l.metadata(ctx, k, namespace)
		if err != nil {
			return 0, err
		}
		for _, item := range list.Items {
			if ours[item.Name] {
				n++
			}
		}
	}
	return n, nil
}

// metadata lists the metadata of a kind in a namespace.
func (l *Lab) metadata(ctx context.Context, k workload.Kind, namespace string) (*v1.PartialObjectMetadataList, error) {
	data, err := l.client.Get().AbsPath(k.Path(namespace)).
		SetHeader("Accept", "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io").DoRaw(ctx)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", k.Resource, err)
	}
	list := &v1.PartialObjectMetadataList{}
	return list, json.Unmarshal(data, list)
}
