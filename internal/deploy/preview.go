package deploy

import (
	"context"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tugops/tug/internal/inventory"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/plan"
	"github.com/tugops/tug/internal/snapshot"
)

// Preview compares s with the last release of the app instead of with what is
// live: it needs to read the record and nothing else, so it works for
// identities that may not write (cluster-semantics.md 9.3). Drift, owners and
// what the server would add are not part of it; nil before means a first
// deploy.
func (e *Engine) Preview(ctx context.Context, s *snapshot.Snapshot) (*plan.Plan, error) {
	before, err := e.lastSnapshot(ctx, s.Namespace, s.App)
	if err != nil {
		return nil, err
	}
	return Compare(before, s)
}

// Compare plans the way from one snapshot to another without a cluster; before
// is nil for a first deploy. Kinds that the sets bring no definition for are
// placed as they are written.
func Compare(before, s *snapshot.Snapshot) (*plan.Plan, error) {
	desired, err := placeOffline(s, s)
	if err != nil {
		return nil, err
	}
	in := plan.Input{App: s.App, Env: s.Env, Namespace: s.Namespace, Desired: desired, Sensitive: s.Sensitive}
	if before == nil {
		return plan.Compute(in)
	}
	old, err := placeOffline(before, s)
	if err != nil {
		return nil, err
	}
	in.Record = &inventory.Record{Head: inventory.Head{
		App: s.App, Namespace: s.Namespace, Releases: []inventory.Release{{Status: inventory.Deployed}},
	}}
	in.Live = map[object.Ref]object.Live{}
	in.Compared = map[object.Ref]plan.Comparison{}
	was := map[object.Ref]*object.Object{}
	for _, o := range old {
		if plan.HookOf(o) != nil {
			continue
		}
		live := asLive(o)
		in.Live[live.Ref], was[live.Ref] = live, o
		in.Record.Items = append(in.Record.Items, inventory.Item{
			Ref: live.Ref, Version: live.Version, UID: live.UID, Applied: o.Hash(), Entry: object.EntryHash(live.Managers),
		})
	}
	for _, ref := range plan.Unclear(in) {
		for _, o := range desired {
			if o.Ref() == ref && plan.HookOf(o) == nil {
				in.Compared[ref] = plan.Comparison{Live: full(was[ref]), Result: full(o)}
			}
		}
	}
	p, err := plan.Compute(in)
	if err == nil {
		p.Hide(plan.Sensitive{Now: s.Sensitive, Before: before.Sensitive, Deployed: old})
	}
	return p, err
}

// placeOffline places the objects of one snapshot as the app of another.
// Without discovery, the kinds of Kubernetes itself that are cluster-scoped
// are known by name.
func placeOffline(from, as *snapshot.Snapshot) ([]*object.Object, error) {
	placed, _, err := plan.Place(from.Objects, as.Namespace, as.App, func(gk schema.GroupKind) (namespaced, known bool) {
		return !clusterScoped(gk), builtInGroup(gk.Group)
	})
	return placed, err
}

// offlineUID stands for the UID of whatever is deployed.
const offlineUID = "offline"

// asLive is the metadata of o as if it were deployed by tug alone.
func asLive(o *object.Object) object.Live {
	labels := map[string]string{object.LabelApp: o.Label(object.LabelApp)}
	annotations := map[string]string{
		object.AnnotationOwner:          o.Annotation(object.AnnotationOwner),
		object.AnnotationResourcePolicy: o.Annotation(object.AnnotationResourcePolicy),
	}
	return object.Live{
		Ref: o.Ref(), Version: o.GVK().GroupVersion().String(), UID: offlineUID, Labels: labels, Annotations: annotations,
		Managers: []object.ManagerEntry{{Manager: object.Manager, Operation: "Apply", FieldsV1: []byte("{}")}},
	}
}

// full is o as if it were read from a cluster.
func full(o *object.Object) *object.Object {
	c := o.Copy()
	c.Meta()["uid"] = offlineUID
	return c
}

// clusterScoped lists the cluster-scoped kinds of Kubernetes.
func clusterScoped(gk schema.GroupKind) bool {
	switch gk.String() {
	case "Namespace", "Node", "PersistentVolume",
		"CustomResourceDefinition.apiextensions.k8s.io", "APIService.apiregistration.k8s.io",
		"ClusterRole.rbac.authorization.k8s.io", "ClusterRoleBinding.rbac.authorization.k8s.io",
		"PriorityClass.scheduling.k8s.io", "RuntimeClass.node.k8s.io", "IngressClass.networking.k8s.io",
		"StorageClass.storage.k8s.io", "CSIDriver.storage.k8s.io", "CSINode.storage.k8s.io",
		"VolumeAttachment.storage.k8s.io", "VolumeAttributesClass.storage.k8s.io",
		"IPAddress.networking.k8s.io", "ServiceCIDR.networking.k8s.io", "DeviceClass.resource.k8s.io",
		"ResourceSlice.resource.k8s.io", "CertificateSigningRequest.certificates.k8s.io",
		"ClusterTrustBundle.certificates.k8s.io", "FlowSchema.flowcontrol.apiserver.k8s.io",
		"PriorityLevelConfiguration.flowcontrol.apiserver.k8s.io", "StorageVersionMigration.storagemigration.k8s.io":
		return true
	}
	return gk.Group == "admissionregistration.k8s.io"
}

// builtInGroup reports groups of Kubernetes itself.
func builtInGroup(group string) bool {
	switch group {
	case "", "apps", "batch", "autoscaling", "policy",
		"rbac.authorization.k8s.io", "networking.k8s.io", "storage.k8s.io", "scheduling.k8s.io", "node.k8s.io",
		"apiextensions.k8s.io", "apiregistration.k8s.io", "admissionregistration.k8s.io", "coordination.k8s.io",
		"discovery.k8s.io", "certificates.k8s.io", "flowcontrol.apiserver.k8s.io", "resource.k8s.io",
		"storagemigration.k8s.io", "events.k8s.io":
		return true
	}
	return false
}
