package yamlmerge

import (
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// result is the merge of a node: a node of one side, or our collection with
// other members.
type result struct {
	leaf   *node // taken as it is
	theirs bool  // leaf is theirs

	base  *node // our collection
	other *node // theirs
	parts []part
	// again says that the members are in an order that no splice gives.
	again bool
}

// part is a member of a collection: a pair or an item. Its place is that in
// our and in their collection, -1 where it is not there.
type part struct {
	key         *yaml.Node
	ours, their int
	// comment replaces the comment at the end of our line when it is set.
	comment *string
	val     *result
}

// yaml is the merged node, with the comments of the nodes it is made of.
func (r *result) yaml() *yaml.Node {
	if r.leaf != nil {
		return r.leaf.y
	}
	c := *r.base.y
	c.Content = nil
	for _, p := range r.parts {
		if p.key != nil {
			c.Content = append(c.Content, p.key)
		}
		c.Content = append(c.Content, p.val.yaml())
	}
	return &c
}

// merger merges one document.
type merger struct {
	prefer Side
	mask   func(*node) string
	found  []Conflict
}

func (m *merger) conflict(kind Kind, path string, o, u, t *node) *result {
	c := Conflict{Kind: kind, Path: path, Origin: m.mask(o), Ours: m.mask(u), Theirs: m.mask(t)}
	if u != nil {
		c.Line = u.y.Line
	}
	m.found = append(m.found, c)
	return m.choose(u, t)
}

// choose takes a side as --on-conflict says; nil means that it has nothing.
func (m *merger) choose(u, t *node) *result {
	if m.prefer == PreferTheirs {
		return take(t, true)
	}
	return take(u, false)
}

func take(n *node, theirs bool) *result {
	if n == nil {
		return nil
	}
	return &result{leaf: n, theirs: theirs}
}

// merge merges a value; nil stands for one that is not there. list is the name
// of the field, by which the items of a list are told apart.
func (m *merger) merge(path, list string, o, u, t *node) *result {
	switch {
	case same(u, t), same(o, t):
		return take(u, false)
	case u.mapping() && alike(o, u, t):
		return m.maps(path, o, u, t)
	case u.sequence() && alike(o, u, t):
		return m.lists(path, list, o, u, t)
	case sameData(u, t), sameData(o, t):
		return take(u, false)
	case sameData(o, u):
		return take(t, true)
	case u == nil:
		return m.conflict(DeletedOurs, path, o, u, t)
	case t == nil:
		return m.conflict(DeletedTheirs, path, o, u, t)
	case o == nil:
		return m.conflict(Added, path, o, u, t)
	}
	return m.conflict(Value, path, o, u, t)
}

// alike tells collections of one kind, whose members can be merged: also when
// both sides made them.
func alike(o, u, t *node) bool {
	fits := func(n *node) bool {
		return n.y.Kind == u.y.Kind && n.y.Anchor == u.y.Anchor && n.y.ShortTag() == u.y.ShortTag()
	}
	return t != nil && fits(t) && (o == nil || fits(o))
}

// maps merges field by field, in our order; what is new stands behind the field
// that it follows upstream.
func (m *merger) maps(path string, o, u, t *node) *result {
	r := &result{base: u, other: t}
	for i, key := range u.keys {
		old, their := o.get(key.Value), t.get(key.Value)
		val := m.merge(join(path, key.Value), key.Value, old, u.kids[i], their)
		if val == nil {
			continue
		}
		p := part{key: key, ours: i, their: -1, val: val}
		if their != nil {
			p.their = t.index[key.Value]
			if old != nil {
				p.comment = newComment(lineComment(o, o.index[key.Value]), lineComment(u, i), lineComment(t, p.their))
			}
		}
		r.parts = append(r.parts, p)
	}
	place := map[string]int{}
	for i, p := range r.parts {
		place[p.key.Value] = i
	}
	var added []part
	behind := make([]int, 0, 4)
	for i, key := range t.keys {
		if u.get(key.Value) != nil {
			continue
		}
		val := m.merge(join(path, key.Value), key.Value, o.get(key.Value), nil, t.kids[i])
		if val == nil {
			continue
		}
		at := neighbour(i, len(t.keys), len(r.parts)-1, func(j int) (int, bool) {
			k, ok := place[t.keys[j].Value]
			return k, ok
		})
		added, behind = append(added, part{key: key, ours: -1, their: i, val: val}), append(behind, at)
	}
	r.parts = weave(r.parts, added, behind)
	return r
}

// neighbour is the place behind which a new member i of n stands: behind the
// nearest one before it that is there, else before the nearest one after it,
// else last.
func neighbour(i, n, last int, place func(int) (int, bool)) int {
	for j := i - 1; j >= 0; j-- {
		if k, ok := place(j); ok {
			return k
		}
	}
	for j := i + 1; j < n; j++ {
		if k, ok := place(j); ok {
			return k - 1
		}
	}
	return last
}

// weave puts added parts behind those of the same number.
func weave(parts, added []part, behind []int) []part {
	if len(added) == 0 {
		return parts
	}
	after := map[int][]part{}
	for i, p := range added {
		after[behind[i]] = append(after[behind[i]], p)
	}
	all := append([]part(nil), after[-1]...)
	for i, p := range parts {
		all = append(append(all, p), after[i]...)
	}
	return all
}

// lineComment is the comment at the end of the line of a member: the key's
// when its value stands on lines of its own.
func lineComment(n *node, i int) string {
	if n.mapping() && (n.kids[i].block() || n.keys[i].LineComment != "") {
		return n.keys[i].LineComment
	}
	return n.kids[i].y.LineComment
}

// newComment is what the comment becomes when only theirs changed it.
func newComment(o, u, t string) *string {
	if o != u || t == u {
		return nil
	}
	return &t
}

// join appends a field to a path.
func join(path, field string) string {
	if strings.ContainsAny(field, ".[]/ \"") || field == "" {
		return path + "[" + strconv.Quote(field) + "]"
	}
	if path == "" {
		return field
	}
	return path + "." + field
}
