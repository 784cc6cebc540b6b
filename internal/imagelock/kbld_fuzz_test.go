package imagelock_test

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/imagelock"
	"github.com/tugops/tug/internal/object"
)

// FuzzStream: any bytes give a stream or a fault; its output is a stream with
// the same objects, and writing that again changes nothing.
func FuzzStream(f *testing.F) {
	f.Add([]byte("image: a\n---\n" + config("overrides: [{image: a, newImage: 'r.io/a@"+digestA+"'}]")))
	f.Add([]byte(config("sources: [{image: a, path: .}]\n---\napiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: Pod}]\n")))
	f.Add([]byte("apiVersion: imgpkg.carvel.dev/v1alpha1\nkind: ImagesLock\nimages:\n- {image: a@" + digestA + ", annotations: {kbld.carvel.dev/id: a, kbld.carvel.dev/origins: '- git: {sha: a}'}}\n---\nimage: a\n"))
	f.Add([]byte(config("overrides: [{image: a, newImage: b, tagSelection: {semver: {constraints: '>1.0.0 || <2.x', prereleases: {identifiers: [a]}}}}]")))
	f.Add([]byte("a: &a [1]\nb: *a\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := imagelock.ReadStream([]imagelock.File{{Name: "f.yml", Data: data}})
		if err != nil {
			if fault.KindOf(err) == fault.Internal {
				t.Errorf("no fault: %v", err)
			}
			return
		}
		var r imagelock.Resolver
		found, err := r.Resolve(t.Context(), s.Set, s.Images())
		if err != nil {
			return // it needs a registry
		}
		objects, err := s.Replace(found, true)
		if err != nil {
			t.Fatal(err)
		}
		once, err := imagelock.Encode(objects)
		if err != nil {
			t.Fatal(err)
		}
		if same := slowly(t, objects); !bytes.Equal(once, same) {
			t.Errorf("sigs.k8s.io/yaml writes:\n%s", cmp.Diff(string(same), string(once)))
		}
		again, err := imagelock.ReadStream([]imagelock.File{{Name: "f.yml", Data: once}})
		if err != nil {
			t.Fatalf("the output cannot be read: %v\n%s", err, once)
		}
		twice, err := imagelock.Encode(again.Objects)
		if err != nil || !bytes.Equal(once, twice) {
			t.Errorf("the output changes (%v):\n%s", err, cmp.Diff(string(once), string(twice)))
		}
	})
}

// slowly writes objects with the library whose bytes are kbld's.
func slowly(t *testing.T, objects []*object.Object) []byte {
	t.Helper()
	var out bytes.Buffer
	for _, o := range objects {
		data, err := yaml.Marshal(o.Fields)
		if err != nil {
			t.Fatal(err)
		}
		out.WriteString("---\n")
		out.Write(data)
	}
	return out.Bytes()
}

// The bytes of numbers and texts that are easy to get wrong.
func TestEncodeIsThatOfTheLibrary(t *testing.T) {
	t.Parallel()
	text := "l: [1, 1.0, -0.0, 1.5, 1e6, 1e20, 1e21, 1e22, 123456789012345678, 12345678901234567890, 0.00001, 1e-9, 0x10, 1_000, 012, .5, -3]\n" +
		"s: ['1', '1e6', yes, 'yes', 'y', '', ' a', 'a: b', '# c', '<&>', '2020-01-02', '0b1', '~', 'null', \"a\\tb\", \"a\\nb\\n\", \"é\\u2028\"]\n" +
		"m: {a10: 1, a2: 2, B: 3, '1': 4, 'true': 5, '': 6}\ne: [{}, [], null, true]\n"
	s := stream(t, text)
	data, err := imagelock.Encode(s.Objects)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, string(slowly(t, s.Objects)), string(data))
}

// FuzzReadAnnotation: any text is a list of images or a fault.
func FuzzReadAnnotation(f *testing.F) {
	f.Add("- origins:\n  - resolved: {tag: '1', url: a}\n  url: b\n")
	f.Add("- Metas:\n  - {Tag: '1', Type: resolved, URL: a}\n  URL: b\n")
	f.Add("- Metas: null\n  URL: b\n- {}\n")
	f.Add("- Metas: [{Type: 1, '': 2}]\n")
	f.Fuzz(func(t *testing.T, text string) {
		o := &object.Object{Fields: map[string]any{"kind": "Pod"}}
		o.SetAnnotation("kbld.k14s.io/images", text)
		if _, err := imagelock.ReadAnnotation(o); err != nil && fault.KindOf(err) == fault.Internal {
			t.Errorf("no fault: %v", err)
		}
	})
}

// FuzzReadLockFile: what a machine wrote can be written again as it was read.
func FuzzReadLockFile(f *testing.F) {
	for _, format := range imagelock.Formats() {
		data, err := imagelock.LockFile{Format: imagelock.Format(format), App: "a", Environment: "b"}.Encode([]imagelock.Lock{
			{Image: "web", NewImage: "r.io/web@" + digestA, Origins: []map[string]any{{"resolved": map[string]any{"tag": "1", "url": "web:1"}}, {"git": map[string]any{"sha": "f00", "remoteURL": "u"}}}},
		})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := imagelock.ReadLockFile("l.yml", data)
		if err != nil {
			if fault.KindOf(err) == fault.Internal {
				t.Errorf("no fault: %v", err)
			}
			return
		}
		once, err := file.Encode(file.Locks)
		if err != nil {
			return // a lock without a digest, say
		}
		again, err := imagelock.ReadLockFile("l.yml", once)
		if err != nil {
			t.Fatalf("what was written cannot be read: %v\n%s", err, once)
		}
		twice, err := again.Encode(again.Locks)
		if err != nil || !bytes.Equal(once, twice) {
			t.Errorf("written again it differs (%v):\n%s", err, cmp.Diff(string(once), string(twice)))
		}
	})
}

// FuzzParsePlatform: what is read can be written and read again.
func FuzzParsePlatform(f *testing.F) {
	f.Add("linux/arm/v7:10")
	f.Add("a/b:")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := imagelock.ParsePlatform(text)
		if err != nil {
			return
		}
		again, err := imagelock.ParsePlatform(p.String())
		if err != nil || cmp.Diff(p, again) != "" {
			t.Errorf("%q: %+v, %+v, %v", text, p, again, err)
		}
	})
}
