package yamlmerge

import (
	"bytes"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tugops/tug/internal/yamledit"
)

// splicer turns a merge into edits of our text.
type splicer struct {
	ours, theirs *yamledit.Layout
	eol          string
	edits        []yamledit.Splice
	known        map[*node][]yamledit.Member // of their collections
}

// splice is our text with the changes of a merge.
func splice(ours, theirs []byte, r *result) (out []byte, err error) {
	// What is odd enough to break the search for the ends of nodes is written
	// anew by the caller.
	defer func() {
		if recover() != nil {
			out, err = nil, yamledit.ErrNoSplice
		}
	}()
	s := &splicer{ours: yamledit.NewLayout(ours), theirs: yamledit.NewLayout(theirs), eol: "\n", known: map[*node][]yamledit.Member{}}
	if bytes.Contains(ours, []byte("\r\n")) {
		s.eol = "\r\n"
	}
	if r.leaf != nil {
		return nil, yamledit.ErrNoSplice
	}
	if err := s.collection(r, len(ours)); err != nil {
		return nil, err
	}
	return yamledit.Join(ours, s.edits)
}

// collection makes the edits inside a merged collection.
func (s *splicer) collection(r *result, limit int) error {
	if len(r.parts) == 0 || len(r.base.kids) == 0 || r.again || !r.base.block() {
		return yamledit.ErrNoSplice
	}
	ours, err := s.ours.Members(r.base.y, limit)
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
			stop = ours[p.ours+1].Head
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
func (s *splicer) member(r *result, i int, at yamledit.Member, stop int) error {
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
func (s *splicer) inside(p part, base *node, at yamledit.Member, stop int) error {
	mark := len(s.edits)
	err := s.collection(p.val, stop)
	if err == nil {
		return nil
	}
	s.edits = s.edits[:mark]
	if p.val.base.flow() || len(p.val.parts) == 0 {
		text, err := encode(plainCopy(p.val.yaml(), yaml.FlowStyle), s.eol)
		if err != nil || strings.ContainsAny(strings.TrimRight(text, "\r\n"), "\r\n") {
			return yamledit.ErrNoSplice
		}
		from := s.ours.Content(base.kids[p.ours].y)
		text = strings.TrimRight(text, "\r\n")
		if p.val.base.block() {
			from, text = at.Start+1, " "+text
			if base.mapping() {
				from = s.ours.KeyEnd(base.keys[p.ours])
			}
		}
		s.edits = append(s.edits, yamledit.Splice{From: from, To: at.End, Text: text})
		return nil
	}
	return s.anew(p, at)
}

// anew writes a member in the library's style.
func (s *splicer) anew(p part, at yamledit.Member) error {
	text, err := encodeMember(p.key, p.val.yaml(), s.eol)
	if err != nil {
		return err
	}
	text = shift(text, s.ours.Column(at.Start))
	s.edits = append(s.edits, yamledit.Splice{From: at.Start, To: at.End, Text: strings.TrimRight(strings.TrimLeft(text, " "), "\r\n")})
	return nil
}

// scalar replaces a scalar in its line by a scalar of theirs.
func (s *splicer) scalar(r *result, p part, at yamledit.Member) bool {
	ours, theirs := r.base.kids[p.ours], p.val.leaf
	if p.their < 0 || r.other.flow() {
		return false
	}
	if !ours.scalar() || !theirs.scalar() || yamledit.Unwritten(ours.y) || yamledit.Unwritten(theirs.y) {
		return false
	}
	block := yaml.LiteralStyle | yaml.FoldedStyle
	if (ours.y.Style|theirs.y.Style)&block != 0 {
		return false
	}
	from := s.theirs.At(theirs.y)
	to := s.theirs.ScalarEnd(theirs.y, 0, s.theirs.Len())
	text := s.theirs.Text(from, to)
	if bytes.ContainsAny(text, "\r\n") || bytes.ContainsAny(s.ours.Text(at.Value, at.End), "\r\n") {
		return false
	}
	s.edits = append(s.edits, yamledit.Splice{From: at.Value, To: at.End, Text: string(text)})
	return true
}

// replace puts their member in the place of ours, from its key or dash on.
func (s *splicer) replace(r *result, p part, at yamledit.Member) error {
	text, err := s.their(r, p, s.ours.Column(at.Start), false)
	if err != nil {
		return err
	}
	end := at.End
	if strings.Contains(text, "\n") {
		end = s.ours.LineEnd(end) // a comment has no place behind several lines
	}
	s.edits = append(s.edits, yamledit.Splice{From: at.Start, To: end, Text: strings.TrimLeft(text, " ")})
	return nil
}

// remove deletes the members that are not left, with the comments above them.
func (s *splicer) remove(ours []yamledit.Member, left map[int]bool) error {
	for i, m := range ours {
		switch {
		case left[i]:
		case m.Alone:
			s.edits = append(s.edits, yamledit.Splice{From: m.Head, To: m.After, Text: ""})
		case i+1 < len(ours) && left[i+1]:
			// It stands behind a dash: the next one moves up to it.
			s.edits = append(s.edits, yamledit.Splice{From: m.Start, To: ours[i+1].Start, Text: ""})
		default:
			return yamledit.ErrNoSplice
		}
	}
	return nil
}

// insert adds the members of theirs behind the one before them.
func (s *splicer) insert(r *result, ours []yamledit.Member) error {
	at := -1 // end of the member before, in our text
	column := s.ours.Column(ours[0].Start)
	for _, p := range r.parts {
		if p.ours >= 0 {
			at = ours[p.ours].After
			continue
		}
		text, err := s.their(r, p, column, true)
		if err != nil {
			return err
		}
		text += s.eol
		pos := at
		if at < 0 {
			switch pos = ours[0].Head; {
			case ours[0].Alone:
			case r.base.mapping():
				pos = ours[0].After // the order of fields says nothing
			default:
				return yamledit.ErrNoSplice
			}
		}
		s.edits = append(s.edits, yamledit.Splice{From: pos, To: pos, Text: text})
	}
	return nil
}

// comment sets the comment at the end of the line of a member.
func (s *splicer) comment(base *node, p part, at yamledit.Member) error {
	kid := base.kids[p.ours]
	pos := at.End
	if kid.block() {
		if !base.mapping() {
			return nil // an item has no line of its own
		}
		pos = s.ours.KeyEnd(base.keys[p.ours])
	}
	if kid.y.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 || pos < 0 {
		return nil
	}
	end := s.ours.LineEnd(pos)
	rest := string(s.ours.Text(pos, end))
	if t := strings.TrimLeft(rest, " \t"); t != "" && t[0] != '#' {
		return yamledit.ErrNoSplice
	}
	text := ""
	if *p.comment != "" {
		text = " " + *p.comment
	}
	s.edits = append(s.edits, yamledit.Splice{From: pos, To: end, Text: text})
	return nil
}
