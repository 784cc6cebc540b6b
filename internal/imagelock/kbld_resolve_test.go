package imagelock_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/imagelock"
	"github.com/tugops/tug/internal/registrytest"
)

type origins = []map[string]any

func origin(kind string, pairs ...any) map[string]any {
	body := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		body[pairs[i].(string)] = pairs[i+1]
	}
	return map[string]any{kind: body}
}

// want compares a resolved image.
func want(t *testing.T, got imagelock.Resolved, newImage string, o ...map[string]any) {
	t.Helper()
	if got.NewImage != newImage {
		t.Errorf("%s is %s, want %s", got.Image, got.NewImage, newImage)
	}
	if d := cmp.Diff(origins(o), got.Origins); d != "" {
		t.Errorf("origins of %s:\n%s", got.Image, d)
	}
}

func TestKbld14Overrides(t *testing.T) {
	t.Parallel()
	h := newHub(t, registrytest.Options{})
	const index = "index.docker.io/library/"
	digest := h.Push("library/nginx:1.27")
	h.Push("library/nginx:1.26.0")
	noRegistry := imagelock.Resolver{Registry: &counted{digest: func(int) string { t.Error("a registry was asked"); return "" }}}

	rule(t, "preresolved is used verbatim, without network, whatever the platform", func(t *testing.T) {
		r := noRegistry
		r.Platform = &imagelock.Platform{OS: "linux", Architecture: "arm64"}
		got := h.must(t, r, config("overrides: [{image: a, newImage: 'nginx:1', preresolved: true, platformSelection: {os: linux, architecture: amd64}}]"), "a")
		want(t, got, "nginx:1", origin("preresolved", "url", "nginx:1"))
	})
	rule(t, "preresolved adds to its origins, and not twice", func(t *testing.T) {
		one := h.must(t, noRegistry, config("overrides: [{image: a, newImage: n, preresolved: true, origins: [{git: {sha: f00}}]}]"), "a")
		want(t, one, "n", origin("git", "sha", "f00"), origin("preresolved", "url", "n"))
		two := h.must(t, noRegistry, config("overrides: [{image: a, newImage: n, preresolved: true, origins: [{preresolved: {url: n}}, {git: {sha: f00}}]}]"), "a")
		want(t, two, "n", origin("preresolved", "url", "n"), origin("git", "sha", "f00"))
	})
	rule(t, "otherwise newImage goes on in place of the image", func(t *testing.T) {
		got := h.must(t, imagelock.Resolver{}, config("overrides: [{image: app, newImage: 'nginx:1.27'}]"), "app")
		want(t, got, index+"nginx@"+digest, origin("resolved", "url", "nginx:1.27", "tag", "1.27"))
		if got.Lock == nil || !got.Fresh {
			t.Errorf("%+v", got)
		}
	})
	rule(t, "newImage is needed even when it equals the image", func(t *testing.T) {
		checkFault(t, readError(config("overrides: [{image: nginx, tagSelection: {semver: {}}}]")), fault.Invalid, "without newImage", "")
		got := h.must(t, imagelock.Resolver{}, config("overrides: [{image: nginx, newImage: nginx, tagSelection: {semver: {}}}]"), "nginx")
		if got.NewImage == "" {
			t.Error("nothing was selected")
		}
	})
	rule(t, "sources are matched against newImage, and not behind a tag selection", func(t *testing.T) {
		built := "sources: [{image: nginx, path: src}]\n"
		_, err := h.resolve(t, imagelock.Resolver{}, config(built+"overrides: [{image: app, newImage: nginx}]"), "app")
		checkFault(t, err, fault.Invalid, `it is built from "src"`, "")
		got := h.must(t, imagelock.Resolver{}, config(built+"overrides: [{image: nginx, newImage: 'nginx:1.27'}]"), "nginx")
		want(t, got, index+"nginx@"+digest, origin("resolved", "url", "nginx:1.27", "tag", "1.27"))
		h.Push("library/versions:1.0.0")
		selected := config("sources: [{image: versions, path: src}]\noverrides: [{image: app, newImage: versions, tagSelection: {semver: {}}}]")
		if got := h.must(t, imagelock.Resolver{}, selected, "app"); !strings.HasPrefix(got.NewImage, index+"versions@") {
			t.Errorf("tag selection: %s", got.NewImage)
		}
	})
}

