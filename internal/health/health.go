// Package health says whether one object is ready, still on its way, or
// failed, and why. It is pure: it reads only the object it is given (and, for
// reasons, the pods and events a caller found).
//
// Everything is judged at the observed generation: a status about an older
// spec says nothing about the current one. Built-in kinds follow the rules of
// this package, which are those of `kubectl rollout status` and of the
// controllers' documented conditions; custom resources follow kstatus
// (github.com/fluxcd/cli-utils, of which this package is the only importer)
// and the conditions Ready and Available.
package health

import (
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tugops/tug/internal/object"
)

// State of one object.
type State string

// The states.
const (
	Ready       State = "ready"
	Progressing State = "progressing"
	Failed      State = "failed" // will not become ready without a change
	Terminating State = "terminating"
)

// Status is the health of one object and the reason in a few words.
type Status struct {
	State  State  `json:"state"`
	Reason string `json:"reason,omitempty"` // "1 of 3 replicas ready"
	// Stuck marks a Progressing object that something outside has to help: an
	// image that cannot be pulled, a crash loop, a refused pod. It may heal, so
	// it is no failure at once; after a grace period waiting is pointless.
	Stuck bool `json:"stuck,omitempty"`
}

// Checker is the signature of Of, for those that want to wrap it.
type Checker func(o *object.Object) Status

// rule judges one kind. The object is not being deleted, and its status is
// not about an older generation.
type rule func(v view) Status

// Of is the health of an object as it was read from a cluster. An object
// without status is Ready unless its kind is known to get one.
func Of(o *object.Object) Status {
	v := view{o}
	if v.text("metadata", "deletionTimestamp") != "" {
		return terminating(v)
	}
	if seen, ok := v.number("status", "observedGeneration"); ok && seen < v.generation() {
		return progressing("the change is not observed yet")
	}
	gk := o.GVK().GroupKind()
	if judge := ruleOf(gk); judge != nil {
		return judge(v)
	}
	if builtIn(gk.Group) {
		return ready("")
	}
	return custom(v)
}

// NeedsWatch says whether objects of a kind can be anything but Ready after
// they were written. Waits need not watch the others.
func NeedsWatch(gk schema.GroupKind) bool {
	return ruleOf(gk) != nil && !never(gk) || !builtIn(gk.Group)
}

// ruleOf is the rule of a built-in kind, or nil.
func ruleOf(gk schema.GroupKind) rule {
	switch gk.String() {
	case "Deployment.apps", "Deployment.extensions":
		return deployment
	case "StatefulSet.apps":
		return statefulSet
	case "DaemonSet.apps", "DaemonSet.extensions":
		return daemonSet
	case "ReplicaSet.apps", "ReplicaSet.extensions", "ReplicationController":
		return replicaSet
	case "Job.batch":
		return job
	case "Pod":
		return pod
	case "Service":
		return service
	case "PersistentVolumeClaim":
		return claim
	case "PersistentVolume":
		return volume
	case "PodDisruptionBudget.policy":
		return disruptionBudget
	case "HorizontalPodAutoscaler.autoscaling":
		return autoscaler
	case "Namespace":
		return namespace
	case "CustomResourceDefinition.apiextensions.k8s.io":
		return definition
	case "APIService.apiregistration.k8s.io":
		return apiService
	default:
		return nil
	}
}

// never reports kinds that have a rule but never keep anybody waiting.
func never(gk schema.GroupKind) bool {
	switch gk.Kind {
	case "PersistentVolumeClaim", "PersistentVolume", "HorizontalPodAutoscaler":
		return true
	}
	return false
}

// builtIn reports whether a group belongs to Kubernetes itself. Groups of
// CRDs can end in k8s.io too (gateway.networking.k8s.io), so they are listed.
func builtIn(group string) bool {
	switch group {
	case "", "apps", "batch", "autoscaling", "policy", "extensions",
		"admissionregistration.k8s.io", "apiextensions.k8s.io", "apiregistration.k8s.io",
		"authentication.k8s.io", "authorization.k8s.io", "certificates.k8s.io",
		"coordination.k8s.io", "discovery.k8s.io", "events.k8s.io",
		"flowcontrol.apiserver.k8s.io", "internal.apiserver.k8s.io", "networking.k8s.io",
		"node.k8s.io", "rbac.authorization.k8s.io", "resource.k8s.io",
		"scheduling.k8s.io", "storage.k8s.io", "storagemigration.k8s.io":
		return true
	}
	return false
}
