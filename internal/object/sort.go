package object

import (
	"cmp"
	"slices"
)

// kindOrder is the order in which kinds are best created: what others refer to
// comes first. It follows Helm's install order.
var kindOrder = []string{
	"PriorityClass", "Namespace", "NetworkPolicy", "ResourceQuota", "LimitRange", "PodDisruptionBudget",
	"ServiceAccount", "Secret", "ConfigMap", "StorageClass", "PersistentVolume", "PersistentVolumeClaim",
	"CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding", "Service",
	"DaemonSet", "Pod", "ReplicationController", "ReplicaSet", "Deployment", "HorizontalPodAutoscaler",
	"StatefulSet", "Job", "CronJob", "IngressClass", "Ingress", "APIService",
	"MutatingWebhookConfiguration", "ValidatingWebhookConfiguration",
}

// KindRank is the place of a kind in the order of creation; kinds that are not
// known come last.
func KindRank(kind string) int {
	if i := slices.Index(kindOrder, kind); i >= 0 {
		return i
	}
	return len(kindOrder)
}

// Sort puts objects into the order of creation: by rank of kind, then by Ref.
// Objects with one Ref (hooks may repeat) keep their order.
func Sort(objects []*Object) {
	type keyed struct {
		rank int
		ref  Ref
		o    *Object
	}
	list := make([]keyed, len(objects))
	for i, o := range objects {
		ref := o.Ref()
		list[i] = keyed{KindRank(ref.Kind), ref, o}
	}
	slices.SortStableFunc(list, func(a, b keyed) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), a.ref.Compare(b.ref))
	})
	for i := range list {
		objects[i] = list[i].o
	}
}
