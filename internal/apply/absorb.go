package apply

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/plan"
)

// absorb moves what the managers in c.Absorb added into our own managedFields
// entry, so that the apply that follows removes what it does not declare
// (cluster-semantics.md 4.2). It is one JSON patch, guarded by the
// resourceVersion that the plan saw; what it meets changed is decided again.
// The change that is returned has the resourceVersion after the patch.
func (r *run) absorb(ctx context.Context, c plan.Change) (plan.Change, error) {
	if len(c.Absorb) == 0 {
		return c, nil
	}
	gvk := gvkOf(c.Ref, c.Version)
	live, err := r.c.Get(ctx, gvk, c.Ref.Namespace, c.Ref.Name)
	if err != nil {
		return c, err
	}
	if live.UID() != c.UID || live.ResourceVersion() != c.ResourceVersion {
		return c, fault.New(fault.Conflict, "%s was changed after the plan was made", c.Ref)
	}
	patch, err := absorbPatch(live, c.Absorb)
	if err != nil || patch == nil {
		return c, err
	}
	wctx, cancel := r.write(ctx)
	defer cancel()
	got, err := r.c.Patch(wctx, gvk, c.Ref.Namespace, c.Ref.Name, patch)
	if err != nil {
		return c, err
	}
	meta, err := object.LiveOf(got)
	if err != nil {
		return c, err
	}
	c.ResourceVersion, c.Entry, c.Absorb = meta.ResourceVersion, object.EntryHash(meta.Managers), nil
	return c, nil
}

// absorbPatch is the JSON patch that absorb sends; nil when there is nothing to
// move or no entry of ours to move it to.
func absorbPatch(o *object.Object, managers []string) ([]byte, error) {
	all, _ := o.Meta()["managedFields"].([]any)
	var ours map[string]any
	for _, item := range all {
		if e, _ := item.(map[string]any); e["manager"] == object.Manager && e["operation"] == "Apply" && e["subresource"] == nil {
			ours = e
		}
	}
	if ours == nil {
		return nil, nil
	}
	merged, _ := ours["fieldsV1"].(map[string]any)
	moved := false
	kept := slices.DeleteFunc(slices.Clone(all), func(item any) bool {
		e, _ := item.(map[string]any)
		manager, _ := e["manager"].(string)
		if e["operation"] != "Update" || e["subresource"] != nil || !slices.Contains(managers, manager) || e["apiVersion"] != ours["apiVersion"] {
			return false
		}
		fields, _ := e["fieldsV1"].(map[string]any)
		merged = union(merged, withoutSystem(fields))
		moved = true
		return !touchesSystem(e)
	})
	if !moved {
		return nil, nil
	}
	for i, item := range kept {
		if e, _ := item.(map[string]any); e["manager"] == object.Manager && e["operation"] == "Apply" && e["subresource"] == nil {
			entry := map[string]any{}
			for k, v := range e {
				entry[k] = v
			}
			entry["fieldsV1"] = merged
			kept[i] = entry
		}
	}
	return json.Marshal([]map[string]any{
		{"op": "replace", "path": "/metadata/managedFields", "value": kept},
		{"op": "replace", "path": "/metadata/resourceVersion", "value": o.ResourceVersion()},
	})
}

// union is both field sets in one.
func union(a, b map[string]any) map[string]any {
	out := make(map[string]any, len(a)+len(b))
	for k, v := range a {
		out[k] = v
	}
	for k, v := range b {
		x, _ := out[k].(map[string]any)
		y, _ := v.(map[string]any)
		if x != nil && y != nil {
			out[k] = union(x, y)
			continue
		}
		if _, there := out[k]; !there {
			out[k] = v
		}
	}
	return out
}

// withoutSystem leaves out what is never ours: status, finalizers, owners, and
// the mark of a restart.
func withoutSystem(fields map[string]any) map[string]any {
	out := prune(fields, "f:status")
	out = prune(out, "f:metadata", "f:finalizers")
	out = prune(out, "f:metadata", "f:ownerReferences")
	return prune(out, "f:spec", "f:template", "f:metadata", "f:annotations", "f:kubectl.kubernetes.io/restartedAt")
}

// prune is m without what stands at keys.
func prune(m map[string]any, keys ...string) map[string]any {
	child, there := m[keys[0]]
	if !there {
		return m
	}
	out := make(map[string]any, len(m))
	for k, v := range m {
		out[k] = v
	}
	inner, _ := child.(map[string]any)
	if len(keys) == 1 || inner == nil {
		delete(out, keys[0])
		return out
	}
	out[keys[0]] = prune(inner, keys[1:]...)
	return out
}
