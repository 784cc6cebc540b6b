package registry_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"gocloud.dev/blob"
	"gocloud.dev/blob/fileblob"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/outbound"
	"github.com/tugops/tug/internal/registry"
	"github.com/tugops/tug/internal/registrytest"
)

func upload(t *testing.T, text string) registry.ChartUpload {
	t.Helper()
	files := map[string]string{"Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.2.3\n", "values.yaml": text}
	return registry.ChartUpload{
		Name: "shop", Version: "1.2.3", Data: registrytest.Pack(t, "shop", files), Metadata: []byte(`{"apiVersion":"v2","name":"shop","version":"1.2.3"}`),
		Annotations: map[string]string{"org.opencontainers.image.title": "shop"}, Created: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
	}
}

// TestPublishChart is the contract of every kind of chart repository.
func TestPublishChart(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(*testing.T) (string, registry.ChartOptions){
		"oci": func(t *testing.T) (string, registry.ChartOptions) {
			return "oci://" + registrytest.New(t, registrytest.Options{}).Host + "/charts", registry.ChartOptions{}
		},
		"chartmuseum": func(t *testing.T) (string, registry.ChartOptions) {
			return registrytest.NewUploads(t, registrytest.ChartMuseum, registrytest.Options{}).URL, registry.ChartOptions{}
		},
		"nexus": func(t *testing.T) (string, registry.ChartOptions) {
			return "nexus+" + registrytest.NewUploads(t, registrytest.Nexus, registrytest.Options{}).URL, registry.ChartOptions{}
		},
		"bucket": func(t *testing.T) (string, registry.ChartOptions) {
			dir := t.TempDir()
			open := func(context.Context, string) (*blob.Bucket, error) { return fileblob.OpenBucket(dir, nil) }
			return "s3://charts/stable?region=eu-central-1", registry.ChartOptions{OpenBucket: open}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			repository, o := start(t)
			o.HTTP = outbound.New(outbound.Policy{Pause: time.Millisecond}, nil)
			c := registry.NewCharts(o)
			first, fresh, err := c.Publish(t.Context(), repository, upload(t, "a: 1\n"))
			if err != nil || !fresh || !strings.HasPrefix(first, "sha256:") {
				t.Fatalf("%q, %v, %v", first, fresh, err)
			}
			if again, fresh, err := c.Publish(t.Context(), repository, upload(t, "a: 1\n")); err != nil || fresh || again != first {
				t.Errorf("again: %q, %v, %v", again, fresh, err)
			}
			if _, _, err := c.Publish(t.Context(), repository, upload(t, "a: 2\n")); !fault.Is(err, fault.Exists) || !strings.Contains(err.Error(), "with other content") {
				t.Errorf("other content: %v", err)
			}
			reader := o
			reader.Dir = t.TempDir()
			data, _, err := registry.NewCharts(reader).Pull(t.Context(), strings.TrimPrefix(repository, "nexus+"), "shop", "1.2.3")
			if err != nil || string(data) != string(upload(t, "a: 1\n").Data) {
				t.Errorf("what is there now: %d bytes, %v", len(data), err)
			}
			second := upload(t, "a: 1\n")
			second.Version = "1.3.0"
			second.Data = registrytest.Pack(t, "shop", map[string]string{"Chart.yaml": "name: shop\nversion: 1.3.0\n"})
			second.Metadata = []byte(`{"name":"shop","version":"1.3.0"}`)
			if _, fresh, err := c.Publish(t.Context(), repository, second); err != nil || !fresh {
				t.Errorf("next version: %v, %v", fresh, err)
			}
		})
	}
}

func TestPublishChartRaces(t *testing.T) {
	t.Parallel()
	for _, dialect := range []registrytest.Dialect{registrytest.ChartMuseum, registrytest.Nexus} {
		for _, text := range []string{"a: 1\n", "a: 2\n"} {
			var repo *registrytest.ChartRepository
			raced := false
			repo = registrytest.NewUploads(t, dialect, registrytest.Options{Wrap: func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.Method != http.MethodGet && !raced {
						raced = true // somebody else's upload comes first
						repo.Add(map[string]string{"Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.2.3\n", "values.yaml": text})
					}
					next.ServeHTTP(w, r)
				})
			}})
			c := registry.NewCharts(registry.ChartOptions{HTTP: outbound.New(outbound.Policy{}, nil)})
			_, fresh, err := c.Publish(t.Context(), string(dialect)+"+"+repo.URL, upload(t, "a: 1\n"))
			if text == "a: 1\n" && (err != nil || fresh) {
				t.Errorf("%s, the same: %v, %v", dialect, fresh, err)
			}
			if text != "a: 1\n" && !fault.Is(err, fault.Exists) {
				t.Errorf("%s, other content: %v", dialect, err)
			}
		}
	}
}

func TestPublishChartFaults(t *testing.T) {
	t.Parallel()
	answer := func(status int) func(http.Handler) http.Handler {
		return func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodGet {
					next.ServeHTTP(w, r)
					return
				}
				http.Error(w, "no", status)
			})
		}
	}
	for status, kind := range map[int]fault.Kind{
		401: fault.Denied, 403: fault.Denied, 404: fault.NotFound, 405: fault.NotFound, 422: fault.Invalid, 500: fault.Unavailable, 503: fault.Unavailable,
	} {
		repo := registrytest.NewCharts(t, registrytest.Options{Wrap: answer(status)})
		c := registry.NewCharts(registry.ChartOptions{HTTP: outbound.New(outbound.Policy{Pause: time.Millisecond}, nil)})
		if _, _, err := c.Publish(t.Context(), repo.URL+"/team", upload(t, "a: 1\n")); !fault.Is(err, kind) {
			t.Errorf("%d: %v (%s)", status, err, fault.KindOf(err))
		}
	}
	c := registry.NewCharts(registry.ChartOptions{HTTP: outbound.New(outbound.Policy{}, nil)})
	for _, bad := range []string{"ftp://x/y", "/charts", "https://user:pw@x/y", "oci://UPPER CASE"} {
		if _, _, err := c.Publish(t.Context(), bad, upload(t, "")); !fault.Is(err, fault.Invalid) || strings.Contains(err.Error(), "pw") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}
