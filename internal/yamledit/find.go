package yamledit

import "go.yaml.in/yaml/v3"

// place is where a path leads.
type place struct {
	// node is the value, or the nearest one above it that is there.
	node *yaml.Node
	// key is that of node in a map. parent holds node, at index among its
	// pairs or items.
	key, parent *yaml.Node
	index       int
	// trail are the values from the root to node.
	trail []*yaml.Node
	// rest are the steps that lead to nothing.
	rest Path
	// twice says that the key of the last step stands more than once.
	twice bool
}

// find follows a path from a root, not through aliases.
func find(root *yaml.Node, p Path) place {
	at := place{node: root, rest: p}
	if root != nil {
		at.trail = []*yaml.Node{root}
	}
	for len(at.rest) > 0 && at.node != nil && !at.twice {
		i, twice := member(at.node, at.rest[0])
		if i < 0 {
			return at
		}
		parent := at.node
		keys, values := parts(parent)
		at.parent, at.index, at.node, at.key, at.twice = parent, i, values[i], nil, twice
		if keys != nil {
			at.key = keys[i]
		}
		at.trail, at.rest = append(at.trail, at.node), at.rest[1:]
	}
	return at
}

// member is the index of what a step leads to, -1 without.
func member(y *yaml.Node, s Step) (index int, twice bool) {
	index = -1
	keys, values := parts(y)
	switch {
	case s.Kind == Key && y.Kind == yaml.MappingNode:
		for i, k := range keys {
			if k.Kind == yaml.ScalarNode && k.Value == s.Key {
				index, twice = i, index >= 0
			}
		}
	case s.Kind == Index && y.Kind == yaml.SequenceNode && s.Index < len(values):
		return s.Index, false
	case s.Kind == Select && y.Kind == yaml.SequenceNode:
		for i, v := range values {
			at := find(v, Keys(s.Field))
			if v.Kind == yaml.MappingNode && len(at.rest) == 0 && at.node.Kind == yaml.ScalarNode && at.node.Value == s.Value {
				index, twice = i, index >= 0
			}
		}
	}
	return index, twice
}
