package imagelock_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/imagelock"
	"github.com/tugops/tug/internal/object"
)

// obj is an object from YAML, with numbers as the readers of tug give them.
func obj(t *testing.T, text string) *object.Object {
	t.Helper()
	var fields map[string]any
	err := yaml.Unmarshal([]byte(text), &fields, func(d *json.Decoder) *json.Decoder { d.UseNumber(); return d })
	if err != nil {
		t.Fatal(err)
	}
	return &object.Object{Fields: fields, Source: object.Source{File: "o.yaml", Line: 1}}
}

func lockOf(image string) imagelock.Lock {
	return imagelock.Lock{Image: image, NewImage: "r.io/pinned@" + digestA, Source: object.Source{File: "app-locks/l.yml", Line: 7}}
}

// pin pins one object and gives it without the annotation, as YAML.
func pin(t *testing.T, set imagelock.Set, text string) (string, []imagelock.Unpinned) {
	t.Helper()
	o := obj(t, text)
	before := o.Copy()
	r, err := imagelock.Pin([]*object.Object{o}, set)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(before.Fields, o.Fields); d != "" {
		t.Errorf("Pin changed its argument:\n%s", d)
	}
	out := r.Objects[0].Copy()
	delete(out.Meta(), "annotations")
	data, err := yaml.Marshal(out.Fields)
	if err != nil {
		t.Fatal(err)
	}
	return string(data), r.Unpinned
}

const pod = `apiVersion: v1
kind: Pod
metadata: {name: p, namespace: shop}
spec:
  containers:
  - {name: a, image: "nginx:1.16"}
  - {name: b, image: "nginx:1.17"}
  - {name: c, image: "docker.io/library/nginx:1.16"}
  - {name: d, image: "localhost:5000/nginx"}
`

func TestPinMatches(t *testing.T) {
	t.Parallel()
	repo := lockOf("nginx")
	repo.Repo = true
	port := lockOf("localhost:5000/nginx")
	port.Repo = true
	for name, c := range map[string]struct {
		lock imagelock.Lock
		want []string // containers that are pinned
	}{
		"exact":               {lockOf("nginx:1.16"), []string{"a"}},
		"no tag, no match":    {lockOf("nginx"), nil},
		"repository":          {repo, []string{"a", "b"}},
		"registry with port":  {port, []string{"d"}},
		"no docker.io filled": {lockOf("library/nginx:1.16"), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, unpinned := pin(t, imagelock.Set{Locks: []imagelock.Lock{c.lock}}, pod)
			var got []string
			for _, container := range obj(t, out).Fields["spec"].(map[string]any)["containers"].([]any) {
				if m := container.(map[string]any); m["image"] == c.lock.NewImage {
					got = append(got, m["name"].(string))
				}
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
			if len(unpinned) != 4-len(c.want) {
				t.Errorf("%d unpinned of 4 with %d pinned", len(unpinned), len(c.want))
			}
		})
	}
}

