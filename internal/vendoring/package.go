package vendoring

import (
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tugops/tug/internal/fault"
)

// Vendor fetches, updates and verifies packages.
type Vendor struct {
	Fetch Fetcher
	// Changed lists what of a folder is not committed; nil without Git, when
	// there is no way back from an update.
	Changed func(dir string) ([]string, error)
	Limits  Limits
}

// pack is a package in the working tree.
type pack struct {
	dir      string // on disk
	tree     Tree   // all files, the record among them
	source   Source
	resolved Resolved
	strategy string
	record   *Record // nil for packages that only kpt knows
	kptfile  *Kptfile
}

// open reads the package in a folder.
func (v Vendor) open(dir string) (*pack, error) {
	tree, err := v.read(dir)
	if err != nil {
		return nil, err
	}
	if len(tree.Below(swapDir)) > 0 {
		return nil, fault.New(fault.Conflict, "an update of %s was cut off: what was there is in %s", dir, filepath.Join(dir, swapDir, "old")).
			Hint("take the folder from Git (git checkout -- %s) and remove %s", dir, filepath.Join(dir, swapDir))
	}
	p, err := packOf(dir, tree)
	if err != nil {
		return nil, err
	}
	if p == nil {
		return nil, fault.New(fault.NotFound, "%s is no package: it has neither %s nor a %s with an upstream", dir, RecordName, KptfileName).
			Hint("fetch one with: tug vendor get SOURCE %s", dir)
	}
	return p, nil
}

func (v Vendor) read(dir string) (Tree, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fault.New(fault.NotFound, "open package: %w", err).Hint("name the folder of a package")
	}
	defer root.Close()
	return ReadTree(root.FS(), ".", v.Limits)
}

// packOf is the package of a tree, nil when it is none.
func packOf(dir string, tree Tree) (*pack, error) {
	p := &pack{dir: dir, tree: tree, strategy: ResourceMerge}
	if f := tree.get(KptfileName); f != nil {
		k, err := ReadKptfile(filepath.Join(dir, KptfileName), f.Data)
		if err != nil {
			return nil, err
		}
		if k.Upstream != nil {
			p.kptfile, p.source = &k, k.Upstream.source()
			if k.Strategy != "" {
				p.strategy = k.Strategy
			}
		}
		if k.Upstream != nil && k.Lock != nil {
			p.resolved.Commit = k.Lock.Commit
		}
	}
	if f := tree.get(RecordName); f != nil {
		r, err := ReadRecord(filepath.Join(dir, RecordName), f.Data)
		if err != nil {
			return nil, err
		}
		p.record = &r
		if p.kptfile == nil {
			p.source, p.resolved = r.Source, r.Resolved
		}
		if r.Strategy != "" && p.kptfile == nil {
			p.strategy = r.Strategy
		}
	}
	if p.kptfile == nil && p.record == nil {
		return nil, nil
	}
	_, err := checked(p.source)
	return p, err
}

// stale reports whether kpt moved the package on after tug recorded it: then
// the record's hashes are of another version.
func (p *pack) stale() bool {
	return p.record != nil && p.kptfile != nil && p.record.Resolved.Commit != p.resolved.Commit
}

// nested are the folders of packages inside a tree that have their own record
// or upstream, outermost first, without those that are part of the package
// itself.
func nested(tree Tree, part func(dir string) bool) []string {
	var dirs []string
	for _, file := range tree.Paths() {
		dir := path.Dir(file)
		if dir == "." || path.Base(file) != KptfileName && path.Base(file) != RecordName || within(file, dirs) {
			continue
		}
		if p, err := packOf(dir, tree.Below(dir)); err == nil && p != nil && !part(dir) {
			dirs = append(dirs, dir)
		}
	}
	return slices.Compact(dirs)
}

// holds reports whether a package inside was fetched with the package, and has
// not been given a record of its own since.
func (p *pack) holds(dir string) bool {
	if p.record == nil || p.stale() {
		return false
	}
	_, kptfile := p.record.Files[dir+"/"+KptfileName]
	_, record := p.record.Files[dir+"/"+RecordName]
	return record || kptfile && p.tree.get(dir+"/"+RecordName) == nil
}

// shares reports whether a package inside is part of an upstream tree, and has
// the upstream there that it has here: else somebody updated it by itself.
func (p *pack) shares(origin Tree) func(dir string) bool {
	return func(dir string) bool {
		if origin.get(dir+"/"+RecordName) == nil && p.tree.get(dir+"/"+RecordName) != nil {
			return false
		}
		there, err := packOf(dir, origin.Below(dir))
		here, hereErr := packOf(dir, p.tree.Below(dir))
		return err == nil && hereErr == nil && there != nil && here != nil && there.source == here.source && there.resolved == here.resolved
	}
}

// without is a tree without some folders and the package's own record.
func without(t Tree, dirs []string) Tree {
	out := make(Tree, len(t))
	for p, f := range t {
		if p == RecordName || within(p, dirs) {
			continue
		}
		out[p] = f
	}
	return out
}

func within(p string, dirs []string) bool {
	for _, d := range dirs {
		if strings.HasPrefix(p, d+"/") {
			return true
		}
	}
	return false
}

// written is an upstream tree as tug writes it: what kpt needs is added when it
// comes from Git.
func written(t Tree, name string, s Source, r Resolved, strategy string) (Tree, error) {
	out := without(t, nil)
	if s.Type != Git {
		return out, nil
	}
	out = mark(out)
	var text []byte
	if f := out.get(KptfileName); f != nil {
		text = f.Data
	}
	text, err := writeKptfile(text, name, s, r, strategy)
	if err != nil {
		return nil, err
	}
	text, err = setAll(text, [][]string{{"metadata", "name", name}})
	out[KptfileName] = File{Data: text}
	return out, err
}

// recordFor is the record of an upstream tree as fetched and as written.
func recordFor(f Fetched, wrote Tree, s Source, strategy string) (File, error) {
	r := Record{Source: s, Resolved: f.Resolved, Content: f.Tree.Hash(), Files: wrote.hashes()}
	if s.Type != Git {
		r.Strategy = strategy
	}
	data, err := r.encode()
	return File{Data: data}, err
}
