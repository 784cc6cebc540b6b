package yamlmerge

import (
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
		start := l.At(r.other.y)
		var err error
		if list, err = l.Members(r.other.y, l.Limit(start, l.Column(start))); err != nil {
			return "", err
		}
		s.known[r.other] = list
	}
	m := list[p.their]
	from := m.Start
	if comments {
		from = m.Head
	}
	// A value without text ends before its comment, any other in its line.
	text := s.lines(string(s.theirs.Text(from, s.theirs.LineEnd(m.End))))
	was := s.theirs.Column(m.Start)
	if from == m.Start {
		text = strings.Repeat(" ", was) + text
	}
	return shift(text, column-was), nil
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
