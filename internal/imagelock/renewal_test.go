package imagelock_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/imagelock"
	"github.com/tugops/tug/internal/object"
)

func TestRenewal(t *testing.T) {
	t.Parallel()
	o := obj(t, `kind: Pod
metadata: {name: p}
image: text
spec: {containers: [{image: new}, {image: own}, {image: 'repo:1'}, {image: 'repo:2'}, {image: tagless:3}, {image: others}, {image: pending}, {image: "d@`+digestA+`"}]}
`)
	own := []imagelock.Lock{
		{Image: "own", NewImage: "own@" + digestA}, {Image: "unused", NewImage: "unused@" + digestA},
		{Image: "repo", Repo: true, NewImage: "repo@" + digestA, Origins: []map[string]any{origin("resolved", "tag", "9", "url", "repo:9")}},
		{Image: "tagless", Repo: true, NewImage: "tagless@" + digestA},
	}
	others := imagelock.Set{Locks: []imagelock.Lock{
		{Image: "others", NewImage: "others@" + digestA}, {Image: "pending", Pending: "names a tag", Choice: &imagelock.Choice{From: "x:1"}},
	}}
	for all, c := range map[bool]struct{ resolve, result []string }{
		false: {[]string{"new", "pending"}, []string{"new new@b", "own own@a", "pending pending@b", "repo repo@a", "tagless tagless@a"}},
		true:  {[]string{"new", "own", "pending", "repo:9"}, []string{"new new@b", "own own@b", "pending pending@b", "repo repo@b", "tagless tagless@a"}},
	} {
		todo := imagelock.Renewal{All: all, Own: own, Others: others}.Plan([]*object.Object{o})
		if d := cmp.Diff(c.resolve, todo.Images); d != "" {
			t.Errorf("all %v: to resolve\n%s", all, d)
		}
		var resolved []imagelock.Resolved
		for _, image := range todo.Images {
			name := image
			if image == "repo:9" {
				name = "repo"
			}
			resolved = append(resolved, imagelock.Resolved{Image: image, NewImage: name + "@" + digestB})
		}
		var got []string
		for _, l := range todo.Locks(resolved) {
			if l.Repo != (l.Image == "repo" || l.Image == "tagless") {
				t.Errorf("%s: for a repository: %v", l.Image, l.Repo)
			}
			got = append(got, l.Image+" "+l.NewImage[:len(l.NewImage)-len(digestA)]+l.NewImage[len(l.NewImage)-1:])
		}
		if d := cmp.Diff(c.result, got); d != "" {
			t.Errorf("all %v: locks\n%s", all, d)
		}
	}
}

func TestReadLockFile(t *testing.T) {
	t.Parallel()
	lock := "overrides: [{image: a, newImage: 'a@" + digestA + "', preresolved: true}]\n"
	for name, c := range map[string]struct {
		text   string
		format imagelock.Format
		fails  bool
	}{
		"kbld":             {config(lock), imagelock.FormatKbld, false},
		"kbld and rules":   {config(lock + "searchRules: [{keyMatcher: {name: x}}]\n"), imagelock.FormatKbld, false},
		"tug":              {"apiVersion: tug.dev/v1alpha1\nkind: ImageLock\nimages: []\n", imagelock.FormatTug, false},
		"imgpkg":           {"apiVersion: imgpkg.carvel.dev/v1alpha1\nkind: ImagesLock\n", imagelock.FormatImgpkg, false},
		"empty":            {"# nothing\n---\n", "", false},
		"two documents":    {config(lock) + "---\n" + config(""), "", true},
		"an override":      {config("overrides: [{image: a, newImage: 'a:1'}]\n"), "", true},
		"a source":         {config(lock + "sources: [{image: a, path: .}]\n"), "", true},
		"a bare document":  {"image: a\n---\n" + config(lock), "", true},
		"another document": {"apiVersion: v1\nkind: ConfigMap\n", "", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, err := imagelock.ReadLockFile("l.yml", []byte(c.text))
			if c.fails {
				checkFault(t, err, fault.Invalid, "l.yml holds more than locks", "-o FILE")
			} else if err != nil || f.Format != c.format {
				t.Errorf("format %q, %v", f.Format, err)
			}
		})
	}
}

func TestEncodeTug(t *testing.T) {
	t.Parallel()
	locks := []imagelock.Lock{
		{Image: "z:1", NewImage: "r.io/z@" + digestA},
		{Image: "yes", Repo: true, NewImage: "yes@" + digestB, Origins: []map[string]any{
			origin("git", "remoteURL", "https://u:canary@git.example/a", "sha", "0123", "path", "src"), origin("resolved", "tag", "1.0", "url", "yes:1.0"),
		}},
	}
	f := imagelock.LockFile{Format: imagelock.FormatTug, App: "shop", Environment: "no"}
	data, err := f.Encode(locks)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, `# Written by tug; changes by hand are lost.
apiVersion: tug.dev/v1alpha1
kind: ImageLock
app: shop
environment: "no"
images:
- imageRepo: "yes"
  digest: `+digestB+`
  tag: "1.0"
  source:
    repository: https://git.example/a
    commit: "0123"
    path: src
- image: z:1
  newImage: r.io/z@`+digestA+"\n", string(data))
	again, err := imagelock.ReadLockFile("l.yml", data)
	if err != nil || again.App != "shop" || again.Environment != "no" || len(again.Locks) != 2 {
		t.Errorf("read back: %+v, %v", again, err)
	}
	_, err = imagelock.EncodeTug([]imagelock.Lock{{Image: "a", NewImage: "a:1"}}, "", "")
	checkFault(t, err, fault.Invalid, `lock of "a" without a digest`, "")
	empty, err := imagelock.EncodeTug(nil, "", "")
	if err != nil || string(empty) != "# Written by tug; changes by hand are lost.\napiVersion: tug.dev/v1alpha1\nkind: ImageLock\nimages: []\n" {
		t.Errorf("without locks: %s, %v", empty, err)
	}
}
