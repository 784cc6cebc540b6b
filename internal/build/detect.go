package build

import (
	"cmp"
	"errors"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/imagelock"
	"github.com/tugops/tug/internal/project"
)

// Found is what a folder builds, and where that stands.
type Found struct {
	project.Build
	// From says what it was taken from: tug.build.yaml, kbld.yaml, or "".
	From string
	// Lock is the lock file that the layout asks for, relative to the folder;
	// empty for none.
	Lock string
}

// The limits of the search for charts.
const (
	maxChartDepth = 6
	maxEntries    = 20_000
)

// Find says what the folder dir of files builds: what tug.build.yaml says, else
// the sources of kbld.yaml, else its Dockerfile or its Go main packages; and
// without tug.build.yaml all charts in it. name is for an image that nothing
// names.
func Find(files fs.FS, dir, name string) (Found, error) {
	declared, err := project.LoadBuild(files, dir)
	if err == nil {
		return Found{Build: *declared, From: project.BuildFileName}, nil
	}
	if !fault.Is(err, fault.NotFound) {
		return Found{}, err
	}
	f := Found{Build: project.Build{Images: map[string]project.BuildImage{}, Charts: map[string]project.BuildChart{}}}
	if err := f.charts(files, dir); err != nil {
		return Found{}, err
	}
	if err := f.images(files, dir, identifier(name)); err != nil {
		return Found{}, err
	}
	if len(f.Images)+len(f.Charts) == 0 {
		return Found{}, fault.New(fault.NotFound, "%s: nothing to build", dir).
			Hint("a code repository has a %s, a kbld.yaml, a Dockerfile, a Go main package or a chart", project.BuildFileName)
	}
	return f, nil
}

func (f *Found) images(files fs.FS, dir, name string) error {
	for _, file := range []string{"kbld.yaml", "kbld.yml"} {
		if exists(files, path.Join(dir, file)) {
			return f.kbld(files, dir, file, name)
		}
	}
	if exists(files, path.Join(dir, "Dockerfile")) {
		f.Images[name] = project.BuildImage{Dockerfile: "Dockerfile"}
		return nil
	}
	mains, err := Mains(files, dir)
	if err != nil {
		return err
	}
	for _, main := range mains {
		as := identifier(path.Base(main))
		if main == "." {
			as = name
		}
		if _, taken := f.Images[as]; !taken {
			f.Images[as] = project.BuildImage{Go: main}
		}
	}
	return nil
}

// kbld takes over the sources and destinations of kbld's configuration, as
// kbld -f kbld.yaml builds them.
func (f *Found) kbld(files fs.FS, dir, file, name string) error {
	set, err := imagelock.Load(files, []string{path.Join(dir, file)})
	if err != nil {
		return err
	}
	f.From = file
	for _, source := range set.Builds {
		if err := f.kbldSource(files, dir, source, set.Destinations); err != nil {
			return err
		}
	}
	switch len(f.Images) {
	case 0:
		return nil
	case 1:
		for only := range f.Images {
			name = only
		}
	}
	f.Lock = name + ".kbld.lock.yml"
	return nil
}

func (f *Found) kbldSource(files fs.FS, dir string, source imagelock.Build, destinations []imagelock.Destination) error {
	as := identifier(path.Base(strings.ReplaceAll(source.Image, ":", "-")))
	if _, taken := f.Images[as]; taken || as == "" {
		return fault.New(fault.Invalid, "%s: source of %q: an image of that name is built already", source.Source, source.Image)
	}
	i := project.BuildImage{Image: source.Image}
	for _, d := range destinations {
		if d.Image == source.Image && i.Destination == "" {
			i.Destination, i.Tags = d.NewImage, d.Tags
		}
	}
	at := path.Clean(source.Path)
	switch {
	case !fs.ValidPath(path.Join(dir, at)):
		return fault.New(fault.Invalid, "%s: source of %q: path %q leaves the repository", source.Source, source.Image, source.Path)
	case source.Builder != "" && source.Builder != "docker" && source.Builder != "ko":
		return fault.New(fault.Invalid, "%s: source of %q: tug does not build with %s", source.Source, source.Image, source.Builder).
			Hint("tug builds Dockerfiles and Go programs; build it with kbld, and give the digest with --image %s=IMAGE@DIGEST", as)
	case source.Builder == "ko":
		i.Go = at
	case source.Builder == "" && !exists(files, path.Join(dir, at, "Dockerfile")):
		main, err := IsMain(files, path.Join(dir, at))
		if err != nil {
			return err
		}
		if !main {
			return fault.New(fault.NotFound, "%s: source of %q: %s has neither a Dockerfile nor a Go main package", source.Source, source.Image, at)
		}
		i.Go = at
	default:
		i.Dockerfile, i.Context, i.Target = path.Join(at, cmp.Or(source.File, "Dockerfile")), at, source.Target
	}
	f.Images[as] = i
	return nil
}

// Mains are the Go main packages of a module: its root, and the folders in
// cmd/.
func Mains(files fs.FS, dir string) ([]string, error) {
	if !exists(files, path.Join(dir, "go.mod")) {
		return nil, nil
	}
	candidates := []string{"."}
	entries, err := fs.ReadDir(files, path.Join(dir, "cmd"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, e := range entries {
		if e.IsDir() {
			candidates = append(candidates, path.Join("cmd", e.Name()))
		}
	}
	var mains []string
	for _, c := range candidates {
		is, err := IsMain(files, path.Join(dir, c))
		if err != nil {
			return nil, err
		}
		if is {
			mains = append(mains, c)
		}
	}
	return mains, nil
}

// IsMain reports whether a folder is a Go main package.
func IsMain(files fs.FS, dir string) (bool, error) {
	entries, err := fs.ReadDir(files, dir)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	for _, e := range entries {
		if e.IsDir() || !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		data, err := fs.ReadFile(files, path.Join(dir, e.Name()))
		if err != nil {
			return false, err
		}
		tree, err := parser.ParseFile(token.NewFileSet(), e.Name(), data, parser.PackageClauseOnly)
		if err == nil && tree.Name.Name == "main" {
			return true, nil
		}
	}
	return false, nil
}

// charts finds the charts below a folder. Charts in charts are part of them.
func (f *Found) charts(files fs.FS, dir string) error {
	seen := 0
	return fs.WalkDir(files, dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if seen++; seen > maxEntries {
			return fs.SkipAll
		}
		if !d.IsDir() {
			return nil
		}
		rel := strings.TrimPrefix(strings.TrimPrefix(name, dir), "/")
		if name != dir && skipped(d.Name()) || strings.Count(rel, "/") >= maxChartDepth {
			return fs.SkipDir
		}
		if !exists(files, path.Join(name, "Chart.yaml")) {
			return nil
		}
		at := cmp.Or(rel, ".")
		if dir == "." {
			at = name
		}
		as := identifier(path.Base(name))
		if _, taken := f.Charts[as]; taken {
			as = identifier(at)
		}
		f.Charts[as] = project.BuildChart{Path: at}
		return fs.SkipDir
	})
}

// skipped are folders that hold what others made, or nothing to publish.
func skipped(name string) bool {
	return strings.HasPrefix(name, ".") || slices.Contains([]string{"vendor", "node_modules", "testdata", "third_party"}, name)
}

func exists(files fs.FS, name string) bool {
	info, err := fs.Stat(files, name)
	return err == nil && !info.IsDir()
}
