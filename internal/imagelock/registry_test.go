package imagelock_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/tugops/tug/internal/imagelock"
	"github.com/tugops/tug/internal/registry"
	"github.com/tugops/tug/internal/registrytest"
)

// hub is a registry on loopback that also answers for index.docker.io, so that
// short names can be resolved for real.
type hub struct {
	*registrytest.Registry
	client *registry.Images
}

func newHub(t testing.TB, o registrytest.Options) *hub {
	t.Helper()
	h := &hub{Registry: registrytest.New(t, o)}
	client, err := registry.NewImages(registry.ImageOptions{Pause: time.Millisecond, Wrap: func(next http.RoundTripper) http.RoundTripper {
		return redirect{next, h.Host}
	}})
	if err != nil {
		t.Fatal(err)
	}
	h.client = client
	return h
}

type redirect struct {
	next http.RoundTripper
	host string
}

func (r redirect) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Host != "index.docker.io" {
		return r.next.RoundTrip(req)
	}
	there := req.Clone(req.Context())
	there.URL.Scheme, there.URL.Host = "http", r.host
	res, err := r.next.RoundTrip(there)
	if err == nil {
		res.Request = req // the client looks at its scheme
	}
	return res, err
}

// port is the client as a Resolver wants it; cli has the same.
type port struct{ *registry.Images }

func (p port) Children(ctx context.Context, image string) ([]imagelock.Child, bool, error) {
	found, index, err := p.Images.Children(ctx, image)
	var children []imagelock.Child
	for _, c := range found {
		children = append(children, imagelock.Child{
			Digest: c.Digest, Platform: imagelock.Platform{OS: c.OS, Architecture: c.Architecture, Variant: c.Variant},
		})
	}
	return children, index, err
}

// counted counts what is asked, and can make up digests.
type counted struct {
	imagelock.Registry
	mu     sync.Mutex
	asked  []string
	digest func(n int) string
}

func (c *counted) note(question string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = append(c.asked, question)
	return len(c.asked)
}

func (c *counted) Digest(ctx context.Context, image string) (string, error) {
	n := c.note("digest " + image)
	if c.digest != nil {
		return c.digest(n), nil
	}
	return c.Registry.Digest(ctx, image)
}

func (c *counted) Tags(ctx context.Context, repository string) ([]string, error) {
	c.note("tags " + repository)
	return c.Registry.Tags(ctx, repository)
}

func (c *counted) Exists(ctx context.Context, image string) error {
	c.note("exists " + image)
	return c.Registry.Exists(ctx, image)
}

// resolve resolves images with a registry.
func (h *hub) resolve(t *testing.T, r imagelock.Resolver, configuration string, images ...string) ([]imagelock.Resolved, error) {
	t.Helper()
	if r.Registry == nil {
		r.Registry = port{h.client}
	}
	return r.Resolve(t.Context(), stream(t, configuration).Set, images)
}

// must is the one image that is resolved.
func (h *hub) must(t *testing.T, r imagelock.Resolver, configuration, image string) imagelock.Resolved {
	t.Helper()
	found, err := h.resolve(t, r, configuration, image)
	if err != nil {
		t.Fatal(err)
	}
	return found[0]
}
