package project

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// Values are values of a chart, written in tug.yaml. Dots in the keys of the
// outermost map separate levels, as in Helm's --set; "\." is a dot. Unlike
// there, values keep the type they have in YAML.
type Values map[string]any

// maxDepth bounds the nesting of values.
const maxDepth = 64

func (v *Values) decode(d *decoder, n *yaml.Node, f field) {
	if !d.isMap(n, f.name) {
		return
	}
	*v = Values{}
	for key, value := range d.pairs(n) {
		path := splitKey(key.Value)
		for _, step := range path {
			if step == "" || strings.ContainsAny(step, "[]") {
				d.report(key, "set a whole list, or use a values file", "key %q is not a path of names", key.Value)
				path = nil
				break
			}
		}
		if path == nil {
			continue
		}
		if !(*v).put(path, d.any(value, maxDepth)) {
			d.report(key, "keep one of them", "%s is set twice", key.Value)
		}
	}
}

func (*Values) schema() map[string]any { return map[string]any{"type": "object"} }

// put stores a value under a path; it is false when something else is there.
func (v Values) put(path []string, value any) bool {
	at := map[string]any(v)
	for _, step := range path[:len(path)-1] {
		next, ok := at[step].(map[string]any)
		if !ok {
			if _, taken := at[step]; taken {
				return false
			}
			next = map[string]any{}
			at[step] = next
		}
		at = next
	}
	last := path[len(path)-1]
	if before, taken := at[last]; taken {
		old, isMap := before.(map[string]any)
		add, both := value.(map[string]any)
		if !isMap || !both {
			return false
		}
		for key, item := range add {
			if !Values(old).put([]string{key}, item) {
				return false
			}
		}
		return true
	}
	at[last] = value
	return true
}

// splitKey splits at dots that no backslash protects.
func splitKey(key string) []string {
	var path []string
	var step strings.Builder
	for i := 0; i < len(key); i++ {
		switch {
		case key[i] == '\\' && i+1 < len(key) && key[i+1] == '.':
			i++
			step.WriteByte('.')
		case key[i] == '.':
			path = append(path, step.String())
			step.Reset()
		default:
			step.WriteByte(key[i])
		}
	}
	return append(path, step.String())
}

// any reads a value of any shape: maps, lists, text, numbers, booleans, null.
func (d *decoder) any(n *yaml.Node, depth int) any {
	n, ok := d.resolve(n)
	if !ok {
		return nil
	}
	if depth == 0 {
		d.report(n, "", "values are nested more than %d deep", maxDepth)
		d.nodes = maxNodes + 1
		return nil
	}
	switch n.Kind {
	case yaml.MappingNode:
		m := make(map[string]any, len(n.Content)/2)
		for key, value := range d.pairs(n) {
			m[key.Value] = d.any(value, depth-1)
		}
		return m
	case yaml.SequenceNode:
		list := make([]any, 0, len(n.Content))
		for _, item := range n.Content {
			list = append(list, d.any(item, depth-1))
		}
		return list
	}
	return d.scalar(n)
}

func (d *decoder) scalar(n *yaml.Node) any {
	switch n.ShortTag() {
	case "!!null":
		return nil
	case "!!str", "!!timestamp":
		return n.Value
	}
	var value any
	if err := n.Decode(&value); err != nil {
		d.report(n, "put it in quotes", "%q is not a value", n.Value)
		return nil
	}
	switch value.(type) {
	case bool, int, int64, uint64, string:
		return value
	case float64:
		if !strings.ContainsAny(strings.ToLower(n.Value), "ni") { // .nan, .inf
			return value
		}
	}
	d.report(n, "put it in quotes", "%q has no form in JSON", n.Value)
	return nil
}
