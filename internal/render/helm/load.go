package helm

import (
	"bytes"
	"context"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/loader/archive"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/ignore"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/render"
)

// maxNesting bounds charts within charts; an archive can hold itself.
const maxNesting = 16

// source is a loaded chart and where its files come from.
type source struct {
	root     string // path of the chart inside the repository
	chart    *chart.Chart
	origin   map[*common.File]string        // file -> path inside the repository
	folders  map[string]map[string]struct{} // chart path -> names of its files
	tree     *render.Tree
	sources  render.Sources
	complete bool                               // fetch what values switch off, too
	given    map[string]any                     // values of the user
	off      map[*chart.Dependency]bool         // not fetched, since values switch them off
	fetched  map[*chart.Chart]*chart.Dependency // what was not in charts/
	mu       sync.Mutex                         // of the maps, while subcharts are loaded
	warnings []string
}

// load reads the chart of r. Subcharts are loaded one by one, in the order of
// their file names, where Helm's loader takes the random order of a map: order
// decides about CRDs and about charts that stand twice in charts/.
func load(ctx context.Context, r render.Request, given map[string]any) (*source, error) {
	root, err := render.CleanPath(r.Path)
	if err != nil {
		return nil, err
	}
	s := &source{
		root: root, origin: map[*common.File]string{}, folders: map[string]map[string]struct{}{},
		sources: r.Sources, given: given, off: map[*chart.Dependency]bool{}, fetched: map[*chart.Chart]*chart.Dependency{},
	}
	s.tree = &render.Tree{Files: r.Files}
	if all, ok := r.Sources.(interface{ Complete() bool }); ok {
		s.complete = all.Complete()
	}
	files, err := s.readAt(ctx, r.Files, root, root)
	if err != nil {
		return nil, err
	}
	at := &site{files: r.Files, folder: root, id: root}
	if info, err := fs.Stat(r.Files, root); err == nil && !info.IsDir() {
		at.folder = ""
	}
	err = guarded(func() error {
		s.chart, err = s.assemble(ctx, root, files, at, 0)
		return err
	})
	if err != nil {
		return nil, err
	}
	return s, s.checkDependencies()
}

// ignoreRules reads .helmignore. As in Helm only the one of the chart itself
// counts, and it covers the subcharts too.
func ignoreRules(tree *render.Tree, root string) (*ignore.Rules, error) {
	rules := ignore.Empty()
	name := path.Join(root, ignore.HelmIgnore)
	if _, err := fs.Stat(tree.Files, name); err == nil {
		data, err := tree.ReadFile(name)
		if err != nil {
			return nil, err
		}
		if rules, err = ignore.Parse(bytes.NewReader(data)); err != nil {
			return nil, fault.New(fault.Invalid, "%s: %w", name, err)
		}
	}
	rules.AddDefaults()
	return rules, nil
}

// info is what the rules of .helmignore want to know of a file.
type info struct {
	name   string
	folder bool
}

func (i info) Name() string       { return path.Base(i.name) }
func (i info) IsDir() bool        { return i.folder }
func (i info) Size() int64        { return 0 }
func (i info) ModTime() time.Time { return time.Time{} }
func (i info) Sys() any           { return nil }

func (i info) Mode() fs.FileMode {
	if i.folder {
		return fs.ModeDir
	}
	return 0
}

// unpack reads a packed chart, within Helm's limits and ours.
func (s *source) unpack(name string, data []byte) ([]*archive.BufferedFile, error) {
	files, err := archive.LoadArchiveFiles(bytes.NewReader(data))
	if err != nil {
		return nil, fault.New(fault.Invalid, "%s: unpack the chart: %w", name, err)
	}
	var size int64
	for _, f := range files {
		size += int64(len(f.Data))
	}
	return files, s.tree.Count(name, size)
}

