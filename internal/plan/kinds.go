package plan

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tugops/tug/internal/object"
)

// builtinGroups are the API groups that kube-apiserver itself serves or once
// served. Every other group comes from a CRD or an APIService, those under
// k8s.io too (gateway.networking.k8s.io, say).
var builtinGroups = []string{
	"", "admissionregistration.k8s.io", "apiextensions.k8s.io", "apiregistration.k8s.io", "apps",
	"authentication.k8s.io", "authorization.k8s.io", "autoscaling", "batch", "certificates.k8s.io",
	"coordination.k8s.io", "discovery.k8s.io", "events.k8s.io", "extensions", "flowcontrol.apiserver.k8s.io",
	"internal.apiserver.k8s.io", "networking.k8s.io", "node.k8s.io", "policy", "rbac.authorization.k8s.io",
	"resource.k8s.io", "scheduling.k8s.io", "storage.k8s.io", "storagemigration.k8s.io",
}

// configKinds are kinds that others need at their start, in groups where not
// every kind is like that.
var configKinds = map[string][]string{
	"": {
		"ServiceAccount", "ConfigMap", "Secret", "PersistentVolume", "PersistentVolumeClaim",
		"ResourceQuota", "LimitRange",
	},
	"networking.k8s.io": {"NetworkPolicy", "IngressClass"},
	"extensions":        {"NetworkPolicy", "PodSecurityPolicy"},
	"policy":            {"PodSecurityPolicy"},
	"resource.k8s.io":   {"DeviceClass", "ResourceClaim", "ResourceClaimTemplate"},
}

// StageOf is the stage in which plain objects of a kind are applied
// (cluster-semantics.md 8.1).
func StageOf(gk schema.GroupKind) Stage {
	switch gk.Group {
	case "apiextensions.k8s.io":
		return StageDefinitions
	case "admissionregistration.k8s.io", "apiregistration.k8s.io":
		return StageLate
	case "rbac.authorization.k8s.io", "storage.k8s.io", "scheduling.k8s.io", "node.k8s.io",
		"flowcontrol.apiserver.k8s.io":
		return StageConfig
	}
	switch {
	case gk == namespaceKind:
		return StageDefinitions
	case slices.Contains(configKinds[gk.Group], gk.Kind):
		return StageConfig
	case slices.Contains(builtinGroups, gk.Group):
		return StageWorkloads
	}
	return StageCustom
}

var (
	namespaceKind = schema.GroupKind{Kind: "Namespace"}
	claimKind     = schema.GroupKind{Kind: "PersistentVolumeClaim"}
	crdKind       = schema.GroupKind{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}
	hpaKind       = schema.GroupKind{Group: "autoscaling", Kind: "HorizontalPodAutoscaler"}
	accountKind   = schema.GroupKind{Kind: "ServiceAccount"}
)

// holds reports whether deleting an object of the kind deletes what others
// keep in it: such deletions need consent (cluster-semantics.md 6.3).
func holds(gk schema.GroupKind) bool {
	return gk == namespaceKind || gk == crdKind || gk == claimKind
}

// groupOf is the group part of an apiVersion.
func groupOf(apiVersion string) string {
	group, _, ok := strings.Cut(apiVersion, "/")
	if !ok {
		return ""
	}
	return group
}

// apiVersion is version with the group of ref: metadata reads give a bare one.
func apiVersion(ref object.Ref, version string) string {
	if ref.Group == "" || version == "" || strings.Contains(version, "/") {
		return version
	}
	return ref.Group + "/" + version
}
