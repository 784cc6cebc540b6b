package vendoring

import (
	"bytes"
	"path"
	"strings"

	"github.com/tugops/tug/internal/textmerge"
	"github.com/tugops/tug/internal/yamlmerge"
)

// place is one resource in one version.
type place struct {
	file string
	doc  yamlmerge.Document
}

// resourceKey tells resources apart: by the package that they are in and their
// identity; by the file too where one identity stands in several files, as
// patches and variants do (kpt#217).
type resourceKey struct {
	pkg  string
	id   yamlmerge.ID
	file string
}

// version is one side of a merge of resources.
type version struct {
	docs  map[string][]place // by file, in order
	tails map[string][]byte
	byKey map[resourceKey]place
}

// resources merges the files that hold resources. Every resource is found by a
// look-up, so that the work grows with their number only.
func (m *merging) resources(files []string) {
	sides := make([]version, 3)
	count := map[resourceKey]int{}
	for i, t := range []Tree{m.o, m.u, m.t} {
		sides[i] = version{docs: map[string][]place{}, tails: map[string][]byte{}, byKey: map[resourceKey]place{}}
		own := map[resourceKey]int{}
		for _, p := range files {
			f, ok := t[p]
			if !ok {
				continue
			}
			r := m.parse(f)
			sides[i].tails[p] = r.tail
			for _, d := range r.list {
				sides[i].docs[p] = append(sides[i].docs[p], place{p, d})
				own[resourceKey{pkg: m.packageOf(p), id: d.ID}]++
			}
		}
		for k, n := range own {
			count[k] = max(count[k], n)
		}
	}
	key := func(p place) resourceKey {
		k := resourceKey{pkg: m.packageOf(p.file), id: p.doc.ID}
		if count[k] > 1 || k.id.Name == "" {
			k.file = p.file
		}
		return k
	}
	for _, s := range sides {
		for _, list := range s.docs {
			for _, p := range list {
				s.byKey[key(p)] = p
			}
		}
	}
	r := &resourceMerge{merging: m, o: sides[0], u: sides[1], t: sides[2], key: key, files: files}
	r.run()
}

// packageOf is the folder of the nearest Kptfile above a file.
func (m *merging) packageOf(p string) string {
	for dir := path.Dir(p); dir != "."; dir = path.Dir(dir) {
		for _, t := range []Tree{m.o, m.u, m.t} {
			if _, ok := t[dir+"/"+KptfileName]; ok {
				return dir
			}
		}
	}
	return "."
}

// resourceMerge merges resource by resource and puts the files together again.
type resourceMerge struct {
	*merging
	o, u, t version
	key     func(place) resourceKey
	files   []string

	text map[resourceKey][]byte // of what stays
	home map[resourceKey]string // the file that it stays in
}

func (r *resourceMerge) run() {
	r.text, r.home = map[resourceKey][]byte{}, map[resourceKey]string{}
	for _, side := range []version{r.u, r.t} {
		for _, p := range r.files {
			for _, d := range side.docs[p] {
				k := r.key(d)
				if _, done := r.home[k]; !done {
					r.one(k)
				}
			}
		}
	}
	r.assemble()
}

// one merges one resource.
func (r *resourceMerge) one(k resourceKey) {
	o, hasO := r.o.byKey[k]
	u, hasU := r.u.byKey[k]
	t, hasT := r.t.byKey[k]
	r.home[k] = "" // seen
	switch {
	case hasU && hasT:
		r.home[k] = u.file
		if hasO && o.file == u.file {
			r.home[k] = t.file // a move upstream is followed
		}
		r.text[k] = r.document(u.file, k, hasO, o, u, t)
	case hasU && !hasO:
		r.keep(k, u)
	case hasT && !hasO:
		r.keep(k, t)
	case hasU: // deleted upstream
		if yamlmerge.Same(&o.doc, &u.doc) {
			return
		}
		r.whole(kindDeletedTheirs, k, u, o.doc.Text, u.doc.Text, nil)
		if r.policy != Theirs {
			r.keep(k, u)
		}
	case hasT: // deleted here
		if yamlmerge.Same(&o.doc, &t.doc) {
			return
		}
		r.whole(kindDeletedOurs, k, t, o.doc.Text, nil, t.doc.Text)
		if r.policy == Theirs {
			r.keep(k, t)
		}
	}
}

func (r *resourceMerge) keep(k resourceKey, p place) { r.home[k], r.text[k] = p.file, p.doc.Text }

// whole reports a conflict about a resource as a whole.
func (r *resourceMerge) whole(kind string, k resourceKey, at place, o, u, t []byte) {
	show := func(text []byte) string {
		if k.id.Kind == "Secret" && len(text) > 0 {
			return hidden
		}
		return clip(strings.TrimSuffix(strings.TrimPrefix(string(text), "---\n"), "\n"))
	}
	c := Conflict{Kind: kind, File: at.file, Resource: k.id.String(), Origin: show(o), Ours: show(u), Theirs: show(t)}
	if u != nil {
		c.Line = at.doc.Line
	}
	r.conflict(c)
}

// document merges a resource that both sides have.
func (r *resourceMerge) document(file string, k resourceKey, hasO bool, o, u, t place) []byte {
	var origin *yamlmerge.Document
	if hasO {
		origin = &o.doc
	}
	in := yamlmerge.InputOf(origin, &u.doc, &t.doc)
	in.Prefer, in.Mask = r.prefer(), k.id.Kind == "Secret"
	out := yamlmerge.Merge(in)
	if out.Plain {
		r.yaml(file, k.id.String(), u.doc.Line, out)
		return out.Text
	}
	side := textmerge.PreferOurs
	if r.policy == Theirs {
		side = textmerge.PreferTheirs
	}
	text, clashes := textmerge.Merge(in.Origin, in.Ours, in.Theirs, side)
	for _, c := range clashes {
		one := Conflict{
			Kind: KindText, File: file, Resource: k.id.String(), Line: u.doc.Line + c.Line.From - 1, LastLine: u.doc.Line + c.Line.To - 1,
			Origin: clip(c.Origin), Ours: clip(c.Ours), Theirs: clip(c.Theirs),
		}
		if in.Mask {
			one.Origin, one.Ours, one.Theirs = hidden, hidden, hidden
		}
		r.conflict(one)
	}
	return text
}

// mark writes kpt's marks into the resources of a package from Git.
func mark(t Tree) Tree {
	out := make(Tree, len(t))
	for p, f := range t {
		out[p] = f
		if !holdsYAML(p) || path.Base(p) == KptfileName || isTemplate(p, t) {
			continue
		}
		list, tail, ok := yamlmerge.Resources(f.Data)
		if !ok {
			continue
		}
		texts := make([][]byte, len(list))
		for i, d := range list {
			texts[i] = yamlmerge.Mark(d.Text)
		}
		if data := yamlmerge.Join(texts, tail); !bytes.Equal(data, f.Data) {
			out[p] = File{Data: data, Exec: f.Exec}
		}
	}
	return out
}
