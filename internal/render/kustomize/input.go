package kustomize

import (
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/render"
)

// input makes the objects that the build goes over the first resources of the
// outermost kustomization.
func (b *build) input(n *node) {
	m := manifest{objects: b.request.Input, marks: make([]mark, len(b.request.Input))}
	for i := range m.marks {
		m.marks[i].input = i + 1
	}
	n.k.Resources = append([]string{b.manifests(n, m)}, n.k.Resources...)
	n.changed = true
}

// overInput gives the result of a build over objects in their order, with what
// the overlay adds after them; or in the overlay's own order, where it asks for
// one. An object that the overlay left alone is the one that was given.
func (b *build) overInput(built []*object.Object, marks []mark, ordered bool) []*object.Object {
	if b.request.Input == nil {
		return built
	}
	places := make([][]*object.Object, len(b.request.Input)+1)
	for i, o := range built {
		at := marks[i].input
		if at < 1 || at >= len(places) {
			at = 0
		}
		if at > 0 {
			o = render.Settle(o, b.request.Input[at-1])
			built[i] = o
		}
		places[at] = append(places[at], o)
	}
	if ordered {
		return built
	}
	var out []*object.Object
	for _, list := range places[1:] {
		out = append(out, list...)
	}
	return append(out, places[0]...)
}
