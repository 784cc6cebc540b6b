package snapshot

import (
	"context"
	"maps"

	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/render"
)

// markStable gives objects that hold random values made just now the hash they
// would have with placeholders in their place. A plan and the deploy that
// follows it make different values, and must still have the same plan hash,
// or nobody could agree to the first deploy of such an app. objects are in the
// order in which the engines gave them; it costs a second render, and only
// where a value was made.
func (b Builder) markStable(ctx context.Context, in Input, s *Snapshot, objects []*object.Object, made map[string]bool) error {
	if len(made) == 0 {
		return nil
	}
	values := maps.Clone(s.Generated)
	placeholder := render.Placeholders()
	for key := range made {
		value, err := placeholder(key, nil)
		if err != nil {
			value = "tugrandom"
		}
		values[key] = value
	}
	again := in
	again.Random = Record
	again.Recorded = func(context.Context) (map[string]string, error) { return values, nil }
	scratch := &Snapshot{App: s.App, Namespace: s.Namespace, KubeVersion: s.KubeVersion}
	rendered, _, err := b.render(ctx, again, scratch)
	if err != nil {
		return err
	}
	if rendered, err = finish(again, scratch, rendered); err != nil {
		return err
	}
	// A template may render something else for other values: then there is
	// nothing to compare with, and the real values count.
	if len(rendered) != len(objects) {
		return nil
	}
	for i, o := range rendered {
		if err := o.Normalize(); err != nil {
			return err
		}
		objects[i].Stable = o.Hash()
	}
	return nil
}

// dropSameStable leaves Stable only on objects that hold a new random value.
func (s *Snapshot) dropSameStable() {
	for _, o := range s.Objects {
		if o.Stable != "" && o.Stable == o.Hash() {
			o.Stable = ""
		}
	}
}
