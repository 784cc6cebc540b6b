package image

import (
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"

	"github.com/tugops/tug/internal/fault"
)

// WriteLayout writes an image or index into a folder, as an OCI image layout
// that holds nothing else.
func WriteLayout(dir string, c Content) error {
	at, err := layout.Write(dir, empty.Index)
	if err == nil {
		switch what := c.(type) {
		case v1.ImageIndex:
			err = at.AppendIndex(what)
		case v1.Image:
			err = at.AppendImage(what)
		default:
			return fault.New(fault.Internal, "write an image: %T is none", c)
		}
	}
	if err != nil {
		return fault.New(fault.Unavailable, "write the image: %w", err).Hint("is there room on the disk?")
	}
	return nil
}

// ReadLayout reads the one image or index of an OCI image layout. Its layers
// are read from the folder when they are needed.
func ReadLayout(dir string) (Content, error) {
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		return nil, fault.New(fault.Invalid, "read the image that was built: %w", err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return nil, fault.New(fault.Invalid, "read the image that was built: %w", err)
	}
	if len(manifest.Manifests) != 1 {
		return nil, fault.New(fault.Invalid, "one image was to be built, not %d", len(manifest.Manifests))
	}
	only := manifest.Manifests[0]
	if only.MediaType.IsIndex() {
		return index.ImageIndex(only.Digest)
	}
	return index.Image(only.Digest)
}
