package imagelock_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/imagelock"
	"github.com/tugops/tug/internal/object"
)

const (
	digestA = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	digestB = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
)

// files makes a file system of name, content, name, content, …
func files(pairs ...string) fstest.MapFS {
	m := fstest.MapFS{}
	for i := 0; i+1 < len(pairs); i += 2 {
		m[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1])}
	}
	return m
}

func config(body string) string {
	return "apiVersion: kbld.k14s.io/v1alpha1\nkind: Config\n" + body
}

func load(t *testing.T, pairs ...string) imagelock.Set {
	t.Helper()
	set, err := imagelock.Load(files(pairs...), []string{"."})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func TestLoadReadsEveryFormat(t *testing.T) {
	t.Parallel()
	set := load(t,
		"locks/a.kbld.yml", config("minimumRequiredVersion: 0.25.0\noverrides:\n- image: web\n  newImage: r.io/web@"+digestA+"\n  preresolved: true\n  origins:\n  - git: {sha: abc}\n"),
		"locks/b.yaml", "apiVersion: kbld.k14s.io/v1alpha1\nkind: ImageOverrides\noverrides:\n- imageRepo: nginx\n  newImage: nginx@"+digestB+"\n",
		"locks/c.json", `{"apiVersion":"imgpkg.carvel.dev/v1alpha1","kind":"ImagesLock","images":[{"image":"r.io/c@`+digestA+`","annotations":{"kbld.carvel.dev/id":"c","kbld.carvel.dev/origins":"- resolved:\n    tag: v1\n    url: c:v1\n"}}]}`,
		"locks/d/d.yml", "apiVersion: tug.dev/v1alpha1\nkind: ImageLock\napp: shop\nenvironment: prod\nimages:\n- image: r.io/d:latest\n  digest: "+digestB+"\n  tag: \"2\"\n  source: {repository: https://git.example/d, commit: f00}\n",
		"locks/README.md", "not read",
		"locks/.gitkeep", "",
	)
	want := []imagelock.Lock{
		{Image: "web", NewImage: "r.io/web@" + digestA, Origins: []map[string]any{{"git": map[string]any{"sha": "abc"}}}, Source: object.Source{File: "locks/a.kbld.yml", Line: 5}},
		{Image: "nginx", Repo: true, NewImage: "index.docker.io/library/nginx@" + digestB, Choice: &imagelock.Choice{From: "nginx@" + digestB}, Source: object.Source{File: "locks/b.yaml", Line: 4}},
		{Image: "c", NewImage: "r.io/c@" + digestA, Origins: []map[string]any{{"resolved": map[string]any{"tag": "v1", "url": "c:v1"}}}, Source: object.Source{File: "locks/c.json", Line: 1}},
		{Image: "r.io/d:latest", NewImage: "r.io/d@" + digestB, App: "shop", Environment: "prod", Source: object.Source{File: "locks/d/d.yml", Line: 6}, Origins: []map[string]any{
			{"git": map[string]any{"remoteURL": "https://git.example/d", "sha": "f00"}},
			{"resolved": map[string]any{"tag": "2", "url": "r.io/d:2"}},
		}},
	}
	if d := cmp.Diff(want, set.Locks); d != "" {
		t.Error(d)
	}
	if len(set.Warnings) > 0 {
		t.Errorf("warnings: %q", set.Warnings)
	}
}

func TestLoadToleratesKbldHabits(t *testing.T) {
	t.Parallel()
	set := load(t, "kbld.yaml", "#! Required reference to trigger build and push\nimage: demo\n#! where\n---\n"+
		"apiVersion: kbld.k14s.io/v1alpha1\nkind: Sources\nsources:\n- image: demo\n  path: .\n  docker: {build: {file: Dockerfile}}\n---\n#! nothing\n---\n"+
		"apiVersion: kbld.k14s.io/v1alpha1\nkind: ImageDestinations\ndestinations:\n- image: demo\n  newImage: docker.io/x/demo")
	if len(set.Locks)+len(set.Rules)+len(set.Warnings) > 0 {
		t.Errorf("got %+v, want nothing", set)
	}
}

func TestLoadRulesInOrder(t *testing.T) {
	t.Parallel()
	set := load(t,
		"a.yml", config("searchRules:\n- keyMatcher: {name: sidecar}\n- keyMatcher: {path: [spec, {index: 0}, {allIndexes: true}, img]}\n  updateStrategy: {none: {}}\n"),
		"b.yml", config("keys: [first]\nsearchRules:\n- keyMatcher: {name: sidecar}\n- valueMatcher: {imageRepo: nginx}\n  updateStrategy:\n    yaml:\n      searchRules:\n      - keyMatcher: {name: inner}\n"),
	)
	var got []string
	for _, r := range set.Rules {
		switch {
		case r.Key == nil:
			got = append(got, "value "+r.Repo+" "+string(r.Update)+" "+r.Nested[0].Key.Name)
		case r.Key.Name != "":
			got = append(got, "name "+r.Key.Name)
		default:
			got = append(got, "path "+string(r.Update))
		}
	}
	want := []string{"name first", "name sidecar", "path none", "value nginx yaml inner"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	tugLock := "apiVersion: tug.dev/v1alpha1\nkind: ImageLock\nimages:\n"
	for name, c := range map[string]struct{ text, want, hint string }{
		"unknown key":        {config("overrides:\n- image: a\n  newImag: b\n"), `l.yml:5: unknown key "newImag" in override`, `did you mean "newImage"?`},
		"top-level key":      {config("override: []\n"), `l.yml:3: unknown key "override" in kbld configuration`, `did you mean "overrides"?`},
		"repeated key":       {config("overrides:\n- image: a\n  image: b\n  newImage: c\n"), `l.yml:5: key "image" stands twice in override`, ""},
		"v prefix":           {config("minimumRequiredVersion: v0.25.0\n"), `l.yml:3: minimumRequiredVersion "v0.25.0" starts with v`, "write 0.25.0"},
		"too new":            {config("minimumRequiredVersion: 9.0.0\n"), `is later than kbld`, "update tug"},
		"no version":         {config("minimumRequiredVersion: soon\n"), `is no version`, "0.25.0"},
		"no newImage":        {config("overrides:\n- image: a\n"), `l.yml:4: override of "a" without newImage`, ""},
		"no image":           {config("overrides:\n- newImage: a\n"), `override without image and imageRepo`, ""},
		"number":             {config("overrides:\n- image: 1.5\n  newImage: a\n"), `l.yml:4: image must be a string`, "quotes"},
		"list of text":       {config("overrides: a\n"), `overrides must be a list`, ""},
		"rule without match": {config("searchRules:\n- updateStrategy: {none: {}}\n"), `search rule without keyMatcher and valueMatcher`, ""},
		"two strategies":     {config("searchRules:\n- keyMatcher: {name: a}\n  updateStrategy: {none: {}, json: {}}\n"), `more than one strategy`, ""},
		"negative index":     {config("searchRules:\n- keyMatcher: {path: [{index: -3}]}\n"), `index must not be negative`, ""},
		"syntax":             {config("overrides: [\n"), `l.yml:`, "indentation"},
		"future version":     {"apiVersion: kbld.k14s.io/v2\nkind: Config\n", `Config of kbld.k14s.io/v2 is no lock that tug reads`, "ImagesLock"},
		"a list":             {"- a\n", `l.yml:1: a lock file holds mappings`, ""},
		"imgpkg tag":         {"apiVersion: imgpkg.carvel.dev/v1alpha1\nkind: ImagesLock\nimages:\n- image: a:1\n", `without a digest`, "@sha256"},
		"imgpkg unnamed":     {"apiVersion: imgpkg.carvel.dev/v1alpha1\nkind: ImagesLock\nimages:\n- image: a@" + digestA + "\n", `without the annotation kbld.carvel.dev/id`, "kbld"},
		"imgpkg unknown":     {"apiVersion: imgpkg.carvel.dev/v1alpha1\nkind: ImagesLock\nimages:\n- imag: a\n", `unknown key "imag"`, "image"},
		"tug both images":    {tugLock + "- image: a\n  imageRepo: a\n  digest: " + digestA, `one of image and imageRepo`, ""},
		"tug both results":   {tugLock + "- image: a\n  newImage: a@" + digestA + "\n  digest: " + digestA, `one of newImage and digest`, ""},
		"tug short digest":   {tugLock + "- image: a\n  digest: sha256:abc\n", `l.yml:5: digest "sha256:abc" is not`, ""},
		"tug tag":            {tugLock + "- image: a\n  newImage: a:1\n", `newImage "a:1" without a digest`, "@sha256"},
		"tug unknown":        {tugLock + "- image: a\n  Digest: x\n", `unknown key "Digest"`, "digest"},
		"no lock":            {"apiVersion: v1\nkind: Secret\n", `l.yml: not an image lock`, "ImageLock"},
		"empty":              {"# nothing\n", `l.yml: not an image lock`, "ImageLock"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := imagelock.Load(files("l.yml", c.text), []string{"l.yml"})
			checkFault(t, err, fault.Invalid, c.want, c.hint)
		})
	}
}

func checkFault(t *testing.T, err error, kind fault.Kind, want, hint string) {
	t.Helper()
	if !fault.Is(err, kind) || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v (%s), want %s with %q", err, fault.KindOf(err), kind, want)
		return
	}
	if hints := strings.Join(fault.HintsOf(err), "\n"); !strings.Contains(hints, hint) {
		t.Errorf("hints %q, want %q", hints, hint)
	}
}

