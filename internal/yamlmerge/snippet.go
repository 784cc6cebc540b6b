package yamlmerge

import (
	"bytes"
	"strings"
)

// their is the text of a member of theirs, moved to a column: without the last
// line end, with the comments above it when they are wanted.
func (s *splicer) their(r *result, p part, column int, comments bool) (string, error) {
	if !r.other.block() {
		text, err := encodeMember(p.key, p.val.leaf.y, s.eol)
		return shift(strings.TrimRight(text, "\r\n"), column), err
	}
	list, ok := s.known[r.other]
	if !ok {
		l := s.theirs
		start := l.at(r.other.y)
		var err error
		if list, err = l.members(r.other, l.limit(start, l.column(start))); err != nil {
			return "", err
		}
		s.known[r.other] = list
	}
	m := list[p.their]
	from := m.start
	if comments {
		from = m.head
	}
	// A value without text ends before its comment, any other in its line.
	text := s.lines(string(s.theirs.text[from:s.theirs.lineEnd(m.end)]))
	was := s.theirs.column(m.start)
	if from == m.start {
		text = strings.Repeat(" ", was) + text
	}
	return shift(text, column-was), nil
}

// limit is where a collection of a column ends at the latest: at the next line
// with less indentation that is no comment.
func (l *layout) limit(start, column int) int {
	for line := l.after(start); line < len(l.text); line = l.after(line) {
		text := l.text[line:l.lineEnd(line)]
		trimmed := bytes.TrimLeft(text, " ")
		if len(trimmed) > 0 && trimmed[0] != '#' && len(text)-len(trimmed) < column {
			return line
		}
	}
	return len(l.text)
}

// lines gives text the line ends of our file.
func (s *splicer) lines(text string) string {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	return strings.ReplaceAll(text, "\n", s.eol)
}

// shift moves lines to another column.
func shift(text string, by int) string {
	if by == 0 {
		return text
	}
	var b strings.Builder
	for line := range strings.Lines(text) {
		switch {
		case strings.TrimSpace(line) == "":
		case by > 0:
			b.WriteString(strings.Repeat(" ", by))
		default:
			drop := min(-by, len(line)-len(strings.TrimLeft(line, " ")))
			line = line[drop:]
		}
		b.WriteString(line)
	}
	return b.String()
}
