package source_test

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/git"
	"github.com/tugops/tug/internal/gittest"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/outbound"
	"github.com/tugops/tug/internal/registry"
	"github.com/tugops/tug/internal/registrytest"
	"github.com/tugops/tug/internal/render"
	"github.com/tugops/tug/internal/source"
)

func chart(name, version string) map[string]string {
	return map[string]string{"Chart.yaml": "apiVersion: v2\nname: " + name + "\nversion: " + version + "\n", "values.yaml": "a: b\n"}
}

// trees fetches from repositories on this machine.
type trees struct{ remotes *git.Remotes }

func (t trees) Fetch(ctx context.Context, url, ref string) (fs.FS, string, error) {
	files, commit, err := t.remotes.Fetch(ctx, url, ref)
	return files, commit.Hash, err
}

// options are for real servers and a cache of their own.
func options(t *testing.T) source.Options {
	t.Helper()
	dir := t.TempDir()
	client := outbound.New(outbound.Policy{Silence: time.Second, Pause: time.Millisecond}, nil)
	return source.Options{
		Charts: registry.NewCharts(registry.ChartOptions{HTTP: client, Dir: dir}),
		Git:    trees{&git.Remotes{Dir: dir, HTTP: client.HTTP(), Local: true}},
		Cache:  &source.Cache{Dir: dir}, LockFile: "app/tug.sources.lock",
	}
}

func get(t *testing.T, o source.Options, ref render.ChartRef) (render.Package, *source.Resolver, error) {
	t.Helper()
	r := source.New(o)
	p, err := r.Chart(t.Context(), ref)
	return p, r, err
}

func from(file string) object.Source { return object.Source{File: file} }

func TestLockedCharts(t *testing.T) {
	t.Parallel()
	repo := registrytest.NewCharts(t, registrytest.Options{})
	data := repo.Add(chart("db", "1.2.0"))
	repo.Add(chart("db", "2.0.0-rc.1"))
	o := options(t)
	ref := render.ChartRef{Repository: repo.URL + "/", Name: "db", Version: "^1.0.0", From: from("app/Chart.yaml")}
	p, r, err := get(t, o, ref)
	if err != nil {
		t.Fatal(err)
	}
	got, err := fs.ReadFile(p.Files, p.Path)
	if err != nil || !bytes.Equal(got, data) || p.Version != "1.2.0" || p.Path != "db-1.2.0.tgz" {
		t.Errorf("%s %s, %d bytes, %v", p.Path, p.Version, len(got), err)
	}
	if w := r.Warnings(); len(w) != 1 || !strings.Contains(w[0], "not locked") || !strings.Contains(w[0], `chart "db" 1.2.0 from `+repo.URL) {
		t.Errorf("warnings %q", w)
	}

	// The lock round trips, and makes the range stand still.
	text, err := r.Used().Encode()
	if err != nil {
		t.Fatal(err)
	}
	lock, err := source.ParseLock("x", text)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(r.Used().Charts, lock.Charts); d != "" || len(lock.Charts) != 1 {
		t.Error(d, string(text))
	}
	repo.Add(chart("db", "1.3.0"))
	before := len(repo.Requests())
	o.Lock = lock
	p, r, err = get(t, o, ref)
	if err != nil || p.Version != "1.2.0" || len(r.Warnings()) != 0 || len(repo.Requests()) != before {
		t.Errorf("locked and cached: %s, %v, %q, %d requests more", p.Version, err, r.Warnings(), len(repo.Requests())-before)
	}
	o.Hermetic = true
	if p, _, err = get(t, o, ref); err != nil || p.Version != "1.2.0" {
		t.Errorf("hermetic: %v", err)
	}
	o = options(t) // another run: each reads an index once
	o.Lock, o.Update = lock, true
	if p, _, err = get(t, o, ref); err != nil || p.Version != "1.3.0" {
		t.Errorf("update: %s, %v", p.Version, err)
	}
}

