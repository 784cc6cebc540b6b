package registry_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/registry"
	"github.com/tugops/tug/internal/registrytest"
)

func publisher(t *testing.T, o registry.ImageOptions) *registry.Publisher {
	t.Helper()
	o.Pause = time.Millisecond
	p, err := registry.NewPublisher(o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func randomImage(t *testing.T) v1.Image {
	t.Helper()
	img, err := random.Image(128, 2)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func TestPublishIsImmutable(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	p := publisher(t, registry.ImageOptions{})
	img, err := mutate.Config(randomImage(t), v1.Config{Labels: map[string]string{"org.opencontainers.image.revision": "abc"}})
	if err != nil {
		t.Fatal(err)
	}
	repository := reg.Host + "/team/shop"
	first, fresh, err := p.Publish(t.Context(), repository, "1.0.0", img)
	if err != nil || !fresh || first.Repository != repository || first.Digest != reg.Digest("team/shop:1.0.0") {
		t.Fatalf("%+v, %v, %v", first, fresh, err)
	}
	if first.Labels["org.opencontainers.image.revision"] != "abc" {
		t.Errorf("labels %v", first.Labels)
	}
	if again, fresh, err := p.Publish(t.Context(), repository, "1.0.0", img); err != nil || fresh || again.Digest != first.Digest {
		t.Errorf("again: %+v, %v, %v", again, fresh, err)
	}
	_, _, err = p.Publish(t.Context(), repository, "1.0.0", randomImage(t))
	if !fault.Is(err, fault.Exists) || !strings.Contains(err.Error(), first.Digest) || reg.Digest("team/shop:1.0.0") != first.Digest {
		t.Errorf("other content: %v, now %s", err, reg.Digest("team/shop:1.0.0"))
	}
	if err := p.Tag(t.Context(), repository, "latest", img); err != nil || reg.Digest("team/shop:latest") != first.Digest {
		t.Errorf("tag: %v", err)
	}
}

func TestPublishIndexAndPull(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	p := publisher(t, registry.ImageOptions{})
	index, err := random.Index(64, 1, 2)
	if err != nil {
		t.Fatal(err)
	}
	annotated := mutate.Annotations(index, map[string]string{"a": "b"}).(v1.ImageIndex)
	is, fresh, err := p.Publish(t.Context(), reg.Host+"/multi", "1", annotated)
	if err != nil || !fresh || is.Labels["a"] != "b" {
		t.Errorf("%+v, %v, %v", is, fresh, err)
	}
	whole, images := reg.PushPlatforms("base:1", "linux/amd64", "linux/arm64")
	img, digest, err := p.Pull(t.Context(), reg.Host+"/base:1", v1.Platform{OS: "linux", Architecture: "arm64"})
	if err != nil || digest != whole {
		t.Fatalf("%s, %v", digest, err)
	}
	if d, err := img.Digest(); err != nil || d.String() != images[1] {
		t.Errorf("pulled %s, %v", d, err)
	}
	if _, _, err := p.Pull(t.Context(), reg.Host+"/base:1", v1.Platform{OS: "linux", Architecture: "s390x"}); !fault.Is(err, fault.NotFound) {
		t.Errorf("a platform that is not there: %v", err)
	}
	if _, _, err := p.Pull(t.Context(), reg.Host+"/nothing:1", v1.Platform{}); !fault.Is(err, fault.NotFound) {
		t.Errorf("an image that is not there: %v", err)
	}
}

func TestPublishFaults(t *testing.T) {
	t.Parallel()
	status := func(code int) func(http.Handler) http.Handler {
		return func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPost || r.Method == http.MethodPut {
					w.WriteHeader(code)
					fmt.Fprintf(w, `{"errors":[{"code":"X","message":"no %d"}]}`, code)
					return
				}
				next.ServeHTTP(w, r)
			})
		}
	}
	for name, tc := range map[string]struct {
		options registrytest.Options
		kind    fault.Kind
		says    string
	}{
		"unauthorized": {registrytest.Options{User: "ci", Password: "other"}, fault.Denied, "does not let this identity"},
		"forbidden":    {registrytest.Options{Wrap: status(http.StatusForbidden)}, fault.Denied, "write team/shop: no 403"},
		"broken":       {registrytest.Options{Wrap: status(http.StatusBadGateway)}, fault.Unavailable, "no 502"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reg := registrytest.New(t, tc.options)
			_, _, err := publisher(t, registry.ImageOptions{}).Publish(t.Context(), reg.Host+"/team/shop", "1.0.0", randomImage(t))
			if !fault.Is(err, tc.kind) || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("error %v (%s)", err, fault.KindOf(err))
			}
		})
	}
}

func TestPublishToARegistryThatHangs(t *testing.T) {
	t.Parallel()
	over, end := context.WithCancel(t.Context())
	defer end()
	reg := registrytest.New(t, registrytest.Options{Wrap: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodPost {
				next.ServeHTTP(w, r)
				return
			}
			select {
			case <-over.Done():
			case <-r.Context().Done():
			}
		})
	}})
	p := publisher(t, registry.ImageOptions{Timeout: 300 * time.Millisecond, Silence: 50 * time.Millisecond})
	if _, _, err := p.Publish(t.Context(), reg.Host+"/team/shop", "1", randomImage(t)); !fault.Is(err, fault.Unavailable) {
		t.Errorf("error %v", err)
	}
	if _, _, err := p.Publish(t.Context(), "UPPER/x", "1", randomImage(t)); !fault.Is(err, fault.Invalid) {
		t.Errorf("error %v", err)
	}
}
