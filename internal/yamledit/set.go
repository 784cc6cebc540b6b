package yamledit

import (
	"bytes"

	"go.yaml.in/yaml/v3"

	"github.com/tugops/tug/internal/fault"
)

// Edit sets one value.
type Edit struct {
	// In chooses the document; without it there is one, or one that has Path.
	In    Match
	Path  Path
	Value Value
	// Existing refuses to add what is not there.
	Existing bool
	// Force replaces block scalars and aliases, and values that aliases repeat.
	Force bool
}

// Set makes edits, one after the other. The name is for errors. What is set
// already changes nothing; a key that is missing is added in the style around
// it. The result is checked: it has the same documents, keys, anchors and
// values as the text, but for what was asked.
func Set(name string, text []byte, edits ...Edit) ([]byte, error) {
	for _, e := range edits {
		out, err := set(name, text, e)
		if err != nil {
			return nil, err
		}
		text = out
	}
	return text, nil
}

func set(name string, text []byte, e Edit) ([]byte, error) {
	if len(e.Path) == 0 {
		return nil, fault.New(fault.Usage, "%s: the path is empty", name).Hint(pathHint)
	}
	s, err := read(name, text)
	if err != nil {
		return nil, err
	}
	doc, err := s.document(e)
	if err != nil {
		return nil, err
	}
	if doc < 0 {
		s.roots, doc = append(s.roots, nil), len(s.roots)
	}
	at := find(s.roots[doc], e.Path)
	if len(at.rest) == 0 && e.Value.over(at.node).is(at.node) {
		return text, nil
	}
	if err := s.allowed(e, at); err != nil {
		return nil, err
	}
	for _, c := range s.candidates(e, at, s.limit(doc)) {
		out, err := Join(text, []Splice{c})
		if err != nil {
			continue
		}
		if s.became(out, doc, e, at) {
			return out, nil
		}
	}
	return nil, s.fail(at.node, "%s cannot be set in place", e.Path).
		Hint("the layout around it is too unusual; write the value in a line of its own")
}

// allowed refuses edits that would change more than one value, or lose text.
func (s *stream) allowed(e Edit, at place) error {
	path := e.Path[:len(e.Path)-len(at.rest)]
	n := at.node
	switch {
	case at.twice:
		return s.fail(n, "%s is there twice", path).Hint("remove one of the two")
	case n != nil && n.Kind == yaml.AliasNode && (len(at.rest) > 0 || !e.Force):
		return s.fail(n, "%s is the alias *%s of a value elsewhere", path, n.Value).
			Hint("set the value that has the anchor &%s, or write a value of its own here", n.Value)
	case len(at.rest) == 0 && n.Kind != yaml.ScalarNode && n.Kind != yaml.AliasNode:
		return s.fail(n, "%s is a %s, no single value", path, kindName(n)).Hint("name a value in it")
	case len(at.rest) == 0 && n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 && !e.Force:
		return s.fail(n, "%s is a block of text, which is not replaced", path).Hint("write the value in one line")
	case len(at.rest) > 0 && e.Existing:
		return s.missing(at, path)
	case len(at.rest) > 0 && n != nil:
		if err := s.addable(at, path); err != nil {
			return err
		}
	}
	if e.Force {
		return nil
	}
	for i, y := range at.trail {
		if line := aliasOf(at.trail[0], y); y.Anchor != "" && line != nil {
			return s.fail(n, "%s has the anchor &%s, which line %d repeats: both would change", orTop(path[:i]), y.Anchor, line.Line).
				Hint("write the value out in one of the two places")
		}
	}
	return nil
}

func orTop(p Path) string {
	if len(p) == 0 {
		return "the document"
	}
	return p.String()
}

// missing names what is there instead.
func (s *stream) missing(at place, path Path) error {
	e := s.fail(at.node, "there is no %s", append(path[:len(path):len(path)], at.rest[0]))
	if at.node == nil || at.node.Kind != yaml.MappingNode || at.rest[0].Kind != Key {
		return e
	}
	var known []string
	keys, _ := parts(at.node)
	for _, k := range keys {
		known = append(known, k.Value)
	}
	for _, near := range fault.Nearest(at.rest[0].Key, known, 1) {
		e.Hint("did you mean %s?", path.Child(near))
	}
	return e
}

