// Package build is the code repository's half of a delivery: it decides from a
// commit what is built, under which version and where it goes (Decide, a pure
// function), builds images and charts, and publishes them so that a version
// never changes its content.
//
// It runs no process and opens no connection itself: compilers and builders of
// images run through Tools, registries and chart repositories are reached
// through interfaces that cli joins.
package build

import (
	"cmp"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/project"
)

// Labels of images (opencontainers/image-spec annotations.md).
const (
	labelSource   = "org.opencontainers.image.source"
	labelRevision = "org.opencontainers.image.revision"
	labelVersion  = "org.opencontainers.image.version"
	labelCreated  = "org.opencontainers.image.created"
)

// Plan is what is built, under which version, and where it goes.
type Plan struct {
	Version string
	Commit  Commit
	// Dir is the folder of what is built, inside the repository.
	Dir    string
	Images []Image
	Charts []Chart
	// Lock is the lock file that the layout asks for, or "".
	Lock string
}

// Image is one image to build.
type Image struct {
	project.BuildImage
	Name string
	// Arguments of a Dockerfile, with variables filled in.
	Arguments map[string]string
	Tag       string
	Labels    map[string]string
}

// Chart is one chart to pack.
type Chart struct {
	project.BuildChart
	Name string
}

// Choices are what a person says besides the files.
type Choices struct {
	// Version instead of that of the commit.
	Version string
	// Registry and Charts are where images and charts go that name nothing.
	Registry, Charts string
	// Prebuilt are images by name that need no build: references with digests.
	Prebuilt map[string]string
	// Elsewhere says which registries stand in for others.
	Elsewhere Mirrors
	// Only are the names to build, "image/NAME" or "chart/NAME" where one name
	// is both; all when empty. A chart comes with all images: their digests are
	// in it.
	Only []string
}

// wants reports whether an image or chart was chosen.
func (o Choices) wants(kind, name string) bool {
	return len(o.Only) == 0 || slices.Contains(o.Only, name) || slices.Contains(o.Only, kind+"/"+name)
}

// Decide makes the plan of a folder.
func Decide(files fs.FS, dir string, f Found, c Commit, o Choices) (*Plan, error) {
	p := &Plan{Commit: c, Dir: dir, Version: o.Version, Lock: f.Lock}
	if p.Version == "" {
		var err error
		if p.Version, err = Version(c, f.TagPrefix); err != nil {
			return nil, err
		}
	}
	if err := known(f, o); err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(f.Charts)) {
		if !o.wants("chart", name) {
			continue
		}
		chart := Chart{Name: name, BuildChart: f.Charts[name]}
		if err := p.inside("chart", name, chart.Path); err != nil {
			return nil, err
		}
		chart.Repository = cmp.Or(chart.Repository, cmp.Or(o.Charts, f.ChartRepository))
		p.Charts = append(p.Charts, chart)
	}
	for _, name := range slices.Sorted(maps.Keys(f.Images)) {
		if len(p.Charts) == 0 && !o.wants("image", name) {
			continue
		}
		i, err := p.image(files, name, f, o)
		if err != nil {
			return nil, err
		}
		p.Images = append(p.Images, i)
	}
	return p, nil
}

// known refuses names that nothing has.
func known(f Found, o Choices) error {
	names := slices.Sorted(maps.Keys(f.Images))
	check := func(flag, name string, all []string) error {
		if slices.Contains(all, name) {
			return nil
		}
		e := fault.New(fault.Usage, "%s %s: nothing of that name is built", flag, name)
		for _, near := range fault.Nearest(name, all, 1) {
			e.Hint("did you mean %q?", near)
		}
		return e.Hint("there are: %s", strings.Join(all, ", "))
	}
	for name := range o.Prebuilt {
		if err := check("--image", name, names); err != nil {
			return err
		}
	}
	all := append(slices.Clone(names), slices.Sorted(maps.Keys(f.Charts))...)
	for _, name := range o.Only {
		list, word := all, name
		if kind, rest, ok := strings.Cut(name, "/"); ok {
			list, word = map[string][]string{"image": names, "chart": all[len(names):]}[kind], rest
		}
		if err := check("--only", word, list); err != nil {
			return err
		}
	}
	return nil
}

