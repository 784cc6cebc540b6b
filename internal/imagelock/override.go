package imagelock

import (
	"github.com/blang/semver/v4"
	"go.yaml.in/yaml/v3"
)

// subject reads image and imageRepo, of which one is needed; image beats
// imageRepo.
func (r *reader) subject(n *yaml.Node, f map[string]*yaml.Node, what string) (image string, repo bool) {
	image, other := r.text(f["image"], "image"), r.text(f["imageRepo"], "imageRepo")
	if image == "" {
		image, repo = other, true
	}
	if image == "" && r.err == nil {
		r.fail(n, "%s without image and imageRepo", what)
	}
	return image, repo
}

func (r *reader) override(n *yaml.Node) (Lock, bool) {
	f := r.fields(n, "override", "image", "imageRepo", "newImage", "preresolved", "tagSelection", "platformSelection", "origins")
	l := Lock{NewImage: r.text(f["newImage"], "newImage"), Source: r.source(n)}
	l.Image, l.Repo = r.subject(n, f, "override")
	r.anything(f["origins"], &l.Origins, "origins")
	choice := Choice{From: l.NewImage, Tags: r.tagSelection(f["tagSelection"]), Platform: r.platform(f["platformSelection"])}
	preresolved := r.flag(f["preresolved"], "preresolved")
	if r.err == nil && l.NewImage == "" {
		r.fail(n, "override of %q without newImage", l.Image)
	}
	if preresolved || r.err != nil {
		return l, r.err == nil
	}
	l.Choice = &choice
	switch {
	case choice.Tags != nil:
		l.Pending = "selects a tag by version"
	case !hasDigest(l.NewImage):
		l.Pending = "names a tag instead of a digest"
	case choice.Platform != nil:
		l.Pending = "selects a platform"
	default:
		l.NewImage = fullName(l.NewImage)
	}
	return l, true
}

// tagSelection is nil when there is none.
func (r *reader) tagSelection(n *yaml.Node) *TagSelection {
	if isNull(n) {
		return nil
	}
	f := r.fields(n, "tagSelection", "semver")
	if r.err == nil && f["semver"] == nil {
		r.fail(n, "tagSelection without semver").Hint("semver: {} selects the highest version")
	}
	f = r.fields(f["semver"], "semver", "constraints", "prereleases")
	t := &TagSelection{Constraints: r.text(f["constraints"], "constraints")}
	if t.Constraints != "" {
		if _, err := semver.ParseRange(t.Constraints); err != nil {
			r.fail(f["constraints"], "constraints %q: %s", t.Constraints, err).Hint("write them like \">=1.2.0 <2.0.0\", with || between alternatives")
		}
	}
	if _, given := f["prereleases"]; given && !isNull(f["prereleases"]) {
		t.Prereleases = true
		p := r.fields(f["prereleases"], "prereleases", "identifiers")
		t.Identifiers = r.texts(p["identifiers"], "identifiers")
	}
	return t
}

// platform is nil when none is selected.
func (r *reader) platform(n *yaml.Node) *Platform {
	if isNull(n) {
		return nil
	}
	f := r.fields(n, "platformSelection", "architecture", "os", "os.version", "os.features", "variant", "features")
	return &Platform{
		Architecture: r.text(f["architecture"], "architecture"), OS: r.text(f["os"], "os"),
		OSVersion: r.text(f["os.version"], "os.version"), OSFeatures: r.texts(f["os.features"], "os.features"),
		Variant: r.text(f["variant"], "variant"), Features: r.texts(f["features"], "features"),
	}
}

func (r *reader) build(n *yaml.Node) Build {
	f := r.fields(n, "source", "image", "imageRepo", "path", "docker", "pack", "kubectlBuildkit", "ko", "bazel")
	b := Build{Path: r.text(f["path"], "path"), Source: r.source(n)}
	b.Image, b.Repo = r.subject(n, f, "source")
	if b.Path == "" && r.err == nil {
		r.fail(n, "source of %q without path", b.Image).Hint("path is the folder that the image is built from")
	}
	for _, builder := range []string{"docker", "pack", "kubectlBuildkit", "ko", "bazel"} {
		if _, given := f[builder]; given && b.Builder == "" {
			b.Builder = builder
		}
	}
	if b.Builder == "docker" && !isNull(f["docker"]) {
		r.dockerBuild(f["docker"], &b)
	}
	return b
}

// dockerBuild reads how Docker is to build. What only says how fast it is
// (pull, noCache, buildkit) is left out; options of its own are for docker.
func (r *reader) dockerBuild(n *yaml.Node, b *Build) {
	f := r.fields(n, "docker", "build", "buildx")
	for _, way := range []string{"build", "buildx"} {
		if isNull(f[way]) {
			continue
		}
		bf := r.fields(f[way], way, "target", "pull", "noCache", "file", "buildkit", "rawOptions")
		b.File, b.Target = r.text(bf["file"], "file"), r.text(bf["target"], "target")
		if options := r.texts(bf["rawOptions"], "rawOptions"); len(options) > 0 {
			b.Builder = "rawOptions of docker"
		}
	}
}

// destination is one of an image that is built; without newImage it is pushed
// under its own name.
func (r *reader) destination(n *yaml.Node) Destination {
	f := r.fields(n, "destination", "image", "imageRepo", "newImage", "tags")
	d := Destination{NewImage: r.text(f["newImage"], "newImage"), Tags: r.texts(f["tags"], "tags"), Source: r.source(n)}
	d.Image, d.Repo = r.subject(n, f, "destination")
	if d.NewImage == "" {
		d.NewImage = d.Image
	}
	return d
}
