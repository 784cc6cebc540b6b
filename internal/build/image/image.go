// Package image makes container images from programs that were built, without
// Docker and without root: one layer with the program, above a base image or
// above nothing but the certificates of public authorities.
//
// The same programs and options give the same bytes on any machine: files have
// fixed times, owners and order, and the image carries the time of its commit.
package image

import (
	"path"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/tugops/tug/internal/fault"
)

// Content is an image, or an index of images: what has a digest and can be
// published.
type Content interface {
	Digest() (v1.Hash, error)
	RawManifest() ([]byte, error)
	MediaType() (types.MediaType, error)
}

var (
	_ Content = v1.Image(nil)
	_ Content = v1.ImageIndex(nil)
)

// folder is where programs are in images without Docker.
const folder = "app"

// nobody is the user of images without a base: the usual number for "not root".
const nobody = "65532:65532"

// Binary is a program for one platform.
type Binary struct {
	// File is where it is on disk, Name what it is called in the image.
	File, Name string
	Platform   v1.Platform
}

// Options are what images are made of besides the program.
type Options struct {
	// Base gives the image below the program; nil for none.
	Base func(v1.Platform) (v1.Image, error)
	// Labels become labels of the image and annotations of its manifest.
	Labels  map[string]string
	Created time.Time
	// User runs the program, as "user:group"; empty for that of the base, or
	// nobody.
	User string
	// Work is a folder for files that layers are read from; it must stay until
	// the image was used.
	Work string
}

// Assemble makes the image of a program: of one binary an image, of several an
// index with one image for each platform.
func Assemble(binaries []Binary, o Options) (Content, error) {
	if len(binaries) == 1 {
		return one(binaries[0], o)
	}
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, b := range binaries {
		img, err := one(b, o)
		if err != nil {
			return nil, err
		}
		platform := b.Platform
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Platform: &platform}})
	}
	return mutate.Annotations(index, o.Labels).(v1.ImageIndex), nil
}

func one(b Binary, o Options) (v1.Image, error) {
	base, err := below(b, o)
	if err != nil {
		return nil, err
	}
	layer, err := programLayer(b, o.Work)
	if err != nil {
		return nil, err
	}
	mediaType, err := base.MediaType()
	if err != nil {
		return nil, err
	}
	add, err := addendum(layer, mediaType, o.Created, "tug build: "+b.Name)
	if err != nil {
		return nil, err
	}
	img, err := mutate.Append(base, add)
	if err != nil {
		return nil, fault.New(fault.Internal, "layers of %s: %w", b.Name, err)
	}
	return Describe(img, o.Created, func(c *v1.ConfigFile) {
		c.OS, c.Architecture, c.Variant = b.Platform.OS, b.Platform.Architecture, b.Platform.Variant
		c.Config.Entrypoint, c.Config.Cmd = []string{"/" + path.Join(folder, b.Name)}, nil
		switch {
		case o.User != "":
			c.Config.User = o.User
		case o.Base == nil:
			c.Config.User = nobody
		}
	}, o.Labels)
}

// below is the image that the program's layer is put on.
func below(b Binary, o Options) (v1.Image, error) {
	if o.Base != nil {
		return o.Base(b.Platform)
	}
	scratch := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	layer, err := systemLayer()
	if err != nil {
		return nil, err
	}
	add, err := addendum(layer, types.OCIManifestSchema1, o.Created, "tug build: certificates of public authorities")
	if err != nil {
		return nil, err
	}
	img, err := mutate.Append(scratch, add)
	if err != nil {
		return nil, err
	}
	return Describe(img, o.Created, func(c *v1.ConfigFile) {
		c.Config.Env = []string{"PATH=/" + folder, "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt"}
		c.Config.WorkingDir = "/"
	}, nil)
}

// Describe changes the configuration of an image, and gives it its time and
// labels (as annotations of the manifest, too).
func Describe(img v1.Image, created time.Time, change func(*v1.ConfigFile), labels map[string]string) (v1.Image, error) {
	config, err := img.ConfigFile()
	if err != nil {
		return nil, fault.New(fault.Invalid, "configuration of the image: %w", err)
	}
	config = config.DeepCopy()
	config.Created = v1.Time{Time: created.UTC()}
	if len(labels) > 0 && config.Config.Labels == nil {
		config.Config.Labels = map[string]string{}
	}
	for k, v := range labels {
		config.Config.Labels[k] = v
	}
	change(config)
	img, err = mutate.ConfigFile(img, config)
	if err != nil {
		return nil, fault.New(fault.Invalid, "configuration of the image: %w", err)
	}
	if len(labels) == 0 {
		return img, nil
	}
	return mutate.Annotations(img, labels).(v1.Image), nil
}

// addendum is a layer in the words of the manifest that it is added to.
func addendum(data tarball.Opener, manifest types.MediaType, created time.Time, by string) (mutate.Addendum, error) {
	mediaType := types.OCILayer
	if manifest == types.DockerManifestSchema2 {
		mediaType = types.DockerLayer
	}
	layer, err := tarball.LayerFromOpener(data, tarball.WithMediaType(mediaType), tarball.WithCompressedCaching)
	if err != nil {
		return mutate.Addendum{}, fault.New(fault.Internal, "layer: %w", err)
	}
	return mutate.Addendum{Layer: layer, MediaType: mediaType, History: v1.History{Created: v1.Time{Time: created.UTC()}, CreatedBy: by}}, nil
}

// ParsePlatform reads "os/architecture[/variant]".
func ParsePlatform(text string) (v1.Platform, error) {
	parts := strings.Split(text, "/")
	if len(parts) < 2 || len(parts) > 3 || slices.Contains(parts, "") {
		return v1.Platform{}, fault.New(fault.Usage, "platform %q is not OS/ARCH", text).Hint("for example linux/amd64, linux/arm64 or linux/arm/v7")
	}
	p := v1.Platform{OS: parts[0], Architecture: parts[1]}
	if len(parts) == 3 {
		p.Variant = parts[2]
	}
	return p, nil
}