// assemble builds the chart at root (a path in the repository) from its files
// and adds its subcharts: those in charts/, and those that only Chart.yaml
// names.
func (s *source) assemble(ctx context.Context, root string, files []*archive.BufferedFile, at *site, depth int) (*chart.Chart, error) {
	if depth > maxNesting {
		return nil, fault.New(fault.Invalid, "%s: charts are nested more than %d deep", root, maxNesting)
	}
	own, children := split(files)
	names := map[string]struct{}{}
	for _, f := range own {
		names[f.Name] = struct{}{}
	}
	if _, ok := names["Chart.yaml"]; !ok {
		return nil, fault.New(fault.NotFound, "%s has no Chart.yaml", root).
			Hint("a chart is a folder with a Chart.yaml; other files do not belong into charts/")
	}
	c, err := loader.LoadFiles(own)
	if err != nil {
		return nil, s.loadFault(root, own, err)
	}
	if v := c.Metadata.APIVersion; v != chart.APIVersionV1 && v != chart.APIVersionV2 {
		return nil, fault.New(fault.Invalid, "%s: charts of apiVersion %q are not supported", path.Join(root, "Chart.yaml"), v).
			Hint("use apiVersion v2")
	}
	s.note(root, names, c)
	c.Raw = nil // only `helm show` reads it
	subs := make([]*chart.Chart, len(children))
	err = render.Parallel(ctx, len(children), func(i int) error {
		return guarded(func() (err error) {
			subs[i], err = s.child(ctx, path.Join(root, "charts"), children[i], at, depth)
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	c.SetDependencies(subs...)
	return c, s.addMissing(ctx, root, c, children, at, depth)
}

// addMissing fetches what charts/ lacks, and puts it where Helm would have: in
// the order of file names.
func (s *source) addMissing(ctx context.Context, root string, c *chart.Chart, children []entry, at *site, depth int) error {
	more, err := s.fetchMissing(ctx, root, c, at, depth)
	if err != nil || len(more) == 0 {
		return err
	}
	for i, sub := range c.Dependencies() {
		more = append(more, fetched{name: children[i].name, chart: sub})
	}
	slices.SortStableFunc(more, func(a, b fetched) int { return strings.Compare(a.name, b.name) })
	all := make([]*chart.Chart, len(more))
	for i, m := range more {
		all[i] = m.chart
	}
	c.SetDependencies(all...)
	return nil
}

// note keeps where the files of c come from.
func (s *source) note(root string, names map[string]struct{}, c *chart.Chart) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.folders[root] = names
	for _, f := range slices.Concat(c.Templates, c.Files) {
		s.origin[f] = path.Join(root, f.Name)
	}
}

// entry is one name in a charts folder and what lies below it.
type entry struct {
	name  string
	files []*archive.BufferedFile
}

func (s *source) child(ctx context.Context, folder string, e entry, at *site, depth int) (*chart.Chart, error) {
	root := path.Join(folder, e.name)
	here := &site{files: at.files, id: root, above: at}
	if path.Ext(e.name) != ".tgz" {
		if at.folder != "" {
			here.folder = path.Join(at.folder, "charts", e.name)
		}
		return s.assemble(ctx, root, e.files, here, depth+1)
	}
	if len(e.files) != 1 || e.files[0].Name != "" {
		return nil, fault.New(fault.Invalid, "%s is a folder where a packed chart is expected", root)
	}
	files, err := s.unpack(root, e.files[0].Data)
	if err != nil {
		return nil, err
	}
	return s.assemble(ctx, root, files, here, depth+1)
}

// split separates the files of a chart from those of its subcharts, by the
// rules of Helm's loader: names that start with "_" or "." are no charts, and
// provenance files belong to the parent.
func split(files []*archive.BufferedFile) (own []*archive.BufferedFile, children []entry) {
	index := map[string]int{}
	for _, f := range files {
		rest, inside := strings.CutPrefix(f.Name, "charts/")
		if !inside || path.Ext(rest) == ".prov" {
			own = append(own, f)
			continue
		}
		name, below, nested := strings.Cut(rest, "/")
		if strings.IndexAny(name, "_.") == 0 {
			continue
		}
		i, ok := index[name]
		if !ok {
			i = len(children)
			index[name] = i
			children = append(children, entry{name: name})
		}
		if nested || path.Ext(name) == ".tgz" {
			children[i].files = append(children[i].files, &archive.BufferedFile{Name: below, Data: f.Data})
		}
	}
	slices.SortStableFunc(children, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	return own, children
}

// file is the path of a file of the root chart.
func (s *source) file(name string) string { return path.Join(s.root, name) }

// has reports whether the chart at root has a file of that name.
func (s *source) has(root, name string) bool {
	_, ok := s.folders[root][name]
	return ok
}
