package registry

import (
	"cmp"
	"context"
	"maps"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/tugops/tug/internal/fault"
)

// Content is an image, or an index of images.
type Content interface {
	Digest() (v1.Hash, error)
	RawManifest() ([]byte, error)
	MediaType() (types.MediaType, error)
}

// Publisher reads images to build upon, and publishes images. What is
// published is never replaced: a tag that exists with other content is an
// error. It is safe for concurrent use.
type Publisher struct {
	images  Images
	logins  []Logins
	options []remote.Option
	timeout time.Duration
}

// publishTimeout bounds the upload of one image.
const publishTimeout = 30 * time.Minute

// NewPublisher prepares a client; nothing is asked yet. Timeout bounds the
// upload of one image, 30 minutes when zero.
func NewPublisher(o ImageOptions) (*Publisher, error) {
	asking := o
	asking.Timeout = 0
	images, err := NewImages(asking)
	if err != nil {
		return nil, err
	}
	transport, err := o.transport(maxBlob)
	if err != nil {
		return nil, err
	}
	return &Publisher{images: *images, logins: o.Logins, timeout: cmp.Or(o.Timeout, publishTimeout), options: []remote.Option{
		remote.WithTransport(transport),
		remote.WithAuthFromKeychain(keychain(o.Logins)),
		remote.WithUserAgent(o.UserAgent),
		remote.WithRetryBackoff(remote.Backoff{Duration: cmp.Or(o.Pause, imagePause), Factor: 2, Jitter: 0.1, Steps: imageAttempts}),
	}}, nil
}

// Login is the login for a repository of a registry; false when there is none.
func (p *Publisher) Login(ctx context.Context, host, repository string) (Login, bool, error) {
	for _, logins := range p.logins {
		if l, ok, err := logins.Login(ctx, host, repository); ok || err != nil {
			return l, ok, err
		}
	}
	return Login{}, false, nil
}

func (p *Publisher) bound(ctx context.Context) (context.Context, []remote.Option, context.CancelFunc) {
	ctx, done := context.WithTimeoutCause(ctx, p.timeout, fault.New(fault.Unavailable, "not done within %s", p.timeout))
	return ctx, append(p.options[:len(p.options):len(p.options)], remote.WithContext(ctx)), done
}

// Pull gives the image of a reference for a platform, and its own digest. Its
// layers are fetched when they are needed.
func (p *Publisher) Pull(ctx context.Context, image string, platform v1.Platform) (v1.Image, string, error) {
	ref, err := name.ParseReference(image, p.images.options(image)...)
	if err != nil {
		return nil, "", badReference(image)
	}
	// Without a bound: the layers are read later.
	options := append(p.options[:len(p.options):len(p.options)], remote.WithContext(ctx), remote.WithPlatform(platform))
	found, err := remote.Get(ref, options...)
	if err != nil {
		return nil, "", imageFault(ctx, ref.Context(), image, err)
	}
	img, err := found.Image()
	if err != nil && found.MediaType.IsIndex() {
		return nil, "", fault.New(fault.NotFound, "%s has no image for %s", image, platform).Hint("leave the platform out, or take another base")
	}
	if err != nil {
		return nil, "", imageFault(ctx, ref.Context(), image, err)
	}
	return img, found.Digest.String(), nil
}

// Exists is nil when the registry has an image, and a fault otherwise.
func (p *Publisher) Exists(ctx context.Context, image string) error {
	return p.images.Exists(ctx, image)
}

// Published is what a registry has under a tag.
type Published struct {
	// Repository is the full name ("index.docker.io/library/busybox"), Digest
	// that of the manifest.
	Repository, Digest string
	// Labels are those of the image, and the annotations of its manifest.
	Labels map[string]string
}

