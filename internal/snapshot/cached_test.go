package snapshot

import (
	"bytes"
	"io/fs"
	"maps"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tugops/tug/internal/project"
	"github.com/tugops/tug/internal/rendercache"
)

func cached(dir string) *Cached {
	return &Cached{Builder: engines(), Cache: &rendercache.Cache{Dir: dir}, Tool: "test"}
}

func TestCachedIsTheSame(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, app := range []string{"shop", "platform", "base"} {
		in := input(t, shop(nil), project.Choice{Env: "prod", App: app})
		want, err := engines().Build(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		for pass, c := range []*Cached{cached(dir), cached(dir)} { // two processes
			got, err := c.Build(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Snapshot{}), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s, pass %d (-want +got):\n%s", app, pass, diff)
			}
			if want := 1 - pass; c.Rendered() != want {
				t.Errorf("%s, pass %d: rendered %d times, want %d", app, pass, c.Rendered(), want)
			}
		}
	}
}

func TestCachedMissesWhatChanged(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	base := input(t, shop(nil), project.Choice{Env: "prod", App: "shop"})
	if _, err := cached(dir).Build(t.Context(), base); err != nil {
		t.Fatal(err)
	}
	file := func(name, text string) func(*Input) {
		return func(in *Input) {
			m := maps.Clone(in.Files.(fstest.MapFS))
			m[name] = &fstest.MapFile{Data: []byte(text)}
			in.Files = m
		}
	}
	for name, test := range map[string]struct {
		edit func(*Input)
		want int
	}{
		"nothing":            {func(*Input) {}, 0},
		"a file elsewhere":   {file("platform/ns.yaml", "x"), 0},
		"another commit":     {func(in *Input) { in.Revision.Commit, in.Revision.Time = "def", time.Unix(1, 0) }, 0},
		"a value":            {file("values/prod.yaml", "size: other\n"), 1},
		"a new template":     {file("umbrella-chart/templates/x.yaml", ""), 1},
		"a lock":             {file("app-locks/prod/x.lock.yml", "apiVersion: kbld.k14s.io/v1alpha1\nkind: Config\n"), 1},
		"a flag":             {func(in *Input) { in.Set = []string{"size=set"} }, 1},
		"the environment":    {func(in *Input) { in.Spec.KubeVersion = "1.34" }, 1},
		"an upgrade":         {func(in *Input) { in.Upgrade = true }, 1},
		"real random values": {func(in *Input) { in.Random = Record }, 1},
	} {
		in := base
		test.edit(&in)
		c := cached(dir)
		got, err := c.Build(t.Context(), in)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got.Revision.Commit != in.Revision.Commit {
			t.Errorf("%s: the revision is %q", name, got.Revision.Commit)
		}
		if c.Rendered() != test.want && name != "real random values" {
			t.Errorf("%s: rendered %d times, want %d", name, c.Rendered(), test.want)
		}
	}
}

// The chart asks for a random value: placeholders may be kept, what a deploy
// uses may not.
func TestCachedKeepsNoRandomValues(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	in := input(t, shop(nil), project.Choice{Env: "prod", App: "shop"})
	in.Random = Record
	for range 2 {
		c := cached(dir)
		s, err := c.Build(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		if c.Rendered() != 1 || len(s.Generated) != 1 {
			t.Errorf("rendered %d times with %d values", c.Rendered(), len(s.Generated))
		}
	}
	plain := input(t, shop(nil), project.Choice{Env: "prod", App: "base"})
	plain.Random = Record
	for pass := range 2 {
		c := cached(dir)
		s, err := c.Build(t.Context(), plain)
		if err != nil {
			t.Fatal(err)
		}
		if c.Rendered() != 1-pass || s.Generated == nil {
			t.Errorf("pass %d: rendered %d times, values %v", pass, c.Rendered(), s.Generated)
		}
	}
}

func TestCachedNowDependsOnTheCommit(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	files := shop(map[string]string{"umbrella-chart/templates/now.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: now}\ndata: {year: '{{ now | date \"2006\" }}'}\n"})
	in := input(t, files, project.Choice{Env: "prod", App: "shop"})
	for i, at := range []time.Time{time.Unix(1700000000, 0), time.Unix(1700000000, 0), time.Unix(1000000000, 0)} {
		in.Revision.Time = at
		c := cached(dir)
		s, err := c.Build(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		data, _ := find(t, s, "ConfigMap now").Fields["data"].(map[string]any)
		if want := at.UTC().Format("2006"); data["year"] != want {
			t.Errorf("build %d: year %v, want %s", i, data["year"], want)
		}
		if want := []int{1, 0, 1}[i]; c.Rendered() != want {
			t.Errorf("build %d: rendered %d times, want %d", i, c.Rendered(), want)
		}
	}
}

// What was decrypted is neither kept nor found; what a build without keys made
// of the same files is not mistaken for it.
func TestCachedKeepsNothingDecrypted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const canary = "correct-horse-battery"
	in := input(t, shop(map[string]string{"base/cm.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cm}\ndata: {a: ENC}\n"}),
		project.Choice{Env: "prod", App: "base"})
	in.Raw = in.Files
	for range 2 {
		c := cached(dir)
		in.Files = &decrypted{FS: in.Raw, plain: canary}
		s, err := c.Build(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		if text := yamlText(t, s.Objects...); !strings.Contains(text, canary) || c.Rendered() != 1 {
			t.Errorf("rendered %d times:\n%s", c.Rendered(), text)
		}
	}
	left := 0
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if !d.IsDir() {
			left++
		}
		return err
	})
	if err != nil || left > 0 {
		t.Errorf("%d files are in the cache, %v", left, err)
	}
}

