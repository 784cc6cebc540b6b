package imagelock_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/imagelock"
	"github.com/tugops/tug/internal/object"
)

func equal(t *testing.T, want, got string) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestKbld15Stream(t *testing.T) {
	t.Parallel()
	rule(t, "three dashes before every document, keys sorted, comments lost", func(t *testing.T) {
		equal(t, "---\na: 1\nb:\n  c: 2\n  d: 3\n---\nx: \"1\"\n", encoded(t, stream(t, "# comment\nb: {d: 3, c: 2} # more\na: 1\n---\nx: '1'\n"), nil, true))
	})
	rule(t, "Lists are flattened, empty documents dropped, order is kept", func(t *testing.T) {
		got := encoded(t, stream(t, "kind: B\n---\n\n---\n{}\n---\n# nothing\n---\napiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: Z}, {apiVersion: v1, kind: X}]\n", "kind: A\n"), nil, true)
		equal(t, "---\nkind: B\n---\napiVersion: v1\nkind: Z\n---\napiVersion: v1\nkind: X\n---\nkind: A\n", got)
	})
	rule(t, "numbers and large texts stay what they are", func(t *testing.T) {
		equal(t, "---\na: 1.5\nb: 12345678901234\nc: true\nd: null\ne: \"012\"\nf: 1e+21\n", encoded(t, stream(t, "f: 1e21\na: 1.50\nb: 12345678901234\nc: yes\nd:\ne: '012'\n"), nil, true))
	})
}

func TestKbld15Annotation(t *testing.T) {
	t.Parallel()
	r := func(image, now string, o ...map[string]any) imagelock.Resolved {
		return imagelock.Resolved{Image: image, NewImage: now, Origins: o}
	}
	tag := func(url string) map[string]any { return origin("resolved", "url", url, "tag", "1") }
	rule(t, "a list of origins and url, by url, each once", func(t *testing.T) {
		got := output(t, stream(t, "image: b\nl: [{image: a}, {image: b}, {image: c}]\n"),
			[]imagelock.Resolved{r("a", "r.io/z", tag("a")), r("b", "r.io/y", tag("b")), r("c", "r.io/y", tag("b"))}, true)
		equal(t, `---
image: r.io/y
l:
- image: r.io/z
- image: r.io/y
- image: r.io/y
metadata:
  annotations:
    kbld.k14s.io/images: |
      - origins:
        - resolved:
            tag: "1"
            url: b
        url: r.io/y
      - origins:
        - resolved:
            tag: "1"
            url: a
        url: r.io/z
`, got)
	})
	rule(t, "images without origins have no entry, and no entry is no annotation", func(t *testing.T) {
		got := output(t, stream(t, "image: a\n---\nl: [{image: a}, {image: b}]\n"), []imagelock.Resolved{r("a", "r.io/a@"+digestA), r("b", "b2", tag("b"))}, true)
		if strings.Count(got, "kbld.k14s.io/images") != 1 || strings.Contains(got, "url: r.io/a") {
			t.Errorf("got:\n%s", got)
		}
	})
	rule(t, "an earlier annotation is replaced, or stays where nothing was resolved", func(t *testing.T) {
		s := stream(t, "metadata: {annotations: {kbld.k14s.io/images: old, other: kept}}\nimage: a\n---\nmetadata: {annotations: {kbld.k14s.io/images: old}}\n")
		got := output(t, s, []imagelock.Resolved{r("a", "new", tag("a"))}, true)
		if strings.Count(got, "kbld.k14s.io/images: old") != 1 || !strings.Contains(got, "other: kept") {
			t.Errorf("got:\n%s", got)
		}
	})
	rule(t, "--images-annotation=false leaves it out", func(t *testing.T) {
		equal(t, "---\nimage: new\n", output(t, stream(t, "image: a\n"), []imagelock.Resolved{r("a", "new", tag("a"))}, false))
	})
	rule(t, "only the metadata of the object has it", func(t *testing.T) {
		got := output(t, stream(t, "kind: Deployment\nspec: {template: {metadata: {labels: {a: b}}, spec: {containers: [{image: a}]}}}\n"), []imagelock.Resolved{r("a", "new", tag("a"))}, true)
		if strings.Count(got, "annotations:") != 1 || !strings.Contains(got, "\nmetadata:\n  annotations:\n") {
			t.Errorf("got:\n%s", got)
		}
	})
	rule(t, "the objects that were read stay as they are", func(t *testing.T) {
		s := stream(t, "image: a\n")
		output(t, s, []imagelock.Resolved{r("a", "new", tag("a"))}, true)
		equal(t, "---\nimage: a\n", output(t, s, nil, true))
	})
}

