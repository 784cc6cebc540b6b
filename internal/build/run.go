package build

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/tugops/tug/internal/build/chart"
	"github.com/tugops/tug/internal/build/dockerfile"
	"github.com/tugops/tug/internal/build/image"
	"github.com/tugops/tug/internal/event"
	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/imagelock"
	"github.com/tugops/tug/internal/project"
)

// Registry reads and publishes images.
type Registry interface {
	// Pull gives the image of a reference for a platform, and the digest of
	// the reference itself.
	Pull(ctx context.Context, image string, platform v1.Platform) (v1.Image, string, error)
	// Exists is nil when the registry has an image, and a fault otherwise.
	Exists(ctx context.Context, image string) error
	// Look gives digest and labels of a tag; known is false when there is none.
	Look(ctx context.Context, repository, tag string) (digest string, labels map[string]string, known bool, err error)
	// Publish puts content under a tag that is never moved; fresh is false
	// when it was there already.
	Publish(ctx context.Context, repository, tag string, c image.Content) (fresh bool, err error)
	// Login is who reads a repository of a registry; ok is false for nobody.
	Login(ctx context.Context, host, repository string) (user, password string, ok bool, err error)
	// Tag moves a tag to content that was published.
	Tag(ctx context.Context, repository, tag string, c image.Content) error
}

// Charts publishes charts.
type Charts interface {
	// Publish puts a chart into a repository, where it is never replaced;
	// fresh is false when it was there already.
	Publish(ctx context.Context, repository string, p chart.Packed, labels map[string]string, created time.Time) (digest string, fresh bool, err error)
}

// Builder carries out plans.
type Builder struct {
	Tools    image.Tools
	Drivers  []dockerfile.Driver
	Registry Registry
	Charts   Charts
	// Render renders a packed chart, to see that it can be; nil to leave it out.
	Render func(context.Context, chart.Packed) error
	Events event.Sink
	// Files is the repository, Root the same on disk.
	Files fs.FS
	Root  string
	// GoEnv is the environment of the go tool.
	GoEnv []string
	// Driver names the builder of Dockerfiles; the first that is ready when
	// empty.
	Driver string
	// Elsewhere says by host of a registry where its images are read from.
	Elsewhere Mirrors
	// Plain says whether a registry, "host:port", may be reached without TLS.
	Plain func(host string) bool
	// Work is an empty folder, which the caller removes.
	Work string
}

// Run builds everything, and publishes it when push is set: images before the
// charts that name them, and nothing at all before everything was built.
func (b *Builder) Run(ctx context.Context, p *Plan, push bool) (*Result, error) {
	r := p.result()
	for _, i := range p.Images {
		built, err := b.image(ctx, p, i, push)
		if err != nil {
			return nil, fmt.Errorf("image %q: %w", i.Name, err)
		}
		r.Images = append(r.Images, built)
	}
	for _, c := range p.Charts {
		packed, err := b.chart(ctx, p, c, r.Images)
		if err != nil {
			return nil, fmt.Errorf("chart %q: %w", c.Name, err)
		}
		r.Charts = append(r.Charts, packed)
	}
	if !push {
		return r, nil
	}
	return r, b.publish(ctx, p, r)
}

// before is what is known of an image before it is built.
func (i Image) before(p *Plan) BuiltImage {
	built := BuiltImage{Name: i.Name, Image: i.BuildImage.Image, Repository: i.Destination, Tag: i.Tag, State: Planned, more: i.Tags}
	switch {
	case i.Prebuilt != "":
		repository, digest, _ := strings.Cut(i.Prebuilt, "@")
		built.Repository, built.Digest, built.Tag, built.more = repository, digest, "", nil
		built.Reference, built.From, built.State = imagelock.FullName(i.Prebuilt), i.Prebuilt, Prebuilt
	case i.Go != "":
		built.From, built.path, built.Platforms = "go "+i.Go, path.Join(p.Dir, i.Go), i.Platforms
	default:
		built.From, built.path = i.Dockerfile, path.Join(p.Dir, i.Context)
	}
	return built
}

