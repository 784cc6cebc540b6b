package vendoring

import (
	"context"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tugops/tug/internal/fault"
)

// State is the verdict about a package.
type State string

// The states.
const (
	// Pristine is exactly what was fetched.
	Pristine State = "pristine"
	// Edited differs from it; the edits are listed.
	Edited State = "edited"
	// Unproven has no hashes: kpt fetched it, and nobody asked upstream.
	Unproven State = "unproven"
	// Broken has a record that is wrong: it contradicts the Kptfile, or
	// upstream has other content under the recorded version.
	Broken State = "broken"
)

// Verified is the verdict about one package.
type Verified struct {
	Dir      string   `json:"dir"`
	Source   Source   `json:"source"`
	Resolved Resolved `json:"resolved"`
	State    State    `json:"state"`
	Edits    []Change `json:"edits"`
	Problem  string   `json:"problem,omitempty"`
}

// VerifyOptions say how to verify.
type VerifyOptions struct {
	// Upstream fetches every package again and compares it with its record.
	Upstream bool
}

// Verify looks at all packages in and below a folder; there may be none.
func (v Vendor) Verify(ctx context.Context, dir string, o VerifyOptions) ([]Verified, error) {
	dirs, err := packages(dir)
	if err != nil {
		return nil, err
	}
	var list []Verified
	part := map[string]bool{} // of a package around it
	for _, d := range dirs {
		if part[d] {
			continue
		}
		tree, err := v.read(d)
		if err != nil {
			return nil, err
		}
		p, err := packOf(d, tree)
		if err != nil {
			return nil, err
		}
		if p == nil {
			continue
		}
		for _, inner := range dirs {
			if rel, err := filepath.Rel(d, inner); err == nil && filepath.IsLocal(rel) && rel != "." && p.holds(filepath.ToSlash(rel)) {
				part[inner] = true
			}
		}
		one, err := v.verify(ctx, p, o)
		if err != nil {
			return nil, err
		}
		list = append(list, one)
	}
	return list, nil
}

// packages are the folders with a record or Kptfile, links not followed.
func packages(dir string) ([]string, error) {
	var dirs []string
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return fault.New(fault.NotFound, "look for packages: %w", err)
		}
		switch {
		case d.IsDir() && d.Name() == ".git":
			return filepath.SkipDir
		case d.Type().IsRegular() && (d.Name() == RecordName || d.Name() == KptfileName):
			dirs = append(dirs, filepath.Dir(name))
		}
		return nil
	})
	slices.Sort(dirs)
	return slices.Compact(dirs), err
}

func (v Vendor) verify(ctx context.Context, p *pack, o VerifyOptions) (Verified, error) {
	out := Verified{Dir: p.dir, Source: p.source, Resolved: p.resolved, State: Pristine, Edits: []Change{}}
	inside := nested(p.tree, p.holds)
	ours := without(p.tree, inside)
	var upstream, raw Tree
	if o.Upstream {
		f, err := v.Fetch.Fetch(ctx, p.source.at(p.resolved))
		if err != nil {
			return out, err
		}
		if p.record != nil && !p.stale() && f.Tree.Hash() != p.record.Content {
			out.State, out.Problem = Broken, "upstream has other content than what was recorded for "+p.resolved.String()+": "+f.Tree.Hash()
			return out, nil
		}
		if upstream, err = written(f.Tree, p.name(), p.source, p.resolved, p.strategy); err != nil {
			return out, err
		}
		upstream, raw = without(upstream, inside), without(f.Tree, inside)
	}
	switch {
	case p.stale():
		out.State = Broken
		out.Problem = RecordName + " is of commit " + p.record.Resolved.String() + ", " + KptfileName + " of " + p.resolved.String() + ": kpt moved the package on"
		return out, nil
	case upstream != nil:
		out.Edits = edits(upstream.hashes(), ours, upstream, raw)
	case p.record == nil:
		out.State = Unproven
		return out, nil
	default:
		out.Edits = edits(p.record.Files, ours)
	}
	if len(out.Edits) > 0 {
		out.State = Edited
	}
	return out, nil
}

func (p *pack) name() string {
	if p.kptfile != nil && p.kptfile.Name != "" {
		return p.kptfile.Name
	}
	return filepath.Base(p.dir)
}

// edits compares files with the hashes of what upstream has. With its content,
// marked for kpt and not, a file that only has another layout is no edit: kpt
// formats what it fetches, and older versions of it write no marks.
func edits(want map[string]string, ours Tree, content ...Tree) []Change {
	list := []Change{}
	for p, f := range ours {
		sum, known := want[p]
		says := func(t Tree) bool { return unchanged(t.get(p), &f) || p == KptfileName && sameUpstream(t.get(p), f) }
		switch {
		case p == RecordName || known && sum == f.sum():
		case known && slices.ContainsFunc(content, says):
		case known:
			list = append(list, Change{p, "changed"})
		default:
			list = append(list, Change{p, "added"})
		}
	}
	for p := range want {
		if ours.get(p) == nil {
			list = append(list, Change{p, "deleted"})
		}
	}
	slices.SortFunc(list, func(a, b Change) int { return strings.Compare(a.File, b.File) })
	return list
}

// sameUpstream compares Kptfiles by where they say that the package is from,
// for schemas in which nothing else can be compared.
func sameUpstream(a *File, b File) bool {
	if a == nil {
		return false
	}
	x, errX := ReadKptfile(KptfileName, a.Data)
	y, errY := ReadKptfile(KptfileName, b.Data)
	return errX == nil && errY == nil && x.Old != y.Old && x.Lock != nil && y.Lock != nil && x.Lock.Commit == y.Lock.Commit
}
