package yamledit

import (
	"slices"

	"go.yaml.in/yaml/v3"
)

// equal reports whether two trees are the same: kinds, tags, values, anchors,
// aliases and the order of keys. Styles and comments are text, which only the
// splice touches.
func equal(a, b *yaml.Node) bool {
	if a == nil || b == nil {
		return a == b
	}
	return alike(a, b) && a.Value == b.Value && slices.EqualFunc(a.Content, b.Content, equal)
}

// alike compares two nodes without what is in them.
func alike(a, b *yaml.Node) bool {
	return a.Kind == b.Kind && a.Anchor == b.Anchor && (a.Kind == yaml.AliasNode || a.ShortTag() == b.ShortTag())
}

// changed reports whether b is a with the value at a path set, and nothing
// else.
func changed(a, b *yaml.Node, p Path, v Value) bool {
	switch {
	case b == nil:
		return false
	case len(p) == 0:
		return v.is(b) && (a == nil || a.Kind == yaml.AliasNode || a.Anchor == b.Anchor)
	case a == nil || a.Kind == yaml.ScalarNode && a.ShortTag() == "!!null" && b.Kind != yaml.ScalarNode:
		return made(b, p, v) && (a == nil || a.Anchor == b.Anchor)
	case !alike(a, b):
		return false
	}
	keysA, inA := parts(a)
	keysB, inB := parts(b)
	at, _ := member(a, p[0])
	if at >= 0 {
		return len(inA) == len(inB) && slices.EqualFunc(keysA, keysB, equal) &&
			changed(inA[at], inB[at], p[1:], v) &&
			slices.EqualFunc(slices.Delete(slices.Clone(inA), at, at+1), slices.Delete(slices.Clone(inB), at, at+1), equal)
	}
	at, _ = member(b, p[0])
	if at < 0 || len(inB) != len(inA)+1 {
		return false
	}
	if keysA != nil || keysB != nil {
		keysB = slices.Delete(slices.Clone(keysB), at, at+1)
	}
	added := inB[at]
	return slices.EqualFunc(keysA, keysB, equal) && slices.EqualFunc(inA, slices.Delete(slices.Clone(inB), at, at+1), equal) &&
		item(added, p, v)
}

// item reports whether a node is what a path adds in its first step.
func item(y *yaml.Node, p Path, v Value) bool {
	if p[0].Kind != Select {
		return made(y, p[1:], v)
	}
	if y.Kind != yaml.MappingNode || len(y.Content) != 4 || y.Content[0].Value != p[0].Field || y.Content[1].Value != p[0].Value {
		return false
	}
	rest := *y
	rest.Content = y.Content[2:]
	return made(&rest, p[1:], v)
}

// made reports whether a node has a path and nothing else.
func made(y *yaml.Node, p Path, v Value) bool {
	if y.Anchor != "" {
		return false
	}
	if len(p) == 0 {
		return v.is(y)
	}
	i, _ := member(y, p[0])
	_, values := parts(y)
	return i == 0 && len(values) == 1 && item(values[0], p, v)
}
