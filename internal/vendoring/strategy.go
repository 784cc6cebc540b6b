package vendoring

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

// merge fills in what the update changes.
func (u *Update) merge(p *pack, origin, theirs Fetched, policy Policy, inside []string) error {
	name := filepath.Base(p.dir)
	if p.kptfile != nil && p.kptfile.Name != "" {
		name = p.kptfile.Name
	}
	ours := without(p.tree, inside)
	if p.record != nil {
		delete(ours, RecordName)
	}
	// What stands for both upstream versions has our upstream in its Kptfile,
	// so that this is no difference to merge.
	o, err := u.beside(origin.Tree, p, name)
	if err != nil {
		return err
	}
	t, err := u.beside(theirs.Tree, p, name)
	if err != nil {
		return err
	}
	u.left(o, t, inside)
	o, t = without(o, inside), without(t, inside)
	u.twice(o, ours, t, policy)
	merged := u.follow(o, ours, t, policy)
	u.Conflicts, u.Notes = append(u.Conflicts, merged.Conflicts...), append(u.Notes, merged.Notes...)
	for file, f := range p.tree {
		if within(file, inside) {
			merged.Tree[file] = f
		}
	}
	if err := u.finish(p, merged.Tree, theirs, name, inside); err != nil {
		return err
	}
	return nil
}

// beside is an upstream tree as it would stand here.
func (u *Update) beside(t Tree, p *pack, name string) (Tree, error) {
	if p.source.Type != Git {
		return without(t, nil), nil
	}
	out := mark(without(t, nil))
	if p.kptfile == nil {
		return out, nil
	}
	var text []byte
	if f := out.get(KptfileName); f != nil {
		text = f.Data
	}
	if p.kptfile.Old && text == nil {
		out[KptfileName] = p.tree[KptfileName] // it has nothing of upstream's
		return out, nil
	}
	text, err := writeKptfile(text, name, p.source, p.resolved, p.strategy)
	if err != nil {
		return nil, err
	}
	text, err = setAll(text, [][]string{{"metadata", "name", name}})
	out[KptfileName] = File{Data: text}
	return out, err
}

// left notes packages inside that are left alone although upstream changed them.
func (u *Update) left(o, t Tree, inside []string) {
	for _, dir := range inside {
		if o.Below(dir).Hash() != t.Below(dir).Hash() {
			u.Notes = append(u.Notes, dir+" changed upstream, and is left alone: it has an upstream of its own here")
		}
	}
}

// twice finds packages inside that both sides added, and settles them as a
// whole.
func (u *Update) twice(o, ours, t Tree, policy Policy) {
	for _, file := range ours.Paths() {
		dir, is := strings.CutSuffix(file, "/"+KptfileName)
		if !is || o.get(file) != nil || t.get(file) == nil {
			continue
		}
		here, there := ours.Below(dir), t.Below(dir)
		if here.Hash() == there.Hash() {
			continue
		}
		u.Conflicts = append(u.Conflicts, Conflict{Kind: KindSubpackage, File: dir, Ours: strings.Join(here.Paths(), "\n"), Theirs: strings.Join(there.Paths(), "\n")})
		from, to := ours, t
		if policy == Theirs {
			from, to = t, ours
		}
		for _, p := range to.Paths() {
			if within(p, []string{dir}) {
				delete(to, p)
			}
		}
		for p, f := range from {
			if within(p, []string{dir}) {
				to[p] = f
			}
		}
	}
}

// follow makes the new tree by the strategy.
func (u *Update) follow(o, ours, t Tree, policy Policy) Merged {
	switch u.Strategy {
	case ForceDeleteReplace:
		return Merged{Tree: t}
	case CopyMerge:
		out := copyTree(ours)
		maps.Copy(out, t)
		return Merged{Tree: out}
	case FastForward:
		out := Merged{Tree: t}
		for _, e := range edits(o.hashes(), ours, o) {
			out.Conflicts = append(out.Conflicts, Conflict{Kind: "edited here", File: e.File, Ours: e.Action})
		}
		return out
	}
	return Merge(o, ours, t, policy)
}

// finish adds the records and lists the changes.
func (u *Update) finish(p *pack, tree Tree, theirs Fetched, name string, inside []string) error {
	wrote, err := written(theirs.Tree, name, u.Source, u.To, u.Strategy)
	if err != nil {
		return err
	}
	if p.kptfile != nil {
		f := tree.get(KptfileName)
		if f == nil {
			f = &File{}
			*f = p.tree[KptfileName]
		}
		if f.Data, err = writeKptfile(f.Data, name, u.Source, u.To, u.Strategy); err != nil {
			return err
		}
		tree[KptfileName] = *f
	}
	wrote = without(wrote, inside)
	for file, f := range wrote {
		// Where only the layout is ours, the record is of our file.
		if here := tree.get(file); here != nil && unchanged(&f, here) {
			wrote[file] = *here
		}
	}
	record, err := recordFor(theirs, wrote, u.Source, u.Strategy)
	if err != nil {
		return err
	}
	tree[RecordName] = record
	u.after, u.rewritten = tree, !sameFile(u.before.get(RecordName), &record)
	u.Changes = changes(u.before, tree)
	return nil
}

// changes are the files that differ, without the record.
func changes(before, after Tree) []Change {
	list := []Change{}
	for p, f := range after {
		switch old := before.get(p); {
		case p == RecordName || sameFile(old, &f):
		case old == nil:
			list = append(list, Change{p, "added"})
		default:
			list = append(list, Change{p, "changed"})
		}
	}
	for p := range before {
		if after.get(p) == nil {
			list = append(list, Change{p, "deleted"})
		}
	}
	slices.SortFunc(list, func(a, b Change) int { return strings.Compare(a.File, b.File) })
	return list
}