func TestKbld15Origins(t *testing.T) {
	t.Parallel()
	rule(t, "paths are relative to the repository, and URLs have no credentials", func(t *testing.T) {
		s := stream(t, config(`overrides:
- image: a
  newImage: n
  preresolved: true
  origins:
  - local: {path: /home/me/repo/services/a}
  - local: {path: /home/me/repo}
  - local: {path: /home/me/repository}
  - local: {path: 'C:\repo\a'}
  - local: {path: services/b}
  - git: {remoteURL: 'https://user:secret@git.example/a.git', sha: f00, dirty: true, tags: [v1]}
  - tagged: {tags: [v1]}
  - platformSelected: {index: i, os: linux, architecture: arm, variant: v7}
`))
		r := imagelock.Resolver{Root: "/home/me/repo"}
		found, err := r.Resolve(t.Context(), s.Set, []string{"a"})
		if err != nil {
			t.Fatal(err)
		}
		want(t, found[0], "n",
			origin("local", "path", "services/a"), origin("local", "path", "."), origin("local", "path", "services/b"),
			origin("git", "remoteURL", "https://git.example/a.git", "sha", "f00", "dirty", true, "tags", []any{"v1"}),
			origin("tagged", "tags", []any{"v1"}),
			origin("platformSelected", "index", "i", "os", "linux", "architecture", "arm", "variant", "v7"),
			origin("preresolved", "url", "n"))
	})
}

func TestKbld15LockOutput(t *testing.T) {
	t.Parallel()
	rule(t, "a Config without leading dashes, keys sorted, overrides by image, the rules without the default", func(t *testing.T) {
		s := stream(t, config(`keys: [sidecar]
searchRules:
- keyMatcher: {path: [spec, {allIndexes: true}, {index: 0}]}
  valueMatcher: {image: i, imageRepo: r}
  updateStrategy: {none: {}}
- valueMatcher: {imageRepo: nginx}
  updateStrategy: {entireValue: {}}
- keyMatcher: {name: c}
  updateStrategy: {yaml: {searchRules: [{keyMatcher: {name: image}, updateStrategy: {json: {}}}]}}
`))
		data, err := imagelock.EncodeKbld([]imagelock.Lock{{Image: "z:1", NewImage: "r.io/z@" + digestA}, {Image: "a", NewImage: "r.io/a@" + digestB}}, s.Set.Rules)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, `apiVersion: kbld.k14s.io/v1alpha1
kind: Config
minimumRequiredVersion: 0.25.0
overrides:
- image: a
  newImage: r.io/a@`+digestB+`
  preresolved: true
- image: z:1
  newImage: r.io/z@`+digestA+`
  preresolved: true
searchRules:
- keyMatcher:
    name: sidecar
- keyMatcher:
    path:
    - spec
    - allIndexes: true
    - index: 0
  updateStrategy:
    none: {}
  valueMatcher:
    image: i
    imageRepo: r
- valueMatcher:
    imageRepo: nginx
- keyMatcher:
    name: c
  updateStrategy:
    yaml:
      searchRules:
      - keyMatcher:
          name: image
        updateStrategy:
          json: {}
`, string(data))
		again := stream(t, string(data))
		if d := cmp.Diff(s.Set.Rules, again.Set.Rules, cmpopts.IgnoreUnexported(imagelock.Rule{})); d != "" {
			t.Errorf("the rules read back differ:\n%s", d)
		}
	})
	lock := imagelock.Lock{Image: "nginx:1", NewImage: "r.io/n@" + digestA, Origins: []map[string]any{origin("resolved", "url", "nginx:1", "tag", "1")}}
	rule(t, "an ImagesLock begins with dashes and annotates id and origins", func(t *testing.T) {
		const head = "---\napiVersion: imgpkg.carvel.dev/v1alpha1\nimages:\n- annotations:\n    kbld.carvel.dev/id: nginx:1\n"
		data, err := imagelock.EncodeImgpkg([]imagelock.Lock{lock}, true)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, head+"    kbld.carvel.dev/origins: |\n      - resolved:\n          tag: \"1\"\n          url: nginx:1\n  image: r.io/n@"+digestA+"\nkind: ImagesLock\n", string(data))
		data, err = imagelock.EncodeImgpkg([]imagelock.Lock{lock}, false)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, head+"  image: r.io/n@"+digestA+"\nkind: ImagesLock\n", string(data))
	})
	rule(t, "an ImagesLock holds digests only", func(t *testing.T) {
		for _, l := range []imagelock.Lock{{Image: "a", NewImage: "a:1"}, {Image: "a", Repo: true, NewImage: "a@" + digestA}} {
			_, err := imagelock.EncodeImgpkg([]imagelock.Lock{l}, true)
			checkFault(t, err, fault.Invalid, "an ImagesLock cannot hold", "--format tug")
		}
	})
	rule(t, "an image map is a JSON object of preresolved references", func(t *testing.T) {
		set, err := imagelock.ReadImageMap("map.json", []byte(`{"b": "y", "a": "x"}`))
		if err != nil {
			t.Fatal(err)
		}
		source := object.Source{File: "map.json"}
		if d := cmp.Diff([]imagelock.Lock{{Image: "a", NewImage: "x", Source: source}, {Image: "b", NewImage: "y", Source: source}}, set.Locks); d != "" {
			t.Error(d)
		}
		for _, text := range []string{"", "[]", `{"a": 1}`, `{"a": ""}`, `{"": "a"}`, `{"a": "b"} x`} {
			_, err := imagelock.ReadImageMap("map.json", []byte(text))
			checkFault(t, err, fault.Invalid, "map.json: image map: ", "")
		}
	})
}
