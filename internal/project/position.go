package project

import "go.yaml.in/yaml/v3"

// source is the YAML that a project was read from. Positions are looked up
// when they are needed instead of being kept for every value.
type source struct {
	tree *yaml.Node
	apps map[string]entry // of the map of apps, which can be long
}

type entry struct{ key, value *yaml.Node }

func newSource(tree *yaml.Node) *source {
	s := &source{tree: tree, apps: map[string]entry{}}
	if apps := resolved(s.locate("apps")); apps != nil && apps.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(apps.Content); i += 2 {
			name := resolved(apps.Content[i]).Value
			if _, twice := s.apps[name]; !twice {
				s.apps[name] = entry{apps.Content[i], apps.Content[i+1]}
			}
		}
	}
	return s
}

// locate is the value at the end of a trail of keys and indexes, or nil.
func (s *source) locate(trail ...any) *yaml.Node {
	e, whole := s.follow(trail)
	if !whole {
		return nil
	}
	return e.value
}

// follow goes along a trail as far as it leads, and says whether that is all
// of it. The key is nil for items of lists.
func (s *source) follow(trail []any) (e entry, whole bool) {
	e.value = s.tree
	for i, step := range trail {
		var next entry
		if name, ok := step.(string); ok && i == 1 && trail[0] == "apps" && len(s.apps) > 0 {
			next = s.apps[name]
		} else {
			next.key, next.value = child(resolved(e.value), step)
		}
		if next.value == nil {
			return e, false
		}
		e = next
	}
	return e, true
}

// position is that of the value at the end of a trail, or of its key, or of
// the last value on the way that exists.
func (p *Project) position(ofKey bool, trail []any) Position {
	if p.source == nil {
		return Position{}
	}
	e, whole := p.source.follow(trail)
	n := e.value
	if ofKey && whole && e.key != nil {
		n = e.key
	}
	return Position{File: p.File, Line: n.Line, Column: n.Column}
}

// child is a key and value of a map, or an item of a list. Index 0 of a text
// is the text, since lists of one may be written without brackets.
func child(n *yaml.Node, step any) (key, value *yaml.Node) {
	if n == nil {
		return nil, nil
	}
	switch step := step.(type) {
	case string:
		if n.Kind != yaml.MappingNode {
			return nil, nil
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			if resolved(n.Content[i]).Value == step {
				return n.Content[i], n.Content[i+1]
			}
		}
	case int:
		if n.Kind == yaml.SequenceNode && step < len(n.Content) {
			return nil, n.Content[step]
		}
		if n.Kind == yaml.ScalarNode && step == 0 {
			return nil, n
		}
	}
	return nil, nil
}

func resolved(n *yaml.Node) *yaml.Node {
	if n != nil && n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}
