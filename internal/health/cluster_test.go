package health_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tugops/tug/internal/health"
	"github.com/tugops/tug/internal/kubetest"
	"github.com/tugops/tug/internal/object"
)

const template = `template: {metadata: {labels: {app: %[1]s}}, spec: {containers: [{name: c, image: "registry.test/%[2]s:1"}]}}`

func workload(kind, name, image, more string) string {
	return fmt.Sprintf(`{apiVersion: apps/v1, kind: `+kind+`, metadata: {name: %[1]s}, spec: {selector: {matchLabels: {app: %[1]s}}, `+more+template+`}}`, name, image)
}

func job(name, image string) string {
	return fmt.Sprintf(`{apiVersion: batch/v1, kind: Job, metadata: {name: %[1]s}, spec: {backoffLimit: 0, template: {spec: {restartPolicy: Never, containers: [{name: c, image: "registry.test/%[2]s:1"}]}}}}`, name, image)
}

// What a real control plane writes into status leads to the verdicts that a
// deploy waits for.
func TestVerdictsOnARealCluster(t *testing.T) {
	t.Parallel()
	c, ns := kubetest.Client(t), kubetest.Namespace(t)
	tests := []struct {
		name, yaml string
		want       health.State
		reason     string
	}{
		{"deployment", workload("Deployment", "a", "good", "replicas: 3, "), health.Ready, ""},
		{"deployment of nothing", workload("Deployment", "b", "good", "replicas: 0, "), health.Ready, ""},
		{"deployment past its deadline", workload("Deployment", "c", "lab-hang", "progressDeadlineSeconds: 1, "), health.Failed, "no progress for 1 s"},
		{"stateful set", workload("StatefulSet", "d", "good", "replicas: 2, "), health.Ready, ""},
		{"daemon set", workload("DaemonSet", "e", "good", ""), health.Ready, ""},
		{"job", job("f", "good"), health.Ready, "completed"},
		{"job that fails", job("g", "lab-fail"), health.Failed, "backoff limit"},
		{"service", `{apiVersion: v1, kind: Service, metadata: {name: h}, spec: {ports: [{port: 80}]}}`, health.Ready, ""},
		{"load balancer", `{apiVersion: v1, kind: Service, metadata: {name: i}, spec: {type: LoadBalancer, ports: [{port: 80}]}}`, health.Progressing, "no load balancer address"},
		{"disruption budget", `{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: j}, spec: {minAvailable: 1, selector: {matchLabels: {app: a}}}}`, health.Ready, ""},
		{"pod", `{apiVersion: v1, kind: Pod, metadata: {name: k}, spec: {containers: [{name: c, image: "registry.test/good:1"}]}}`, health.Ready, ""},
		{"pod that no node takes", `{apiVersion: v1, kind: Pod, metadata: {name: l}, spec: {nodeSelector: {no: such}, containers: [{name: c, image: "registry.test/good:1"}]}}`, health.Progressing, "no node takes it: 0/"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			o := kubetest.Apply(t, ns, test.yaml)[0]
			var got health.Status
			kubetest.Eventually(t, time.Minute, test.name+" is "+string(test.want), func() bool {
				live, err := c.Get(t.Context(), o.GVK(), ns, o.Name())
				if err != nil {
					t.Fatal(err)
				}
				got = health.Of(live)
				return got.State == test.want && strings.Contains(got.Reason, test.reason)
			})
			t.Logf("%s: %s", o.Ref(), got.Reason)
		})
	}
}

// The pods of workloads that hang say why.
func TestReasonsOnARealCluster(t *testing.T) {
	t.Parallel()
	c, ns := kubetest.Client(t), kubetest.Namespace(t)
	tests := []struct {
		name, image, want string
		stuck             bool
	}{
		{"pull", "lab-missing", "image registry.test/lab-missing:1 cannot be pulled", true},
		{"crash", "lab-crash", "crashes again and again: ended with exit code", true},
		{"hang", "lab-hang", "container c: ", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			kubetest.Apply(t, ns, workload("Deployment", test.name, test.image, "replicas: 2, "))
			var text string
			var stuck bool
			kubetest.Eventually(t, time.Minute, "the reason", func() bool {
				text, stuck = reason(t, c, ns, "app="+test.name)
				return strings.Contains(text, test.want) && stuck == test.stuck
			})
			t.Logf("stuck %v: %s", stuck, text)
		})
	}
}

// cluster is what reasons need of one.
type cluster interface {
	List(ctx context.Context, gvk schema.GroupVersionKind, namespace, labelSelector string) ([]*object.Object, error)
	Events(ctx context.Context, namespace, uid string) ([]string, error)
}

func reason(t *testing.T, c cluster, namespace, selector string) (string, bool) {
	t.Helper()
	pods, err := c.List(t.Context(), schema.GroupVersionKind{Version: "v1", Kind: "Pod"}, namespace, selector)
	if err != nil {
		t.Fatal(err)
	}
	events := map[string][]string{}
	for _, p := range pods {
		if events[p.UID()], err = c.Events(t.Context(), namespace, p.UID()); err != nil {
			t.Fatal(err)
		}
	}
	return health.Reason(pods, events)
}
