package imagelock_test

import (
	"testing"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/imagelock"
)

// resolveOne resolves one image by configuration alone.
func resolveOne(t *testing.T, image string, texts ...string) string {
	t.Helper()
	r := imagelock.Resolver{}
	found, err := r.Resolve(t.Context(), stream(t, texts...).Set, []string{image})
	if err != nil {
		return "error: " + err.Error()
	}
	return found[0].NewImage
}

func lockConfig(key, image, now string) string {
	return config("overrides: [{" + key + ": '" + image + "', newImage: '" + now + "', preresolved: true}]\n")
}

func TestKbld12Matching(t *testing.T) {
	t.Parallel()
	const none = "r.io/other@" + digestA // an image with a digest resolves to itself
	rule(t, "image is equality of strings", func(t *testing.T) {
		for image, matches := range map[string]bool{"app:1": true, "app": false, "app:1@" + digestA: false, "APP:1": false} {
			if got := resolveOne(t, image, lockConfig("image", "app:1", "new")) == "new"; got != matches {
				t.Errorf("%q matches: %v", image, got)
			}
		}
	})
	rule(t, "imageRepo is equality with the part before tag and digest", func(t *testing.T) {
		for image, matches := range map[string]bool{
			"r.io/app": true, "r.io/app:1": true, "r.io/app@" + digestA: true, "r.io/app:v1.2_x-y@" + digestA: true,
			"r.io/app/sub": false, "r.io:80/app": false, "xr.io/app": false,
		} {
			if got := resolveOne(t, image, lockConfig("imageRepo", "r.io/app", "new")) == "new"; got != matches {
				t.Errorf("%q matches: %v", image, got)
			}
		}
		if got := resolveOne(t, "localhost:5000/app:1", lockConfig("imageRepo", "localhost:5000/app", "new")); got != "new" {
			t.Errorf("a port is taken for a tag: %s", got)
		}
	})
	rule(t, "docker.io and library are not filled in", func(t *testing.T) {
		for _, image := range []string{"docker.io/nginx", "library/nginx", "index.docker.io/library/nginx"} {
			for _, key := range []string{"image", "imageRepo"} {
				if got := resolveOne(t, image, lockConfig(key, "nginx", "new")); got == "new" {
					t.Errorf("%s nginx matches %s", key, image)
				}
			}
		}
	})
	rule(t, "the first match wins, in the order of documents and files", func(t *testing.T) {
		two := config("sources: [{image: a, path: first}, {imageRepo: a, path: second}]")
		want := `error: resolve image "a": f0.yml:3: it is built from "first"`
		if got := resolveOne(t, "a", two, config("sources: [{image: a, path: third}]")); len(got) < len(want) || got[:len(want)] != want {
			t.Errorf("got %s", got)
		}
		// Overrides that name tags are not yet different answers.
		got := resolveOne(t, "a", config("overrides: [{image: a, newImage: 'r.io/one@"+digestA+"'}]"), config("overrides: [{image: a, newImage: 'r.io/two:1'}]"))
		if got != "r.io/one@"+digestA {
			t.Errorf("got %s", got)
		}
	})
	rule(t, "equal locks are one", func(t *testing.T) {
		if got := resolveOne(t, "a", lockConfig("image", "a", "new"), lockConfig("image", "a", "new")); got != "new" {
			t.Errorf("got %s", got)
		}
	})
	rule(t, "locks that disagree are an error here, and silence in kbld", func(t *testing.T) {
		_, err := imagelock.ReadStream([]imagelock.File{
			{Name: "a.yml", Data: []byte(lockConfig("image", "a", "one"))}, {Name: "b.yml", Data: []byte(lockConfig("image", "a", "two"))},
		})
		checkFault(t, err, fault.Invalid, `image "a" is locked to two different images: a.yml:3 says one, b.yml:3 says two`, "keep one")
	})
	rule(t, "image beats imageRepo when both are set", func(t *testing.T) {
		both := config("overrides: [{image: a, imageRepo: r.io/other, newImage: new, preresolved: true}]\n")
		if got := resolveOne(t, "a", both); got != "new" {
			t.Errorf("image: %s", got)
		}
		if got := resolveOne(t, none, both); got != none {
			t.Errorf("imageRepo: %s", got)
		}
	})
}