func (b *Builder) image(ctx context.Context, p *Plan, i Image, push bool) (BuiltImage, error) {
	built := i.before(p)
	if built.State == Prebuilt {
		if push {
			return built, b.Registry.Exists(ctx, i.Prebuilt) // what is promoted must be there
		}
		return built, nil
	}
	if push && i.Dockerfile != "" && !p.Commit.Dirty && p.Commit.Hash != "" {
		known, err := b.again(ctx, p, i, &built)
		if known || err != nil {
			return built, err
		}
	}
	work, err := os.MkdirTemp(b.Work, "image-")
	if err != nil {
		return built, fault.New(fault.Unavailable, "folder for the build: %w", err)
	}
	if i.Go != "" {
		built.content, err = b.golang(ctx, p, i, work)
	} else {
		built.content, err = b.dockerfile(ctx, p, i, work)
	}
	if err != nil {
		return built, err
	}
	digest, err := built.content.Digest()
	if err != nil {
		return built, fault.New(fault.Internal, "digest: %w", err)
	}
	built.Digest, built.State = digest.String(), Built
	built.refer()
	return built, nil
}

// again finds the image of an earlier run for the same commit. A Dockerfile
// need not give the same image twice, so that it is not built again: a version
// has one content.
func (b *Builder) again(ctx context.Context, p *Plan, i Image, built *BuiltImage) (bool, error) {
	digest, labels, known, err := b.Registry.Look(ctx, i.Destination, i.Tag)
	if err != nil || !known || labels[labelRevision] != p.Commit.Hash {
		return false, err
	}
	built.Digest, built.State = digest, Unchanged
	built.refer()
	b.tell(i.Name, "published by an earlier run for the same commit")
	return true, nil
}

func (i *BuiltImage) refer() {
	if i.Repository != "" {
		i.Reference = imagelock.FullName(i.Repository) + "@" + i.Digest
	}
}

// golang compiles a program for each platform and puts it into images.
func (b *Builder) golang(ctx context.Context, p *Plan, i Image, work string) (image.Content, error) {
	program := image.Program{Dir: filepath.Join(b.Root, filepath.FromSlash(p.Dir)), Package: i.Go, Ldflags: i.Ldflags, Tags: i.BuildTags, Env: b.GoEnv}
	var binaries []image.Binary
	for _, text := range i.Platforms {
		platform, err := image.ParsePlatform(text)
		if err != nil {
			return nil, err
		}
		done := b.phase(i.Name, "go build "+i.Go+" for "+text)
		out := filepath.Join(work, strings.ReplaceAll(text, "/", "-"))
		if err := program.Compile(ctx, b.Tools, platform, out, nil); err != nil {
			return nil, err
		}
		done()
		binaries = append(binaries, image.Binary{File: out, Name: i.Name, Platform: platform})
	}
	o := image.Options{Labels: i.Labels, Created: p.Commit.Time, User: i.User, Work: work}
	if i.Base != "" {
		base, err := b.base(ctx, i, &o)
		if err != nil {
			return nil, err
		}
		o.Base = base
	}
	return image.Assemble(binaries, o)
}

// base pins the base image once, so that all platforms have the same.
func (b *Builder) base(ctx context.Context, i Image, o *image.Options) (func(v1.Platform) (v1.Image, error), error) {
	from := b.Elsewhere.Of(i.Base)
	first, err := image.ParsePlatform(i.Platforms[0])
	if err != nil {
		return nil, err
	}
	_, digest, err := b.Registry.Pull(ctx, from, first)
	if err != nil {
		return nil, fmt.Errorf("base: %w", err)
	}
	o.Labels["org.opencontainers.image.base.name"], o.Labels["org.opencontainers.image.base.digest"] = imagelock.FullName(i.Base), digest
	pinned := imagelock.FullName(from)
	if at := strings.IndexByte(pinned, '@'); at < 0 {
		if colon := strings.LastIndexByte(pinned, ':'); colon > strings.LastIndexByte(pinned, '/') {
			pinned = pinned[:colon]
		}
		pinned += "@" + digest
	}
	return func(p v1.Platform) (v1.Image, error) {
		img, _, err := b.Registry.Pull(ctx, pinned, p)
		return img, err
	}, nil
}

