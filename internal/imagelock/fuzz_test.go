package imagelock_test

import (
	"testing"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/imagelock"
	"github.com/tugops/tug/internal/object"
)

// FuzzLoad: any bytes give a set or a fault, and a set can be used.
func FuzzLoad(f *testing.F) {
	f.Add([]byte(config("minimumRequiredVersion: 0.25.0\noverrides:\n- image: app\n  newImage: r.io/a@" + digestA + "\n  preresolved: true\n  origins: [{git: {sha: a}}]\n")))
	f.Add([]byte(config("keys: [a]\nsearchRules:\n- keyMatcher: {path: [a, {index: 0}, {allIndexes: true}]}\n  updateStrategy: {yaml: {searchRules: [{valueMatcher: {imageRepo: a}}]}}\n")))
	f.Add([]byte("#!\nimage: a\n---\napiVersion: imgpkg.carvel.dev/v1alpha1\nkind: ImagesLock\nimages: [{image: 'a@" + digestA + "', annotations: {kbld.carvel.dev/id: app}}]\n"))
	f.Add([]byte("apiVersion: tug.dev/v1alpha1\nkind: ImageLock\napp: a\nimages:\n- {imageRepo: app, digest: " + digestA + ", tag: v1, source: {commit: a}}\n"))
	f.Add([]byte("a: &a [*a]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		set, err := imagelock.Load(files("l.yml", string(data)), []string{"l.yml"})
		if err != nil {
			if fault.KindOf(err) == fault.Internal {
				t.Errorf("no fault: %v", err)
			}
			return
		}
		o := obj(t, pod)
		r, err := imagelock.Pin([]*object.Object{o}, set)
		if err == nil && len(r.Objects) != 1 {
			t.Errorf("%d objects", len(r.Objects))
		}
	})
}

// FuzzSearch: text that rules search inside never breaks Pin, and pinning twice
// gives the same.
func FuzzSearch(f *testing.F) {
	f.Add("image: app\n---\na: 1\n")
	f.Add(`{"image": "app", "n": 1e400}`)
	f.Add("a: &a {image: app}\nb: *a\n")
	f.Fuzz(func(t *testing.T, text string) {
		set, err := imagelock.Load(files("l.yml", config("searchRules: [{keyMatcher: {name: c}, updateStrategy: {yaml: {searchRules: [{keyMatcher: {name: image}}]}}}]\n")), []string{"l.yml"})
		if err != nil {
			t.Fatal(err)
		}
		set.Locks = []imagelock.Lock{lockOf("app")}
		o := &object.Object{Fields: map[string]any{"kind": "ConfigMap", "data": map[string]any{"c": text}}}
		if _, err := imagelock.Pin([]*object.Object{o}, set); err != nil {
			t.Fatal(err)
		}
		if o.Fields["data"].(map[string]any)["c"] != text {
			t.Error("Pin changed its argument")
		}
	})
}
