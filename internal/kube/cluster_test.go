package kube_test

import (
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/kube"
	"github.com/tugops/tug/internal/kubetest"
	"github.com/tugops/tug/internal/object"
)

var (
	configMaps   = schema.GroupVersionKind{Version: "v1", Kind: "ConfigMap"}
	namespaces   = schema.GroupVersionKind{Version: "v1", Kind: "Namespace"}
	pods         = schema.GroupVersionKind{Version: "v1", Kind: "Pod"}
	deployments  = schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}
	clusterRoles = schema.GroupVersionKind{Group: "rbac.authorization.k8s.io", Version: "v1", Kind: "ClusterRole"}
)

// parse reads one object and puts it into a namespace.
func parse(t testing.TB, namespace, yaml string) *object.Object {
	t.Helper()
	o := kubetest.Objects(t, yaml)[0]
	if namespace != "" {
		o.SetNamespace(namespace)
	}
	return o
}

// apply applies one object with force and fails the test on an error.
func apply(t testing.TB, c *kube.Client, o *object.Object) *object.Object {
	t.Helper()
	stored, err := c.Apply(t.Context(), o, object.Write{Force: true})
	if err != nil {
		t.Fatalf("apply %s: %v", o.Ref(), err)
	}
	return stored
}

// wantFault checks the kind of an error, parts of its text, and that it has a
// hint unless the message says all there is to say.
func wantFault(t testing.TB, err error, kind fault.Kind, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want a fault of kind %s", kind)
	}
	if got := fault.KindOf(err); got != kind {
		t.Errorf("fault of kind %s, want %s: %v", got, kind, err)
	}
	all := err.Error() + " | " + strings.Join(fault.HintsOf(err), " | ")
	for _, part := range parts {
		if !strings.Contains(all, part) {
			t.Errorf("fault %q lacks %q", all, part)
		}
	}
	if strings.ContainsAny(err.Error(), "\n\t") {
		t.Errorf("fault spans lines: %q", err)
	}
	t.Logf("%s", all)
}

const deploymentYAML = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 0
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "registry.test/web:1"}]}
`

// waitLong is far more than any wait of these tests needs.
const waitLong = 30 * time.Second
