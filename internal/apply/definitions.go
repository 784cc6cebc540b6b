package apply

import (
	"context"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tugops/tug/internal/health"
	"github.com/tugops/tug/internal/object"
)

func isDefinition(ref object.Ref) bool {
	return ref.Kind == "CustomResourceDefinition" && ref.Group == "apiextensions.k8s.io"
}

func isNamespace(ref object.Ref) bool { return ref.Kind == "Namespace" && ref.Group == "" }

// definedKind is the kind that a CustomResourceDefinition brings.
func definedKind(crd *object.Object) schema.GroupKind {
	spec, _ := crd.Fields["spec"].(map[string]any)
	names, _ := spec["names"].(map[string]any)
	group, _ := spec["group"].(string)
	kind, _ := names["kind"].(string)
	return schema.GroupKind{Group: group, Kind: kind}
}

// waitDefined is the barrier after namespaces and definitions: it ends when
// each CRD is established under the names it asked for and each Namespace is
// active. Discovery is read again afterwards.
func (r *run) waitDefined(ctx context.Context, from, to int) error {
	var targets []Target
	definitions := false
	r.mu.Lock()
	for _, c := range r.changes[from:to] {
		definitions = definitions || isDefinition(c.Ref)
		if t, ok := r.targets[c.Ref]; ok && (isDefinition(c.Ref) || isNamespace(c.Ref)) {
			targets = append(targets, t)
			delete(r.targets, c.Ref)
		}
	}
	r.mu.Unlock()
	err := r.await(ctx, targets, defined, waitWords{verb: "ready"})
	if err == nil && definitions {
		r.o.Refresh()
	}
	return err
}

// defined judges the two kinds of the barrier. One that is being deleted will
// not come back by waiting.
func defined(o *object.Object) health.Status {
	status := health.Of(o)
	if status.State == health.Terminating {
		status.State = health.Failed
	}
	return status
}

// condition is one entry of status.conditions.
type condition struct {
	status, message string
}

// conditionsOf reads status.conditions by type.
func conditionsOf(o *object.Object) map[string]condition {
	status, _ := o.Fields["status"].(map[string]any)
	list, _ := status["conditions"].([]any)
	all := make(map[string]condition, len(list))
	for _, item := range list {
		m, _ := item.(map[string]any)
		c := condition{}
		name, _ := m["type"].(string)
		c.status, _ = m["status"].(string)
		c.message, _ = m["message"].(string)
		all[name] = c
	}
	return all
}