func TestLoadPaths(t *testing.T) {
	t.Parallel()
	fsys := files("app-locks/a.yml", config("overrides:\n- image: a\n  newImage: a@"+digestA+"\n  preresolved: true\n"),
		"app-locks/deployment.yaml", "apiVersion: apps/v1\nkind: Deployment\n")
	set, err := imagelock.Load(fsys, []string{"app-locks/a.yml", "app-locks/", "app-locks/a.yml"})
	if err != nil || len(set.Locks) != 1 {
		t.Errorf("a file named thrice gives %d locks and %v", len(set.Locks), err)
	}
	if d := cmp.Diff([]string{"app-locks/deployment.yaml:1: Deployment is no image lock and was skipped"}, set.Warnings); d != "" {
		t.Error(d)
	}
	_, err = imagelock.Load(fsys, []string{"locks"})
	checkFault(t, err, fault.NotFound, `image lock "locks": no such file or folder`, "root of the repository")
	_, err = imagelock.Load(fsys, []string{"../up"})
	checkFault(t, err, fault.Invalid, "not a path inside the repository", "..")
	_, err = imagelock.Load(files("a.yml/b", ""), []string{"."})
	if err != nil {
		t.Errorf("a folder called a.yml: %v", err)
	}
	_, err = imagelock.Load(files("a.yml", strings.Repeat("#", 17<<20)), []string{"."})
	checkFault(t, err, fault.Invalid, "more than 16 MiB", "")
}

