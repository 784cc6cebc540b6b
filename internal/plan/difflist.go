package plan

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// lists compares two lists: by key where items have keys, as sets where the
// items are keys, and else by place between what both have at the ends.
func (d *differ) lists(c cursor, from, to []any) {
	f, t, ok := c.elements(from, to)
	if !ok {
		d.places(c, from, to)
		return
	}
	for i, e := range f {
		if j := slices.Index(t, e); j >= 0 {
			d.values(c.item(e), from[i], to[j])
			continue
		}
		d.report(c.item(e), present(from[i]), nil)
	}
	for j, e := range t {
		if !slices.Contains(f, e) {
			d.report(c.item(e), nil, present(to[j]))
		}
	}
	d.order(c, f, t)
}

// order reports when items that both lists have stand in another order, since
// it means something in init containers and environments.
func (d *differ) order(c cursor, f, t []string) {
	common := slices.DeleteFunc(slices.Clone(f), func(e string) bool { return !slices.Contains(t, e) })
	now := slices.DeleteFunc(slices.Clone(t), func(e string) bool { return !slices.Contains(f, e) })
	if slices.Equal(common, now) {
		return
	}
	at := cursor{path: c.path.with("[order]"), keys: c.keys}
	d.report(at, strings.Join(common, " "), strings.Join(now, " "))
}

// places compares items by index, after leaving out what is equal at the start
// and at the end. Scalars of lists with different lengths are shown as the
// whole lists: half a command line says nothing.
func (d *differ) places(c cursor, from, to []any) {
	if len(from) != len(to) && !anyMap(from) && !anyMap(to) {
		d.report(c, from, to)
		return
	}
	start := 0
	for start < min(len(from), len(to)) && equal(from[start], to[start]) {
		start++
	}
	end := 0
	for end < min(len(from), len(to))-start && equal(from[len(from)-1-end], to[len(to)-1-end]) {
		end++
	}
	for i := start; i < max(len(from), len(to))-end; i++ {
		at := c.to("["+strconv.Itoa(i)+"]", "i:"+strconv.Itoa(i))
		switch {
		case i >= len(from)-end:
			d.report(at, nil, present(to[i]))
		case i >= len(to)-end:
			d.report(at, present(from[i]), nil)
		default:
			d.values(at, from[i], to[i])
		}
	}
}

// present keeps a null item apart from an item that is not there.
func present(item any) any {
	if item == nil {
		return "null"
	}
	return item
}

func anyMap(l []any) bool {
	return slices.ContainsFunc(l, func(v any) bool { _, ok := v.(map[string]any); return ok })
}

func equal(a, b any) bool {
	d := differ{}
	d.values(cursor{}, a, b)
	return len(d.found) == 0
}

// elements gives each item of both lists its path element, or false when they
// cannot be told apart by keys.
func (c cursor) elements(from, to []any) (f, t []string, ok bool) {
	keys, set := c.listKeys()
	if keys == nil && !set {
		keys = []string{"name"} // what most lists of objects without a schema have
	}
	f, okF := named(from, keys, set)
	t, okT := named(to, keys, set)
	return f, t, okF && okT
}

// listKeys reads from the field sets how the server tells the items of this
// list apart.
func (c cursor) listKeys() (keys []string, set bool) {
	for _, s := range c.sets {
		for key := range s {
			switch kind, body, _ := strings.Cut(key, ":"); kind {
			case "k":
				var m map[string]any
				if json.Unmarshal([]byte(body), &m) == nil && len(m) > 0 {
					return slices.Sorted(maps.Keys(m)), false
				}
			case "v":
				return nil, true
			}
		}
	}
	return nil, false
}

func named(list []any, keys []string, set bool) ([]string, bool) {
	out := make([]string, 0, len(list))
	seen := make(map[string]bool, len(list))
	for _, item := range list {
		e, ok := element(item, keys, set)
		if !ok || seen[e] {
			return nil, false
		}
		seen[e] = true
		out = append(out, e)
	}
	return out, true
}

func element(item any, keys []string, set bool) (string, bool) {
	if set {
		_, isMap := item.(map[string]any)
		return "[" + text(item) + "]", !isMap
	}
	m, ok := item.(map[string]any)
	if !ok {
		return "", false
	}
	parts := make([]string, 0, len(keys))
	for _, k := range keys {
		v, has := m[k]
		if !has && k == "protocol" {
			v, has = "TCP", true // the one default among keys of built-in kinds
		}
		if !has {
			return "", false
		}
		parts = append(parts, k+"="+text(v))
	}
	return "[" + strings.Join(parts, ",") + "]", true
}
