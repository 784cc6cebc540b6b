package plan

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/tugops/tug/internal/object"
)

// Sensitive is what must not be shown in a plan.
type Sensitive struct {
	// Now is what was decrypted for the desired objects, Before what was for
	// those that were deployed last; either may be nil. Values of either are
	// masked on both sides of a difference.
	Now, Before *object.Sensitive
	// Deployed are the objects that were deployed last, nil where they are not
	// needed: where a value of theirs was sensitive, what stands there now is as
	// well, whoever wrote it.
	Deployed []*object.Object
	// Unknown says that what was deployed last cannot be read: then no value is
	// shown that goes, since it could be one of those.
	Unknown bool
}

// masker replaces the values of Secrets and what else was decrypted by
// "(secret 1)", "(secret 2)" and so on, in order of appearance: equal masks
// mean equal values within one plan.
type masker struct {
	seen     map[string]string
	s        Sensitive
	deployed map[object.Ref]*object.Object
}

func newMasker(s Sensitive) *masker {
	m := &masker{s: s, deployed: make(map[object.Ref]*object.Object, len(s.Deployed))}
	for _, o := range s.Deployed {
		m.deployed[o.Ref()] = o
	}
	return m
}

// Hide masks the differences of p anew, now that more is known of what must
// not be shown. The hash of p does not depend on it.
func (p *Plan) Hide(s Sensitive) {
	m := newMasker(s)
	for _, list := range [][]Change{p.Changes, p.Drift} {
		for i := range list {
			list[i].Fields = m.fields(&list[i])
		}
	}
}

// Discloses reports whether p shows values that go or change: only then it
// matters what was sensitive in what was deployed last.
func (p *Plan) Discloses() bool {
	for _, list := range [][]Change{p.Changes, p.Drift} {
		for _, ch := range list {
			if !isSecret(ch.Ref) && slices.ContainsFunc(ch.diffs, func(d difference) bool { return d.from != nil }) {
				return true
			}
		}
	}
	return false
}

// fields are the differences of a change as they may be shown.
func (m *masker) fields(ch *Change) []Field {
	if len(ch.diffs) == 0 {
		return nil
	}
	was := m.deployed[ch.Ref]
	closed := isSecret(ch.Ref) || ch.hidden || ch.Desired != nil && ch.Desired.Hidden || was != nil && was.Hidden
	out := make([]Field, 0, len(ch.diffs))
	for _, d := range ch.diffs {
		f := Field{Path: m.text(d.path.String()), Manager: d.manager}
		if closed {
			f.From, f.To = m.value(d.path, d.from), m.value(d.path, d.to)
		} else {
			f.From, f.To = m.open(d, was)
		}
		out = append(out, f)
	}
	return out
}

// open is a difference of an object that is not secret as a whole. When one
// side holds something sensitive, the other did so before or will: both are
// masked.
func (m *masker) open(d difference, was *object.Object) (from, to any) {
	now, before := m.reveals(d.to), m.reveals(d.from)
	if was != nil && d.from != nil && !before {
		before = m.revealsAt(was, d)
	}
	if d.from != nil && d.to == nil && m.s.Unknown {
		before = true
	}
	switch {
	case !now && !before:
		return d.from, d.to
	case d.from == nil:
		return nil, m.parts(d.to)
	case d.to == nil && m.reveals(d.from):
		return m.parts(d.from), nil
	}
	return m.texts(d.from), m.texts(d.to)
}

func (m *masker) reveals(v any) bool { return m.s.Now.RevealsIn(v) || m.s.Before.RevealsIn(v) }

// revealsAt reports whether what was deployed last had something sensitive at
// the place of d, or anything at all of a list that cannot be followed.
func (m *masker) revealsAt(was *object.Object, d difference) bool {
	if len(d.keys) == 0 {
		return false
	}
	parent := follow(was.Fields, d.keys[:len(d.keys)-1])
	name := d.keys[len(d.keys)-1]
	if len(name) > 2 && name[:2] == "f:" && parent != nil {
		return m.reveals(parent[name[2:]])
	}
	// An item of a list: look at the nearest field above it.
	for i := len(d.keys) - 1; i > 0; i-- {
		if at := follow(was.Fields, d.keys[:i-1]); at != nil && len(d.keys[i-1]) > 2 && d.keys[i-1][:2] == "f:" {
			return m.reveals(at[d.keys[i-1][2:]])
		}
	}
	return false
}

// text masks what a name of a field may hold.
func (m *masker) text(text string) string { return m.s.Before.MaskOutput(m.s.Now.MaskOutput(text)) }

// parts masks the texts in v that hold something sensitive.
func (m *masker) parts(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for _, key := range slices.Sorted(maps.Keys(v)) {
			out[m.text(key)] = m.parts(v[key])
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = m.parts(item)
		}
		return out
	}
	if m.reveals(v) {
		return m.mask(v)
	}
	return v
}

// texts masks every text in v, and numbers that are sensitive.
func (m *masker) texts(v any) any {
	switch v := v.(type) {
	case nil:
		return nil
	case string, json.Number:
		return m.mask(v)
	case map[string]any:
		out := make(map[string]any, len(v))
		for _, key := range slices.Sorted(maps.Keys(v)) {
			out[m.text(key)] = m.texts(v[key])
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = m.texts(item)
		}
		return out
	case bool:
		return v
	}
	return m.mask(v)
}

// value masks what stands at p of a closed object: everything but type,
// immutable and metadata, so that a field this code does not know is never
// shown, and in metadata what kubectl remembers of an apply.
func (m *masker) value(p path, v any) any {
	switch {
	case v == nil:
		return nil
	case len(p) == 1 && p[0] != "metadata" && object.OpenField(p[0]):
		return m.parts(v)
	case p.under("metadata", "annotations", object.AnnotationLastApplied):
		return m.mask(v)
	case !p.under("metadata"):
		return m.all(v)
	}
	block, ok := v.(map[string]any)
	if !ok {
		return m.parts(v)
	}
	out := make(map[string]any, len(block))
	for _, key := range slices.Sorted(maps.Keys(block)) {
		out[key] = m.value(p.with(key), block[key])
	}
	return out
}

// all masks every value in v and keeps the names.
func (m *masker) all(v any) any {
	block, ok := v.(map[string]any)
	if !ok {
		return m.mask(v)
	}
	out := make(map[string]any, len(block))
	for _, key := range slices.Sorted(maps.Keys(block)) {
		out[key] = m.all(block[key])
	}
	return out
}

func (m *masker) mask(v any) string {
	if m.seen == nil {
		m.seen = map[string]string{}
	}
	key := text(v)
	if _, known := m.seen[key]; !known {
		m.seen[key] = fmt.Sprintf("(secret %d)", len(m.seen)+1)
	}
	return m.seen[key]
}
