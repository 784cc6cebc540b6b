package registry

import (
	"context"
	"io"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/tugops/tug/internal/fault"
)

// Artifact is what a registry keeps under a tag or digest, as packed layers in
// the order in which they lie over each other.
type Artifact struct {
	// Digest is that of the manifest.
	Digest string
	// Config is the media type of its configuration, which says what it is.
	Config string
	Layers [][]byte
}

// Artifact fetches files that were published as an artifact: by flux push, by
// imgpkg, or in an image. ref is a tag or a digest ("sha256:…"), "latest" when
// it is empty. An index is refused: its images are for machines to run.
func (c *Charts) Artifact(ctx context.Context, repository, ref string) (Artifact, error) {
	text := strings.TrimPrefix(repository, "oci://")
	switch {
	case strings.HasPrefix(ref, "sha256:"):
		text += "@" + ref
	case ref != "":
		text += ":" + ref
	}
	at, err := name.ParseReference(text, c.nameOptions(text)...)
	if err != nil {
		return Artifact{}, fault.New(fault.Invalid, "artifact in a registry: %q: %w", text, err).
			Hint("write oci://host/path:tag or oci://host/path@sha256:…")
	}
	described, err := remote.Get(at, c.remote(ctx)...)
	if err != nil {
		return Artifact{}, c.ociFault(ctx, at, err)
	}
	if described.MediaType.IsIndex() {
		return Artifact{}, fault.New(fault.Invalid, "%s is an index of images, no artifact with files", at).
			Hint("name one of its images by digest")
	}
	image, err := described.Image()
	if err != nil {
		return Artifact{}, c.ociFault(ctx, at, err)
	}
	manifest, err := image.Manifest()
	if err != nil {
		return Artifact{}, fault.New(fault.Invalid, "%s: manifest: %w", at, err)
	}
	a := Artifact{Digest: described.Digest.String(), Config: string(manifest.Config.MediaType)}
	var total int64
	for _, l := range manifest.Layers {
		if total += l.Size; total > maxArtifact {
			return Artifact{}, fault.New(fault.Invalid, "%s is larger than %d MiB", at, maxArtifact>>20)
		}
		data, err := layerData(image, l.Digest)
		if err != nil {
			return Artifact{}, c.ociFault(ctx, at, err)
		}
		a.Layers = append(a.Layers, data)
	}
	return a, nil
}

// maxArtifact bounds all packed layers together, in bytes.
const maxArtifact = 256 << 20

// layerData reads a layer, which the library compares with its digest.
func layerData(image v1.Image, digest v1.Hash) ([]byte, error) {
	layer, err := image.LayerByDigest(digest)
	if err != nil {
		return nil, err
	}
	r, err := layer.Compressed()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(io.LimitReader(r, maxArtifact+1))
}
