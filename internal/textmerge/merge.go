// Package textmerge merges two changed versions of a sequence (lines of a
// text, items of a list) with the version that both come from: diff3.
//
// It is pure, deterministic and symmetric: what ours and theirs are called
// changes nothing but the names in the result.
package textmerge

import (
	"bytes"
	"slices"
)

// Kind says where a chunk of a merge comes from.
type Kind int

// The kinds.
const (
	// Same is unchanged on both sides.
	Same Kind = iota
	// Ours was changed here only, Theirs there only, Both alike on both sides.
	Ours
	Theirs
	Both
	// Conflict was changed differently on both sides.
	Conflict
)

// Range is a half-open range of elements.
type Range struct{ From, To int }

// Len is the number of elements.
func (r Range) Len() int { return r.To - r.From }

// Chunk is a stretch of the merge, with its place in each version.
type Chunk struct {
	Kind              Kind
	Origin, Our, Them Range
}

// Chunks merges ours and theirs, which both come from origin. The chunks cover
// all three versions from their beginning to their end, in order. Changes that
// touch each other without an unchanged element between them are one chunk, so
// an insertion at the same place on both sides is a conflict.
func Chunks[T comparable](origin, ours, theirs []T) []Chunk {
	inOurs, inTheirs := matches(origin, ours), matches(origin, theirs)
	var chunks []Chunk
	var at Chunk // where the last stable stretch ended, as empty ranges
	flush := func(o, u, t int) {
		c := Chunk{Origin: Range{at.Origin.To, o}, Our: Range{at.Our.To, u}, Them: Range{at.Them.To, t}}
		if c.Origin.Len()+c.Our.Len()+c.Them.Len() > 0 {
			c.Kind = kind(origin[c.Origin.From:o], ours[c.Our.From:u], theirs[c.Them.From:t])
			chunks = append(chunks, c)
		}
	}
	for _, s := range stable(inOurs, inTheirs) {
		flush(s.Origin.From, s.Our.From, s.Them.From)
		chunks = append(chunks, s)
		at = s
	}
	flush(len(origin), len(ours), len(theirs))
	return chunks
}

// stable are the stretches of the origin that both sides kept.
func stable(ours, theirs []match) []Chunk {
	var list []Chunk
	for i, j := 0, 0; i < len(ours) && j < len(theirs); {
		u, t := ours[i], theirs[j]
		from, to := max(u.A, t.A), min(u.A+u.N, t.A+t.N)
		if from < to {
			n := to - from
			list = append(list, Chunk{
				Origin: Range{from, to},
				Our:    Range{u.B + from - u.A, u.B + from - u.A + n},
				Them:   Range{t.B + from - t.A, t.B + from - t.A + n},
			})
		}
		if u.A+u.N < t.A+t.N {
			i++
		} else {
			j++
		}
	}
	return list
}

func kind[T comparable](origin, ours, theirs []T) Kind {
	switch {
	case slices.Equal(ours, theirs):
		return Both
	case slices.Equal(origin, ours):
		return Theirs
	case slices.Equal(origin, theirs):
		return Ours
	}
	return Conflict
}

// Side is what to take where both sides changed the same.
type Side int

// The sides.
const (
	// None leaves conflicts open; the merged text then has our version of them.
	None Side = iota
	PreferOurs
	PreferTheirs
)

// Clash is a conflict of a text: line numbers are 1-based, To is the last line
// (From-1 where a side has nothing), and the texts are the lines as they are.
type Clash struct {
	Line                 Range // in ours
	Origin, Ours, Theirs string
}

// Merge merges texts line by line. Without clashes the text is the merge; with
// clashes it has, in their place, what prefer says.
func Merge(origin, ours, theirs []byte, prefer Side) (merged []byte, clashes []Clash) {
	switch {
	case bytes.Equal(ours, theirs), bytes.Equal(origin, theirs):
		return ours, nil
	case bytes.Equal(origin, ours):
		return theirs, nil
	}
	o, u, t := lines(origin), lines(ours), lines(theirs)
	var out bytes.Buffer
	for _, c := range Chunks(o, u, t) {
		from := u[c.Our.From:c.Our.To]
		if c.Kind == Theirs || c.Kind == Conflict && prefer == PreferTheirs {
			from = t[c.Them.From:c.Them.To]
		}
		if c.Kind == Conflict {
			clashes = append(clashes, Clash{
				Line:   Range{c.Our.From + 1, c.Our.To},
				Origin: join(o[c.Origin.From:c.Origin.To]), Ours: join(u[c.Our.From:c.Our.To]), Theirs: join(t[c.Them.From:c.Them.To]),
			})
		}
		for _, line := range from {
			if n := out.Len(); n > 0 && out.Bytes()[n-1] != '\n' {
				out.WriteByte('\n') // the last line of one side, without its end
			}
			out.WriteString(line)
		}
	}
	return out.Bytes(), clashes
}

// lines splits a text after each line end.
func lines(text []byte) []string {
	var list []string
	for line := range bytes.Lines(text) {
		list = append(list, string(line))
	}
	return list
}

func join(list []string) string {
	var b bytes.Buffer
	for _, l := range list {
		b.WriteString(l)
	}
	return b.String()
}
