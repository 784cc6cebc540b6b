package kube

import (
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tugops/tug/internal/object"
)

// learn notes the kind that an applied CRD brings. Discovery shows it only
// some time after the CRD is established, and objects of the kind come next.
func (c *Client) learn(crd *object.Object) {
	if !isCRD(crd.GVK()) {
		return
	}
	gk, versions := definedKind(crd)
	if gk.Kind == "" || len(versions) == 0 {
		return
	}
	c.learnedMu.Lock()
	defer c.learnedMu.Unlock()
	c.learned[gk] = versions
}

// forget drops what a deleted CRD brought. Its name is "plural.group".
func (c *Client) forget(gvk schema.GroupVersionKind, name string) {
	if !isCRD(gvk) {
		return
	}
	c.learnedMu.Lock()
	defer c.learnedMu.Unlock()
	for gk, versions := range c.learned {
		if versions[0].name+"."+gk.Group == name {
			delete(c.learned, gk)
		}
	}
}

func isCRD(gvk schema.GroupVersionKind) bool {
	return gvk.Group == "apiextensions.k8s.io" && gvk.Kind == "CustomResourceDefinition"
}

// definedKind reads the kind and the served versions of a CRD.
func definedKind(crd *object.Object) (schema.GroupKind, []resource) {
	spec, _ := crd.Fields["spec"].(map[string]any)
	names, _ := spec["names"].(map[string]any)
	group, _ := spec["group"].(string)
	kind, _ := names["kind"].(string)
	plural, _ := names["plural"].(string)
	list, _ := spec["versions"].([]any)
	var out []resource
	for _, item := range list {
		v, _ := item.(map[string]any)
		name, _ := v["name"].(string)
		if served, _ := v["served"].(bool); served && name != "" {
			out = append(out, resource{version: name, name: plural, namespaced: spec["scope"] == "Namespaced", learned: time.Now()})
		}
	}
	return schema.GroupKind{Group: group, Kind: kind}, out
}