func TestReplacedArchive(t *testing.T) {
	t.Parallel()
	repo := registrytest.NewCharts(t, registrytest.Options{})
	repo.Add(chart("db", "1.2.0"))
	o := options(t)
	ref := render.ChartRef{Repository: repo.URL, Name: "db", Version: "1.2.0", From: from("app/Chart.yaml")}
	_, r, err := get(t, o, ref)
	if err != nil {
		t.Fatal(err)
	}
	lock := r.Used()
	replaced := registrytest.NewCharts(t, registrytest.Options{})
	files := chart("db", "1.2.0")
	files["values.yaml"] = "a: evil\n"
	replaced.Add(files)
	lock.Charts[0].Repository = replaced.URL
	ref.Repository = replaced.URL
	o = options(t)
	o.Lock = &lock
	_, _, err = get(t, o, ref)
	wantFault(t, err, fault.Invalid, "app/Chart.yaml: chart \"db\" 1.2.0 from "+replaced.URL+" has content sha256:", "--update")
	if err != nil && !strings.Contains(err.Error(), "app/tug.sources.lock locks sha256:"+lock.Charts[0].SHA256) {
		t.Errorf("the locked hash is not in %v", err)
	}
}

func TestHermetic(t *testing.T) {
	t.Parallel()
	repo := registrytest.NewCharts(t, registrytest.Options{})
	repo.Add(chart("db", "1.2.0"))
	o := options(t)
	o.Hermetic, o.Command = true, "tug vendor lock app"
	ref := render.ChartRef{Repository: repo.URL, Name: "db", Version: "1.2.0"}
	_, _, err := get(t, o, ref)
	wantFault(t, err, fault.Unavailable, "is not locked, and the network is not to be used", "tug vendor lock app")
	o.Lock = &source.Lock{Charts: []source.LockedChart{{Repository: repo.URL, Name: "db", Constraint: "1.2.0", Version: "1.2.0", SHA256: strings.Repeat("a", 64)}}}
	_, _, err = get(t, o, ref)
	wantFault(t, err, fault.Unavailable, "its content is not in the cache", "tug vendor lock app")
	if n := len(repo.Requests()); n != 0 {
		t.Errorf("%d requests", n)
	}
}

func TestRegistryDigests(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	digest := reg.PushChart("team/db", chart("db", "1.2.0"))
	other := reg.PushChart("team/db", chart("db", "1.3.0"))
	repository := "oci://" + reg.Host + "/team"
	for _, tc := range []struct{ version, want, err string }{
		{"1.2.0", "1.2.0", ""},
		{"~1.2.0", "1.2.0", ""},
		{"", "1.3.0", ""},
		{digest, "1.2.0", ""},
		{"1.2.0@" + digest, "1.2.0", ""},
		{"1.2.0@" + other, "", "the archive holds version 1.3.0"},
		{"9.x", "", "no version fits"},
		{"sha256:" + strings.Repeat("0", 64), "", "is not in the registry"},
		{"so", "", `version "so"`},
	} {
		p, r, err := get(t, options(t), render.ChartRef{Repository: repository, Name: "db", Version: tc.version})
		if tc.err != "" {
			if err == nil || !strings.Contains(err.Error(), tc.err) {
				t.Errorf("%s: %v, want %q", tc.version, err, tc.err)
			}
			continue
		}
		if err != nil || p.Version != tc.want || !strings.HasPrefix(r.Used().Charts[0].Digest, "sha256:") {
			t.Errorf("%s: %s, %+v, %v", tc.version, p.Version, r.Used().Charts, err)
		}
	}
	// The lock holds when the tag moves.
	o := options(t)
	ref := render.ChartRef{Repository: repository, Name: "db", Version: "1.2.0"}
	_, r, err := get(t, o, ref)
	if err != nil {
		t.Fatal(err)
	}
	lock := r.Used()
	moved := chart("db", "1.2.0")
	moved["values.yaml"] = "a: moved\n"
	reg.PushChart("team/db", moved)
	o = options(t)
	o.Lock = &lock
	if p, _, err := get(t, o, ref); err != nil || p.Digest != "sha256:"+lock.Charts[0].SHA256 {
		t.Errorf("after the tag moved: %s, %v", p.Digest, err)
	}
}

