package imagelock_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/tugops/tug/internal/imagelock"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/registry"
	"github.com/tugops/tug/internal/registrytest"
)

// BenchmarkPin pins 1,000 Deployments with two containers each against 1,000
// locks.
func BenchmarkPin(b *testing.B) {
	var objects []*object.Object
	var set imagelock.Set
	for i := range 1000 {
		image := fmt.Sprintf("registry.example/team/app-%d:1.2.3", i)
		l := imagelock.Lock{Image: image, NewImage: fmt.Sprintf("registry.example/team/app-%d@%s", i, digestA), Source: object.Source{File: "app-locks/l.yml"}}
		set.Locks = append(set.Locks, l)
		objects = append(objects, deployment(i, image))
	}
	b.ReportAllocs()
	for b.Loop() {
		r, err := imagelock.Pin(objects, set)
		if err != nil || len(r.Unpinned) != 1000 {
			b.Fatalf("%d unpinned, %v", len(r.Unpinned), err)
		}
	}
}

func deployment(i int, image string) *object.Object {
	labels := map[string]any{"app.kubernetes.io/name": fmt.Sprintf("app-%d", i), "app.kubernetes.io/instance": "shop"}
	container := func(name, image string) map[string]any {
		return map[string]any{
			"name": name, "image": image,
			"ports":     []any{map[string]any{"containerPort": int64(8080), "name": "http"}},
			"env":       []any{map[string]any{"name": "A", "value": "1"}, map[string]any{"name": "B", "value": "2"}},
			"resources": map[string]any{"limits": map[string]any{"memory": "64Mi"}, "requests": map[string]any{"cpu": "10m"}},
		}
	}
	return &object.Object{Fields: map[string]any{
		"apiVersion": "apps/v1", "kind": "Deployment",
		"metadata": map[string]any{"name": fmt.Sprintf("app-%d", i), "labels": labels},
		"spec": map[string]any{
			"replicas": int64(1), "selector": map[string]any{"matchLabels": labels},
			"template": map[string]any{"metadata": map[string]any{"labels": labels}, "spec": map[string]any{
				"containers": []any{container("app", image), container("proxy", "registry.example/proxy:2")},
			}},
		},
	}}
}

// BenchmarkPinStream is tug image pin over 5,000 Deployments whose images are
// locked: search, replace, annotate and write.
func BenchmarkPinStream(b *testing.B) {
	var s imagelock.Stream
	for i := range 5000 {
		image := fmt.Sprintf("registry.example/team/app-%d:1.2.3", i)
		s.Set.Locks = append(s.Set.Locks, imagelock.Lock{Image: image, NewImage: fmt.Sprintf("registry.example/team/app-%d@%s", i, digestA)})
		s.Objects = append(s.Objects, deployment(i, image))
	}
	s.Set.Locks = append(s.Set.Locks, imagelock.Lock{Image: "registry.example/proxy:2", NewImage: "registry.example/proxy@" + digestB})
	b.ReportAllocs()
	for b.Loop() {
		var r imagelock.Resolver
		found, err := r.Resolve(b.Context(), s.Set, s.Images())
		if err != nil {
			b.Fatal(err)
		}
		objects, err := s.Replace(found, true)
		if err != nil {
			b.Fatal(err)
		}
		if data, err := imagelock.Encode(objects); err != nil || len(data) < 5000*500 {
			b.Fatalf("%d bytes, %v", len(data), err)
		}
	}
}

// BenchmarkLock resolves 200 tags of 50 repositories with a registry that
// takes 20 ms for every answer.
func BenchmarkLock(b *testing.B) {
	delay := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			<-time.After(20 * time.Millisecond)
			next.ServeHTTP(w, r)
		})
	}
	h := newHub(b, registrytest.Options{Wrap: delay})
	var images []string
	for i := range 200 {
		name := fmt.Sprintf("team/app-%d:%d", i%50, i/50)
		h.Push(name)
		images = append(images, h.Host+"/"+name)
	}
	for b.Loop() {
		// A new client each time: tokens and connections are part of the work.
		client, err := registry.NewImages(registry.ImageOptions{})
		if err != nil {
			b.Fatal(err)
		}
		r := imagelock.Resolver{Registry: port{client}}
		if found, err := r.Resolve(b.Context(), imagelock.Set{}, images); err != nil || len(found) != 200 {
			b.Fatalf("%d resolved, %v", len(found), err)
		}
	}
}
