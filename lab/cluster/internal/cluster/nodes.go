package cluster

import (
	"context"
	"fmt"
	"runtime"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// zones is how many topology zones the nodes are spread over.
const zones = 3

// ensureNodes creates the first n nodes where they are missing. Further ones
// are left alone, as are changes that someone made to existing ones.
func ensureNodes(ctx context.Context, client kubernetes.Interface, n int) error {
	for i := range n {
		_, err := client.CoreV1().Nodes().Create(ctx, newNode(i), metav1.CreateOptions{})
		if err != nil && !errors.IsAlreadyExists(err) {
			return fmt.Errorf("node %s: %w", nodeName(i), err)
		}
	}
	return nil
}

func nodeName(i int) string { return fmt.Sprintf("lab-%d", i+1) }

// newNode leaves the status to kwok, which fills in addresses and capacity.
func newNode(i int) *corev1.Node {
	return &corev1.Node{ObjectMeta: metav1.ObjectMeta{
		Name: nodeName(i),
		Labels: map[string]string{
			corev1.LabelHostname:           nodeName(i),
			corev1.LabelOSStable:           runtime.GOOS,
			corev1.LabelArchStable:         runtime.GOARCH,
			corev1.LabelInstanceTypeStable: "lab",
			corev1.LabelTopologyRegion:     "lab",
			corev1.LabelTopologyZone:       fmt.Sprintf("lab-%c", 'a'+i%zones),
		},
	}}
}

// unready returns the name of one of the first n nodes that cannot take pods
// yet, or "" when there is none. A node is usable once kwok has its lease and the
// taints of the start are gone.
func unready(ctx context.Context, client kubernetes.Interface, n int) (string, error) {
	list, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return "", fmt.Errorf("nodes: %w", err)
	}
	managed, err := leased(ctx, client)
	if err != nil {
		return "", err
	}
	usable := map[string]bool{}
	for _, node := range list.Items {
		usable[node.Name] = managed[node.Name] && nodeReady(node) && !startingTaint(node)
	}
	for i := range n {
		if !usable[nodeName(i)] {
			return nodeName(i), nil
		}
	}
	return "", nil
}

func nodeReady(node corev1.Node) bool {
	for _, c := range node.Status.Conditions {
		if c.Type == corev1.NodeReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

// startingTaint ignores taints that users set on purpose.
func startingTaint(node corev1.Node) bool {
	for _, t := range node.Spec.Taints {
		if t.Key == corev1.TaintNodeNotReady || t.Key == corev1.TaintNodeUnreachable {
			return true
		}
	}
	return false
}
