package yamlmerge

import (
	"fmt"
	"slices"

	"github.com/tugops/tug/internal/textmerge"
	"go.yaml.in/yaml/v3"
)

// lists merges item by item: by key where items have one, else by place.
func (m *merger) lists(path, list string, o, u, t *node) *result {
	if o == nil {
		o = &node{y: &yaml.Node{Kind: yaml.SequenceNode}}
	}
	if keys := keyed(list, o, u, t); keys != nil {
		return m.keyedList(path, o, u, t, keys)
	}
	return m.placedList(path, o, u, t)
}

// keyedList merges items by their keys, in our order unless only theirs
// changed the order.
func (m *merger) keyedList(path string, o, u, t *node, keys [][]string) *result {
	r := &result{base: u, other: t}
	old, their, our := byKey(o, keys[0]), byKey(t, keys[2]), byKey(u, keys[1])
	place := map[string]int{}
	for i, k := range keys[1] {
		val := m.merge(path+"["+k+"]", "", old.get(k), u.kids[i], their.get(k))
		if val == nil {
			continue
		}
		p := part{ours: i, their: -1, val: val}
		if j, ok := their.index[k]; ok {
			p.their = j
			if h, ok := old.index[k]; ok {
				p.comment = newComment(lineComment(o, h), lineComment(u, i), lineComment(t, j))
			}
		}
		place[k] = len(r.parts)
		r.parts = append(r.parts, p)
	}
	var added []part
	var behind []int
	for i, k := range keys[2] {
		if our.get(k) != nil {
			continue
		}
		val := m.merge(path+"["+k+"]", "", old.get(k), nil, t.kids[i])
		if val == nil {
			continue
		}
		at := neighbour(i, len(keys[2]), len(r.parts)-1, func(j int) (int, bool) {
			n, ok := place[keys[2][j]]
			return n, ok
		})
		if len(o.kids) == 0 {
			at = len(r.parts) - 1 // both made the list: ours first
		}
		added, behind = append(added, part{ours: -1, their: i, val: val}), append(behind, at)
	}
	r.parts = weave(r.parts, added, behind)
	m.order(path, r, u, keys)
	return r
}

// keyedNode finds items by key.
type keyedNode struct {
	n     *node
	index map[string]int
}

func byKey(n *node, keys []string) keyedNode {
	k := keyedNode{n: n, index: make(map[string]int, len(keys))}
	for i, key := range keys {
		k.index[key] = i
	}
	return k
}

func (k keyedNode) get(key string) *node {
	if i, ok := k.index[key]; ok {
		return k.n.kids[i]
	}
	return nil
}

// order follows a new order of theirs when ours kept the old one.
func (m *merger) order(path string, r *result, u *node, keys [][]string) {
	count := map[string]int{}
	for _, k := range slices.Concat(keys...) {
		count[k]++
	}
	common := func(list []string) []string {
		var out []string
		for _, k := range list {
			if count[k] == len(keys) {
				out = append(out, k)
			}
		}
		return out
	}
	co, cu, ct := common(keys[0]), common(keys[1]), common(keys[2])
	if slices.Equal(co, ct) || slices.Equal(cu, ct) {
		return
	}
	if !slices.Equal(co, cu) {
		m.found = append(m.found, Conflict{
			Kind: Order, Path: path, Line: u.y.Line,
			Origin: fmt.Sprint(co), Ours: fmt.Sprint(cu), Theirs: fmt.Sprint(ct),
		})
		if m.prefer != PreferTheirs {
			return
		}
	}
	r.again = true
	r.parts = theirOrder(r.parts)
}

// theirOrder sorts parts by their place in theirs; what only we have stays
// behind what it follows here.
func theirOrder(parts []part) []part {
	var theirs, ours []part
	var behind []int // place in theirs of what an own part follows
	last := -1
	for _, p := range parts {
		if p.their >= 0 {
			theirs, last = append(theirs, p), p.their
			continue
		}
		ours, behind = append(ours, p), append(behind, last)
	}
	slices.SortStableFunc(theirs, func(a, b part) int { return a.their - b.their })
	place := map[int]int{-1: -1}
	for i, p := range theirs {
		place[p.their] = i
	}
	for i := range behind {
		behind[i] = place[behind[i]]
	}
	return weave(theirs, ours, behind)
}

// placedList merges items that have no key, as lines of a text are merged.
func (m *merger) placedList(path string, o, u, t *node) *result {
	r := &result{base: u, other: t}
	for _, c := range textmerge.Chunks(sums(o), sums(u), sums(t)) {
		switch {
		case c.Kind == textmerge.Same || c.Kind == textmerge.Conflict && evenly(c):
			m.pairwise(r, path, c, o, u, t)
		case c.Kind == textmerge.Ours, c.Kind == textmerge.Both:
			r.addOurs(u, c.Our)
		case c.Kind == textmerge.Theirs:
			if c.Origin.Len() == c.Them.Len() && c.Our.Len() == c.Them.Len() {
				m.pairwise(r, path, c, o, u, t)
				continue
			}
			r.addTheirs(t, c.Them)
		default:
			m.found = append(m.found, Conflict{
				Kind: List, Path: path, Line: u.y.Line,
				Origin: m.items(o, c.Origin), Ours: m.items(u, c.Our), Theirs: m.items(t, c.Them),
			})
			if m.prefer == PreferTheirs {
				r.addTheirs(t, c.Them)
			} else {
				r.addOurs(u, c.Our)
			}
		}
	}
	return r
}

// evenly tells a stretch whose items correspond, one to one, on all sides.
func evenly(c textmerge.Chunk) bool {
	n := c.Origin.Len()
	return n > 0 && n == c.Our.Len() && n == c.Them.Len()
}

func (m *merger) pairwise(r *result, path string, c textmerge.Chunk, o, u, t *node) {
	for i := range c.Our.Len() {
		at, their := c.Our.From+i, c.Them.From+i
		val := m.merge(fmt.Sprintf("%s[%d]", path, at), "", o.kids[c.Origin.From+i], u.kids[at], t.kids[their])
		if val != nil {
			comment := newComment(lineComment(o, c.Origin.From+i), lineComment(u, at), lineComment(t, their))
			r.parts = append(r.parts, part{ours: at, their: their, val: val, comment: comment})
		}
	}
}

func (r *result) addOurs(u *node, in textmerge.Range) {
	for i := in.From; i < in.To; i++ {
		r.parts = append(r.parts, part{ours: i, their: -1, val: take(u.kids[i], false)})
	}
}

func (r *result) addTheirs(t *node, in textmerge.Range) {
	for i := in.From; i < in.To; i++ {
		r.parts = append(r.parts, part{ours: -1, their: i, val: take(t.kids[i], true)})
	}
}

// items are some items of a list as text.
func (m *merger) items(n *node, in textmerge.Range) string {
	if in.Len() == 0 {
		return ""
	}
	part := &yaml.Node{Kind: yaml.SequenceNode}
	for _, k := range n.kids[in.From:in.To] {
		part.Content = append(part.Content, k.y)
	}
	return m.mask(&node{y: part})
}

func sums(n *node) []sum {
	list := make([]sum, len(n.kids))
	for i, k := range n.kids {
		list[i] = k.data
	}
	return list
}