// Published gives what a tag means, or false when there is no such tag.
func (p *Publisher) Published(ctx context.Context, repository, tag string) (Published, bool, error) {
	ref, err := p.tag(repository, tag)
	if err != nil {
		return Published{}, false, err
	}
	ctx, options, done := p.bound(ctx)
	defer done()
	found, err := remote.Get(ref, options...)
	if err != nil {
		if err = imageFault(ctx, ref.Context(), ref.String(), err); fault.Is(err, fault.NotFound) {
			err = nil
		}
		return Published{Repository: ref.Context().Name()}, false, err
	}
	is := Published{Repository: ref.Context().Name(), Digest: found.Digest.String(), Labels: map[string]string{}}
	if found.MediaType.IsIndex() {
		index, err := found.ImageIndex()
		if err != nil {
			return is, true, imageFault(ctx, ref.Context(), ref.String(), err)
		}
		manifest, err := index.IndexManifest()
		if err == nil {
			maps.Copy(is.Labels, manifest.Annotations)
		}
		return is, true, nil
	}
	img, err := found.Image()
	if err != nil {
		return is, true, imageFault(ctx, ref.Context(), ref.String(), err)
	}
	config, err := img.ConfigFile()
	if err == nil {
		maps.Copy(is.Labels, config.Config.Labels)
	}
	return is, true, nil
}

// Publish puts an image under a tag that is never moved: the same content is
// there already (fresh is false), or the tag is new. Other content under the
// tag is a fault of kind Exists, and stays.
func (p *Publisher) Publish(ctx context.Context, repository, tag string, c Content) (is Published, fresh bool, err error) {
	digest, err := c.Digest()
	if err != nil {
		return Published{}, false, err
	}
	is, known, err := p.Published(ctx, repository, tag)
	if err != nil {
		return is, false, err
	}
	if known {
		return is, false, sameDigest(repository, tag, is.Digest, digest.String())
	}
	if err := p.put(ctx, repository, tag, c); err != nil {
		return is, false, err
	}
	// The protocol knows no "only if it is new": somebody else may have been
	// as fast.
	is, _, err = p.Published(ctx, repository, tag)
	if err == nil {
		err = sameDigest(repository, tag, is.Digest, digest.String())
	}
	return is, true, err
}

func sameDigest(repository, tag, there, ours string) error {
	if there == ours {
		return nil
	}
	return fault.New(fault.Exists, "%s:%s exists with other content: it is %s, this build is %s", repository, tag, there, ours).
		Hint("a version is published once; make a new commit or tag for other content").
		Hint("when nothing changed, the builder may be another: the same version of Go gives the same image")
}

// Tag moves a tag to content that was published.
func (p *Publisher) Tag(ctx context.Context, repository, tag string, c Content) error {
	return p.put(ctx, repository, tag, c)
}

func (p *Publisher) put(ctx context.Context, repository, tag string, c Content) error {
	ref, err := p.tag(repository, tag)
	if err != nil {
		return err
	}
	ctx, options, done := p.bound(ctx)
	defer done()
	if err := remote.Push(ref, c, options...); err != nil {
		return writeFault(ctx, ref, err)
	}
	return nil
}

func (p *Publisher) tag(repository, tag string) (name.Tag, error) {
	ref, err := name.NewTag(strings.TrimPrefix(repository, "oci://")+":"+tag, p.images.options(repository)...)
	if err != nil {
		return name.Tag{}, badReference(repository + ":" + tag)
	}
	return ref, nil
}

// writeFault is imageFault for uploads.
func writeFault(ctx context.Context, ref name.Tag, err error) error {
	is := imageFault(ctx, ref.Context(), ref.String(), err)
	if fault.Is(is, fault.Denied) {
		return fault.New(fault.Denied, "registry %s does not let this identity write %s: %s", ref.RegistryStr(), ref.RepositoryStr(), said(err)).
			Hint("log in with docker login %s, or set TUG_REGISTRY_HOSTNAME, TUG_REGISTRY_USERNAME and TUG_REGISTRY_PASSWORD", ref.RegistryStr()).
			Hint("publishing needs the right to write to that repository")
	}
	return is
}
