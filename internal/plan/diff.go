package plan

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/tugops/tug/internal/object"
)

// difference is one Field with its real values. keys is the same path in the
// words of managedFields.
type difference struct {
	path     path
	keys     []string
	from, to any
	manager  string
}

// serverOnly are the fields of metadata that a server alone sets.
var serverOnly = []string{
	"managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink",
	"deletionTimestamp", "deletionGracePeriodSeconds",
}

// diffObjects gives the differences between two states of one object, status
// and what only a server sets left out. Items of list-maps are matched by the
// keys that sets know, so that lists of custom resources are matched as well.
func diffObjects(from, to *object.Object, sets []fieldSet) []difference {
	d := differ{}
	root := cursor{sets: sets}
	names := slices.Sorted(maps.Keys(union(from.Fields, to.Fields)))
	for _, name := range names {
		switch name {
		case "status":
		case "metadata":
			d.maps(root.field(name), without(from.Meta(), serverOnly), without(to.Meta(), serverOnly))
		default:
			d.values(root.field(name), from.Fields[name], to.Fields[name])
		}
	}
	return d.found
}

// cursor is a place in an object and the field sets that have it.
type cursor struct {
	path path
	keys []string
	sets []fieldSet
}

func (c cursor) to(element, key string) cursor {
	next := cursor{path: c.path.with(element), keys: append(slices.Clone(c.keys), key)}
	for _, s := range c.sets {
		if child, ok := s.child(key); ok {
			next.sets = append(next.sets, child)
		}
	}
	return next
}

func (c cursor) field(name string) cursor { return c.to(name, "f:"+name) }

// item moves to an item of a list by its element, "[name=web]". An item that
// no set knows gets a key that no set has.
func (c cursor) item(element string) cursor {
	for _, s := range c.sets {
		for key := range s {
			if key != "." && !strings.HasPrefix(key, "f:") && keyAsElement(key) == element {
				return c.to(element, key)
			}
		}
	}
	return c.to(element, "?:"+element)
}

type differ struct{ found []difference }

func (d *differ) report(c cursor, from, to any) {
	d.found = append(d.found, difference{path: c.path, keys: c.keys, from: from, to: to})
}

func (d *differ) values(c cursor, from, to any) {
	if from == nil && to == nil {
		return
	}
	if c.free() {
		from, to = orEmpty(from), orEmpty(to)
	}
	switch f := from.(type) {
	case map[string]any:
		if t, ok := to.(map[string]any); ok {
			d.maps(c, f, t)
			return
		}
	case []any:
		if t, ok := to.([]any); ok {
			d.lists(c, f, t)
			return
		}
	default:
		if from != nil && to != nil && sameScalar(from, to) {
			return
		}
	}
	d.report(c, from, to)
}

// free reports whether c is at a map of free keys, whose entries are told one
// by one even where the map itself comes or goes.
func (c cursor) free() bool {
	switch len(c.path) {
	case 1:
		return c.path[0] == "data" || c.path[0] == "binaryData"
	case 2:
		return c.path[0] == "metadata" && (c.path[1] == "labels" || c.path[1] == "annotations")
	}
	return false
}

func orEmpty(v any) any {
	if v == nil {
		return map[string]any{}
	}
	return v
}

func (d *differ) maps(c cursor, from, to map[string]any) {
	for _, name := range slices.Sorted(maps.Keys(union(from, to))) {
		f, t := from[name], to[name]
		if f == nil && t == nil || sameQuick(f, t) {
			continue
		}
		d.values(c.field(name), f, t)
	}
}

// sameQuick spares the bookkeeping of a cursor for equal scalars, which most
// fields are.
func sameQuick(f, t any) bool {
	switch f := f.(type) {
	case string:
		s, ok := t.(string)
		return ok && s == f
	case bool:
		b, ok := t.(bool)
		return ok && b == f
	case int64:
		i, ok := t.(int64)
		return ok && i == f
	}
	return false
}

// sameScalar compares numbers by their text, since one side may have come from
// a file and the other from a server.
func sameScalar(a, b any) bool {
	if _, ok := b.(map[string]any); ok {
		return false
	}
	if _, ok := b.([]any); ok {
		return false
	}
	_, aText := a.(string)
	_, bText := b.(string)
	return aText == bText && text(a) == text(b)
}

// text is the text of a scalar.
func text(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	data, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(data)
}

func union(a, b map[string]any) map[string]any {
	out := make(map[string]any, len(a)+len(b))
	maps.Copy(out, a)
	maps.Copy(out, b)
	return out
}

func without(m map[string]any, names []string) map[string]any {
	out := maps.Clone(m)
	for _, n := range names {
		delete(out, n)
	}
	return out
}