// decrypted has a word of its own for every ENC.
type decrypted struct {
	fs.FS
	plain string
	read  bool
}

func (d *decrypted) Decrypted() bool { return d.read }

func (d *decrypted) Open(name string) (fs.File, error) {
	data, err := fs.ReadFile(d.FS, name)
	if err != nil || !bytes.Contains(data, []byte("ENC")) {
		return d.FS.Open(name)
	}
	d.read = true
	return fstest.MapFS{name: {Data: bytes.ReplaceAll(data, []byte("ENC"), []byte(d.plain))}}.Open(name)
}

func TestCachedKeepsNoErrors(t *testing.T) {
	t.Parallel()
	c := cached(t.TempDir())
	in := input(t, shop(nil), project.Choice{Env: "prod", App: "shop"})
	bad := in
	m := maps.Clone(in.Files.(fstest.MapFS))
	m["values/prod.yaml"] = &fstest.MapFile{Data: []byte("a: [")}
	bad.Files = m
	for range 2 {
		if _, err := c.Build(t.Context(), bad); err == nil {
			t.Fatal("no error")
		}
	}
	if c.Rendered() != 2 {
		t.Errorf("rendered %d times, want 2: an error was kept", c.Rendered())
	}
}

func BenchmarkCachedHit(b *testing.B) {
	c := cached(b.TempDir())
	in := input(b, shop(nil), project.Choice{Env: "prod", App: "shop"})
	if _, err := c.Build(b.Context(), in); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := c.Build(b.Context(), in); err != nil {
			b.Fatal(err)
		}
	}
}

// Whoever adds a field to Input decides here what the cache makes of it.
func TestCachedKnowsEveryInput(t *testing.T) {
	t.Parallel()
	known := map[string]string{
		"Files":      "traced",
		"Raw":        "what Files stands for",
		"Spec":       "in the key",
		"Revision":   "its time in the key where it was asked for; the rest is filled in",
		"Values":     "in the key",
		"Set":        "in the key",
		"Locks":      "not kept when given",
		"Hermetic":   "in the key",
		"KeepImages": "in the key",
		"Ciphertext": "in the key",
		"Private":    "not kept when set",
		"Allow":      "not kept when anything is switched on",
		"Sources":    "not kept when it gave something that no lock fixes",
		"SourceLock": "in the key",
		"Upgrade":    "not kept when given",
		"Number":     "not kept when given",
		"Sensitive":  "says nothing of what is rendered",
		"Random":     "not kept when it mattered",
		"Recorded":   "not kept when it mattered",
	}
	typ := reflect.TypeFor[Input]()
	for i := range typ.NumField() {
		name := typ.Field(i).Name
		if known[name] == "" {
			t.Errorf("Input.%s is not in the key of the cache: see Cached.keys", name)
		}
		delete(known, name)
	}
	for name := range known {
		t.Errorf("Input has no %s any more", name)
	}
}
