package vendoring

import (
	"bytes"
	"path"

	"github.com/tugops/tug/internal/textmerge"
	"github.com/tugops/tug/internal/yamlmerge"
)

// file merges a file that is not merged by resources.
func (m *merging) file(p string) {
	o, u, t := m.o.get(p), m.u.get(p), m.t.get(p)
	secret := hasSecret(o, u, t)
	whole := func(kind string) {
		m.conflict(Conflict{Kind: kind, File: p, Origin: shown(o, secret), Ours: shown(u, secret), Theirs: shown(t, secret)})
		if m.policy == Theirs {
			m.put(p, t)
			return
		}
		m.put(p, u)
	}
	switch {
	case sameFile(u, t), sameFile(o, t):
		m.put(p, u)
	case sameFile(o, u):
		m.put(p, t)
	case u == nil && unchanged(o, t):
	case t == nil && unchanged(o, u):
	case u == nil:
		whole(kindDeletedOurs)
	case t == nil:
		whole(kindDeletedTheirs)
	case o == nil && bytes.Equal(u.Data, t.Data):
		whole(KindMode)
	case o == nil:
		whole(kindAdded)
	default:
		m.contents(p, o, u, t, secret, whole)
	}
}

// unchanged reports whether a file says the same, whatever its layout.
func unchanged(a, b *File) bool {
	return sameFile(a, b) || a != nil && b != nil && a.Exec == b.Exec && sameResources(a.Data, b.Data)
}

// sameResources compares files by the data of their resources.
func sameResources(a, b []byte) bool {
	x, _, okX := yamlmerge.Resources(a)
	y, _, okY := yamlmerge.Resources(b)
	if !okX || !okY || len(x) != len(y) {
		return false
	}
	for i := range x {
		if !yamlmerge.Equal(x[i].Text, y[i].Text) {
			return false
		}
	}
	return true
}

// contents merges a file that is there on all sides.
func (m *merging) contents(p string, o, u, t *File, secret bool, whole func(string)) {
	merged := File{Exec: exec(o, u, t)}
	if isBinary(o.Data) || isBinary(u.Data) || isBinary(t.Data) {
		switch {
		case bytes.Equal(o.Data, u.Data), bytes.Equal(u.Data, t.Data):
			merged.Data = t.Data
		case bytes.Equal(o.Data, t.Data):
			merged.Data = u.Data
		default:
			whole(KindBinary)
			return
		}
		m.put(p, &merged)
		return
	}
	var clashes []textmerge.Clash
	side := textmerge.PreferOurs
	if m.policy == Theirs {
		side = textmerge.PreferTheirs
	}
	merged.Data, clashes = textmerge.Merge(o.Data, u.Data, t.Data, side)
	if len(clashes) > 0 && holdsYAML(p) && !isTemplate(p, m.o, m.u, m.t) {
		out := yamlmerge.Merge(yamlmerge.Input{Origin: o.Data, Ours: u.Data, Theirs: t.Data, Prefer: m.prefer(), Mask: secret})
		if out.Plain {
			merged.Data, clashes = out.Text, nil
			m.yaml(p, "", 0, out)
		}
	}
	for _, c := range clashes {
		one := Conflict{Kind: KindText, File: p, Line: c.Line.From, LastLine: c.Line.To, Origin: clip(c.Origin), Ours: clip(c.Ours), Theirs: clip(c.Theirs)}
		if secret {
			one.Origin, one.Ours, one.Theirs = hidden, hidden, hidden
		}
		m.conflict(one)
	}
	m.put(p, &merged)
}

// yaml takes over what the merge of a document found.
func (m *merging) yaml(p, resource string, line int, out yamlmerge.Output) {
	for _, c := range out.Conflicts {
		one := Conflict{Kind: string(c.Kind), File: p, Resource: resource, Path: c.Path, Origin: clip(c.Origin), Ours: clip(c.Ours), Theirs: clip(c.Theirs)}
		if c.Line > 0 {
			one.Line = max(line, 1) + c.Line - 1
		}
		m.conflict(one)
	}
	for _, n := range out.Notes {
		m.out.Notes = append(m.out.Notes, p+": a new comment of upstream is not taken over, since lines around it changed on both sides: "+n)
	}
}

// exec merges the executable bit.
func exec(o, u, t *File) bool {
	if o != nil && u.Exec == o.Exec {
		return t.Exec
	}
	return u.Exec
}

// hasSecret reports whether any version may hold the values of a Secret.
func hasSecret(files ...*File) bool {
	for _, f := range files {
		if f == nil {
			continue
		}
		for line := range bytes.Lines(f.Data) {
			kind, is := bytes.CutPrefix(bytes.TrimSpace(line), []byte("kind:"))
			if is && string(bytes.Trim(kind, " \"'")) == "Secret" {
				return true
			}
		}
	}
	return false
}

// collisions finds files that stand where another file needs a folder.
func (m *merging) collisions() {
	for _, p := range m.out.Tree.Paths() {
		for dir := path.Dir(p); dir != "."; dir = path.Dir(dir) {
			f, is := m.out.Tree[dir]
			if !is {
				continue
			}
			_, fileIsTheirs := m.t[dir]
			c := Conflict{Kind: KindPath, File: dir, Ours: "a folder with " + p, Theirs: "a file"}
			drop := dir
			if !fileIsTheirs {
				c.Ours, c.Theirs, drop = "a file", "a folder with "+p, p
			}
			if m.policy == Theirs && drop == dir {
				drop = p
			} else if m.policy == Theirs {
				drop = dir
			}
			m.conflict(c)
			_ = f
			delete(m.out.Tree, drop)
			break
		}
	}
}
