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

// Media types of the layer that is the packed chart (helm/pkg/registry).
const (
	chartLayer       = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
	legacyChartLayer = "application/tar+gzip"
)

// tags lists the tags of a chart as versions: a tag cannot have the "+" of a
// version, Helm writes "_" for it.
func (c *Charts) tags(ctx context.Context, repository, chart string) ([]string, error) {
	repo, _, err := c.chartReference(repository, chart, "")
	if err != nil {
		return nil, err
	}
	tags, err := remote.List(repo, c.remote(ctx)...)
	if err != nil {
		return nil, c.ociFault(ctx, repo, err)
	}
	for i, t := range tags {
		tags[i] = strings.ReplaceAll(t, "_", "+")
	}
	return tags, nil
}

// pullOCI gives the chart layer of a manifest and the manifest's digest.
func (c *Charts) pullOCI(ctx context.Context, repository, chart, version string) ([]byte, string, error) {
	repo, ref, err := c.chartReference(repository, chart, version)
	if err != nil {
		return nil, "", err
	}
	if ref == nil {
		return nil, "", fault.New(fault.Invalid, "chart %s: neither version nor digest", repo)
	}
	image, err := remote.Image(ref, c.remote(ctx)...)
	if err != nil {
		return nil, "", c.ociFault(ctx, ref, err)
	}
	digest, err := image.Digest()
	if err != nil {
		return nil, "", c.ociFault(ctx, ref, err)
	}
	layer, err := chartLayerOf(image, ref)
	if err != nil {
		return nil, "", err
	}
	data, err := readLayer(layer)
	if err != nil {
		return nil, "", c.ociFault(ctx, ref, err)
	}
	return data, digest.String(), nil
}

func chartLayerOf(image v1.Image, ref name.Reference) (v1.Layer, error) {
	manifest, err := image.Manifest()
	if err != nil {
		return nil, fault.New(fault.Invalid, "%s: manifest: %w", ref, err)
	}
	for _, l := range manifest.Layers {
		if l.MediaType != chartLayer && l.MediaType != legacyChartLayer {
			continue
		}
		if l.Size > maxChart {
			return nil, fault.New(fault.Invalid, "%s: the chart is larger than %d MiB", ref, maxChart>>20)
		}
		return image.LayerByDigest(l.Digest)
	}
	return nil, fault.New(fault.Invalid, "%s is no chart: its manifest (%s) has no layer of a chart", ref, manifest.Config.MediaType).
		Hint("helm push publishes charts to a registry")
}

// readLayer reads what the library checks against size and digest.
func readLayer(layer v1.Layer) ([]byte, error) {
	r, err := layer.Compressed()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(io.LimitReader(r, maxChart+1))
}

// chartReference names a chart in a registry. The repository may carry a tag
// or digest itself (oci://host/path:tag), as in the URLs of an index.
func (c *Charts) chartReference(repository, chart, version string) (name.Repository, name.Reference, error) {
	text := strings.TrimPrefix(repository, "oci://")
	text, digest, _ := strings.Cut(text, "@")
	text = strings.TrimSuffix(text, "/")
	tag := ""
	if at := strings.LastIndexByte(text, ':'); at > strings.LastIndexByte(text, '/') && strings.Contains(text, "/") {
		text, tag = text[:at], text[at+1:]
	}
	if chart != "" {
		text += "/" + chart
	}
	if v, d, pinned := strings.Cut(version, "@"); pinned {
		version, digest = v, d
	} else if strings.HasPrefix(version, "sha256:") {
		version, digest = "", version
	}
	if version != "" {
		tag = strings.ReplaceAll(version, "+", "_")
	}
	bad := func(err error) (name.Repository, name.Reference, error) {
		return name.Repository{}, nil, fault.New(fault.Invalid, "chart in a registry: %q: %w", text, err).
			Hint("write oci://host/path, with the version or a digest (sha256:…) beside it")
	}
	repo, err := name.NewRepository(text, c.nameOptions(text)...)
	if err != nil {
		return bad(err)
	}
	switch {
	case digest != "":
		ref, err := name.NewDigest(repo.String()+"@"+digest, c.nameOptions(text)...)
		if err != nil {
			return bad(err)
		}
		return repo, ref, nil
	case tag != "":
		ref, err := name.NewTag(repo.String()+":"+tag, c.nameOptions(text)...)
		if err != nil {
			return bad(err)
		}
		return repo, ref, nil
	}
	return repo, nil, nil
}
