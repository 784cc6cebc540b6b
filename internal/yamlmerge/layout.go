package yamlmerge

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// layout finds out where nodes begin and end in a text. The YAML library knows
// only where they begin; what is found here is checked by reading the result
// of every splice again.
type layout struct {
	text   []byte
	starts []int // offset of every line
}

func newLayout(text []byte) *layout {
	l := &layout{text: text, starts: []int{0}}
	for i, c := range text {
		if c == '\n' {
			l.starts = append(l.starts, i+1)
		}
	}
	return l
}

// at is the offset of a node or key.
func (l *layout) at(y *yaml.Node) int {
	if y.Line < 1 || y.Line > len(l.starts) {
		return len(l.text)
	}
	pos := l.starts[y.Line-1]
	for range y.Column - 1 {
		if pos >= len(l.text) {
			break
		}
		_, size := utf8.DecodeRune(l.text[pos:])
		pos += size
	}
	return pos
}

// lineOf is the number of the line that holds an offset, from 0.
func (l *layout) lineOf(pos int) int {
	i, found := slices.BinarySearch(l.starts, pos)
	if !found {
		i--
	}
	return i
}

// lineStart is where the line of an offset begins, lineEnd where it ends,
// before its line end.
func (l *layout) lineStart(pos int) int { return l.starts[l.lineOf(pos)] }

func (l *layout) lineEnd(pos int) int {
	if i := bytes.IndexByte(l.text[pos:], '\n'); i >= 0 {
		end := pos + i
		if end > pos && l.text[end-1] == '\r' {
			end--
		}
		return end
	}
	return len(l.text)
}

// after is the offset of the line after the one of an offset.
func (l *layout) after(pos int) int {
	if i := bytes.IndexByte(l.text[pos:], '\n'); i >= 0 {
		return pos + i + 1
	}
	return len(l.text)
}

// column is the number of bytes before an offset in its line.
func (l *layout) column(pos int) int { return pos - l.lineStart(pos) }

// alone reports whether only white space stands before an offset in its line.
func (l *layout) alone(pos int) bool {
	return len(bytes.Trim(l.text[l.lineStart(pos):pos], " ")) == 0
}

// content passes over the anchor and tag of a node.
func (l *layout) content(y *yaml.Node) int {
	pos := l.at(y)
	for pos < len(l.text) && (l.text[pos] == '&' || l.text[pos] == '!') {
		for pos < len(l.text) && !strings.ContainsRune(" \t\r\n", rune(l.text[pos])) {
			pos++
		}
		for pos < len(l.text) && (l.text[pos] == ' ' || l.text[pos] == '\t') {
			pos++
		}
	}
	return pos
}

// keyEnd is the offset after the colon of a key, or -1.
func (l *layout) keyEnd(key *yaml.Node) int {
	pos := l.scalarEnd(key, 0, len(l.text))
	for pos < len(l.text) && l.text[pos] == ' ' {
		pos++
	}
	if pos < len(l.text) && l.text[pos] == ':' {
		return pos + 1
	}
	return -1
}

// empty tells a value that is not written at all.
func empty(n *node) bool {
	return n.scalar() && n.y.Value == "" && n.y.Style == 0 && n.y.Anchor == ""
}

// end is the offset after the last byte of a node, comments not counted. indent
// is the column of the collection around it, limit where it ends at the latest.
func (l *layout) end(n *node, indent, limit int) int {
	switch {
	case n.y.Kind == yaml.AliasNode || n.scalar():
		return l.scalarEnd(n.y, indent, limit)
	case n.flow():
		return l.flowEnd(l.content(n.y))
	case n.mapping():
		last := len(n.kids) - 1
		column := l.column(l.at(n.keys[last]))
		if empty(n.kids[last]) {
			return l.keyEnd(n.keys[last])
		}
		return l.end(n.kids[last], column, limit)
	default:
		last := len(n.kids) - 1
		dash := l.dash(n, last)
		if dash < 0 || empty(n.kids[last]) {
			return dash + 1
		}
		return l.end(n.kids[last], l.column(dash), limit)
	}
}

// scalarEnd is end for scalars.
func (l *layout) scalarEnd(y *yaml.Node, indent, limit int) int {
	pos := l.content(y)
	switch {
	case y.Kind == yaml.AliasNode:
		return min(pos+1+len(y.Value), len(l.text))
	case y.Style&yaml.DoubleQuotedStyle != 0:
		return l.quoted(pos, '"')
	case y.Style&yaml.SingleQuotedStyle != 0:
		return l.quoted(pos, '\'')
	case y.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return l.blockEnd(pos, indent, limit)
	case bytes.HasPrefix(l.text[min(pos, len(l.text)):], []byte(y.Value)):
		return pos + len(y.Value)
	}
	return l.plainEnd(pos, limit)
}