func TestAliases(t *testing.T) {
	t.Parallel()
	repo := registrytest.NewCharts(t, registrytest.Options{})
	repo.Add(chart("db", "1.2.0"))
	o := options(t)
	o.Aliases = func() (map[string]string, error) { return map[string]string{"team": repo.URL + "/"}, nil }
	for _, repository := range []string{"@team", "alias:team"} {
		_, r, err := get(t, o, render.ChartRef{Repository: repository, Name: "db"})
		if err != nil || r.Used().Aliases["team"] != repo.URL {
			t.Errorf("%s: %v, %v", repository, r.Used(), err)
		}
		// A job without repositories.yaml has the lock.
		lock, elsewhere := r.Used(), o
		elsewhere.Aliases, elsewhere.Lock, elsewhere.Hermetic = nil, &lock, true
		if _, _, err := get(t, elsewhere, render.ChartRef{Repository: repository, Name: "db"}); err != nil {
			t.Error(err)
		}
	}
	_, _, err := get(t, o, render.ChartRef{Repository: "@teem", Name: "db"})
	wantFault(t, err, fault.NotFound, "is not among those of Helm's repositories.yaml", `did you mean "@team"?`)
}

func TestTrees(t *testing.T) {
	t.Parallel()
	repo := gittest.New(t)
	repo.Write("charts/db/Chart.yaml", "name: db\nversion: 1.0.0\n", "run.sh", "true\n")
	repo.Link("link", "run.sh")
	first := repo.Commit("one")
	url := "file://" + repo.Dir
	o := options(t)
	r := source.New(o)
	p, err := r.Tree(t.Context(), render.TreeRef{URL: url, Ref: "main", From: from("app/kustomization.yaml")})
	if err != nil || p.Commit != first || len(r.Warnings()) != 1 {
		t.Fatalf("%+v, %q, %v", p, r.Warnings(), err)
	}
	lock := r.Used()
	repo.Write("run.sh", "false\n")
	second := repo.Commit("two")
	o.Lock = &lock
	r = source.New(o)
	if p, err = r.Tree(t.Context(), render.TreeRef{URL: "git+" + url, Ref: "main"}); err != nil || p.Commit != first || len(r.Warnings()) != 0 {
		t.Errorf("locked: %s, %q, %v", p.Commit, r.Warnings(), err)
	}
	o = options(t)
	o.Lock, o.Update = &lock, true
	if p, err = source.New(o).Tree(t.Context(), render.TreeRef{URL: url, Ref: "main"}); err != nil || p.Commit != second {
		t.Errorf("update: %s, %v", p.Commit, err)
	}
	o.Update = false
	lock.Git[0].SHA256 = strings.Repeat("0", 64)
	_, err = source.New(o).Tree(t.Context(), render.TreeRef{URL: url, Ref: "main"})
	wantFault(t, err, fault.Invalid, "has content sha256:", "remove the cache")
	o.Lock, o.Hermetic = nil, true
	_, err = source.New(o).Tree(t.Context(), render.TreeRef{URL: url, Ref: "main", From: from("x/kustomization.yaml")})
	wantFault(t, err, fault.Unavailable, "x/kustomization.yaml: repository "+url+" at main is not locked", "tug vendor lock")
}

func TestChartsInGit(t *testing.T) {
	t.Parallel()
	repo := gittest.New(t)
	repo.Write("charts/db/Chart.yaml", "name: db\nversion: 1.0.0\n", "web/Chart.yaml", "name: web\nversion: 0.1.0\n")
	repo.Commit("one")
	repo.Git("tag", "v1")
	url := "git+file://" + repo.Dir
	for _, tc := range []struct{ repository, name, version, path, err string }{
		{url + "@charts?ref=v1", "db", "^1.0.0", "charts/db", ""},
		{url + "@charts/db?ref=main", "db", "1.0.0", "charts/db", ""},
		{url, "web", "", "web", ""},
		{url + "@web", "", "", "web", ""},
		{url + "@charts?ref=v1", "db", "^2.0.0", "", "has version 1.0.0, which does not fit"},
		{url + "@charts?ref=v1", "web", "", "", `has no chart "web" in charts`},
		{url + "@../x", "web", "", "", "leads out of it"},
		{url + "@web?sparse=0", "web", "", "", `option "sparse" has no meaning`},
		{url + "@web?ref=none", "web", "", "", `no branch, tag or commit "none"`},
	} {
		p, _, err := get(t, options(t), render.ChartRef{Repository: tc.repository, Name: tc.name, Version: tc.version})
		if tc.err == "" && (err != nil || p.Path != tc.path) || tc.err != "" && (err == nil || !strings.Contains(err.Error(), tc.err)) {
			t.Errorf("%s %s: %q, %v, want %q", tc.repository, tc.name, p.Path, err, tc.err)
		}
	}
}

