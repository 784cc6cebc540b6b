package kube_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/kube"
	"github.com/tugops/tug/internal/kubetest"
	"github.com/tugops/tug/internal/object"
)

func TestScopeAndResource(t *testing.T) {
	t.Parallel()
	c := kubetest.Client(t)
	tests := []struct {
		gk         schema.GroupKind
		namespaced bool
		served     bool
		resource   string
	}{
		{configMaps.GroupKind(), true, true, "configmaps"},
		{deployments.GroupKind(), true, true, "deployments"},
		{clusterRoles.GroupKind(), false, true, "clusterroles"},
		{namespaces.GroupKind(), false, true, "namespaces"},
		{schema.GroupKind{Group: "networking.k8s.io", Kind: "Ingress"}, true, true, "ingresses"},
		{schema.GroupKind{Group: "apiregistration.k8s.io", Kind: "APIService"}, false, true, "apiservices"},
		{schema.GroupKind{Group: "autoscaling", Kind: "Scale"}, false, false, ""},
		{schema.GroupKind{Group: "none.test", Kind: "Thing"}, false, false, ""},
	}
	for _, test := range tests {
		namespaced, served, err := c.Scope(t.Context(), test.gk)
		if err != nil || namespaced != test.namespaced || served != test.served {
			t.Errorf("scope of %s: %v, %v, %v", test.gk, namespaced, served, err)
		}
		gvr, err := c.Resource(t.Context(), test.gk)
		if gvr.Resource != test.resource || (err == nil) != test.served {
			t.Errorf("resource of %s: %v, %v", test.gk, gvr, err)
		}
		if !test.served {
			wantFault(t, err, fault.Gone, "install the CRD")
		}
	}
}

func TestVersionThatIsNotServed(t *testing.T) {
	t.Parallel()
	c := kubetest.Client(t)
	old := schema.GroupVersionKind{Group: "apps", Version: "v1beta1", Kind: "Deployment"}
	_, err := c.Get(t.Context(), old, "default", "web")
	wantFault(t, err, fault.Gone, "Deployment default/web", "apps/v1beta1", "as apps/v1: change apiVersion")
	versions, err := c.Serves(t.Context(), schema.GroupKind{Group: "autoscaling", Kind: "HorizontalPodAutoscaler"})
	if err != nil || strings.Join(versions, ",") != "v2,v1" {
		t.Errorf("versions of HorizontalPodAutoscaler: %v, %v", versions, err)
	}
}

// A custom resource follows its CRD at once: the client knows the kind from
// the CRD that it applied, before discovery shows it.
func TestCustomResourceRightAfterItsCRD(t *testing.T) {
	t.Parallel()
	c, ns := kubetest.Client(t), kubetest.Namespace(t)
	crd, gvk := applyCRD(t, c)
	established(t, c, crd)
	thing := parse(t, ns, fmt.Sprintf(`{apiVersion: %s/v1, kind: Thing, metadata: {name: one}, spec: {size: 3}}`, gvk.Group))
	stored := apply(t, c, thing)
	if stored.UID() == "" {
		t.Error("no UID in the stored custom resource")
	}
	if namespaced, served, err := c.Scope(t.Context(), gvk.GroupKind()); !namespaced || !served || err != nil {
		t.Errorf("scope of the new kind: %v, %v, %v", namespaced, served, err)
	}
	if err := c.Delete(t.Context(), crd.GVK(), "", crd.Name(), object.Write{}); err != nil {
		t.Fatal(err)
	}
	kubetest.Eventually(t, 30*time.Second, "the kind is not served any more", func() bool {
		c.Refresh()
		_, served, err := c.Scope(t.Context(), gvk.GroupKind())
		return err == nil && !served
	})
	_, err := c.Apply(t.Context(), thing, object.Write{Force: true})
	wantFault(t, err, fault.Gone, "Thing")
}

// A kind that others bring is found without Refresh.
func TestKindThatAppearsLater(t *testing.T) {
	t.Parallel()
	c := kubetest.Client(t)
	group := kubetest.Name(t) + ".test"
	gk := schema.GroupKind{Group: group, Kind: "Thing"}
	if _, served, err := c.Scope(t.Context(), gk); served || err != nil {
		t.Fatalf("served before: %v, %v", served, err)
	}
	kubetest.As(t, "someone").Create(crdYAML(group))
	t.Cleanup(func() { dropCRD(t, group) })
	kubetest.Eventually(t, 30*time.Second, "the kind is served", func() bool {
		_, served, err := c.Scope(t.Context(), gk)
		return err == nil && served
	})
}

// An API group whose server is away breaks nothing but itself.
func TestBrokenAPIGroup(t *testing.T) {
	t.Parallel()
	c := kubetest.Client(t)
	group := kubetest.Name(t) + ".test"
	kubetest.As(t, "someone").Create(fmt.Sprintf(`
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: v1.%[1]s}
spec: {group: %[1]s, version: v1, groupPriorityMinimum: 100, versionPriority: 10, insecureSkipTLSVerify: true,
  service: {name: none, namespace: default}}`, group))
	t.Cleanup(func() {
		_ = c.Delete(context.Background(), schema.GroupVersionKind{Group: "apiregistration.k8s.io", Version: "v1", Kind: "APIService"}, "", "v1."+group, object.Write{})
	})
	kubetest.Eventually(t, 30*time.Second, "the group is known as broken", func() bool {
		c.Refresh()
		_, _, err := c.Scope(t.Context(), schema.GroupKind{Group: group, Kind: "Thing"})
		return fault.Is(err, fault.Unavailable)
	})
	_, _, err := c.Scope(t.Context(), schema.GroupKind{Group: group, Kind: "Thing"})
	wantFault(t, err, fault.Unavailable, group, "APIService")
	if _, served, err := c.Scope(t.Context(), deployments.GroupKind()); !served || err != nil {
		t.Errorf("scope of Deployment: %v, %v", served, err)
	}
}

func crdYAML(group string) string {
	return fmt.Sprintf(`
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.%[1]s}
spec:
  group: %[1]s
  scope: Namespaced
  names: {plural: things, singular: thing, kind: Thing, listKind: ThingList}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {size: {type: integer}, class: {type: string, x-kubernetes-validations: [{rule: "self == oldSelf", message: "Value is immutable"}]}}}}}}`, group)
}

// applyCRD applies a CRD of a group of the test's own.
func applyCRD(t testing.TB, c *kube.Client) (*object.Object, schema.GroupVersionKind) {
	t.Helper()
	group := kubetest.Name(t) + ".test"
	crd := apply(t, c, parse(t, "", crdYAML(group)))
	t.Cleanup(func() { dropCRD(t, group) })
	return crd, schema.GroupVersionKind{Group: group, Version: "v1", Kind: "Thing"}
}

func dropCRD(t testing.TB, group string) {
	gvk := schema.GroupVersionKind{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"}
	_ = kubetest.Client(t).Delete(context.Background(), gvk, "", "things."+group, object.Write{})
}

func established(t testing.TB, c *kube.Client, crd *object.Object) {
	t.Helper()
	kubetest.Eventually(t, 30*time.Second, "CRD established", func() bool {
		live, err := c.Get(t.Context(), crd.GVK(), "", crd.Name())
		if err != nil {
			return false
		}
		status, _ := live.Fields["status"].(map[string]any)
		conditions, _ := status["conditions"].([]any)
		for _, item := range conditions {
			if m, _ := item.(map[string]any); m["type"] == "Established" && m["status"] == "True" {
				return true
			}
		}
		return false
	})
}