func TestKbld14TagSelection(t *testing.T) {
	t.Parallel()
	h := newHub(t, registrytest.Options{})
	digests := map[string]string{}
	for _, tag := range []string{"v1.2.0", "1.10.0", "1.9.0", "2.0.0-rc.1", "2.0.0-alpha.2", "2.0.0-rc.2.hotfix", "0.9.0", "latest", "1.11", "1.10.0-dev"} {
		digests[tag] = h.Push("team/app:" + tag)
	}
	name := h.Host + "/team/app"
	for text, c := range map[string]struct{ semver, tag string }{
		"the highest version wins, and other tags are passed over": {"{}", "1.10.0"},
		"versions may begin with v":                                {`{constraints: "<1.3.0"}`, "v1.2.0"},
		"constraints of spaces are and":                            {`{constraints: ">=1.0.0 <1.10.0"}`, "1.9.0"},
		"constraints of bars are or":                               {`{constraints: "<1.0.0 || =1.9.0"}`, "1.9.0"},
		"without prereleases all of them are excluded":             {`{constraints: ">=1.10.0"}`, "1.10.0"},
		"prereleases: {} includes all":                             {"{prereleases: {}}", "2.0.0-rc.2.hotfix"},
		"identifiers are any of":                                   {"{prereleases: {identifiers: [alpha, beta]}}", "2.0.0-alpha.2"},
		"identifiers are whole words of the pre-release":           {"{prereleases: {identifiers: [hotfix, al]}}", "2.0.0-rc.2.hotfix"},
		"identifiers may be numbers":                               {`{prereleases: {identifiers: ["1"]}}`, "2.0.0-rc.1"},
	} {
		rule(t, text, func(t *testing.T) {
			got := h.must(t, imagelock.Resolver{}, config("overrides: [{image: app, newImage: "+name+", tagSelection: {semver: "+c.semver+"}}]"), "app")
			want(t, got, name+"@"+digests[c.tag], origin("resolved", "url", name+":"+c.tag, "tag", c.tag))
		})
	}
	rule(t, "no version is an error that says where it was asked for", func(t *testing.T) {
		_, err := h.resolve(t, imagelock.Resolver{}, config("overrides: [{image: app, newImage: "+name+", tagSelection: {semver: {constraints: '>9.0.0'}}}]"), "app")
		checkFault(t, err, fault.NotFound, `resolve image "app": f0.yml:3: tags of `+name+": none of 10 tags is a version that is asked for (8 are versions)", "prereleases")
	})
}

func TestKbld14Sources(t *testing.T) {
	t.Parallel()
	h := newHub(t, registrytest.Options{})
	digest, tagged := h.Push("team/app:latest"), h.Push("team/app:v1")
	name := h.Host + "/team/app"
	sources := config("sources: [{image: app, path: services/app}]\n")
	to := sources + "---\n" + config("destinations: [{image: app, newImage: "+name+"}]\n")

	rule(t, "a build is an error that says how to go on", func(t *testing.T) {
		_, err := h.resolve(t, imagelock.Resolver{}, sources, "app")
		checkFault(t, err, fault.Invalid, `resolve image "app": f0.yml:3: it is built from "services/app", and there is no lock for what was built`, "ImageDestinations")
		_, err = h.resolve(t, imagelock.Resolver{}, to, "app")
		checkFault(t, err, fault.Invalid, "there is no lock", "--pushed when "+name)
	})
	rule(t, "a lock of the image comes before its source", func(t *testing.T) {
		got := h.must(t, imagelock.Resolver{}, to+"---\n"+lockConfig("image", "app", "r.io/app@"+digestA), "app")
		want(t, got, "r.io/app@"+digestA, origin("preresolved", "url", "r.io/app@"+digestA))
	})
	rule(t, "a lock of the destination is one of the image", func(t *testing.T) {
		for _, key := range []string{"image", "imageRepo"} {
			got := h.must(t, imagelock.Resolver{}, to+"---\n"+lockConfig(key, name, name+"@"+digestA), "app")
			want(t, got, name+"@"+digestA, origin("preresolved", "url", name+"@"+digestA))
		}
	})
	rule(t, "what was pushed is found at its destination, by its first tag", func(t *testing.T) {
		got := h.must(t, imagelock.Resolver{Pushed: true}, to, "app")
		want(t, got, name+"@"+digest, origin("resolved", "url", name, "tag", "latest"))
		tags := sources + "---\n" + config("destinations: [{imageRepo: app, newImage: "+name+", tags: [v1, v2]}]\n")
		got = h.must(t, imagelock.Resolver{Pushed: true}, tags, "app")
		want(t, got, name+"@"+tagged, origin("resolved", "url", name+":v1", "tag", "v1"), origin("tagged", "tags", []any{"v1", "v2"}))
	})
	rule(t, "a destination without a source changes nothing", func(t *testing.T) {
		got := h.must(t, imagelock.Resolver{}, config("destinations: [{image: '"+name+":v1', newImage: r.io/elsewhere}]\n"), name+":v1")
		want(t, got, name+"@"+tagged, origin("resolved", "url", name+":v1", "tag", "v1"))
	})
}