// quoted is the offset after the closing quote.
func (l *layout) quoted(pos int, quote byte) int {
	for i := pos + 1; i < len(l.text); i++ {
		switch c := l.text[i]; {
		case quote == '"' && c == '\\':
			i++
		case c == quote && quote == '\'' && i+1 < len(l.text) && l.text[i+1] == quote:
			i++
		case c == quote:
			return i + 1
		}
	}
	return len(l.text)
}

// blockEnd is the end of a literal or folded scalar, whose header is at pos.
func (l *layout) blockEnd(pos, indent, limit int) int {
	header := string(l.text[pos:l.lineEnd(pos)])
	if i := strings.IndexByte(header, '#'); i >= 0 {
		header = header[:i]
	}
	need := -1
	for _, c := range header {
		if c >= '1' && c <= '9' {
			need = indent + int(c-'0')
		}
	}
	end := l.lineEnd(pos)
	for line := l.after(pos); line < limit; line = l.after(line) {
		stop := l.lineEnd(line)
		text := l.text[line:stop]
		if len(bytes.TrimSpace(text)) == 0 {
			if strings.Contains(header, "+") {
				end = stop
			}
			continue
		}
		spaces := len(text) - len(bytes.TrimLeft(text, " "))
		if need < 0 {
			if spaces <= indent {
				break
			}
			need = spaces
		}
		if spaces < need {
			break
		}
		end = stop
	}
	return end
}

// plainEnd is the end of a plain scalar over several lines: a comment ends it.
func (l *layout) plainEnd(pos, limit int) int {
	end := pos
	for line := pos; line < limit; line = l.after(line) {
		text := l.text[line:l.lineEnd(line)]
		trimmed := bytes.TrimSpace(text)
		if len(trimmed) > 0 && trimmed[0] == '#' {
			break
		}
		comment := bytes.Index(text, []byte(" #"))
		if comment >= 0 {
			text = text[:comment]
		}
		if text = bytes.TrimRight(text, " \t\r"); len(bytes.TrimSpace(text)) > 0 {
			end = line + len(text)
		}
		if comment >= 0 {
			break
		}
	}
	return end
}

// flowEnd is the offset after the bracket that closes the one at pos.
func (l *layout) flowEnd(pos int) int {
	depth := 0
	for i := pos; i < len(l.text); i++ {
		switch c := l.text[i]; c {
		case '"', '\'':
			// A quote within a plain scalar is a letter.
			if i > 0 && strings.IndexByte(" \t\n,[{:", l.text[i-1]) >= 0 {
				i = l.quoted(i, c) - 1
			}
		case '#':
			if i > 0 && strings.IndexByte(" \t\n", l.text[i-1]) >= 0 {
				i = l.lineEnd(i)
			}
		case '[', '{':
			depth++
		case ']', '}':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return len(l.text)
}

// dash is the offset of the dash of an item of a block sequence, or -1.
func (l *layout) dash(n *node, i int) int {
	first := l.content(n.y)
	if first >= len(l.text) || l.text[first] != '-' {
		// An anchor or tag before the first dash stands on a line of its own.
		first = l.after(first)
		first += len(l.text[first:]) - len(bytes.TrimLeft(l.text[first:], " "))
		if first >= len(l.text) || l.text[first] != '-' {
			return -1
		}
	}
	if i == 0 {
		return first
	}
	column := l.column(first)
	for line := min(n.kids[i].y.Line, len(l.starts)) - 1; line >= 0 && l.starts[line] > first; line-- {
		pos := l.starts[line] + column
		if pos < len(l.text) && l.text[pos] == '-' && pos <= l.at(n.kids[i].y) && l.alone(pos) {
			return pos
		}
	}
	return -1
}

// head is where the comments begin that stand directly above an offset, at its
// column, but not before floor.
func (l *layout) head(pos, floor int) int {
	start, column := l.lineStart(pos), l.column(pos)
	for start > floor {
		line := l.lineStart(start - 1)
		text := l.text[line:l.lineEnd(line)]
		trimmed := bytes.TrimLeft(text, " ")
		if line < floor || len(trimmed) == 0 || trimmed[0] != '#' || len(text)-len(trimmed) != column {
			break
		}
		start = line
	}
	return start
}
