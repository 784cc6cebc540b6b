package yamledit

import (
	"bytes"
	"strings"

	"go.yaml.in/yaml/v3"
)

// writer writes what is added, in the style of a document.
type writer struct {
	unit, list int    // indentation of maps in maps, and of lists in maps
	eol        string // line end
	keys       yaml.Style
}

// additions are splices that add what a path leads to.
func (s *stream) additions(e Edit, at place, limit int) (list []Splice) {
	w := s.writer()
	var beside yaml.Style
	if at.node != nil {
		w.keys, beside = styles(at.node)
	}
	for _, value := range e.Value.texts(beside) {
		switch {
		case at.node == nil:
			list = append(list, s.line(len(s.layout.text), w.block(at.rest, value, 0), w.eol))
		case at.node.Kind == yaml.ScalarNode:
			list = append(list, s.under(at, w, value)...)
		case at.node.Style&yaml.FlowStyle != 0:
			list = append(list, s.inFlow(at, w, value)...)
		default:
			members, err := s.layout.Members(at.node, limit)
			if err != nil {
				return list
			}
			last := members[len(members)-1]
			lines := w.block(at.rest, value, s.layout.Column(members[0].Start))
			list = append(list, s.line(last.After, lines, w.eol))
			if last.Alone {
				// Behind a block of text without its last line end, which would
				// become part of it.
				list = append(list, s.line(last.Head, lines, w.eol))
			}
		}
	}
	return list
}

// writer looks at how a text is written.
func (s *stream) writer() writer {
	w := writer{unit: 2, list: -1, eol: "\n"}
	if i := bytes.IndexByte(s.layout.text, '\n'); i > 0 && s.layout.text[i-1] == '\r' {
		w.eol = "\r\n"
	}
	unit := 0
	var look func(*yaml.Node)
	look = func(y *yaml.Node) {
		if !block(y) {
			return
		}
		keys, values := parts(y)
		for i, v := range values {
			if keys != nil && block(v) && v.Line > keys[i].Line {
				switch by := v.Column - keys[i].Column; {
				case v.Kind == yaml.MappingNode && by > 0 && unit == 0:
					unit = by
				case v.Kind == yaml.SequenceNode && w.list < 0:
					w.list = by
				}
			}
			look(v)
		}
	}
	for _, root := range s.roots {
		if root != nil {
			look(root)
		}
	}
	if unit > 0 {
		w.unit = unit
	}
	if w.list < 0 {
		w.list = w.unit
	}
	return w
}

// styles are those of the last key of a map and of the last text in it.
func styles(y *yaml.Node) (keys, values yaml.Style) {
	names, list := parts(y)
	for i, v := range list {
		if names != nil {
			keys = names[i].Style
		}
		if v.Kind == yaml.ScalarNode && v.ShortTag() == "!!str" {
			values = v.Style & (yaml.DoubleQuotedStyle | yaml.SingleQuotedStyle)
		}
	}
	return keys, values
}

// line inserts lines at the beginning of a line, or behind a last line without
// its end, which the new last line then lacks too.
func (s *stream) line(pos int, lines []string, eol string) Splice {
	text := strings.Join(lines, eol)
	if pos > s.layout.starts[0] && s.layout.text[pos-1] != '\n' {
		return Splice{From: pos, To: pos, Text: eol + text}
	}
	return Splice{From: pos, To: pos, Text: text + eol}
}

// under adds below a key without a value: in the lines after it, or in place of
// a null that is written.
func (s *stream) under(at place, w writer, value string) []Splice {
	l := s.layout
	flow := w.flow(at.rest, value)
	if !Unwritten(at.node) {
		from := l.Content(at.node)
		return []Splice{{From: from, To: l.ScalarEnd(at.node, 0, len(l.text)), Text: flow}}
	}
	if at.key == nil {
		return nil
	}
	end := l.KeyEnd(at.key)
	if end < 0 {
		return nil
	}
	if !block(at.parent) {
		return []Splice{{From: end, To: end, Text: " " + flow}}
	}
	lines := w.block(at.rest, value, l.Column(l.At(at.key))+w.unit)
	return []Splice{s.line(l.After(end), lines, w.eol)}
}

// inFlow adds to a collection in brackets.
func (s *stream) inFlow(at place, w writer, value string) []Splice {
	l := s.layout
	text := w.flow(at.rest, value)
	text = text[1 : len(text)-1] // of the collection that is there
	keys, values := parts(at.node)
	if len(values) == 0 {
		pos := l.Content(at.node) + 1
		return []Splice{{From: pos, To: pos, Text: text}}
	}
	last := len(values) - 1
	start := l.At(values[last])
	end := l.End(values[last], 0, len(l.text))
	if keys != nil {
		start = l.At(keys[last])
		if Unwritten(values[last]) {
			if end = l.KeyEnd(keys[last]); end < 0 {
				end = l.ScalarEnd(keys[last], 0, len(l.text))
			}
		}
	}
	gap := " "
	if l.Alone(start) && l.LineStart(start) > l.At(at.node) {
		gap = w.eol + strings.Repeat(" ", l.Column(start))
	}
	list := []Splice{{From: end, To: end, Text: "," + gap + text}}
	rest := bytes.TrimLeft(l.text[end:], " \t\r\n")
	if len(rest) > 0 && rest[0] == ',' {
		pos := len(l.text) - len(rest) + 1
		list = []Splice{{From: pos, To: pos, Text: gap + text}}
	}
	return list
}

// block writes what a path adds as lines that begin at a column.
func (w writer) block(p Path, value string, column int) []string {
	pad := strings.Repeat(" ", column)
	step, rest := p[0], p[1:]
	if step.Kind == Select {
		head := pad + "- " + keyText(step.Field, w.keys) + ": " + String(step.Value).texts(0)[0]
		return append([]string{head}, w.block(rest, value, column+2)...)
	}
	key := pad + keyText(step.Key, w.keys) + ":"
	switch {
	case len(rest) == 0:
		return []string{key + " " + value}
	case rest[0].Kind == Select:
		return append([]string{key}, w.block(rest, value, column+w.list)...)
	}
	return append([]string{key}, w.block(rest, value, column+w.unit)...)
}

// flow writes what a path adds in brackets.
func (w writer) flow(p Path, value string) string {
	step, rest := p[0], p[1:]
	inner := value
	if len(rest) > 0 {
		inner = w.flow(rest, value)
	}
	if step.Kind == Select {
		// The rest is a map of its own: its pairs join the one that selects.
		name := String(step.Value).texts(w.keys)[0]
		return "[{" + keyText(step.Field, w.keys) + ": " + name + ", " + strings.TrimPrefix(inner, "{") + "]"
	}
	return "{" + keyText(step.Key, w.keys) + ": " + inner + "}"
}
