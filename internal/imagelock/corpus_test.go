package imagelock_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/corpustest"
	"github.com/tugops/tug/internal/imagelock"
	"github.com/tugops/tug/internal/object"
)

// demo is the demo of Deus' article.
func demo(t *testing.T) string {
	t.Helper()
	return corpustest.Dir(t, "repositories", "StarpTech-k8s-gitops", "demo")
}

func TestDemoRepository(t *testing.T) {
	t.Parallel()
	dir := demo(t)
	if _, err := imagelock.Load(os.DirFS(filepath.Join(dir, "demo-service-repository")), []string{"kbld.yaml"}); err != nil {
		t.Errorf("kbld.yaml: %v", err)
	}
	set, err := imagelock.Load(os.DirFS(filepath.Join(dir, "config-repository")), []string{"app-locks"})
	if err != nil {
		t.Fatal(err)
	}
	want := []imagelock.Lock{{
		Image:    "demo-service",
		NewImage: "index.docker.io/starptech/demo-service@sha256:da49a2ec3fca4e09bf581443e20215475c411b0d6c73c4f8707bdc48f3017e6d",
		Source:   object.Source{File: "app-locks/demo-service.kbld.lock.yml", Line: 5},
	}}
	if d := cmp.Diff(want, set.Locks); d != "" {
		t.Fatal(d)
	}
	o := obj(t, "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec: {template: {spec: {containers: [{image: demo-service}]}}}\n")
	r, err := imagelock.Pin([]*object.Object{o}, set)
	if err != nil || len(r.Unpinned) > 0 {
		t.Fatalf("unpinned %v, error %v", r.Unpinned, err)
	}
	images, err := imagelock.ReadAnnotation(r.Objects[0])
	if err != nil || len(images) != 1 || images[0].URL != want[0].NewImage {
		t.Errorf("images %v, error %v", images, err)
	}
}

// state.yaml of the demo carries the old annotations and is pinned throughout.
func TestDemoState(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(filepath.Join(demo(t), "config-repository", "state.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var objects []*object.Object
	for _, doc := range strings.Split(string(data), "\n---\n") {
		if o := obj(t, doc); len(o.Fields) > 0 {
			objects = append(objects, o)
		}
	}
	r, err := imagelock.Pin(objects, imagelock.Set{})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Unpinned) > 0 {
		t.Errorf("unpinned: %v", r.Unpinned)
	}
	recorded := 0
	for i, o := range r.Objects {
		if o != objects[i] {
			t.Errorf("%s was copied without need", o.Ref())
		}
		images, err := imagelock.ReadAnnotation(o)
		if err != nil {
			t.Error(err)
		}
		recorded += len(images)
	}
	if len(objects) < 5 || recorded != 3 {
		t.Errorf("%d objects with %d recorded images, want 3 images", len(objects), recorded)
	}
}
