package registry

import (
	"context"
	"encoding/json"
	"path"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/tugops/tug/internal/fault"
)

// chartConfig is the media type of Chart.yaml in a registry.
const chartConfig = types.MediaType("application/vnd.cncf.helm.config.v1+json")

// publishOCI pushes a chart as helm push does: repository/NAME:VERSION.
func (c *Charts) publishOCI(ctx context.Context, repository string, u ChartUpload) (string, bool, error) {
	_, ref, err := c.chartReference(repository, u.Name, u.Version)
	if err != nil {
		return "", false, err
	}
	tag, ok := ref.(name.Tag)
	if !ok {
		return "", false, fault.New(fault.Invalid, "chart %s: version %q is no tag", u.Name, u.Version)
	}
	img, err := u.manifest()
	if err != nil {
		return "", false, err
	}
	digest, err := img.Digest()
	if err != nil {
		return "", false, err
	}
	there, known, err := c.holds(ctx, tag, u)
	if known || err != nil {
		return there, false, err
	}
	if err := remote.Write(tag, img, c.remote(ctx)...); err != nil {
		return "", false, c.ociFault(ctx, tag, err)
	}
	// The protocol knows no "only if it is new".
	_, _, err = c.holds(ctx, tag, u)
	return digest.String(), true, err
}

// holds reports whether a tag is there and has this archive; other content is
// an error. Who pushed it may have described it in another way.
func (c *Charts) holds(ctx context.Context, tag name.Tag, u ChartUpload) (digest string, known bool, err error) {
	found, err := remote.Get(tag, c.remote(ctx)...)
	if err != nil {
		if err = c.ociFault(ctx, tag, err); fault.Is(err, fault.NotFound) {
			err = nil
		}
		return "", false, err
	}
	digest = found.Digest.String()
	img, err := found.Image()
	if err != nil {
		return digest, true, otherChart(tag.Context().Name(), u)
	}
	manifest, err := img.Manifest()
	if err != nil {
		return digest, true, c.ociFault(ctx, tag, err)
	}
	if !slices.ContainsFunc(manifest.Layers, func(l v1.Descriptor) bool { return l.Digest.String() == u.sum() }) {
		return digest, true, otherChart(tag.Context().Name(), u)
	}
	return digest, true, nil
}

// manifest is the chart as an image of one layer.
func (u ChartUpload) manifest() (v1.Image, error) {
	layer := static.NewLayer(u.Data, chartLayer)
	img, err := mutate.Append(mutate.MediaType(empty.Image, types.OCIManifestSchema1), mutate.Addendum{Layer: layer, MediaType: chartLayer})
	if err != nil {
		return nil, err
	}
	described := mutate.Annotations(mutate.ConfigMediaType(img, chartConfig), u.Annotations).(v1.Image)
	return partial.CompressedToImage(chartImage{described, u.Metadata})
}

// chartImage puts Chart.yaml in the place of an image's configuration.
type chartImage struct {
	v1.Image
	metadata []byte
}

// RawConfigFile implements partial.CompressedImageCore.
func (i chartImage) RawConfigFile() ([]byte, error) { return i.metadata, nil }

// RawManifest implements partial.CompressedImageCore.
func (i chartImage) RawManifest() ([]byte, error) {
	manifest, err := i.Image.Manifest()
	if err != nil {
		return nil, err
	}
	manifest = manifest.DeepCopy()
	config := static.NewLayer(i.metadata, chartConfig)
	if manifest.Config.Digest, err = config.Digest(); err != nil {
		return nil, err
	}
	manifest.Config.Size, manifest.Config.Data = int64(len(i.metadata)), nil
	return json.Marshal(manifest)
}

// LayerByDigest implements partial.CompressedImageCore.
func (i chartImage) LayerByDigest(h v1.Hash) (partial.CompressedLayer, error) {
	return i.Image.LayerByDigest(h)
}

// ChartAddress is where a published chart is found, for messages and results.
func ChartAddress(repository, chart string) string {
	_, address := uploadWay(repository)
	if isOCI(repository) {
		return "oci://" + path.Join(strings.TrimPrefix(address, "oci://"), chart)
	}
	return address
}
