package yamlmerge

import (
	"bytes"
	"strings"

	"github.com/tugops/tug/internal/textmerge"
	"go.yaml.in/yaml/v3"
)

// Input are three versions of one YAML document.
type Input struct {
	// Origin is what both come from; nil when both sides added the document.
	Origin, Ours, Theirs []byte
	Prefer               Side
	// Mask hides the values in conflicts: those of a Secret.
	Mask bool

	roots [3]*node // what was read before
}

// InputOf are three versions of one resource that were read; o is nil when both
// sides added it.
func InputOf(o, u, t *Document) Input {
	in := Input{Ours: u.Text, Theirs: t.Text, roots: [3]*node{nil, u.root, t.root}}
	if o != nil {
		in.Origin, in.roots[0] = o.Text, o.root
	}
	return in
}

// Output is a merged document.
type Output struct {
	Text      []byte
	Conflicts []Conflict
	// Notes are comments of theirs that could not be taken over, because the
	// lines around them changed on both sides.
	Notes []string
	// Plain is false when one of the versions is no YAML that can be merged by
	// structure; the caller merges it as text.
	Plain bool
}

// Merge merges one document by structure. When merging the text line by line
// gives the same data, that text is taken, since it has the comments and the
// layout of both sides; else our text is spliced.
func Merge(in Input) Output {
	switch {
	case bytes.Equal(in.Ours, in.Theirs), in.Origin != nil && bytes.Equal(in.Origin, in.Theirs):
		return Output{Text: in.Ours, Plain: true}
	case in.Origin != nil && bytes.Equal(in.Origin, in.Ours):
		return Output{Text: in.Theirs, Plain: true}
	}
	roots := in.roots
	for i, text := range [][]byte{in.Origin, in.Ours, in.Theirs} {
		if roots[i] != nil {
			continue
		}
		root, err := parse(text)
		if err != nil || root == nil && text != nil {
			return Output{}
		}
		roots[i] = root
	}
	o, u, t := roots[0], roots[1], roots[2]
	m := &merger{prefer: in.Prefer, mask: shown(in.Mask)}
	r := m.merge("", "", o, u, t)
	want := u
	if r != nil {
		var err error
		if want, err = build(r.yaml()); err != nil {
			return Output{}
		}
	}
	out := Output{Conflicts: m.found, Plain: true}
	out.Text = write(in, r, want)
	if out.Text == nil {
		return Output{}
	}
	if out.Notes = lostComments(in, out.Text); in.Mask && len(out.Notes) > 0 {
		out.Notes = []string{"(hidden: of a Secret)"}
	}
	return out
}

// shown gives nodes as text, or hides them.
func shown(mask bool) func(*node) string {
	if !mask {
		return show
	}
	return func(n *node) string {
		if n == nil {
			return ""
		}
		return "(hidden: a value of a Secret)"
	}
}

// write finds the text of a merge that says what is wanted: merged as text,
// spliced, or written anew. It is nil when none of them does.
func write(in Input, r *result, want *node) []byte {
	if in.Origin != nil {
		if text, clashes := textmerge.Merge(in.Origin, in.Ours, in.Theirs, textmerge.None); len(clashes) == 0 && says(text, want) {
			return text
		}
	}
	if r == nil || r.leaf != nil && !r.theirs {
		return in.Ours
	}
	if r.leaf != nil {
		return in.Theirs
	}
	if text, err := splice(in.Ours, in.Theirs, r); err == nil && says(text, want) {
		return text
	}
	text, err := encode(r.yaml(), "\n")
	if err == nil && says([]byte(text), want) {
		return []byte(head(in.Ours) + text)
	}
	return nil
}

// head is the separator that a document begins with.
func head(text []byte) string {
	if bytes.HasPrefix(text, []byte("---")) {
		line, _, _ := strings.Cut(string(text), "\n")
		return line + "\n"
	}
	return ""
}

func says(text []byte, want *node) bool {
	got, err := parse(text)
	return err == nil && sameData(got, want)
}

// lostComments are lines of comments that are new in theirs and not in the
// merged text.
func lostComments(in Input, merged []byte) []string {
	known := commentLines(in.Origin)
	for line := range commentLines(merged) {
		known[line] = true
	}
	var lost []string
	for line := range bytes.Lines(in.Theirs) {
		text := strings.TrimSpace(string(line))
		if strings.HasPrefix(text, "#") && len(text) > 1 && !known[text] {
			known[text] = true
			lost = append(lost, text)
		}
	}
	return lost
}

func commentLines(text []byte) map[string]bool {
	lines := map[string]bool{}
	for line := range bytes.Lines(text) {
		if t := strings.TrimSpace(string(line)); strings.HasPrefix(t, "#") {
			lines[t] = true
		}
	}
	return lines
}

// Same reports whether two resources say the same, whatever their layout.
func Same(a, b *Document) bool { return sameData(a.root, b.root) }

// Equal reports whether two documents have the same data.
func Equal(a, b []byte) bool {
	x, errX := parse(a)
	y, errY := parse(b)
	return errX == nil && errY == nil && sameData(x, y)
}

// Structured reports whether a document can be merged by structure: it is a
// map, without template language around it.
func Structured(text []byte) bool {
	root, err := parse(text)
	return err == nil && root != nil && root.y.Kind == yaml.MappingNode
}
