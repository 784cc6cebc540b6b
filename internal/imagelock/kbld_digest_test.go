package imagelock_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/imagelock"
	"github.com/tugops/tug/internal/registrytest"
)

func TestKbld14Digests(t *testing.T) {
	t.Parallel()
	h := newHub(t, registrytest.Options{})
	rule(t, "a digest gets its full name, without network", func(t *testing.T) {
		for image, full := range map[string]string{
			"nginx@" + digestA:                         "index.docker.io/library/nginx@" + digestA,
			"nginx:1@" + digestA:                       "index.docker.io/library/nginx@" + digestA,
			"docker.io/team/app:1@" + digestA:          "index.docker.io/team/app@" + digestA,
			"team/app@" + digestA:                      "index.docker.io/team/app@" + digestA,
			"localhost/app@" + digestA:                 "localhost/app@" + digestA,
			"r.io:5000/a/b/c:1@" + digestA:             "r.io:5000/a/b/c@" + digestA,
			"index.docker.io/library/nginx@" + digestA: "index.docker.io/library/nginx@" + digestA,
		} {
			want(t, h.must(t, imagelock.Resolver{Registry: &counted{}}, "", image), full)
		}
	})
	rule(t, "that a digest exists is not checked, unless it is asked for", func(t *testing.T) {
		image := h.Host + "/team/none@" + digestA
		want(t, h.must(t, imagelock.Resolver{}, "", image), image)
		_, err := h.resolve(t, imagelock.Resolver{Verify: true}, "", image)
		checkFault(t, err, fault.NotFound, "does not exist", "check name and tag")
		locked := lockConfig("image", "app", image)
		_, err = h.resolve(t, imagelock.Resolver{Verify: true}, locked, "app")
		checkFault(t, err, fault.NotFound, "verify "+image, "")
		there := h.Host + "/team/there@" + h.Push("team/there:1")
		want(t, h.must(t, imagelock.Resolver{Verify: true}, "", there), there)
	})
	rule(t, "what looks like a digest and is none is an error", func(t *testing.T) {
		for _, image := range []string{"nginx@sha256:abc", "nginx@", "a@b@" + digestA, "nginx@latest"} {
			_, err := h.resolve(t, imagelock.Resolver{}, "", image)
			checkFault(t, err, fault.Invalid, "has no valid digest", "64 hex")
		}
	})
}

func TestKbld14Tags(t *testing.T) {
	t.Parallel()
	h := newHub(t, registrytest.Options{})
	first, second := h.Push("library/nginx:latest"), h.Push("library/nginx:1")
	index := h.PushIndex("team/multi:1")
	rule(t, "a tag becomes the full name and the digest; latest is the default", func(t *testing.T) {
		for image, digest := range map[string]string{
			"nginx": first, "library/nginx": first, "docker.io/nginx:latest": first, "docker.io/library/nginx:1": second,
		} {
			tag := "latest"
			if digest == second {
				tag = "1"
			}
			want(t, h.must(t, imagelock.Resolver{}, "", image), "index.docker.io/library/nginx@"+digest, origin("resolved", "url", image, "tag", tag))
		}
	})
	rule(t, "a tag is resolved twice, and the digests must agree", func(t *testing.T) {
		c := &counted{Registry: port{h.client}}
		want(t, h.must(t, imagelock.Resolver{Registry: c}, "", "nginx:1"), "index.docker.io/library/nginx@"+second, origin("resolved", "url", "nginx:1", "tag", "1"))
		if d := cmp.Diff([]string{"digest index.docker.io/library/nginx:1", "digest index.docker.io/library/nginx:1"}, c.asked); d != "" {
			t.Error(d)
		}
		fickle := &counted{digest: func(n int) string { return fmt.Sprintf("sha256:%064d", n) }}
		_, err := h.resolve(t, imagelock.Resolver{Registry: fickle}, "", "nginx:1")
		checkFault(t, err, fault.Unavailable, "gives two digests for index.docker.io/library/nginx:1", "try again")
	})
	rule(t, "the digest of an index is kept", func(t *testing.T) {
		name := h.Host + "/team/multi"
		want(t, h.must(t, imagelock.Resolver{}, "", name+":1"), name+"@"+index, origin("resolved", "url", name+":1", "tag", "1"))
	})
	rule(t, "references to the same image ask once", func(t *testing.T) {
		c := &counted{Registry: port{h.client}}
		found, err := h.resolve(t, imagelock.Resolver{Registry: c}, "", "nginx:1", "docker.io/nginx:1", "library/nginx:1", "nginx:1")
		if err != nil || len(found) != 3 || len(c.asked) != 2 {
			t.Errorf("%d images, %v asked, %v", len(found), c.asked, err)
		}
	})
	rule(t, "errors are gathered, one for each image", func(t *testing.T) {
		_, err := h.resolve(t, imagelock.Resolver{}, "", h.Host+"/none:1", h.Host+"/none:2", "nginx:1", "Not A Name", h.Host+"/UPPER:1")
		if err == nil {
			t.Fatal("no error")
		}
		text := err.Error()
		for _, line := range []string{
			"4 images cannot be resolved:\n", `- resolve image "` + h.Host + `/none:1": `, `- resolve image "` + h.Host + `/none:2": `,
			`- resolve image "Not A Name": "Not A Name" is no image reference`, `- resolve image "` + h.Host + `/UPPER:1": `,
		} {
			if !strings.Contains(text, line) {
				t.Errorf("no %q in:\n%s", line, text)
			}
		}
		if hints := fault.HintsOf(err); len(hints) != 2 {
			t.Errorf("hints are repeated: %q", hints)
		}
	})
	rule(t, "without a registry every question is an error", func(t *testing.T) {
		_, err := new(imagelock.Resolver).Resolve(t.Context(), imagelock.Set{}, []string{"nginx", "nginx@" + digestA, "b:1"})
		checkFault(t, err, fault.Invalid, "2 images cannot be resolved", "lock it without --hermetic")
	})
}

