package yamlmerge

import (
	"bytes"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tugops/tug/internal/yamledit"
)

// Mark writes kpt's identity marks into a resource that was fetched: the
// comment behind metadata, and the annotation. What is marked already, or has
// no metadata in lines of its own, stays as it is.
func Mark(text []byte) []byte {
	root, err := parse(text)
	if err != nil || !root.mapping() {
		return text
	}
	id, known := identity(root)
	i, has := root.index["metadata"]
	meta := root.get("metadata")
	if !known || !has || id.Name == "" || !meta.mapping() || !meta.block() {
		return text
	}
	namespace := id.Namespace
	if namespace == "" {
		namespace = "default"
	}
	value := strings.Join([]string{id.Group, id.Kind, namespace, id.Name}, "|")
	marked, ok := Set(text, []string{"metadata", "annotations", upstreamMark}, value)
	if !ok || root.keys[i].LineComment != "" {
		return orElse(marked, ok, text)
	}
	l := yamledit.NewLayout(marked)
	again, err := parse(marked)
	if err != nil {
		return text
	}
	end := l.KeyEnd(again.keys[again.index["metadata"]])
	if end < 0 || len(bytes.TrimSpace(marked[end:l.LineEnd(end)])) > 0 {
		return marked
	}
	comment := " # " + mergeMark + " " + id.Namespace + "/" + id.Name
	out := bytes.Join([][]byte{marked[:end], marked[l.LineEnd(end):]}, []byte(comment))
	if !says(out, again) {
		return marked
	}
	return out
}

func orElse(text []byte, ok bool, other []byte) []byte {
	if ok {
		return text
	}
	return other
}

// Set sets a text at a path of maps, making those that are missing. It is not
// ok when the path leads through something else, or a map in flow style.
func Set(text []byte, path []string, value string) ([]byte, bool) {
	root, err := parse(text)
	if err != nil || !root.mapping() {
		return nil, false
	}
	r, changed := setIn(root, path, value)
	if r == nil || !changed {
		return text, r != nil
	}
	want, err := build(r.yaml())
	if err != nil {
		return nil, false
	}
	out, err := splice(text, nil, r)
	return out, err == nil && says(out, want)
}

// setIn is the result of setting a value in a map: nil when it cannot be.
func setIn(n *node, path []string, value string) (r *result, changed bool) {
	if !n.mapping() {
		return nil, false
	}
	// What is added is theirs, from a map in flow style, so that it is written
	// in the library's style.
	r = &result{base: n, other: &node{y: &yaml.Node{Kind: yaml.MappingNode, Style: yaml.FlowStyle}}}
	found := false
	for i, key := range n.keys {
		p := part{key: key, ours: i, their: -1, val: take(n.kids[i], false)}
		if key.Value == path[0] {
			found = true
			switch {
			case len(path) > 1:
				if p.val, changed = setIn(n.kids[i], path[1:], value); p.val == nil {
					return nil, false
				}
				if !changed {
					return take(n, false), false
				}
			case n.kids[i].scalar() && n.kids[i].y.Value == value && n.kids[i].y.ShortTag() == "!!str":
				return take(n, false), false
			default:
				p.val = &result{leaf: leafOf(path, value), theirs: true}
			}
		}
		r.parts = append(r.parts, p)
	}
	if !found {
		key := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: path[0]}
		r.parts = append(r.parts, part{key: key, ours: -1, their: 0, val: &result{leaf: leafOf(path, value), theirs: true}})
	}
	return r, true
}

// leafOf is a value below the maps that lead to it.
func leafOf(path []string, value string) *node {
	y := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value}
	for i := len(path) - 1; i > 0; i-- {
		key := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: path[i]}
		y = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Content: []*yaml.Node{key, y}}
	}
	n, err := build(y)
	if err != nil {
		return nil
	}
	return n
}

// Drop removes top-level fields of a document, with the comments above them.
func Drop(text []byte, fields ...string) []byte {
	root, err := parse(text)
	if err != nil || !root.mapping() {
		return text
	}
	r := &result{base: root}
	for i, key := range root.keys {
		keep := true
		for _, f := range fields {
			keep = keep && key.Value != f
		}
		if keep {
			r.parts = append(r.parts, part{key: key, ours: i, their: -1, val: take(root.kids[i], false)})
		}
	}
	if len(r.parts) == len(root.keys) {
		return text
	}
	want, err := build(r.yaml())
	if err != nil {
		return text
	}
	out, err := splice(text, nil, r)
	if err == nil && says(out, want) {
		return out
	}
	if again, err := encode(r.yaml(), "\n"); err == nil {
		return []byte(again)
	}
	return text
}