// addable reports whether the steps that are missing can be added.
func (s *stream) addable(at place, path Path) error {
	first := at.rest[0]
	null := at.node.Kind == yaml.ScalarNode && at.node.ShortTag() == "!!null"
	fits := null && first.Kind == Key || first.Kind == Key && at.node.Kind == yaml.MappingNode ||
		first.Kind == Select && at.node.Kind == yaml.SequenceNode
	for i, step := range at.rest {
		last := i == len(at.rest)-1
		if step.Kind == Index || step.Kind == Select && last {
			return s.missing(at, path)
		}
	}
	if fits {
		return nil
	}
	if first.Kind == Key && at.node.Kind != yaml.MappingNode {
		return s.fail(at.node, "%s is a %s, no map, so that there can be no %s in it", orTop(path), kindName(at.node), first.Key)
	}
	return s.missing(at, path)
}

func kindName(y *yaml.Node) string {
	switch y.Kind {
	case yaml.MappingNode:
		return "map"
	case yaml.SequenceNode:
		return "list"
	}
	return "single value"
}

// aliasOf is an alias of a node below root, nil without.
func aliasOf(root, target *yaml.Node) *yaml.Node {
	if root.Kind == yaml.AliasNode {
		if root.Alias == target {
			return root
		}
		return nil
	}
	for _, c := range root.Content {
		if found := aliasOf(c, target); found != nil {
			return found
		}
	}
	return nil
}

// candidates are splices that may do it, best first.
func (s *stream) candidates(e Edit, at place, limit int) (list []Splice) {
	// What is odd enough to break the search for the ends of nodes is refused.
	defer func() {
		if recover() != nil {
			list = nil
		}
	}()
	if len(at.rest) > 0 || at.node == nil {
		return s.additions(e, at, limit)
	}
	from, to, lead, err := s.extent(at, limit)
	if err != nil {
		return nil
	}
	for _, text := range e.Value.over(at.node).texts(at.node.Style) {
		list = append(list, Splice{From: from, To: to, Text: lead + text})
	}
	return list
}

// extent is where a scalar or alias stands, and what to write before it.
func (s *stream) extent(at place, limit int) (from, to int, lead string, err error) {
	l := s.layout
	if block(at.parent) {
		list, err := l.Members(at.parent, limit)
		if err != nil {
			return 0, 0, "", err
		}
		m := list[at.index]
		if Unwritten(at.node) {
			return m.End, m.End, " ", nil
		}
		return l.Content(at.node), m.End, "", nil
	}
	if !Unwritten(at.node) {
		return l.Content(at.node), l.ScalarEnd(at.node, 0, limit), "", nil
	}
	if at.key == nil {
		return 0, 0, "", ErrNoSplice
	}
	if end := l.KeyEnd(at.key); end >= 0 {
		return end, end, " ", nil
	}
	end := l.ScalarEnd(at.key, 0, limit)
	return end, end, ": ", nil
}

func block(y *yaml.Node) bool {
	return y != nil && (y.Kind == yaml.MappingNode || y.Kind == yaml.SequenceNode) && y.Style&yaml.FlowStyle == 0
}

// became reads a result and compares it with what it must be.
func (s *stream) became(out []byte, doc int, e Edit, at place) bool {
	now, err := read(s.name, out)
	if err != nil || bytes.Equal(out, s.layout.text) {
		return false
	}
	was := s.roots
	if len(was) != len(now.roots) {
		return false
	}
	for i := range was {
		if i == doc {
			if !changed(was[i], now.roots[i], e.Path, e.Value.over(leaf(at))) {
				return false
			}
		} else if !equal(was[i], now.roots[i]) {
			return false
		}
	}
	return true
}

// leaf is the scalar that is replaced, nil when a value is added.
func leaf(at place) *yaml.Node {
	if len(at.rest) > 0 {
		return nil
	}
	return at.node
}
