package yamlmerge

import (
	"bytes"
	"errors"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// errNoSplice says that a change cannot be made by replacing a few bytes.
var errNoSplice = errors.New("no splice")

// edit replaces text[from:to].
type edit struct {
	from, to int
	text     string
}

// splicer turns a merge into edits of our text.
type splicer struct {
	ours, theirs *layout
	eol          string
	edits        []edit
	known        map[*node][]member // of their collections
}

// splice is our text with the changes of a merge.
func splice(ours, theirs []byte, r *result) (out []byte, err error) {
	// What is odd enough to break the search for the ends of nodes is written
	// anew by the caller.
	defer func() {
		if recover() != nil {
			out, err = nil, errNoSplice
		}
	}()
	s := &splicer{ours: newLayout(ours), theirs: newLayout(theirs), eol: "\n", known: map[*node][]member{}}
	if bytes.Contains(ours, []byte("\r\n")) {
		s.eol = "\r\n"
	}
	if r.leaf != nil {
		return nil, errNoSplice
	}
	if err := s.collection(r, len(ours)); err != nil {
		return nil, err
	}
	return apply(ours, s.edits)
}

// apply makes edits, which must not overlap.
func apply(text []byte, edits []edit) ([]byte, error) {
	slices.SortStableFunc(edits, func(a, b edit) int { return a.from - b.from })
	var out bytes.Buffer
	pos := 0
	for _, e := range edits {
		if e.from < pos || e.to < e.from || e.to > len(text) {
			return nil, errNoSplice
		}
		out.Write(text[pos:e.from])
		if e.from == len(text) && out.Len() > 0 && e.text != "" && out.Bytes()[out.Len()-1] != '\n' && strings.HasSuffix(e.text, "\n") {
			out.WriteByte('\n') // behind a last line without its end
		}
		out.WriteString(e.text)
		pos = e.to
	}
	out.Write(text[pos:])
	return out.Bytes(), nil
}

// member is where a pair or item of a collection stands in its text.
type member struct {
	head  int // of its comments
	start int // of its key or dash
	value int // of its value
	end   int // of its value, without comments
	after int // of the next line
	alone bool
}

// members finds the members of a block collection.
func (l *layout) members(n *node, limit int) ([]member, error) {
	list := make([]member, len(n.kids))
	for i := range n.kids {
		start := 0
		if n.mapping() {
			start = l.at(n.keys[i])
		} else if start = l.dash(n, i); start < 0 {
			return nil, errNoSplice
		}
		list[i] = member{start: start, alone: l.alone(start)}
	}
	floor := 0
	for i := range list {
		m := &list[i]
		stop := limit
		if i+1 < len(list) {
			stop = l.lineStart(list[i+1].start)
		}
		m.value = l.at(n.kids[i].y)
		switch {
		case empty(n.kids[i]) && n.mapping():
			m.end = l.keyEnd(n.keys[i])
			m.value = m.end
		case empty(n.kids[i]):
			m.end = m.start + 1
			m.value = m.end
		default:
			m.end = l.end(n.kids[i], l.column(m.start), stop)
		}
		if m.end < m.start || m.end > max(stop, m.start) {
			return nil, errNoSplice
		}
		m.after = l.after(m.end)
		if m.head = m.start; m.alone {
			m.head = l.head(m.start, floor)
		}
		floor = m.after
	}
	return list, nil
}

// collection makes the edits inside a merged collection.
func (s *splicer) collection(r *result, limit int) error {
	if len(r.parts) == 0 || len(r.base.kids) == 0 || r.again || !r.base.block() {
		return errNoSplice
	}
	ours, err := s.ours.members(r.base, limit)
	if err != nil {
		return err
	}
	left := map[int]bool{}
	for i, p := range r.parts {
		if p.ours < 0 {
			continue
		}
		left[p.ours] = true
		stop := limit
		if p.ours+1 < len(ours) {
			stop = ours[p.ours+1].head
		}
		if err := s.member(r, i, ours[p.ours], stop); err != nil {
			return err
		}
	}
	if err := s.remove(ours, left); err != nil {
		return err
	}
	return s.insert(r, ours)
}

// member changes one member that stays.
func (s *splicer) member(r *result, i int, at member, stop int) error {
	p := r.parts[i]
	whole := false
	switch {
	case p.val.leaf != nil && !p.val.theirs:
	case p.val.leaf != nil:
		if whole = !s.scalar(r, p, at); whole {
			if err := s.replace(r, p, at); err != nil {
				return err
			}
		}
	default:
		err := s.inside(p, r.base, at, stop)
		if err != nil {
			return err
		}
	}
	if p.comment != nil && !whole {
		return s.comment(r.base, p, at)
	}
	return nil
}

// inside splices within a value, or writes the value anew when that cannot be.
func (s *splicer) inside(p part, base *node, at member, stop int) error {
	mark := len(s.edits)
	err := s.collection(p.val, stop)
	if err == nil {
		return nil
	}
	s.edits = s.edits[:mark]
	if p.val.base.flow() || len(p.val.parts) == 0 {
		text, err := encode(plainCopy(p.val.yaml(), yaml.FlowStyle), s.eol)
		if err != nil || strings.ContainsAny(strings.TrimRight(text, "\r\n"), "\r\n") {
			return errNoSplice
		}
		from := s.ours.content(base.kids[p.ours].y)
		text = strings.TrimRight(text, "\r\n")
		if p.val.base.block() {
			from, text = at.start+1, " "+text
			if base.mapping() {
				from = s.ours.keyEnd(base.keys[p.ours])
			}
		}
		s.edits = append(s.edits, edit{from, at.end, text})
		return nil
	}
	return s.anew(p, at)
}

// anew writes a member in the library's style.
func (s *splicer) anew(p part, at member) error {
	text, err := encodeMember(p.key, p.val.yaml(), s.eol)
	if err != nil {
		return err
	}
	text = shift(text, s.ours.column(at.start))
	s.edits = append(s.edits, edit{at.start, at.end, strings.TrimRight(strings.TrimLeft(text, " "), "\r\n")})
	return nil
}

// scalar replaces a scalar in its line by a scalar of theirs.
func (s *splicer) scalar(r *result, p part, at member) bool {
	ours, theirs := r.base.kids[p.ours], p.val.leaf
	if p.their < 0 || r.other.flow() {
		return false
	}
	if !ours.scalar() || !theirs.scalar() || empty(ours) || empty(theirs) {
		return false
	}
	block := yaml.LiteralStyle | yaml.FoldedStyle
	if (ours.y.Style|theirs.y.Style)&block != 0 {
		return false
	}
	from := s.theirs.at(theirs.y)
	to := s.theirs.scalarEnd(theirs.y, 0, len(s.theirs.text))
	text := s.theirs.text[from:to]
	if bytes.ContainsAny(text, "\r\n") || bytes.ContainsAny(s.ours.text[at.value:at.end], "\r\n") {
		return false
	}
	s.edits = append(s.edits, edit{at.value, at.end, string(text)})
	return true
}

// replace puts their member in the place of ours, from its key or dash on.
func (s *splicer) replace(r *result, p part, at member) error {
	text, err := s.their(r, p, s.ours.column(at.start), false)
	if err != nil {
		return err
	}
	end := at.end
	if strings.Contains(text, "\n") {
		end = s.ours.lineEnd(end) // a comment has no place behind several lines
	}
	s.edits = append(s.edits, edit{at.start, end, strings.TrimLeft(text, " ")})
	return nil
}

// remove deletes the members that are not left, with the comments above them.
func (s *splicer) remove(ours []member, left map[int]bool) error {
	for i, m := range ours {
		switch {
		case left[i]:
		case m.alone:
			s.edits = append(s.edits, edit{m.head, m.after, ""})
		case i+1 < len(ours) && left[i+1]:
			// It stands behind a dash: the next one moves up to it.
			s.edits = append(s.edits, edit{m.start, ours[i+1].start, ""})
		default:
			return errNoSplice
		}
	}
	return nil
}

// insert adds the members of theirs behind the one before them.
func (s *splicer) insert(r *result, ours []member) error {
	at := -1 // end of the member before, in our text
	column := s.ours.column(ours[0].start)
	for _, p := range r.parts {
		if p.ours >= 0 {
			at = ours[p.ours].after
			continue
		}
		text, err := s.their(r, p, column, true)
		if err != nil {
			return err
		}
		text += s.eol
		pos := at
		if at < 0 {
			switch pos = ours[0].head; {
			case ours[0].alone:
			case r.base.mapping():
				pos = ours[0].after // the order of fields says nothing
			default:
				return errNoSplice
			}
		}
		s.edits = append(s.edits, edit{pos, pos, text})
	}
	return nil
}

// comment sets the comment at the end of the line of a member.
func (s *splicer) comment(base *node, p part, at member) error {
	kid := base.kids[p.ours]
	pos := at.end
	if kid.block() {
		if !base.mapping() {
			return nil // an item has no line of its own
		}
		pos = s.ours.keyEnd(base.keys[p.ours])
	}
	if kid.y.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 || pos < 0 {
		return nil
	}
	end := s.ours.lineEnd(pos)
	rest := string(s.ours.text[pos:end])
	if t := strings.TrimLeft(rest, " \t"); t != "" && t[0] != '#' {
		return errNoSplice
	}
	text := ""
	if *p.comment != "" {
		text = " " + *p.comment
	}
	s.edits = append(s.edits, edit{pos, end, text})
	return nil
}
