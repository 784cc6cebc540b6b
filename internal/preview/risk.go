package preview

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/plan"
)

// Level says how much harm a change can do.
type Level string

// The levels, worst first.
const (
	// Destroys: data or everything in a namespace can be lost.
	Destroys Level = "destroys"
	// Deletes: objects go.
	Deletes Level = "deletes"
	// Replaces: a field that an API server does not change; the object has to
	// be deleted and made again.
	Replaces Level = "replaces"
	// Grants: permissions or admission change.
	Grants Level = "grants"
	// Restarts: pods are replaced.
	Restarts Level = "restarts"
)

func levels() []Level { return []Level{Destroys, Deletes, Replaces, Grants, Restarts} }

func (l Level) rank() int { return slices.Index(levels(), l) }

// Risk is what a reviewer should look at first.
type Risk struct {
	Level Level        `json:"level"`
	Text  string       `json:"text"` // one sentence
	Refs  []object.Ref `json:"refs,omitempty"`
}

// holders are kinds whose deletion takes other things with it.
var holders = []string{"Namespace", "CustomResourceDefinition", "PersistentVolumeClaim", "PersistentVolume", "StatefulSet"}

var grantKinds = []string{
	"Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding", "ValidatingWebhookConfiguration",
	"MutatingWebhookConfiguration", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding",
}

// immutable are fields that an API server refuses to change, as prefixes of
// paths (validation of apps/v1, batch/v1, core/v1 and rbac/v1).
var immutable = map[string][]string{
	"Deployment":            {"spec.selector"},
	"DaemonSet":             {"spec.selector"},
	"ReplicaSet":            {"spec.selector"},
	"StatefulSet":           {"spec.selector", "spec.serviceName", "spec.podManagementPolicy", "spec.volumeClaimTemplates"},
	"Job":                   {"spec.selector", "spec.template", "spec.completionMode"},
	"RoleBinding":           {"roleRef"},
	"ClusterRoleBinding":    {"roleRef"},
	"StorageClass":          {"provisioner", "parameters", "reclaimPolicy", "volumeBindingMode"},
	"PersistentVolumeClaim": {"spec.storageClassName", "spec.accessModes", "spec.selector", "spec.volumeName"},
	"Service":               {"spec.clusterIP:", "spec.clusterIPs"},
}

// risks says what the changes of one app do, worst first.
func risks(changes []plan.Change) []Risk {
	found := map[Level][]object.Ref{}
	for _, ch := range changes {
		for _, l := range levelsOf(ch) {
			found[l] = append(found[l], ch.Ref)
		}
	}
	var list []Risk
	for _, l := range levels() {
		if refs := found[l]; len(refs) > 0 {
			list = append(list, Risk{Level: l, Text: sentence(l, len(refs)), Refs: refs})
		}
	}
	return list
}

func levelsOf(ch plan.Change) (found []Level) {
	switch {
	case ch.Hook != nil:
		return nil
	case ch.Action == plan.Delete && slices.Contains(holders, ch.Ref.Kind):
		found = append(found, Destroys)
	case ch.Action == plan.Delete:
		found = append(found, Deletes)
	}
	if slices.Contains(grantKinds, ch.Ref.Kind) {
		found = append(found, Grants)
	}
	if ch.Action != plan.Update {
		return found
	}
	if touches(ch, immutable[ch.Ref.Kind]) {
		return append(found, Replaces)
	}
	switch ch.Ref.Kind {
	case "Deployment", "StatefulSet", "DaemonSet":
		if touches(ch, []string{"spec.template"}) {
			found = append(found, Restarts)
		}
	}
	return found
}

func touches(ch plan.Change, prefixes []string) bool {
	for _, f := range ch.Fields {
		for _, p := range prefixes {
			exact, only := strings.CutSuffix(p, ":")
			if f.Path == exact || !only && (strings.HasPrefix(f.Path, p+".") || strings.HasPrefix(f.Path, p+"[")) {
				return true
			}
		}
	}
	return false
}

func sentence(l Level, n int) string {
	objects := "1 object"
	if n > 1 {
		objects = fmt.Sprintf("%d objects", n)
	}
	switch l {
	case Destroys:
		if n == 1 {
			return "deletes " + objects + " that holds other things or data"
		}
		return "deletes " + objects + " that hold other things or data"
	case Deletes:
		return "deletes " + objects
	case Replaces:
		return objects + " must be deleted and made again: a field that cannot change does"
	case Grants:
		return "changes permissions or admission: " + objects
	case Restarts:
		return "restarts the pods of " + objects
	}
	return string(l)
}
