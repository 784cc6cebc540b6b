package imagelock_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/imagelock"
	"github.com/tugops/tug/internal/object"
)

func TestPinRecordsOrigins(t *testing.T) {
	t.Parallel()
	a, b := lockOf("a"), lockOf("b")
	a.NewImage = "r.io/z@" + digestA
	a.Origins = []map[string]any{
		{"local": map[string]any{"path": `D:\repositories\a`}},
		{"local": map[string]any{"path": "/home/somebody/a"}},
		{"local": map[string]any{"path": "services/a"}},
		{"git": map[string]any{"remoteURL": "https://user:secret@git.example/a", "sha": "f00"}},
		{"git": map[string]any{"remoteURL": "git@git.example:a.git"}},
	}
	b.NewImage = "r.io/b@" + digestB
	o := obj(t, "kind: Pod\nmetadata: {name: p, annotations: {kbld.k14s.io/images: stale}}\nspec: {containers: [{image: a}, {image: a}, {image: b}, {image: c}]}\n")
	r, err := imagelock.Pin([]*object.Object{o}, imagelock.Set{Locks: []imagelock.Lock{a, b}})
	if err != nil {
		t.Fatal(err)
	}
	want := `- origins:
  - lock:
      path: app-locks/l.yml
  url: r.io/b@` + digestB + `
- origins:
  - local:
      path: services/a
  - git:
      remoteURL: https://git.example/a
      sha: f00
  - git:
      remoteURL: git@git.example:a.git
  - lock:
      path: app-locks/l.yml
  url: r.io/z@` + digestA + "\n"
	if d := cmp.Diff(want, r.Objects[0].Annotation(object.AnnotationImages)); d != "" {
		t.Error(d)
	}
	if got := r.Objects[0].Annotation("kbld.k14s.io/images"); got != "stale" {
		t.Errorf("kbld's annotation became %q", got)
	}
}

func TestPinKeepsEarlierOrigins(t *testing.T) {
	t.Parallel()
	set := imagelock.Set{Locks: []imagelock.Lock{lockOf("a")}}
	o := obj(t, "kind: Pod\nmetadata: {name: p}\nspec: {containers: [{image: a}, {image: b}]}\n")
	first, err := imagelock.Pin([]*object.Object{o}, set)
	if err != nil {
		t.Fatal(err)
	}
	second, err := imagelock.Pin(first.Objects, set)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(first.Objects[0].Fields, second.Objects[0].Fields); d != "" {
		t.Errorf("pinning twice differs:\n%s", d)
	}
	b := lockOf("b")
	b.NewImage = "r.io/b@" + digestB
	third, err := imagelock.Pin(first.Objects, imagelock.Set{Locks: []imagelock.Lock{b}})
	if err != nil {
		t.Fatal(err)
	}
	images, err := imagelock.ReadAnnotation(third.Objects[0])
	if err != nil || len(images) != 2 {
		t.Errorf("images after a second lock: %v, %v", images, err)
	}
}

func TestReadAnnotation(t *testing.T) {
	t.Parallel()
	read := func(key, text string) ([]imagelock.Image, error) {
		o := &object.Object{Fields: map[string]any{"kind": "Pod"}}
		o.SetAnnotation(key, text)
		return imagelock.ReadAnnotation(o)
	}
	old, err := read("kbld.k14s.io/images", `
- Metas:
  - {Path: D:\demo, Type: local}
  - {Dirty: true, RemoteURL: "git@github.com:a/b.git", SHA: bdf8, Type: git}
  - {Tag: "1", Type: resolved, URL: "docker.io/a:1"}
  URL: a@sha256:1
- Metas: null
  URL: b
`)
	if err != nil {
		t.Fatal(err)
	}
	now, err := read("tug.dev/images", `
- origins:
  - local: {path: D:\demo}
  - git: {dirty: true, remoteURL: "git@github.com:a/b.git", sha: bdf8}
  - resolved: {tag: "1", url: "docker.io/a:1"}
  url: a@sha256:1
- url: b
`)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(now, old); d != "" {
		t.Error(d)
	}
	if len(now) != 2 || now[0].URL != "a@sha256:1" || len(now[0].Origins) != 3 {
		t.Errorf("read %+v", now)
	}
	if none, err := imagelock.ReadAnnotation(obj(t, "kind: Pod\n")); none != nil || err != nil {
		t.Errorf("without annotation: %v, %v", none, err)
	}
	_, err = read("kbld.k14s.io/images", "{")
	checkFault(t, err, fault.Invalid, "annotation kbld.k14s.io/images of Pod", "")
}

func TestEncodeKbld(t *testing.T) {
	t.Parallel()
	locks := []imagelock.Lock{
		{Image: "z", NewImage: "r.io/z@" + digestA},
		{Image: "nginx", Repo: true, NewImage: "r.io/n@" + digestA},
		{Image: "a", NewImage: "r.io/a@" + digestB, Origins: []map[string]any{{"git": map[string]any{"sha": "f00"}}}},
	}
	data, err := imagelock.EncodeKbld(locks, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := `apiVersion: kbld.k14s.io/v1alpha1
kind: Config
minimumRequiredVersion: 0.25.0
overrides:
- imageRepo: nginx
  newImage: r.io/n@` + digestA + `
  preresolved: true
- image: a
  newImage: r.io/a@` + digestB + `
  origins:
  - git:
      sha: f00
  preresolved: true
- image: z
  newImage: r.io/z@` + digestA + `
  preresolved: true
`
	if d := cmp.Diff(want, string(data)); d != "" {
		t.Error(d)
	}
	set := load(t, "l.yml", string(data))
	if len(set.Locks) != 3 {
		t.Errorf("reading it back gives %d locks", len(set.Locks))
	}
	_, err = imagelock.EncodeKbld([]imagelock.Lock{{Image: "a", Pending: "names a tag instead of a digest"}}, nil)
	checkFault(t, err, fault.Invalid, `lock of "a" names a tag`, "")
}

// Two locks that give the same image are recorded the same way every time.
func TestPinRecordIsDeterministic(t *testing.T) {
	t.Parallel()
	a, b := lockOf("a"), lockOf("b")
	b.Source.File = "app-locks/m.yml"
	set := imagelock.Set{Locks: []imagelock.Lock{b, a}}
	o := obj(t, "kind: Thing\nmetadata: {name: p}\nx: {image: a}\ny: {image: b}\nz: {image: a}\n")
	seen := map[string]bool{}
	for range 50 {
		r, err := imagelock.Pin([]*object.Object{o}, set)
		if err != nil {
			t.Fatal(err)
		}
		seen[r.Objects[0].Annotation(object.AnnotationImages)] = true
	}
	if len(seen) != 1 {
		t.Errorf("%d different records", len(seen))
	}
}