func TestNewest(t *testing.T) {
	t.Parallel()
	all := []string{"1.0.0", "v1.2.0", "1.2.0+b2", "1.10.0", "2.0.0-rc.1", "junk", "0.9"}
	for asked, want := range map[string]string{
		"": "1.10.0", "*": "1.10.0", "^1.0.0": "1.10.0", "~1.2": "v1.2.0", "1.2.0+b2": "1.2.0+b2", ">=2.0.0-0": "2.0.0-rc.1",
		"2.x": "", "<1.0.0": "0.9", "1.0": "1.0.0", "junk": "junk",
	} {
		if got, err := source.Newest(all, asked); got != want || err != nil {
			t.Errorf("%q: %q, %v, want %q", asked, got, err, want)
		}
	}
	if _, err := source.Newest(all, "a b"); err == nil {
		t.Error("a range that is none")
	}
}

func TestCache(t *testing.T) {
	t.Parallel()
	c := &source.Cache{Dir: t.TempDir(), Limit: 250}
	sums := map[string]string{}
	put := func(name string, age time.Duration) {
		data := []byte(strings.Repeat(name, 100))
		sum := source.Sum(data)
		if err := c.Put(sum, data); err != nil {
			t.Fatal(err)
		}
		sums[name] = sum
		then := time.Now().Add(-age)
		_ = os.Chtimes(filepath.Join(c.Dir, "content", sum[:2], sum), then, then)
	}
	put("a", 3*time.Hour)
	put("b", 2*time.Hour)
	if _, err := c.Get(sums["a"]); err != nil { // now the youngest
		t.Error(err)
	}
	put("c", 0)
	for name, want := range map[string]bool{"a": true, "b": false, "c": true} {
		if _, err := c.Get(sums[name]); (err == nil) != want {
			t.Errorf("%s: %v", name, err)
		}
	}
	file := filepath.Join(c.Dir, "content", sums["a"][:2], sums["a"])
	if info, err := os.Stat(filepath.Dir(file)); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info, err)
	}
	if err := os.WriteFile(file, []byte("tampered"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Get(sums["a"]); err == nil {
		t.Error("tampered content was given")
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("tampered content stayed")
	}
	if _, err := c.Get("../../x"); err == nil {
		t.Error("a hash that is none")
	}
}

func TestBadLocks(t *testing.T) {
	t.Parallel()
	const head = "apiVersion: tug.dev/v1alpha1\nkind: SourceLock\n"
	sum := strings.Repeat("a", 64)
	good := "charts:\n- {repository: https://x, name: a, version: 1.0.0, sha256: " + sum + "}\n"
	for text, want := range map[string]string{
		"":                           "EOF",
		"kind: ImageLock\n":          `it is "ImageLock"`,
		head + "chart: []\n":         "field chart not found",
		head + "charts:\n- {a: b}\n": "field a not found",
		head + "charts:\n- {repository: https://x, name: a}\n":                                          "repository or version is missing",
		head + "charts:\n- {repository: https://x, name: a, version: 1.0.0, sha256: ../x}\n":            "sha256 is not 64",
		head + "charts:\n- {repository: https://x, version: 1.0.0, digest: md5, sha256: " + sum + "}\n": "digest is not",
		head + good + "- {repository: https://x/, name: a, version: 2.0.0, sha256: " + sum + "}\n":      "is locked twice",
		head + "git:\n- {ref: main, commit: abc, sha256: " + sum + "}\n":                                "url is missing",
		head + "git:\n- {url: https://x, commit: main, sha256: " + sum + "}\n":                          "commit is not 40",
		head + "git:\n- {url: https://x, commit: " + strings.Repeat("b", 40) + ", sha256: x}\n":         "sha256 is not 64",
		head + good + "---\na: b\n": "more than one document",
	} {
		_, err := source.ParseLock("app.lock", []byte(text))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "source lock app.lock") {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	if l, err := source.ReadLock(fstest.MapFS{}, "none.lock"); l != nil || err != nil {
		t.Errorf("no lock: %v, %v", l, err)
	}
}

func wantFault(t *testing.T, err error, kind fault.Kind, text, hint string) {
	t.Helper()
	if !fault.Is(err, kind) || !strings.Contains(err.Error(), text) || !strings.Contains(strings.Join(fault.HintsOf(err), "\n"), hint) {
		t.Errorf("got %v (%s, hints %q), want %s, %q, hint %q", err, fault.KindOf(err), fault.HintsOf(err), kind, text, hint)
	}
}