func TestPinFindsReferences(t *testing.T) {
	t.Parallel()
	const head = "apiVersion: example.org/v1\nkind: Thing\nmetadata: {name: t}\n"
	for name, c := range map[string]struct {
		rules, in, want string
		unpinned        []string
	}{
		"any kind and depth":    {"", "a: [{b: {image: app}}]\n", "a: [{b: {image: PIN}}]\n", nil},
		"only the key image":    {"", "a: {img: app, images: [app]}\n", "a: {img: app, images: [app]}\n", nil},
		"no string":             {"", "image: {repository: app, image: 5}\n", "image: {repository: app, image: 5}\n", nil},
		"image below image":     {"", "image: {image: app}\n", "image: {image: PIN}\n", nil},
		"foreign image":         {"", "image: other\n", "image: other\n", nil},
		"empty":                 {"", "spec: {containers: [{image: \"\"}]}\n", "spec: {containers: [{image: \"\"}]}\n", nil},
		"init containers":       {"", "spec: {template: {initContainers: [{image: x}]}}\n", "spec: {template: {initContainers: [{image: x}]}}\n", []string{"spec.template.initContainers[0].image"}},
		"image volume":          {"", "spec: {volumes: [{image: {reference: app}}, {image: {reference: x}}]}\n", "spec: {volumes: [{image: {reference: PIN}}, {image: {reference: x}}]}\n", []string{"spec.volumes[1].image.reference"}},
		"other reference":       {"", "spec: {image: {reference: app}}\n", "spec: {image: {reference: app}}\n", nil},
		"key":                   {"keys: [img]\n", "img: app\nlist: [{img: x}]\n", "img: PIN\nlist: [{img: x}]\n", []string{"list[0].img"}},
		"path":                  {"searchRules: [{keyMatcher: {path: [a, {index: 1}]}}]\n", "a: [app, app]\n", "a: [app, PIN]\n", nil},
		"path with all":         {"searchRules: [{keyMatcher: {path: [a, {allIndexes: true}]}}]\n", "a: [app, app]\nb: {a: [app]}\n", "a: [PIN, PIN]\nb: {a: [app]}\n", nil},
		"path needs a list":     {"searchRules: [{keyMatcher: {path: [a, {allIndexes: true}]}}]\n", "a: {b: app}\n", "a: {b: app}\n", nil},
		"value":                 {"searchRules: [{valueMatcher: {image: app}}]\n", "a: [app, x]\n", "a: [PIN, x]\n", nil},
		"value of repository":   {"searchRules: [{valueMatcher: {imageRepo: app}}]\n", "a: [app, 'app:3', apple]\n", "a: [PIN, 'app:3', apple]\n", []string{"a[1]"}},
		"key and value":         {"searchRules: [{keyMatcher: {name: a}, valueMatcher: {image: app}}]\n", "a: app\nb: app\n", "a: PIN\nb: app\n", nil},
		"excluded":              {"searchRules: [{keyMatcher: {path: [image]}, updateStrategy: {none: {}}}]\n", "image: app\nb: {image: app}\n", "image: app\nb: {image: PIN}\n", nil},
		"excluded container":    {"searchRules: [{valueMatcher: {image: x}, updateStrategy: {none: {}}}]\n", "containers: [{image: x}]\n", "containers: [{image: x}]\n", nil},
		"first rule wins":       {"searchRules: [{keyMatcher: {name: a}, updateStrategy: {none: {}}}, {keyMatcher: {name: a}}]\n", "a: app\n", "a: app\n", nil},
		"keys before rules":     {"searchRules: [{keyMatcher: {name: a}, updateStrategy: {none: {}}}]\nkeys: [a]\n", "a: app\n", "a: PIN\n", nil},
		"json":                  {"searchRules: [{keyMatcher: {name: c}, updateStrategy: {json: {searchRules: [{keyMatcher: {name: i}}]}}}]\n", `c: '{"z": 12345678901234567890, "i": "app", "image": "app"}'`, `c: '{"i":"PIN","image":"app","z":12345678901234567890}'`, nil},
		"json is compacted":     {"searchRules: [{keyMatcher: {name: c}, updateStrategy: {json: {}}}]\n", `c: '{"z": 1, "a": 2}'`, `c: '{"a":2,"z":1}'`, nil},
		"no json":               {"searchRules: [{keyMatcher: {name: c}, updateStrategy: {json: {}}}]\n", "c: '{} x'\n", "c: '{} x'\n", nil},
		"yaml":                  {"searchRules: [{keyMatcher: {name: c}, updateStrategy: {yaml: {searchRules: [{keyMatcher: {name: i}}]}}}]\n", "c: |\n  i: app\n  # gone\n  a: 1\n  ---\n  ---\n  i: x\n", "c: |\n  ---\n  a: 1\n  i: PIN\n  ---\n  i: x\n", []string{"c: i"}},
		"yaml separators":       {"searchRules: [{keyMatcher: {name: c}, updateStrategy: {yaml: {searchRules: [{keyMatcher: {name: i}}]}}}]\n", "c: |\n  --- # one\n  i: app\n  ...\n  i: x\n  --- {i: app}\n", "c: |\n  ---\n  i: PIN\n  ---\n  i: x\n  ---\n  i: PIN\n", []string{"c: i"}},
		"yaml prefers json":     {"searchRules: [{keyMatcher: {name: c}, updateStrategy: {yaml: {searchRules: [{keyMatcher: {name: i}}]}}}]\n", `c: '{"i": "app"}'`, `c: '{"i":"PIN"}'`, nil},
		"yaml in json":          {"searchRules: [{keyMatcher: {name: c}, updateStrategy: {json: {searchRules: [{keyMatcher: {name: y}, updateStrategy: {yaml: {searchRules: [{keyMatcher: {name: i}}]}}}]}}}]\n", `c: '{"y":"i: app"}'`, `c: '{"y":"---\ni: PIN\n"}'`, nil},
		"invalid yaml":          {"searchRules: [{keyMatcher: {name: c}, updateStrategy: {yaml: {}}}]\n", "c: 'a: [b'\n", "c: 'a: [b'\n", nil},
		"own digest":            {"", "containers: [{image: x@" + digestB + "}]\n", "containers: [{image: x@" + digestB + "}]\n", nil},
		"tag and digest":        {"", "containers: [{image: 'x:1@" + digestB + "'}]\n", "containers: [{image: 'x:1@" + digestB + "'}]\n", nil},
		"rules match non-texts": {"searchRules: [{keyMatcher: {name: a}}]\n", "a: {image: app, a: [{image: app}]}\n", "a: {image: PIN, a: [{image: PIN}]}\n", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set := load(t, "l.yml", config(c.rules))
			l := lockOf("app")
			set.Locks = append(set.Locks, l)
			got, unpinned := pin(t, set, head+c.in)
			want, err := yaml.Marshal(obj(t, head+strings.ReplaceAll(c.want, "PIN", l.NewImage)).Fields)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), got); d != "" {
				t.Error(d)
			}
			var paths []string
			for _, u := range unpinned {
				paths = append(paths, u.Path)
			}
			if d := cmp.Diff(c.unpinned, paths); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestPinUnpinned(t *testing.T) {
	t.Parallel()
	_, got := pin(t, imagelock.Set{Locks: []imagelock.Lock{lockOf("nginx:1.16"), lockOf("nginx:1.17"), lockOf("localhost:5000/nginx")}}, pod)
	want := []imagelock.Unpinned{{
		Image:  "docker.io/library/nginx:1.16",
		Ref:    object.Ref{Kind: "Pod", Namespace: "shop", Name: "p"},
		Source: object.Source{File: "o.yaml", Line: 1},
		Path:   "spec.containers[2].image",
	}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestPinPrefersTheExactImage(t *testing.T) {
	t.Parallel()
	repo := lockOf("nginx")
	repo.Repo, repo.Source.File = true, "repo.yml"
	exact := lockOf("nginx:1.16")
	pending := lockOf("nginx:1.17")
	pending.Pending = "names a tag instead of a digest"
	o := obj(t, pod)
	r, err := imagelock.Pin([]*object.Object{o}, imagelock.Set{Locks: []imagelock.Lock{repo, pending, exact}})
	if err != nil {
		t.Fatal(err)
	}
	if got := r.Objects[0].Annotation(object.AnnotationImages); !strings.Contains(got, "l.yml") && !strings.Contains(got, "repo.yml") {
		t.Errorf("origins: %s", got)
	}
	if len(r.Unpinned) != 2 {
		t.Errorf("unpinned: %v", r.Unpinned)
	}
}

func TestPinPendingOverrides(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ override, want string }{
		"tag":       {"newImage: 'r.io/app:latest'", "names a tag"},
		"selection": {"newImage: r.io/app, tagSelection: {semver: {constraints: '>1.0.0'}}", "selects a tag by version"},
		"platform":  {"newImage: r.io/app@" + digestA + ", platformSelection: {os: linux}", "selects a platform"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set := load(t, "l.yml", config("overrides: [{image: app, "+c.override+"}]\n"))
			o := obj(t, "kind: Pod\nmetadata: {name: p}\nspec: {containers: [{image: app}]}\n")
			_, err := imagelock.Pin([]*object.Object{o}, set)
			checkFault(t, err, fault.Invalid, c.want, "tug image lock")
			checkFault(t, err, fault.Invalid, "l.yml:3", "")
			if _, err := imagelock.Pin([]*object.Object{obj(t, "kind: Pod\nimage: other\n")}, set); err != nil {
				t.Errorf("an override that nothing needs: %v", err)
			}
		})
	}
}

func TestPreresolvedIsVerbatim(t *testing.T) {
	t.Parallel()
	set := load(t, "l.yml", config("overrides: [{image: app, newImage: 'app:1', preresolved: true, platformSelection: {os: linux}}]\n"))
	out, unpinned := pin(t, set, "kind: Pod\nmetadata: {name: p}\nspec: {containers: [{image: app}]}\n")
	if !strings.Contains(out, "image: app:1\n") || len(unpinned) > 0 {
		t.Errorf("got %s and %v", out, unpinned)
	}
	if d := cmp.Diff([]string{"l.yml:3: image app:1 is preresolved without a digest and may change"}, set.Warnings); d != "" {
		t.Error(d)
	}
}

func TestOverrideWithDigestGetsItsFullName(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"nginx":               "index.docker.io/library/nginx",
		"team/app":            "index.docker.io/team/app",
		"docker.io/nginx":     "index.docker.io/library/nginx",
		"docker.io/team/app":  "index.docker.io/team/app",
		"localhost/app":       "localhost/app",
		"r.io/app":            "r.io/app",
		"localhost:5000/a/b":  "localhost:5000/a/b",
		"index.docker.io/a/b": "index.docker.io/a/b",
	} {
		set := load(t, "l.yml", config("overrides: [{image: app, newImage: '"+in+"@"+digestA+"'}]\n"))
		if got := set.Locks[0].NewImage; got != want+"@"+digestA {
			t.Errorf("%s becomes %s, want %s", in, got, want)
		}
	}
}