// inside refuses paths that leave the repository.
func (p *Plan) inside(kind, name string, paths ...string) error {
	for _, at := range paths {
		if path.IsAbs(at) || !fs.ValidPath(path.Join(p.Dir, at)) {
			return fault.New(fault.Invalid, "%s %q: path %q leaves the repository", kind, name, at).
				Hint("paths are relative to the folder of %s", project.BuildFileName)
		}
	}
	return nil
}

var pinned = regexp.MustCompile(`\A[^@\s]+@sha256:[0-9a-f]{64}\z`)

func (p *Plan) image(files fs.FS, name string, f Found, o Choices) (Image, error) {
	i := Image{Name: name, BuildImage: f.Images[name], Tag: imageTag(p.Version), Labels: p.labels()}
	if digest, ok := o.Prebuilt[name]; ok {
		i.Go, i.Dockerfile, i.Prebuilt = "", "", digest
	}
	if i.Destination == "" && cmp.Or(o.Registry, f.Registry) != "" {
		i.Destination = strings.TrimSuffix(cmp.Or(o.Registry, f.Registry), "/") + "/" + name
	}
	if i.Destination != "" {
		i.Destination = o.Elsewhere.Of(i.Destination)
	}
	if err := p.inside("image", name, i.Go, i.Dockerfile, i.Context); err != nil {
		return i, err
	}
	switch {
	case i.Prebuilt != "" && !pinned.MatchString(i.Prebuilt):
		return i, fault.New(fault.Invalid, "image %q: %s has no digest", name, i.Prebuilt).
			Hint("a prebuilt image is named by digest: registry.example/shop@sha256:…")
	case i.Go != "":
		return i, p.golang(files, &i)
	case i.Dockerfile != "":
		if !exists(files, path.Join(p.Dir, i.Dockerfile)) {
			return i, fault.New(fault.NotFound, "image %q: there is no %s", name, path.Join(p.Dir, i.Dockerfile))
		}
		i.Context = cmp.Or(i.Context, path.Dir(i.Dockerfile))
		i.Arguments = map[string]string{}
		for key, value := range i.Args {
			i.Arguments[key] = p.fill(fmt.Sprint(value), nil)
		}
	}
	return i, nil
}

// golang completes the image of a Go program.
func (p *Plan) golang(files fs.FS, i *Image) error {
	is, err := IsMain(files, path.Join(p.Dir, i.Go))
	if err != nil {
		return err
	}
	if !is {
		e := fault.New(fault.Invalid, "image %q: %s is no Go main package", i.Name, path.Join(p.Dir, i.Go))
		mains, err := Mains(files, p.Dir)
		if err == nil && len(mains) > 0 {
			e.Hint("there are: %s", strings.Join(mains, ", "))
		}
		return e
	}
	if len(i.Platforms) == 0 {
		i.Platforms = []string{"linux/amd64"}
	}
	i.Ldflags = p.fill(i.Ldflags, nil)
	return nil
}

// labels are those of every image. The time is that of the commit: one commit
// gives one image.
func (p *Plan) labels() map[string]string {
	l := map[string]string{labelVersion: p.Version, labelCreated: p.Commit.Time.UTC().Format("2006-01-02T15:04:05Z")}
	if p.Commit.Hash != "" {
		l[labelRevision] = p.Commit.Hash
	}
	if p.Commit.Dirty {
		l[labelRevision] += "-dirty"
	}
	if p.Commit.Repository != "" {
		l[labelSource] = p.Commit.Repository
	}
	return l
}

// fill replaces ${version} and ${commit}, and ${image.NAME} and ${digest.NAME}
// of images that were built.
func (p *Plan) fill(text string, images []BuiltImage) string {
	words := []string{"${version}", p.Version, "${commit}", p.Commit.Hash}
	for _, i := range images {
		words = append(words, "${image."+i.Name+"}", i.Reference, "${digest."+i.Name+"}", i.Digest)
	}
	return strings.NewReplacer(words...).Replace(text)
}

// Unpublishable names what has no place to go, as an error; nil when all have.
func (p *Plan) Unpublishable() error {
	for _, i := range p.Images {
		if i.Destination == "" && i.Prebuilt == "" {
			return fault.New(fault.Usage, "image %q has no destination", i.Name).
				Hint("--registry registry.example/team, or destination: in %s", project.BuildFileName)
		}
	}
	for _, c := range p.Charts {
		if c.Repository == "" {
			return fault.New(fault.Usage, "chart %q has no repository", c.Name).
				Hint("--charts oci://registry.example/charts, or chartRepository: in %s", project.BuildFileName)
		}
	}
	return nil
}