// dockerfile builds with the builder that is there.
func (b *Builder) dockerfile(ctx context.Context, p *Plan, i Image, work string) (image.Content, error) {
	driver, err := dockerfile.Choose(ctx, b.Drivers, b.Driver)
	if err != nil {
		return nil, err
	}
	r := dockerfile.Recipe{
		Dir: filepath.Join(b.Root, filepath.FromSlash(p.Dir)), File: filepath.FromSlash(i.Dockerfile), Context: filepath.FromSlash(i.Context),
		Target: i.Target, Args: i.Arguments, Time: p.Commit.Time, Work: work, Bases: map[string]string{},
		Line: func(text string) { b.tell(i.Name, text) },
	}
	text, err := fs.ReadFile(b.Files, path.Join(p.Dir, i.Dockerfile))
	if err != nil {
		return nil, fault.New(fault.NotFound, "%s: %w", i.Dockerfile, err)
	}
	for _, ref := range dockerfile.Bases(text, i.Arguments) {
		from := b.Elsewhere.Of(ref)
		if from != ref {
			r.Bases[ref] = from
		}
		if err := b.access(ctx, &r, from); err != nil {
			return nil, err
		}
	}
	done := b.phase(i.Name, driver.Name()+" builds "+i.Dockerfile)
	img, err := driver.Build(ctx, r)
	if err != nil {
		return nil, err
	}
	done()
	return image.Describe(img, p.Commit.Time, func(*v1.ConfigFile) {}, i.Labels)
}

// access tells the builder how to reach a base image: without TLS or not, and
// with which login.
func (b *Builder) access(ctx context.Context, r *dockerfile.Recipe, ref string) error {
	repository := imagelock.FullName(ref)
	host, rest, _ := strings.Cut(repository, "/")
	if b.Plain(host) && !slices.Contains(r.Plain, host) {
		r.Plain = append(r.Plain, host)
	}
	user, password, ok, err := b.Registry.Login(ctx, host, rest)
	if ok && err == nil {
		if r.Logins == nil {
			r.Logins = map[string]dockerfile.Login{}
		}
		r.Logins[host] = dockerfile.Login{User: user, Password: password}
	}
	return err
}

// chart packs a chart with the images that were built.
func (b *Builder) chart(ctx context.Context, p *Plan, c Chart, images []BuiltImage) (BuiltChart, error) {
	done := b.phase(c.Name, "pack "+c.Path)
	s := chart.Stamp{Version: p.Version, AppVersion: p.Version, Values: p.fillAll(c.Values, images), Time: p.Commit.Time}
	for _, i := range images {
		if i.Repository != "" {
			s.Images = append(s.Images, chart.Image{Repository: i.Repository, Tag: cmp.Or(i.Tag, imageTag(p.Version)), Digest: i.Digest})
		}
	}
	if name := unfilled(s.Values); name != "" {
		return BuiltChart{}, fault.New(fault.Invalid, "values: there is no image for %s", name).
			Hint("${image.NAME} and ${digest.NAME} are for images under images: in %s", project.BuildFileName)
	}
	packed, err := chart.Pack(b.Files, path.Join(p.Dir, c.Path), s)
	if err != nil {
		return BuiltChart{}, err
	}
	if b.Render != nil {
		if err := b.Render(ctx, packed); err != nil {
			return BuiltChart{}, fmt.Errorf("rendered with its own values: %w", err)
		}
	}
	done()
	return BuiltChart{
		Name: packed.Name, Version: packed.Version, AppVersion: packed.AppVersion, Repository: c.Repository,
		Digest: packed.Digest(), Stamped: packed.Stamped, State: Built, packed: packed,
	}, nil
}

// fillAll is fill for values, however deep.
func (p *Plan) fillAll(values map[string]any, images []BuiltImage) map[string]any {
	out := map[string]any{}
	for key, value := range values {
		switch v := value.(type) {
		case string:
			out[key] = p.fill(v, images)
		case map[string]any:
			out[key] = p.fillAll(v, images)
		default:
			out[key] = v
		}
	}
	return out
}

var variable = regexp.MustCompile(`\$\{(version|commit|image\.|digest\.)[^}]*\}`)

// unfilled is a variable in values that nothing filled in, or "".
func unfilled(values map[string]any) string {
	for _, key := range slices.Sorted(maps.Keys(values)) {
		var found string
		switch v := values[key].(type) {
		case string:
			found = variable.FindString(v)
		case map[string]any:
			found = unfilled(v)
		}
		if found != "" {
			return found
		}
	}
	return ""
}

// phase says that something begins; the function it gives, that it is done.
func (b *Builder) phase(name, what string) func() {
	b.Events.Emit(event.Event{Type: event.PhaseStarted, App: name, Message: what})
	return func() { b.Events.Emit(event.Event{Type: event.PhaseFinished, App: name, Message: what}) }
}

// tell passes on what happens inside of a phase.
func (b *Builder) tell(name, text string) {
	b.Events.Emit(event.Event{Type: event.Applied, App: name, Message: text})
}
