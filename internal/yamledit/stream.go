package yamledit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tugops/tug/internal/fault"
)

// stream are the documents of a text; a nil root has no content.
type stream struct {
	name   string
	layout *Layout
	roots  []*yaml.Node
}

// read parses a text. The name is for errors.
func read(name string, text []byte) (*stream, error) {
	s := &stream{name: name, layout: NewLayout(text)}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var doc yaml.Node
		err := dec.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return s, nil
		}
		if err != nil {
			return nil, fault.New(fault.Invalid, "%s: %s", name, strings.TrimPrefix(err.Error(), "yaml: ")).
				Hint("only YAML without template language around it can be changed in place")
		}
		root := doc.Content[0]
		if root.Kind == yaml.ScalarNode && Unwritten(root) {
			root = nil
		}
		s.roots = append(s.roots, root)
	}
}

// fail is an error at a node.
func (s *stream) fail(at *yaml.Node, format string, args ...any) *fault.Error {
	place := s.name
	if at != nil {
		place = fmt.Sprintf("%s:%d", s.name, at.Line)
	}
	return fault.New(fault.Invalid, "%s: %s", place, fmt.Sprintf(format, args...))
}

// limit is where a document ends at the latest.
func (s *stream) limit(doc int) int {
	l := s.layout
	if s.roots[doc] == nil {
		return len(l.text)
	}
	for pos := l.After(l.At(s.roots[doc])); pos < len(l.text); pos = l.After(pos) {
		line := l.text[pos:l.LineEnd(pos)]
		for _, marker := range []string{"---", "..."} {
			if rest, ok := bytes.CutPrefix(line, []byte(marker)); ok && (len(rest) == 0 || rest[0] == ' ' || rest[0] == '\t') {
				return pos
			}
		}
	}
	return len(l.text)
}

// Match chooses a document by values in it: paths as ParsePath reads them, and
// the text of the scalar that is there.
type Match map[string]string

func (m Match) fits(root *yaml.Node) bool {
	for text, want := range m {
		p, err := ParsePath(text)
		if err != nil {
			return false
		}
		at := find(root, p)
		if len(at.rest) > 0 || at.node == nil || at.node.Kind != yaml.ScalarNode || at.node.Value != want {
			return false
		}
	}
	return true
}

// String is for errors.
func (m Match) String() string {
	var list []string
	for k, v := range m {
		list = append(list, k+"="+v)
	}
	return strings.Join(list, ",")
}

// document is the one that an edit is for: by its match, or the only one, or
// the only one that has the path.
func (s *stream) document(e Edit) (int, error) {
	var fitting, having, filled []int
	for i, root := range s.roots {
		if root == nil && len(s.roots) > 1 {
			continue
		}
		filled = append(filled, i)
		if e.In != nil && !e.In.fits(root) {
			continue
		}
		fitting = append(fitting, i)
		if root != nil && len(find(root, e.Path).rest) == 0 {
			having = append(having, i)
		}
	}
	switch {
	case e.In != nil && len(fitting) == 0:
		return 0, s.fail(nil, "no document has %s", e.In)
	case len(fitting) == 1:
		return fitting[0], nil
	case len(having) == 1:
		return having[0], nil
	case len(having) > 1:
		return 0, s.fail(find(s.roots[having[1]], e.Path).node, "%s is in %d documents", e.Path, len(having)).Hint("say which document is meant")
	case len(filled) > 1:
		return 0, s.fail(nil, "none of its %d documents has %s", len(filled), e.Path).Hint("say which document is meant")
	}
	return -1, nil
}
