package vendoring

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/tugops/tug/internal/yamlmerge"
)

// Policy says what to do about conflicts.
type Policy string

// The policies.
const (
	Fail   Policy = "fail"
	Ours   Policy = "ours"
	Theirs Policy = "theirs"
)

// Merged is the result of a merge of trees.
type Merged struct {
	Tree      Tree
	Conflicts []Conflict
	Notes     []string
}

// merging is one merge of trees.
type merging struct {
	o, u, t Tree
	policy  Policy
	out     Merged
	// read keeps what was read of files, by where their content is in memory:
	// versions share the content of files that did not change.
	read map[*byte]resourceFile
}

// resourceFile is a file as resources, if it is one.
type resourceFile struct {
	list []yamlmerge.Document
	tail []byte
	ok   bool
}

func (m *merging) parse(f File) resourceFile {
	if len(f.Data) == 0 {
		return resourceFile{}
	}
	r, known := m.read[&f.Data[0]]
	if !known {
		r.list, r.tail, r.ok = yamlmerge.Resources(f.Data)
		m.read[&f.Data[0]] = r
	}
	return r
}

// Merge merges three versions of a tree. With Fail, the tree has our side
// wherever there is a conflict, and the caller must not use it.
func Merge(origin, ours, theirs Tree, policy Policy) Merged {
	m := &merging{o: copyTree(origin), u: copyTree(ours), t: copyTree(theirs), policy: policy, out: Merged{Tree: Tree{}}, read: map[*byte]resourceFile{}}
	m.followRenames()
	resources, others := m.sortOut()
	m.resources(resources)
	for _, p := range others {
		m.file(p)
	}
	m.collisions()
	slices.SortStableFunc(m.out.Conflicts, func(a, b Conflict) int { return strings.Compare(a.File, b.File) })
	return m.out
}

func copyTree(t Tree) Tree { return maps.Clone(t) }

// followRenames moves files that one side renamed without changing them, so
// that the other side's changes reach them under their new name.
func (m *merging) followRenames() {
	for from, to := range renames(m.o, m.t) {
		if _, has := m.u[to]; !has {
			move(m.o, from, to)
			move(m.u, from, to)
		}
	}
	for from, to := range renames(m.o, m.u) {
		if _, has := m.t[to]; !has {
			move(m.o, from, to)
			move(m.t, from, to)
		}
	}
}

func move(t Tree, from, to string) {
	if f, ok := t[from]; ok {
		delete(t, from)
		t[to] = f
	}
}

// renames are files of a that b has only under another name. Equal files
// cannot be told apart and are left out.
func renames(a, b Tree) map[string]string {
	gone, count := map[string]string{}, map[string]int{}
	for p, f := range a {
		if _, stays := b[p]; !stays && len(f.Data) > 0 {
			gone[f.sum()] = p
			count[f.sum()]++
		}
	}
	found := map[string]string{}
	for p, f := range b {
		if _, was := a[p]; was {
			continue
		}
		if from, ok := gone[f.sum()]; ok && count[f.sum()] == 1 {
			if _, twice := found[from]; twice {
				count[f.sum()]++
				delete(found, from)
				continue
			}
			found[from] = p
		}
	}
	return found
}

// sortOut parts the files that hold resources in all versions from the others.
func (m *merging) sortOut() (resources, others []string) {
	all := map[string]bool{}
	for _, t := range []Tree{m.o, m.u, m.t} {
		for p := range t {
			all[p] = true
		}
	}
	for p := range all {
		if m.isResources(p) {
			resources = append(resources, p)
		} else {
			others = append(others, p)
		}
	}
	slices.Sort(resources)
	slices.Sort(others)
	return resources, others
}

// isResources reports whether every version of a file that exists has only
// resources that can be told apart.
func (m *merging) isResources(p string) bool {
	if !holdsYAML(p) || isTemplate(p, m.o, m.u, m.t) {
		return false
	}
	for _, t := range []Tree{m.o, m.u, m.t} {
		f, ok := t[p]
		if !ok {
			continue
		}
		r := m.parse(f)
		if !r.ok {
			return false
		}
		seen := map[yamlmerge.ID]bool{}
		for _, d := range r.list {
			if seen[d.ID] {
				return false
			}
			seen[d.ID] = true
		}
	}
	return true
}

func holdsYAML(p string) bool {
	return strings.HasSuffix(p, ".yaml") || strings.HasSuffix(p, ".yml") || path.Base(p) == KptfileName
}

// isTemplate tells files of a chart that Helm reads as templates, whether they
// happen to be YAML or not.
func isTemplate(p string, trees ...Tree) bool {
	for dir := path.Dir(p); dir != "."; dir = path.Dir(dir) {
		if path.Base(dir) != "templates" {
			continue
		}
		for _, t := range trees {
			if _, chart := t[path.Join(path.Dir(dir), "Chart.yaml")]; chart {
				return true
			}
		}
	}
	return false
}

func (m *merging) prefer() yamlmerge.Side {
	if m.policy == Theirs {
		return yamlmerge.PreferTheirs
	}
	return yamlmerge.PreferOurs
}

func (m *merging) conflict(c Conflict) { m.out.Conflicts = append(m.out.Conflicts, c) }

// put sets a file of the result; nil leaves it out.
func (m *merging) put(p string, f *File) {
	if f != nil {
		m.out.Tree[p] = *f
	}
}

func (t Tree) get(p string) *File {
	if f, ok := t[p]; ok {
		return &f
	}
	return nil
}

func sameFile(a, b *File) bool { return a == b || a != nil && b != nil && a.equal(*b) }
