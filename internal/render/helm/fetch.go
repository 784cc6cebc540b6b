package helm

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"helm.sh/helm/v4/pkg/chart/loader/archive"
	chart "helm.sh/helm/v4/pkg/chart/v2"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/render"
)

// fetches is how many charts are fetched at once: most of the time goes into
// waiting for servers.
const fetches = 32

// site is where a chart stands: a folder of some files, or nowhere when it is
// in an archive. Above are the charts that led to it.
type site struct {
	files  fs.FS
	folder string // "" in an archive
	id     string
	above  *site
}

// below is a site that a chart at p leads to; a chart that leads to itself is
// an error.
func (p *site) below(files fs.FS, folder, id string) (*site, error) {
	chain := []string{id}
	for at := p; at != nil; at = at.above {
		chain = append(chain, at.id)
		if at.id == id {
			slices.Reverse(chain)
			return nil, fault.New(fault.Invalid, "charts depend on each other in a circle: %s", strings.Join(chain, " → "))
		}
	}
	return &site{files: files, folder: folder, id: id, above: p}, nil
}

// fetched is a dependency that was not in charts/, named as Helm would have
// put it there.
type fetched struct {
	name  string
	chart *chart.Chart
}

// fetchMissing gives the declared dependencies of c that charts/ does not
// hold. What Helm needs a `helm dependency build` for, and one for each chart
// in the chain (helm#2247), is done here for all of them, in parallel.
func (s *source) fetchMissing(ctx context.Context, root string, c *chart.Chart, at *site, depth int) ([]fetched, error) {
	missing := s.missing(root, c)
	found := make([]fetched, len(missing))
	errs := make([]error, len(missing))
	var group sync.WaitGroup
	turn := make(chan struct{}, fetches)
	for i, d := range missing {
		group.Go(func() {
			turn <- struct{}{}
			got, err := s.locateDependency(ctx, root, c, d, at)
			<-turn
			if err == nil {
				err = guarded(func() (err error) {
					found[i], err = s.unite(ctx, root, d, got, depth)
					return err
				})
			}
			errs[i] = err
		})
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	// One chart under two aliases is one archive for Helm.
	slices.SortStableFunc(found, func(a, b fetched) int { return strings.Compare(a.name, b.name) })
	return slices.CompactFunc(found, func(a, b fetched) bool { return a.name == b.name }), nil
}

// missing are the dependencies to fetch. Those without a repository must be in
// charts/, and with neither Sources nor a file:// address there is no way to
// get one; checkDependencies says so.
func (s *source) missing(root string, c *chart.Chart) []*chart.Dependency {
	var list []*chart.Dependency
	for _, d := range c.Metadata.Dependencies {
		if d == nil || d.Repository == "" || s.sources == nil && !isFile(d.Repository) {
			continue
		}
		vendored := slices.ContainsFunc(c.Dependencies(), func(v *chart.Chart) bool { return v.Name() == d.Name })
		if vendored {
			continue
		}
		if root == s.root && !s.complete && s.plainlyOff(c, d) {
			s.off[d] = true
			continue
		}
		list = append(list, d)
	}
	return list
}

func isFile(repository string) bool { return strings.HasPrefix(repository, "file://") }

// located is a chart that was found, and not yet read.
type located struct {
	site *site
	path string // of the chart in site.files
	root string // the name that its files get
}

// locateDependency finds one dependency.
func (s *source) locateDependency(ctx context.Context, root string, c *chart.Chart, d *chart.Dependency, at *site) (located, error) {
	from := object.Source{File: s.declaring(root)}
	if isFile(d.Repository) {
		return s.locateFile(d, at, from)
	}
	version := d.Version
	if c.Lock != nil {
		if l := find(c.Lock.Dependencies, d); l != nil && l.Version != "" && inRange(d.Version, l.Version) {
			version = l.Version
		}
	}
	p, err := s.sources.Chart(ctx, render.ChartRef{Repository: d.Repository, Name: d.Name, Version: version, From: from})
	if err != nil {
		return located{}, err
	}
	folder := ""
	if info, err := fs.Stat(p.Files, p.Path); err == nil && info.IsDir() {
		folder = p.Path
	}
	below, err := at.below(p.Files, folder, fmt.Sprintf("%s %s (%s)", d.Name, p.Version, d.Repository))
	if err != nil {
		return located{}, fault.New(fault.Invalid, "%s: %w", from.File, err)
	}
	return located{site: below, path: p.Path, root: path.Join(root, "charts", d.Name+"-"+p.Version+".tgz")}, nil
}

// locateFile finds a chart beside this one. The path is relative to the chart
// and must stay in the same files.
func (s *source) locateFile(d *chart.Dependency, at *site, from object.Source) (located, error) {
	target := strings.TrimPrefix(d.Repository, "file://")
	bad := func(why string) (located, error) {
		return located{}, fault.New(fault.Invalid, "%s: dependency %q: %s %s", from.File, d.Name, d.Repository, why).
			Hint("file:// paths are relative to the chart, as in file://../common, and stay inside the repository")
	}
	if at.folder == "" {
		return bad("is not to be had: the chart that names it is in an archive")
	}
	clean := path.Join(at.folder, target)
	if path.IsAbs(target) || !fs.ValidPath(clean) {
		return bad("leads out of the repository")
	}
	if _, err := fs.Stat(at.files, clean); err != nil {
		return bad("does not exist")
	}
	below, err := at.below(at.files, clean, clean)
	if err != nil {
		return located{}, fault.New(fault.Invalid, "%s: %w", from.File, err)
	}
	if info, err := fs.Stat(at.files, clean); err == nil && !info.IsDir() {
		below.folder = ""
	}
	return located{site: below, path: clean, root: clean}, nil
}

// unite reads a chart that was found and checks that it is what was asked for.
func (s *source) unite(ctx context.Context, root string, d *chart.Dependency, l located, depth int) (fetched, error) {
	files, err := s.readAt(ctx, l.site.files, l.path, l.root)
	if err != nil {
		return fetched{}, err
	}
	c, err := s.assemble(ctx, l.root, files, l.site, depth+1)
	if err != nil {
		return fetched{}, err
	}
	if c.Name() != d.Name {
		return fetched{}, fault.New(fault.Invalid, "%s: dependency %q: %s holds chart %q", s.declaring(root), d.Name, d.Repository, c.Name())
	}
	if !pinned(d.Version) && !inRange(d.Version, c.Metadata.Version) {
		return fetched{}, fault.New(fault.Invalid, "%s: dependency %q must be %s, but %s has %s", s.declaring(root), d.Name, d.Version, d.Repository, c.Metadata.Version)
	}
	s.mu.Lock()
	s.fetched[c] = d
	s.mu.Unlock()
	return fetched{name: c.Name() + "-" + c.Metadata.Version + ".tgz", chart: c}, nil
}

// pinned reports whether a version names content: "sha256:…", or a version
// with a digest behind "@".
func pinned(version string) bool {
	return strings.HasPrefix(version, "sha256:") || strings.Contains(version, "@sha256:")
}

// readAt gives the files of a chart in a folder or archive of any files. root
// is what messages call it.
func (s *source) readAt(ctx context.Context, files fs.FS, name, root string) ([]*archive.BufferedFile, error) {
	tree := &render.Tree{Files: files}
	found, err := fs.Stat(files, name)
	if err != nil {
		return nil, fault.New(fault.NotFound, "no chart at %s", root).
			Hint("a chart is a folder with a Chart.yaml")
	}
	if !found.IsDir() {
		data, err := tree.ReadFile(name)
		if err != nil {
			return nil, err
		}
		return s.unpack(root, data)
	}
	rules, err := ignoreRules(tree, name)
	if err != nil {
		return nil, err
	}
	tree.Skip = func(name string, folder bool) bool { return rules.Ignore(name, info{name, folder}) }
	read, err := tree.Read(ctx, name)
	if err != nil {
		return nil, err
	}
	list := make([]*archive.BufferedFile, 0, len(read))
	var size int64
	for _, f := range read {
		size += int64(len(f.Data))
		list = append(list, &archive.BufferedFile{Name: f.Name, Data: bytes.TrimPrefix(f.Data, []byte("\ufeff"))})
	}
	return list, s.tree.Count(root, size)
}

// plainlyOff reports whether a dependency of the root chart is switched off
// whatever the dependency itself says: the first of its conditions that says
// anything is a false in the values of the user or of the chart, which win over
// those of the dependency. Helm fetches such a chart and then drops it.
func (s *source) plainlyOff(c *chart.Chart, d *chart.Dependency) bool {
	first, _, _ := strings.Cut(d.Condition, ",")
	keys := strings.Split(strings.TrimSpace(first), ".")
	if first == "" {
		return false
	}
	for _, values := range []map[string]any{s.given, c.Values} {
		value, state := lookup(values, keys)
		if state == absent {
			continue
		}
		on, ok := value.(bool)
		return ok && !on
	}
	return false
}

// states of a key on a path of values.
const (
	absent = iota
	present
	blocked // something that is no map stands on the way
)

func lookup(values map[string]any, keys []string) (any, int) {
	var at any = values
	for _, key := range keys {
		m, ok := asMap(at)
		if !ok {
			return nil, blocked
		}
		next, ok := m[key]
		if !ok {
			return nil, absent
		}
		at = next
	}
	return at, present
}
