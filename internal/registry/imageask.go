package registry

import (
	"bytes"
	"context"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/tugops/tug/internal/fault"
)

// maxTags bounds a list of tags; the largest public repositories have some
// 10,000.
const maxTags = 500_000

// Digest is what a reference means now ("sha256:…"). It asks for the head of
// the manifest first, which registries do not count as a pull.
func (i *Images) Digest(ctx context.Context, image string) (string, error) {
	ref, err := name.ParseReference(image, i.options(image)...)
	if err != nil {
		return "", badReference(image)
	}
	ctx, done := i.bound(ctx)
	defer done()
	head, err := i.puller.Head(ctx, ref)
	if err == nil {
		return head.Digest.String(), nil
	}
	if ctx.Err() != nil || final(err) {
		return "", imageFault(ctx, ref.Context(), image, err)
	}
	// Some registries do not know HEAD, or leave out headers; and only the
	// answer to GET says what is wrong.
	full, err := i.puller.Get(ctx, ref)
	if err != nil {
		return "", imageFault(ctx, ref.Context(), image, err)
	}
	return full.Digest.String(), nil
}

// Exists is nil when the registry has an image, and a fault otherwise.
func (i *Images) Exists(ctx context.Context, image string) error {
	_, err := i.Digest(ctx, image)
	return err
}

// Tags lists all tags of a repository, page by page.
func (i *Images) Tags(ctx context.Context, repository string) ([]string, error) {
	repo, err := name.NewRepository(repository, i.options(repository)...)
	if err != nil {
		return nil, badReference(repository)
	}
	ctx, done := i.bound(ctx)
	defer done()
	pages, err := i.puller.Lister(ctx, repo)
	if err != nil {
		return nil, imageFault(ctx, repo, repository, err)
	}
	var tags []string
	for pages.HasNext() {
		page, err := pages.Next(ctx)
		if err != nil {
			return nil, imageFault(ctx, repo, repository, err)
		}
		tags = append(tags, page.Tags...)
		if len(tags) > maxTags {
			return nil, fault.New(fault.Unavailable, "%s has more than %d tags", repository, maxTags)
		}
	}
	return tags, nil
}

// ImageChild is one image of an index.
type ImageChild struct {
	OS, Architecture, Variant, OSVersion string
	OSFeatures, Features                 []string
	Digest                               string
}

// Children lists the images of an index that name their platform; index is
// false for an image that is none.
func (i *Images) Children(ctx context.Context, image string) (children []ImageChild, index bool, err error) {
	ref, err := name.ParseReference(image, i.options(image)...)
	if err != nil {
		return nil, false, badReference(image)
	}
	ctx, done := i.bound(ctx)
	defer done()
	found, err := i.puller.Get(ctx, ref)
	if err != nil {
		return nil, false, imageFault(ctx, ref.Context(), image, err)
	}
	if !found.MediaType.IsIndex() {
		return nil, false, nil
	}
	list, err := v1.ParseIndexManifest(bytes.NewReader(found.Manifest))
	if err != nil {
		return nil, false, fault.New(fault.Invalid, "index of %s: %w", image, err)
	}
	for _, m := range list.Manifests {
		if p := m.Platform; p != nil {
			children = append(children, ImageChild{
				OS: p.OS, Architecture: p.Architecture, Variant: p.Variant, OSVersion: p.OSVersion,
				OSFeatures: p.OSFeatures, Features: p.Features, Digest: m.Digest.String(),
			})
		}
	}
	return children, true, nil
}
