package yamledit

import (
	"bytes"

	"go.yaml.in/yaml/v3"
)

// Member is where a pair or item of a block collection stands in its text.
type Member struct {
	Head  int // of its comments
	Start int // of its key or dash
	Value int // of its value
	End   int // of its value, without comments
	After int // of the next line
	Alone bool
}

// Members finds the members of a block collection, which ends at limit at the
// latest.
func (l *Layout) Members(y *yaml.Node, limit int) ([]Member, error) {
	keys, values := parts(y)
	list := make([]Member, len(values))
	for i := range values {
		start := 0
		if keys != nil {
			start = l.At(keys[i])
		} else if start = l.Dash(y, i); start < 0 {
			return nil, ErrNoSplice
		}
		list[i] = Member{Start: start, Alone: l.Alone(start)}
	}
	floor := l.starts[0]
	for i := range list {
		m := &list[i]
		stop := limit
		if i+1 < len(list) {
			stop = l.LineStart(list[i+1].Start)
		}
		m.Value = l.At(values[i])
		switch {
		case Unwritten(values[i]) && keys != nil:
			m.End = l.KeyEnd(keys[i])
			m.Value = m.End
		case Unwritten(values[i]):
			m.End = m.Start + 1
			m.Value = m.End
		default:
			m.End = l.End(values[i], l.Column(m.Start), stop)
		}
		if m.End < m.Start || m.End > max(stop, m.Start) {
			return nil, ErrNoSplice
		}
		m.After = l.After(m.End)
		if m.Head = m.Start; m.Alone {
			m.Head = l.Head(m.Start, floor)
		}
		floor = m.After
	}
	return list, nil
}

// parts are the keys and values of a mapping, or the items of a sequence.
func parts(y *yaml.Node) (keys, values []*yaml.Node) {
	if y.Kind != yaml.MappingNode {
		return nil, y.Content
	}
	keys = make([]*yaml.Node, 0, len(y.Content)/2)
	for i := 0; i+1 < len(y.Content); i += 2 {
		keys, values = append(keys, y.Content[i]), append(values, y.Content[i+1])
	}
	return keys, values
}

// Limit is where a collection of a column ends at the latest: at the next line
// with less indentation that is no comment.
func (l *Layout) Limit(start, column int) int {
	for line := l.After(start); line < len(l.text); line = l.After(line) {
		text := l.text[line:l.LineEnd(line)]
		trimmed := bytes.TrimLeft(text, " ")
		if len(trimmed) > 0 && trimmed[0] != '#' && len(text)-len(trimmed) < column {
			return line
		}
	}
	return len(l.text)
}