func TestKbld14Platforms(t *testing.T) {
	t.Parallel()
	h := newHub(t, registrytest.Options{})
	index, images := h.PushPlatforms("team/multi:1", "linux/amd64", "linux/arm/v6", "linux/arm/v7", "linux/amd64/v3", "windows/amd64")
	single := h.Push("team/single:1")
	name := h.Host + "/team/multi"
	resolved := origin("resolved", "url", name+":1", "tag", "1")
	platform := func(t *testing.T, text string) imagelock.Resolver {
		t.Helper()
		p, err := imagelock.ParsePlatform(text)
		if err != nil {
			t.Fatal(err)
		}
		return imagelock.Resolver{Platform: p}
	}
	rule(t, "one image of the index is chosen", func(t *testing.T) {
		want(t, h.must(t, platform(t, "linux/arm/v7"), "", name+":1"), name+"@"+images[2], resolved,
			origin("platformSelected", "index", name+"@"+index, "os", "linux", "architecture", "arm", "variant", "v7"))
		want(t, h.must(t, platform(t, "windows/amd64"), "", name+"@"+index), name+"@"+images[4],
			origin("platformSelected", "index", name+"@"+index, "os", "windows", "architecture", "amd64"))
	})
	rule(t, "exactly one must match", func(t *testing.T) {
		_, err := h.resolve(t, platform(t, "linux/arm"), "", name+":1")
		checkFault(t, err, fault.NotFound, "has 2 images for linux/arm where one is needed", "it has linux/amd64, linux/arm/v6")
		_, err = h.resolve(t, platform(t, "linux/s390x"), "", name+":1")
		checkFault(t, err, fault.NotFound, "has 0 images for linux/s390x", "")
	})
	rule(t, "platformSelection of an override beats the platform of the command", func(t *testing.T) {
		selected := config("overrides: [{image: app, newImage: '" + name + ":1', platformSelection: {os: linux, architecture: arm, variant: v6}}]")
		got := h.must(t, platform(t, "windows/amd64"), selected, "app")
		if got.NewImage != name+"@"+images[1] {
			t.Errorf("got %s", got.NewImage)
		}
	})
	rule(t, "an image that is no index is right for every platform", func(t *testing.T) {
		image := h.Host + "/team/single:1"
		want(t, h.must(t, platform(t, "linux/s390x"), "", image), h.Host+"/team/single@"+single, origin("resolved", "url", image, "tag", "1"))
	})
	rule(t, "a platform is os/arch[/variant][:osversion]", func(t *testing.T) {
		p, err := imagelock.ParsePlatform("windows/amd64:10.0.17763")
		if err != nil || p.OSVersion != "10.0.17763" || p.String() != "windows/amd64:10.0.17763" {
			t.Errorf("%+v, %v", p, err)
		}
		for _, text := range []string{"", "linux", "linux/", "/arm", "a/b/c/d"} {
			_, err := imagelock.ParsePlatform(text)
			checkFault(t, err, fault.Usage, "is not os/arch", "linux/amd64")
		}
	})
}