func TestLoadBoundsAliases(t *testing.T) {
	t.Parallel()
	var bomb strings.Builder
	bomb.WriteString("a0: &a0 {image: a, newImage: b}\n")
	bomb.WriteString("apiVersion: kbld.k14s.io/v1alpha1\nkind: Config\n")
	bomb.WriteString("overrides: &o [*a0, *a0]\n")
	_, err := imagelock.Load(files("l.yml", bomb.String()), []string{"."})
	checkFault(t, err, fault.Invalid, `unknown key "a0"`, "")

	rules := config("searchRules:\n- &r0 {keyMatcher: {name: a}}\n")
	last := "*r0"
	for i := range 7 {
		name := string(rune('a' + i))
		rules += "- &" + name + " {keyMatcher: {name: x}, updateStrategy: {json: {searchRules: [" +
			strings.TrimSuffix(strings.Repeat(last+", ", 30), ", ") + "]}}}\n"
		last = "*" + name
	}
	_, err = imagelock.Load(files("l.yml", rules), []string{"."})
	checkFault(t, err, fault.Invalid, "too many aliases", "anchors")
}

func TestLoadConflicts(t *testing.T) {
	t.Parallel()
	lock := func(scope, image, d string) string {
		return "apiVersion: tug.dev/v1alpha1\nkind: ImageLock\n" + scope + "images: [{" + image + ", newImage: x@" + d + "}]\n"
	}
	for name, c := range map[string]struct {
		a, b string
		want string
	}{
		"same image":         {lock("", "image: a", digestA), lock("", "image: a", digestB), `image "a" is locked to two different images: a.yml:3 says x@` + digestA + ", b.yml:3 says x@" + digestB},
		"equal":              {lock("", "image: a", digestA), lock("", "image: a", digestA), ""},
		"repository":         {lock("", "imageRepo: a", digestA), lock("", "imageRepo: a", digestB), "two different"},
		"image and its repo": {lock("", "image: 'a:1'", digestA), lock("", "imageRepo: a", digestB), `image "a:1" is locked`},
		"repo and its image": {lock("", "imageRepo: a", digestB), lock("", "image: 'a:1'", digestA), `image "a:1" is locked`},
		"other repo":         {lock("", "imageRepo: a", digestB), lock("", "image: 'b:1'", digestA), ""},
		"other app":          {lock("app: a\n", "image: x", digestA), lock("app: b\n", "image: x", digestB), ""},
		"other environment":  {lock("environment: a\n", "image: x", digestA), lock("environment: b\n", "image: x", digestB), ""},
		"any app":            {lock("app: a\n", "image: x", digestA), lock("", "image: x", digestB), "two different"},
		"no normalisation":   {lock("", "image: nginx", digestA), lock("", "image: docker.io/library/nginx", digestB), ""},
		"tag override":       {config("overrides: [{image: a, newImage: 'a:latest'}]"), lock("", "image: a", digestA), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := imagelock.Load(files("a.yml", c.a, "b.yml", c.b), []string{"."})
			if c.want != "" {
				checkFault(t, err, fault.Invalid, c.want, "keep one")
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

func TestSetFor(t *testing.T) {
	t.Parallel()
	set := imagelock.Set{Locks: []imagelock.Lock{
		{Image: "any"}, {Image: "app", App: "shop"}, {Image: "both", App: "shop", Environment: "prod"}, {Image: "other", App: "blog"},
	}}
	var got []string
	for _, l := range set.For("shop", "dev").Locks {
		got = append(got, l.Image)
	}
	if d := cmp.Diff([]string{"any", "app"}, got); d != "" {
		t.Error(d)
	}
	if len(set.Locks) != 4 || set.Locks[3].Image != "other" {
		t.Error("For changed the set it was called on")
	}
}
