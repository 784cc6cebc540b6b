package yamledit

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// Layout finds out where nodes begin and end in a text. The YAML library knows
// only where they begin; what is found here is checked by reading the result
// of every splice again. Offsets are in bytes.
type Layout struct {
	text   []byte
	starts []int // offset of every line, behind a byte order mark
}

// byteOrderMark may begin a text; the library does not count it.
const byteOrderMark = "\ufeff"

// NewLayout looks at a text, which must stay as it is.
func NewLayout(text []byte) *Layout {
	l := &Layout{text: text, starts: []int{0}}
	if bytes.HasPrefix(text, []byte(byteOrderMark)) {
		l.starts[0] = len(byteOrderMark)
	}
	for i, c := range text {
		if c == '\n' {
			l.starts = append(l.starts, i+1)
		}
	}
	return l
}

// Text is the text between two offsets.
func (l *Layout) Text(from, to int) []byte { return l.text[from:to] }

// Len is the length of the text.
func (l *Layout) Len() int { return len(l.text) }

// At is the offset of a node or key.
func (l *Layout) At(y *yaml.Node) int {
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
func (l *Layout) lineOf(pos int) int {
	i, found := slices.BinarySearch(l.starts, pos)
	if !found {
		i--
	}
	return i
}

// LineStart is where the line of an offset begins.
func (l *Layout) LineStart(pos int) int { return l.starts[l.lineOf(pos)] }

// LineEnd is where the line of an offset ends, before its line end.
func (l *Layout) LineEnd(pos int) int {
	if i := bytes.IndexByte(l.text[pos:], '\n'); i >= 0 {
		end := pos + i
		if end > pos && l.text[end-1] == '\r' {
			end--
		}
		return end
	}
	return len(l.text)
}

// After is the offset of the line after the one of an offset.
func (l *Layout) After(pos int) int {
	if i := bytes.IndexByte(l.text[pos:], '\n'); i >= 0 {
		return pos + i + 1
	}
	return len(l.text)
}

// Column is the number of bytes before an offset in its line.
func (l *Layout) Column(pos int) int { return pos - l.LineStart(pos) }

// Alone reports whether only white space stands before an offset in its line.
func (l *Layout) Alone(pos int) bool {
	return len(bytes.Trim(l.text[l.LineStart(pos):pos], " ")) == 0
}

// Content passes over the anchor and tag of a node.
func (l *Layout) Content(y *yaml.Node) int {
	pos := l.At(y)
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

// KeyEnd is the offset after the colon of a key, or -1.
func (l *Layout) KeyEnd(key *yaml.Node) int {
	pos := l.ScalarEnd(key, 0, len(l.text))
	for pos < len(l.text) && l.text[pos] == ' ' {
		pos++
	}
	if pos < len(l.text) && l.text[pos] == ':' {
		return pos + 1
	}
	return -1
}

// Unwritten tells a value that is not written at all.
func Unwritten(y *yaml.Node) bool {
	return y.Kind == yaml.ScalarNode && y.Value == "" && y.Style == 0 && y.Anchor == ""
}

// End is the offset after the last byte of a node, comments not counted. indent
// is the column of the collection around it, limit where it ends at the latest.
func (l *Layout) End(y *yaml.Node, indent, limit int) int {
	last := len(y.Content) - 1
	switch {
	case y.Kind == yaml.AliasNode || y.Kind == yaml.ScalarNode:
		return l.ScalarEnd(y, indent, limit)
	case y.Style&yaml.FlowStyle != 0:
		return l.flowEnd(l.Content(y))
	case y.Kind == yaml.MappingNode:
		column := l.Column(l.At(y.Content[last-1]))
		if Unwritten(y.Content[last]) {
			return l.KeyEnd(y.Content[last-1])
		}
		return l.End(y.Content[last], column, limit)
	default:
		dash := l.Dash(y, last)
		if dash < 0 || Unwritten(y.Content[last]) {
			return dash + 1
		}
		return l.End(y.Content[last], l.Column(dash), limit)
	}
}

// ScalarEnd is End for scalars.
func (l *Layout) ScalarEnd(y *yaml.Node, indent, limit int) int {
	pos := l.Content(y)
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
	return l.plainEnd(pos, indent, limit)
}

// quoted is the offset after the closing quote.
func (l *Layout) quoted(pos int, quote byte) int {
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
func (l *Layout) blockEnd(pos, indent, limit int) int {
	header := string(l.text[pos:l.LineEnd(pos)])
	if i := strings.IndexByte(header, '#'); i >= 0 {
		header = header[:i]
	}
	need := -1
	for _, c := range header {
		if c >= '1' && c <= '9' {
			need = indent + int(c-'0')
		}
	}
	end := l.LineEnd(pos)
	for line := l.After(pos); line < limit; line = l.After(line) {
		stop := l.LineEnd(line)
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

// plainEnd is the end of a plain scalar over several lines: a comment ends it,
// and a line that is indented no more than the collection around it.
func (l *Layout) plainEnd(pos, indent, limit int) int {
	end := pos
	for line := pos; line < limit; line = l.After(line) {
		text := l.text[line:l.LineEnd(line)]
		trimmed := bytes.TrimSpace(text)
		if len(trimmed) > 0 && trimmed[0] == '#' {
			break
		}
		if spaces := len(text) - len(bytes.TrimLeft(text, " ")); line > pos && len(trimmed) > 0 && spaces <= indent {
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
func (l *Layout) flowEnd(pos int) int {
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
				i = l.LineEnd(i)
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

// Dash is the offset of the dash of an item of a block sequence, or -1.
func (l *Layout) Dash(y *yaml.Node, i int) int {
	first := l.Content(y)
	if first >= len(l.text) || l.text[first] != '-' {
		// An anchor or tag before the first dash stands on a line of its own.
		first = l.After(first)
		first += len(l.text[first:]) - len(bytes.TrimLeft(l.text[first:], " "))
		if first >= len(l.text) || l.text[first] != '-' {
			return -1
		}
	}
	if i == 0 {
		return first
	}
	column := l.Column(first)
	for line := min(y.Content[i].Line, len(l.starts)) - 1; line >= 0 && l.starts[line] > first; line-- {
		pos := l.starts[line] + column
		if pos < len(l.text) && l.text[pos] == '-' && pos <= l.At(y.Content[i]) && l.Alone(pos) {
			return pos
		}
	}
	return -1
}

// Head is where the comments begin that stand directly above an offset, at its
// column, but not before floor.
func (l *Layout) Head(pos, floor int) int {
	start, column := l.LineStart(pos), l.Column(pos)
	for start > floor {
		line := l.LineStart(start - 1)
		text := l.text[line:l.LineEnd(line)]
		trimmed := bytes.TrimLeft(text, " ")
		if line < floor || len(trimmed) == 0 || trimmed[0] != '#' || len(text)-len(trimmed) != column {
			break
		}
		start = line
	}
	return start
}
