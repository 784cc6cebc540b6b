package apply

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/plan"
)

// strip removes the Update entries of the managers in c.Strip from the
// managedFields of got, so that what they own together with us is ours alone
// (cluster-semantics.md 4.1, 11). Entries for status, finalizers and
// ownerReferences stay: only whole entries without a subresource that touch
// neither are removed. An object that changes meanwhile is read again.
func (r *run) strip(ctx context.Context, c plan.Change, got *object.Object) error {
	if len(c.Strip) == 0 {
		return nil
	}
	gvk := gvkOf(c.Ref, c.Version)
	for try := 0; ; try++ {
		patch, err := stripPatch(got, c.Strip)
		if err != nil || patch == nil {
			return err
		}
		wctx, cancel := r.write(ctx)
		_, err = r.c.Patch(wctx, gvk, c.Ref.Namespace, c.Ref.Name, patch)
		cancel()
		if err == nil || fault.Is(err, fault.NotFound) {
			return nil
		}
		if !fault.Is(err, fault.Conflict) || try == maxRaces {
			return err
		}
		if got, err = r.c.Get(ctx, gvk, c.Ref.Namespace, c.Ref.Name); err != nil {
			return err
		}
		if got.UID() != c.UID && c.UID != "" {
			return nil
		}
	}
}

// stripPatch is the JSON patch that strip sends, guarded by the
// resourceVersion of o; nil when there is nothing to remove.
func stripPatch(o *object.Object, managers []string) ([]byte, error) {
	all, _ := o.Meta()["managedFields"].([]any)
	kept := slices.DeleteFunc(slices.Clone(all), func(item any) bool {
		e, _ := item.(map[string]any)
		manager, _ := e["manager"].(string)
		return e["operation"] == "Update" && e["subresource"] == nil &&
			slices.Contains(managers, manager) && !touchesSystem(e)
	})
	if len(kept) == len(all) {
		return nil, nil
	}
	return json.Marshal([]map[string]any{
		{"op": "replace", "path": "/metadata/managedFields", "value": kept},
		{"op": "replace", "path": "/metadata/resourceVersion", "value": o.ResourceVersion()},
	})
}

// touchesSystem reports whether a managedFields entry has fields that are
// never ours to move.
func touchesSystem(entry map[string]any) bool {
	fields, _ := entry["fieldsV1"].(map[string]any)
	meta, _ := fields["f:metadata"].(map[string]any)
	_, status := fields["f:status"]
	_, finalizers := meta["f:finalizers"]
	_, owners := meta["f:ownerReferences"]
	return status || finalizers || owners
}
