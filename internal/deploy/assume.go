package deploy

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/plan"
)

// assumeClusterObjects takes cluster-scoped objects that the identity may not
// write out of the set, if they exist as they are declared
// (cluster-semantics.md 9.1). They are not owned and never pruned. Without the
// option they stay in the set, and the preflight refuses them.
func (e *Engine) assumeClusterObjects(ctx context.Context, p *Prepared, o Options) (warnings []string, err error) {
	if !o.AssumeClusterObjects {
		return nil, nil
	}
	var assumed []object.Ref
	for _, d := range p.input.Desired {
		if d.Namespace() != "" || plan.HookOf(d) != nil {
			continue
		}
		writable, err := e.writable(ctx, p, d.Ref())
		if err != nil {
			return nil, err
		}
		if writable {
			continue
		}
		if err := e.existsAsDeclared(ctx, d); err != nil {
			return nil, err
		}
		assumed = append(assumed, d.Ref())
		warnings = append(warnings, fmt.Sprintf("%s exists as declared and is left to others", d.Ref()))
	}
	p.input.Desired = slices.DeleteFunc(p.input.Desired, func(d *object.Object) bool {
		return slices.Contains(assumed, d.Ref())
	})
	return warnings, nil
}

// writable asks whether the identity may manage a cluster-scoped object.
func (e *Engine) writable(ctx context.Context, p *Prepared, ref object.Ref) (bool, error) {
	n := e.newNeeds(p.input.Desired)
	if err := n.add(ctx, ref, "get", "list", "create", "patch", "delete"); err != nil {
		return false, err
	}
	denied, err := e.Cluster.Denied(ctx, n.wanted)
	return len(denied) == 0 && len(n.wanted) > 0, err
}

func (e *Engine) existsAsDeclared(ctx context.Context, d *object.Object) error {
	live, err := e.Cluster.Get(ctx, d.GVK(), "", d.Name())
	if vanished(err) {
		return fault.New(fault.Denied, "%s does not exist, and this identity may not create it", d.Ref()).
			Hint("have an administrator apply it, then run it again")
	}
	if err != nil {
		return err
	}
	want := d.Copy()
	unmark(want)
	if path, ok := contains(live.Fields, want.Fields, ""); !ok {
		return fault.New(fault.Denied, "%s differs from what is declared at %s, and this identity may not change it", d.Ref(), path).
			Hint("have an administrator apply it, then run it again")
	}
	return nil
}

// unmark removes the marks of the owner that placing adds.
func unmark(o *object.Object) {
	for block, key := range map[string]string{"labels": object.LabelApp, "annotations": object.AnnotationOwner} {
		m, _ := o.Meta()[block].(map[string]any)
		delete(m, key)
		if len(m) == 0 {
			delete(o.Meta(), block)
		}
	}
}

// contains reports whether live says everything that want says; else path
// names the first field that differs. Lists must be equal in length: what is
// in one by mistake, a rule of a ClusterRole say, matters.
func contains(live, want any, path string) (where string, ok bool) {
	switch want := want.(type) {
	case map[string]any:
		have, ok := live.(map[string]any)
		if !ok && len(want) > 0 {
			return path, false
		}
		for _, k := range slices.Sorted(maps.Keys(want)) {
			if where, ok := contains(have[k], want[k], path+"."+k); !ok {
				return where, false
			}
		}
		return "", true
	case []any:
		have, _ := live.([]any)
		if len(have) != len(want) {
			return path, false
		}
		for i := range want {
			if where, ok := contains(have[i], want[i], fmt.Sprintf("%s[%d]", path, i)); !ok {
				return where, false
			}
		}
		return "", true
	}
	a, errA := json.Marshal(live)
	b, errB := json.Marshal(want)
	return path, errA == nil && errB == nil && string(a) == string(b)
}
