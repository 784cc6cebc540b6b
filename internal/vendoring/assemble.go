package vendoring

import (
	"github.com/tugops/tug/internal/yamlmerge"
)

// assemble puts the files together: in our order, with what is new behind what
// it follows upstream.
func (r *resourceMerge) assemble() {
	ours, theirs := map[string][]resourceKey{}, map[string][]resourceKey{}
	placed := map[resourceKey]bool{}
	for _, p := range r.files {
		for _, d := range r.u.docs[p] {
			// What upstream moved elsewhere stands there as it does upstream.
			if k := r.key(d); r.text[k] != nil && r.home[k] == p {
				ours[p] = append(ours[p], k)
				placed[k] = true
			}
		}
	}
	for _, p := range r.files {
		for _, d := range r.t.docs[p] {
			if k := r.key(d); r.text[k] != nil && !placed[k] {
				theirs[r.home[k]] = append(theirs[r.home[k]], k)
			}
		}
	}
	for _, p := range r.files {
		order := r.weave(p, ours[p], theirs[p])
		if len(order) == 0 {
			continue
		}
		texts := make([][]byte, len(order))
		for i, k := range order {
			texts[i] = r.text[k]
		}
		f := File{Data: yamlmerge.Join(texts, r.tail(p)), Exec: r.mode(p)}
		r.put(p, &f)
	}
}

// weave puts new resources behind the one that they follow upstream.
func (r *resourceMerge) weave(p string, ours, added []resourceKey) []resourceKey {
	if len(added) == 0 {
		return ours
	}
	at := map[resourceKey]int{}
	for i, k := range ours {
		at[k] = i
	}
	after := map[int][]resourceKey{}
	last := len(ours) - 1
	isNew := map[resourceKey]bool{}
	for _, k := range added {
		isNew[k] = true
	}
	before := -1
	for _, d := range r.t.docs[p] {
		k := r.key(d)
		if i, ok := at[k]; ok {
			before = i
			continue
		}
		if isNew[k] {
			after[before] = append(after[before], k)
			delete(isNew, k)
		}
	}
	for _, k := range added {
		if isNew[k] { // it comes from elsewhere
			after[last] = append(after[last], k)
		}
	}
	all := append([]resourceKey(nil), after[-1]...)
	for i, k := range ours {
		all = append(append(all, k), after[i]...)
	}
	return all
}

func (r *resourceMerge) tail(p string) []byte {
	if tail, ok := r.u.tails[p]; ok {
		return tail
	}
	return r.t.tails[p]
}

// mode is the executable bit of a file of resources.
func (r *resourceMerge) mode(p string) bool {
	o, u, t := r.merging.o.get(p), r.merging.u.get(p), r.merging.t.get(p)
	switch {
	case u == nil && t == nil:
		return false
	case u == nil:
		return t.Exec
	case t == nil:
		return u.Exec
	}
	if o == nil && u.Exec != t.Exec {
		r.conflict(Conflict{Kind: KindMode, File: p, Ours: modeWord(u.Exec), Theirs: modeWord(t.Exec)})
		if r.policy == Theirs {
			return t.Exec
		}
		return u.Exec
	}
	return exec(o, u, t)
}

func modeWord(exec bool) string {
	if exec {
		return "executable"
	}
	return "not executable"
}
