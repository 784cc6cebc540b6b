package flux

import (
	"strings"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
)

// order gives every item its group: what it depends on is ready in an earlier
// one. What a Kustomization declares is never earlier than itself, and one
// that waits is done with everything that it declares, as in Flux.
func (r *run) order() error {
	o := orderer{run: r, byRef: map[object.Ref]*item{}, children: map[*item][]*item{}, groups: map[*item]int{}}
	for _, it := range r.items {
		o.byRef[it.ref] = it
		if it.parent != nil {
			o.children[it.parent] = append(o.children[it.parent], it)
		}
	}
	for _, it := range r.items {
		group, err := o.group(it, nil)
		if err != nil {
			return err
		}
		it.group = group
	}
	return nil
}

type orderer struct {
	*run
	byRef    map[object.Ref]*item
	children map[*item][]*item
	groups   map[*item]int
}

// group is the group in which the objects of an item are applied. way are the
// items that wait for it.
func (o *orderer) group(it *item, way []*item) (int, error) {
	if g, ok := o.groups[it]; ok {
		return g, nil
	}
	for i, before := range way {
		if before == it {
			return 0, circle(append(way[i:], it))
		}
	}
	way = append(way, it)
	group := 0
	if it.parent != nil {
		g, err := o.group(it.parent, way)
		if err != nil {
			return 0, err
		}
		group = g
	}
	for _, ref := range it.dependsOn {
		dep := o.byRef[ref]
		if dep == nil {
			o.warn("%s depends on %s %s/%s, which is not rendered here: deploy its app first (dependsOn in tug.yaml)", it, ref.Kind, ref.Namespace, ref.Name)
			continue
		}
		g, err := o.done(dep, way)
		if err != nil {
			return 0, err
		}
		group = max(group, g+1)
	}
	o.groups[it] = group
	return group, nil
}

// done is the group after which an item counts as ready.
func (o *orderer) done(it *item, way []*item) (int, error) {
	group, err := o.group(it, way)
	if err != nil || it.kustomization == nil || !it.kustomization.Spec.Wait && len(it.kustomization.Spec.HealthChecks) == 0 {
		return group, err
	}
	for _, below := range o.children[it] {
		g, err := o.done(below, way)
		if err != nil {
			return 0, err
		}
		group = max(group, g)
	}
	return group, nil
}

func circle(way []*item) error {
	names := make([]string, len(way))
	for i, it := range way {
		names[i] = it.String()
	}
	return fault.New(fault.Invalid, "dependsOn leads in a circle: %s", strings.Join(names, " -> ")).
		Hint("remove one of these dependencies; what a Kustomization declares waits for it, too")
}
