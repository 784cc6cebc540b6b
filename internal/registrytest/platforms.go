package registrytest

import (
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// PushPlatforms pushes an index with one image for each platform ("linux/arm/v7")
// and gives its digest and those of the images.
func (r *Registry) PushPlatforms(image string, platforms ...string) (index string, images []string) {
	r.t.Helper()
	list := mutate.IndexMediaType(empty.Index, "application/vnd.oci.image.index.v1+json")
	for _, text := range platforms {
		img, err := random.Image(256, 1, random.WithSource(r.source()))
		if err != nil {
			r.t.Fatal(err)
		}
		parts := append(strings.Split(text, "/"), "", "")
		list = mutate.AppendManifests(list, mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{
			Platform: &v1.Platform{OS: parts[0], Architecture: parts[1], Variant: parts[2]},
		}})
		images = append(images, r.digest(img.Digest()))
	}
	if err := remote.WriteIndex(r.reference(image), list, remote.WithAuth(r.login())); err != nil {
		r.t.Fatal(err)
	}
	return r.digest(list.Digest()), images
}
