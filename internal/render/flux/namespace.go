package flux

import (
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tugops/tug/internal/object"
)

// placeObjects gives the objects of a release its namespace where they have none and
// the app's is another one. Cluster-scoped objects get none: built-in kinds
// are known, others from CRDs in the set; the cluster corrects what is left.
func (r *run) placeObjects(it *item, objects []*object.Object) {
	namespace := it.releaseNamespace()
	if namespace == r.set.namespace {
		return
	}
	own := scopes{}
	for _, o := range objects {
		own.add(o)
	}
	for _, o := range objects {
		if o.Namespace() == "" && !own.cluster(o) && !r.set.scopes.cluster(o) {
			o.SetNamespace(namespace)
		}
	}
}

// clusterKinds are the built-in kinds without a namespace.
var clusterKinds = map[string][]string{
	"":                             {"Namespace", "Node", "PersistentVolume"},
	"admissionregistration.k8s.io": nil,
	"apiextensions.k8s.io":         nil,
	"apiregistration.k8s.io":       nil,
	"certificates.k8s.io":          {"CertificateSigningRequest", "ClusterTrustBundle"},
	"flowcontrol.apiserver.k8s.io": nil,
	"networking.k8s.io":            {"IngressClass", "IPAddress", "ServiceCIDR"},
	"node.k8s.io":                  nil,
	"policy":                       {"PodSecurityPolicy"},
	"rbac.authorization.k8s.io":    {"ClusterRole", "ClusterRoleBinding"},
	"resource.k8s.io":              {"DeviceClass", "ResourceSlice", "DeviceTaintRule"},
	"scheduling.k8s.io":            {"PriorityClass"},
	"storage.k8s.io":               {"StorageClass", "VolumeAttachment", "CSIDriver", "CSINode", "VolumeAttributesClass"},
}

// scopes are the scopes that CRDs give to kinds.
type scopes map[schema.GroupKind]string

// add notes the scope that a CRD declares; other objects are passed over.
func (s scopes) add(o *object.Object) {
	if o.GVK().Kind != "CustomResourceDefinition" {
		return
	}
	spec, _ := o.Fields["spec"].(map[string]any)
	names, _ := spec["names"].(map[string]any)
	group, _ := spec["group"].(string)
	kind, _ := names["kind"].(string)
	scope, _ := spec["scope"].(string)
	s[schema.GroupKind{Group: group, Kind: kind}] = scope
}

// cluster reports whether objects of a kind are known to have no namespace.
func (s scopes) cluster(o *object.Object) bool {
	gk := o.GVK().GroupKind()
	if kinds, ok := clusterKinds[gk.Group]; ok && (kinds == nil || slices.Contains(kinds, gk.Kind)) {
		return true
	}
	return s[gk] == "Cluster"
}

// namespaces are those that HelmReleases ask for (install.createNamespace) and
// nothing else brings. As in Helm they stay when the release goes.
func (r *run) namespaces() []*object.Object {
	have := map[string]bool{r.request.Namespace: true, "default": true}
	for ref, f := range r.set.byRef {
		if ref.Kind == "Namespace" && ref.Group == "" {
			have[f.Name()] = true
		}
	}
	var list []*object.Object
	for _, it := range r.items {
		if it.state != done || it.release == nil || it.release.Spec.Install == nil || !it.release.Spec.Install.CreateNamespace {
			continue
		}
		name := it.releaseNamespace()
		if have[name] {
			continue
		}
		have[name] = true
		o := &object.Object{Source: it.at, Fields: map[string]any{
			"apiVersion": "v1", "kind": "Namespace",
			"metadata": map[string]any{"name": name, "annotations": map[string]any{object.AnnotationResourcePolicy: "keep"}},
		}}
		it.mark(o)
		list = append(list, o)
	}
	return list
}
