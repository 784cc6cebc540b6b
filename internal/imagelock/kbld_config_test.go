package imagelock_test

// The tests of kbld_*_test.go are the rules of kbld as the project's reference
// lists them, in its order and numbered as there: 1.1 configuration, 1.2
// matching, 1.3 search, 1.4 resolution, 1.5 output.

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/imagelock"
)

// stream reads documents as one stream.
func stream(t *testing.T, texts ...string) imagelock.Stream {
	t.Helper()
	var files []imagelock.File
	for i, text := range texts {
		files = append(files, imagelock.File{Name: "f" + string(rune('0'+i)) + ".yml", Data: []byte(text)})
	}
	s, err := imagelock.ReadStream(files)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// rule runs the test of one rule.
func rule(t *testing.T, text string, test func(t *testing.T)) {
	t.Helper()
	t.Run(text, func(t *testing.T) {
		t.Parallel()
		test(t)
	})
}

func TestKbld11Config(t *testing.T) {
	t.Parallel()
	rule(t, "one structure for all five kinds", func(t *testing.T) {
		for _, kind := range []string{"Config", "Sources", "ImageOverrides", "ImageDestinations", "ImageKeys"} {
			s := stream(t, "apiVersion: kbld.k14s.io/v1alpha1\nkind: "+kind+`
minimumRequiredVersion: 0.25.0
sources: [{image: s, path: .}]
overrides: [{image: o, newImage: n, preresolved: true}]
destinations: [{image: d}]
keys: [k]
searchRules: [{keyMatcher: {name: r}}]
`)
			if len(s.Set.Builds) != 1 || len(s.Set.Locks) != 1 || len(s.Set.Destinations) != 1 || len(s.Set.Rules) != 2 {
				t.Errorf("%s: %+v", kind, s.Set)
			}
		}
	})
	rule(t, "configuration is removed from the output", func(t *testing.T) {
		s := stream(t, config("keys: [a]\n")+"---\nkind: Object\n---\napiVersion: imgpkg.carvel.dev/v1alpha1\nkind: ImagesLock\n")
		if got := encoded(t, s, nil, true); got != "---\nkind: Object\n" {
			t.Errorf("output %q", got)
		}
	})
	rule(t, "minimumRequiredVersion has no v, and the tool is at least that", func(t *testing.T) {
		for text, want := range map[string]string{"0.25.0": "", "0.42.0": "", "v0.25.0": "starts with v", "99.0.0": "is later than kbld"} {
			_, err := imagelock.ReadStream([]imagelock.File{{Name: "f.yml", Data: []byte(config("minimumRequiredVersion: " + text + "\n"))}})
			if want == "" && err != nil {
				t.Errorf("%s: %v", text, err)
			} else if want != "" {
				checkFault(t, err, fault.Invalid, want, "")
			}
		}
	})
	rule(t, "an ImagesLock entry is a preresolved override", func(t *testing.T) {
		s := stream(t, `
apiVersion: imgpkg.carvel.dev/v1alpha1
kind: ImagesLock
images:
- image: nginx@`+digestA+`
  annotations:
    kbld.carvel.dev/id: app
    kbld.carvel.dev/origins: |
      - resolved: {tag: "1", url: nginx:1}
`)
		want := []imagelock.Lock{{
			Image: "app", NewImage: "index.docker.io/library/nginx@" + digestA, Source: s.Set.Locks[0].Source,
			Origins: []map[string]any{{"resolved": map[string]any{"tag": "1", "url": "nginx:1"}}},
		}}
		if d := cmp.Diff(want, s.Set.Locks); d != "" {
			t.Error(d)
		}
	})
	rule(t, "sources have an image or repository, a path and one of five builders", func(t *testing.T) {
		s := stream(t, config(`sources:
- {image: a, path: .}
- {image: b, path: ., docker: {build: {target: t, pull: true, noCache: true, file: F, buildkit: true, rawOptions: [x]}}}
- {image: c, path: ., docker: {buildx: {target: t}}}
- {imageRepo: d, path: ., pack: {build: {builder: b, buildpacks: [x], clearCache: true}}}
- {image: e, path: ., kubectlBuildkit: {build: {}}}
- {image: f, path: ., ko: {build: {rawOptions: [x]}}}
- {image: g, path: ., bazel: {run: {target: t}}}
`))
		if len(s.Set.Builds) != 7 || !s.Set.Builds[3].Repo {
			t.Errorf("sources %+v", s.Set.Builds)
		}
		for text, want := range map[string]string{
			"sources: [{image: a}]":                      "without path",
			"sources: [{path: .}]":                       "without image and imageRepo",
			"sources: [{image: a, path: ., buildah: 1}]": `unknown key "buildah"`,
		} {
			checkFault(t, readError(config(text)), fault.Invalid, want, "")
		}
	})
	rule(t, "overrides need newImage and know tag and platform selection", func(t *testing.T) {
		s := stream(t, config(`overrides:
- image: a
  newImage: r.io/a
  tagSelection: {semver: {constraints: ">=1.0.0", prereleases: {identifiers: [rc]}}}
  platformSelection: {architecture: arm, os: linux, os.version: "10", os.features: [f], variant: v7, features: [g]}
`))
		want := &imagelock.Choice{
			From:     "r.io/a",
			Tags:     &imagelock.TagSelection{Constraints: ">=1.0.0", Prereleases: true, Identifiers: []string{"rc"}},
			Platform: &imagelock.Platform{OS: "linux", Architecture: "arm", Variant: "v7", OSVersion: "10", OSFeatures: []string{"f"}, Features: []string{"g"}},
		}
		if d := cmp.Diff(want, s.Set.Locks[0].Choice); d != "" {
			t.Error(d)
		}
		checkFault(t, readError(config("overrides: [{image: a, preresolved: true}]")), fault.Invalid, "without newImage", "")
		checkFault(t, readError(config("overrides: [{image: a, newImage: a, tagSelection: {}}]")), fault.Invalid, "without semver", "highest")
		checkFault(t, readError(config("overrides: [{image: a, newImage: a, tagSelection: {semver: {constraints: '>>1'}}}]")), fault.Invalid, "f.yml:3: constraints", ">=1.2.0")
	})
	rule(t, "newImage of a destination is the image by default", func(t *testing.T) {
		s := stream(t, config("destinations: [{image: a}, {imageRepo: b, newImage: c, tags: [x, y]}]\n"))
		if s.Set.Destinations[0].NewImage != "a" || s.Set.Destinations[1].NewImage != "c" || len(s.Set.Destinations[1].Tags) != 2 {
			t.Errorf("destinations %+v", s.Set.Destinations)
		}
	})
	rule(t, "keys are not empty, and rules match a key or a value", func(t *testing.T) {
		for text, want := range map[string]string{
			"keys: ['']": "empty key", "searchRules: [{}]": "without keyMatcher and valueMatcher",
			"searchRules: [{keyMatcher: {}}]":            "without name and path",
			"searchRules: [{valueMatcher: {image: ''}}]": "without image and imageRepo",
		} {
			checkFault(t, readError(config(text)), fault.Invalid, want, "")
		}
	})
	rule(t, "a bare document and comments of ytt are no configuration", func(t *testing.T) {
		s := stream(t, "#! comment\nimage: demo\n#!\n---\n"+config("keys: [a]"))
		if d := cmp.Diff([]string{"demo"}, s.Images()); d != "" {
			t.Error(d)
		}
	})
}

func readError(text string) error {
	_, err := imagelock.ReadStream([]imagelock.File{{Name: "f.yml", Data: []byte(text)}})
	return err
}

// encoded replaces images in a stream, "old=new", and gives its output.
func encoded(t *testing.T, s imagelock.Stream, images []string, annotate bool) string {
	t.Helper()
	var resolved []imagelock.Resolved
	for _, pair := range images {
		old, now, _ := strings.Cut(pair, "=")
		resolved = append(resolved, imagelock.Resolved{Image: old, NewImage: now})
	}
	return output(t, s, resolved, annotate)
}

func output(t *testing.T, s imagelock.Stream, resolved []imagelock.Resolved, annotate bool) string {
	t.Helper()
	objects, err := s.Replace(resolved, annotate)
	if err != nil {
		t.Fatal(err)
	}
	data, err := imagelock.Encode(objects)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
