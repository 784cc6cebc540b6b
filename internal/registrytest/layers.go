package registrytest

import (
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// PushLayers publishes packed files as an artifact with a configuration of a
// media type ("repository:tag", without the host), and gives its digest.
func (r *Registry) PushLayers(image, config string, layers ...[]byte) string {
	r.t.Helper()
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.MediaType(config))
	for _, data := range layers {
		var err error
		if img, err = mutate.Append(img, mutate.Addendum{Layer: static.NewLayer(data, types.OCILayer), MediaType: types.OCILayer}); err != nil {
			r.t.Fatal(err)
		}
	}
	if err := remote.Write(r.reference(image), img, remote.WithAuth(r.login())); err != nil {
		r.t.Fatal(err)
	}
	return r.digest(img.Digest())
}
