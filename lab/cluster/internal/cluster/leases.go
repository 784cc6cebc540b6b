package cluster

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// dropLeases removes the node leases of the last run. Each kwok process has an
// identity of its own and leaves a node alone, pods included, while the lease of
// a predecessor has not expired.
func dropLeases(ctx context.Context, f Folder) error {
	client, err := f.client()
	if err != nil {
		return err
	}
	err = client.CoordinationV1().Leases(corev1.NamespaceNodeLease).
		DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("node leases of the last run: %w", err)
	}
	return nil
}

// leased returns the nodes that kwok looks after.
func leased(ctx context.Context, client kubernetes.Interface) (map[string]bool, error) {
	list, err := client.CoordinationV1().Leases(corev1.NamespaceNodeLease).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("node leases: %w", err)
	}
	names := map[string]bool{}
	for _, lease := range list.Items {
		names[lease.Name] = true
	}
	return names, nil
}
