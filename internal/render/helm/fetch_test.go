package helm_test

import (
	"context"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/corpustest"
	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/git"
	"github.com/tugops/tug/internal/gittest"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/outbound"
	"github.com/tugops/tug/internal/registry"
	"github.com/tugops/tug/internal/registrytest"
	"github.com/tugops/tug/internal/render"
	"github.com/tugops/tug/internal/render/helm"
	"github.com/tugops/tug/internal/source"
)

type trees struct{ remotes *git.Remotes }

func (t trees) Fetch(ctx context.Context, url, ref string) (fs.FS, string, error) {
	files, commit, err := t.remotes.Fetch(ctx, url, ref)
	return files, commit.Hash, err
}

// resolver fetches from real servers on loopback.
func resolver(t testing.TB) *source.Resolver {
	t.Helper()
	dir := t.TempDir()
	client := outbound.New(outbound.Policy{Silence: 2 * time.Second, Pause: time.Millisecond}, nil)
	return source.New(source.Options{
		Charts: registry.NewCharts(registry.ChartOptions{HTTP: client, Dir: dir}),
		Git:    trees{&git.Remotes{Dir: dir, HTTP: client.HTTP(), Local: true}},
		Cache:  &source.Cache{Dir: dir},
	})
}

// library is a chart with one object and maybe dependencies.
func part(name, version, more string) map[string]string {
	return map[string]string{
		"Chart.yaml":          "apiVersion: v2\nname: " + name + "\nversion: " + version + "\n" + more,
		"templates/note.yaml": config("{{ .Release.Name }}-"+name, "  chart: {{ .Chart.Name }}-{{ .Chart.Version }}\n"),
	}
}

func under(folder string, files map[string]string) map[string]string {
	out := map[string]string{}
	for name, text := range files {
		out[path.Join(folder, name)] = text
	}
	return out
}

// versions lists what was rendered, by the data of each object.
func versions(r render.Result) []string {
	var list []string
	for _, o := range r.Objects {
		data, _ := o.Fields["data"].(map[string]any)
		if v, ok := data["chart"].(string); ok {
			list = append(list, v)
		}
	}
	return list
}

func TestDependenciesAreFetched(t *testing.T) {
	t.Parallel()
	repo := registrytest.NewCharts(t, registrytest.Options{})
	reg := registrytest.New(t, registrytest.Options{})
	repo.Add(part("db", "1.0.0", ""))
	repo.Add(part("db", "1.1.0", ""))
	repo.Add(part("cache", "0.1.0", ""))
	digest := reg.PushChart("team/queue", part("queue", "3.0.0", ""))
	// A chart of the repository with a dependency that it does not hold.
	repo.Add(part("suite", "2.0.0", "dependencies:\n- {name: db, version: ~1.0.0, repository: '"+repo.URL+"'}\n- {name: queue, version: 3.x, repository: 'oci://"+reg.Host+"/team'}\n"))
	trees := gittest.New(t)
	for name, text := range under("charts/tree", part("tree", "0.0.1", "dependencies:\n- {name: leaf, version: '*', repository: 'file://../leaf'}\n")) {
		trees.Write(name, text)
	}
	for name, text := range under("charts/leaf", part("leaf", "0.0.2", "")) {
		trees.Write(name, text)
	}
	trees.Commit("charts")
	dep := func(name, version, repository, more string) string {
		return "- {name: " + name + ", version: '" + version + "', repository: '" + repository + "'" + more + "}\n"
	}
	for name, tc := range map[string]struct {
		dependencies string
		files        map[string]string
		set          []string
		want         []string
	}{
		"range":              {dep("db", "^1.0.0", repo.URL, ""), nil, nil, []string{"db-1.1.0"}},
		"exact":              {dep("db", "1.0.0", repo.URL+"/", ""), nil, nil, []string{"db-1.0.0"}},
		"Chart.lock":         {dep("db", "^1.0.0", repo.URL, ""), map[string]string{"app/Chart.lock": "dependencies:\n- {name: db, version: 1.0.0, repository: '" + repo.URL + "'}\n"}, nil, []string{"db-1.0.0"}},
		"several, in order":  {dep("db", "^1.0.0", repo.URL, "") + dep("cache", "*", repo.URL, ""), nil, nil, []string{"cache-0.1.0", "db-1.1.0"}},
		"alias":              {dep("db", "1.0.0", repo.URL, ", alias: one") + dep("db", "1.0.0", repo.URL, ", alias: two"), nil, nil, []string{"one-1.0.0", "two-1.0.0"}},
		"two versions":       {dep("db", "1.0.0", repo.URL, ", alias: one") + dep("db", "1.1.0", repo.URL, ", alias: two"), nil, nil, []string{"one-1.0.0", "two-1.1.0"}},
		"registry":           {dep("queue", "3.0.0", "oci://"+reg.Host+"/team", ""), nil, nil, []string{"queue-3.0.0"}},
		"digest":             {dep("queue", digest, "oci://"+reg.Host+"/team", ""), nil, nil, []string{"queue-3.0.0"}},
		"version and digest": {dep("queue", "3.0.0@"+digest, "oci://"+reg.Host+"/team", ""), nil, nil, []string{"queue-3.0.0"}},
		"nested":             {dep("suite", "2.0.0", repo.URL, ""), nil, nil, []string{"db-1.0.0", "queue-3.0.0", "suite-2.0.0"}},
		"git":                {dep("tree", "0.0.1", "git+file://"+trees.Dir+"@charts?ref=main", ""), nil, nil, []string{"leaf-0.0.2", "tree-0.0.1"}},
		"file":               {dep("common", ">=0", "file://../libs/common", ""), under("libs/common", part("common", "1.0.0", dependencies(dep("db", "1.0.0", repo.URL, "")))), nil, []string{"db-1.0.0", "common-1.0.0"}},
		"in charts/ as well": {dep("db", "1.0.0", repo.URL, "") + dep("local", "1.0.0", "", ""), under("app/charts/local", part("local", "1.0.0", "")), nil, []string{"db-1.0.0", "local-1.0.0"}},
		"vendored":           {dep("db", "^1.0.0", "https://127.0.0.1:1", ""), under("app/charts/db", part("db", "1.0.7", "")), nil, []string{"db-1.0.7"}},
		"of a vendored one":  {dep("local", "1.0.0", "", ""), under("app/charts/local", part("local", "1.0.0", dependencies(dep("common", "*", "file://../../../libs/common", "")))), nil, nil},
		"off by values":      {dep("db", "1.0.0", repo.URL, "") + dep("none", "1.0.0", "https://127.0.0.1:1", ", condition: 'none.enabled,x'"), map[string]string{"app/values.yaml": "none: {enabled: false}\n"}, nil, []string{"db-1.0.0"}},
		"off by --set":       {dep("db", "1.0.0", repo.URL, "") + dep("none", "1.0.0", "https://127.0.0.1:1", ", condition: none.enabled"), nil, []string{"none.enabled=false"}, []string{"db-1.0.0"}},
		"tags":               {dep("db", "1.0.0", repo.URL, ", tags: [x]") + dep("cache", "*", repo.URL, ""), nil, []string{"tags.x=false"}, []string{"cache-0.1.0"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := map[string]string{"app/Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\n" + dependencies(tc.dependencies)}
			files = with(files, tc.files)
			if name == "of a vendored one" {
				files = with(files, under("libs/common", part("common", "1.0.0", "")))
				tc.want = []string{"common-1.0.0", "local-1.0.0"}
			}
			got, err := helm.Renderer{}.Render(t.Context(), render.Request{
				Files: repository(files), Path: "app", Release: "web", Set: tc.set, Sources: resolver(t),
			})
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tc.want, versions(got)); d != "" {
				t.Error(d)
			}
		})
	}
}

func dependencies(list string) string { return "dependencies:\n" + list }

func TestDependencyFaults(t *testing.T) {
	t.Parallel()
	repo := registrytest.NewCharts(t, registrytest.Options{})
	repo.Add(part("db", "1.0.0", ""))
	repo.Add(part("loop", "1.0.0", "dependencies:\n- {name: loop, version: 1.0.0, repository: '"+repo.URL+"'}\n"))
	repo.Add(part("out", "1.0.0", "dependencies:\n- {name: x, version: 1.0.0, repository: 'file://../../x'}\n"))
	repo.Entry("dots", "version: 1.0.0\nurls: [dots.tgz]\n")
	repo.File("/dots.tgz", registrytest.Pack(t, "dots", map[string]string{"Chart.yaml": "apiVersion: v2\nname: ..\nversion: 1.0.0\n"}))
	repo.Entry("liar", "version: 1.0.0\nurls: [liar.tgz]\n")
	repo.File("/liar.tgz", registrytest.Pack(t, "db", part("db", "1.0.0", "")))
	dep := func(name, version, repository string) string {
		return "dependencies:\n- {name: '" + name + "', version: '" + version + "', repository: '" + repository + "'}\n"
	}
	for name, tc := range map[string]struct {
		dependencies string
		files        map[string]string
		err          string
	}{
		"unknown chart":      {dep("dbs", "1.0.0", repo.URL), nil, `app/Chart.yaml: chart repository ` + repo.URL + ` has no chart "dbs"`},
		"no version fits":    {dep("db", "^2.0.0", repo.URL), nil, "no version fits"},
		"cycle":              {dep("loop", "1.0.0", repo.URL), nil, "charts depend on each other in a circle: loop 1.0.0 (" + repo.URL + ") → loop 1.0.0"},
		"cycle of files":     {dep("a", "*", "file://../a"), with(under("a", part("a", "1.0.0", dep("b", "*", "file://../b"))), under("b", part("b", "1.0.0", dep("a", "*", "file://../a")))), "in a circle: a → b → a"},
		"itself":             {dep("shop", "*", "file://."), nil, "in a circle: app → app"},
		"file out":           {dep("x", "*", "file://../../x"), nil, "leads out of the repository"},
		"absolute file":      {dep("x", "*", "file:///etc"), nil, "leads out of the repository"},
		"file not there":     {dep("x", "*", "file://../x"), nil, "app/Chart.yaml: dependency \"x\": file://../x does not exist"},
		"file in an archive": {dep("out", "1.0.0", repo.URL), nil, "the chart that names it is in an archive"},
		"other name":         {dep("x", "*", "file://../a"), under("a", part("a", "1.0.0", "")), `holds chart "a"`},
		"other version":      {dep("a", "2.x", "file://../a"), under("a", part("a", "1.0.0", "")), "must be 2.x, but file://../a has 1.0.0"},
		"chart of dots":      {dep("dots", "1.0.0", repo.URL), nil, `calls its chart ".."`},
		"another chart":      {dep("liar", "1.0.0", repo.URL), nil, `the archive holds chart "db"`},
		"no such protocol":   {dep("x", "1.0.0", "ftp://x/y"), nil, "protocol ftp is not one for charts"},
		"metadata service":   {dep("x", "1.0.0", "http://169.254.169.254/"), nil, "metadata service"},
		"no alias":           {dep("x", "1.0.0", "@team"), nil, "not among those of Helm's repositories.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := with(map[string]string{"app/Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\n" + tc.dependencies}, tc.files)
			_, err := helm.Renderer{}.Render(t.Context(), render.Request{Files: repository(files), Path: "app", Release: "web", Sources: resolver(t)})
			if err == nil || !strings.Contains(err.Error(), tc.err) {
				t.Errorf("got %v, want %q", err, tc.err)
			}
		})
	}
	// Without Sources there is the repository alone.
	_, err := renderChart(t, map[string]string{"app/Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\n" + dep("db", "1.0.0", repo.URL)}, nil)
	wantFault(t, err, fault.Invalid, `dependency "db" is not in app/charts`)
}

// TestPrometheusUmbrella: the umbrella of the corpora, its four dependencies
// fetched from a chart repository with all its neighbours, renders like the
// same chart with them put into charts/ beforehand.
func TestPrometheusUmbrella(t *testing.T) {
	t.Parallel()
	folder := corpustest.Dir(t, "charts", "prometheus-community")
	repo := registrytest.NewCharts(t, registrytest.Options{})
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	packed := map[string][]byte{}
	for _, e := range entries {
		if _, err := os.Stat(filepath.Join(folder, e.Name(), "Chart.yaml")); err == nil {
			packed[e.Name()] = repo.AddFolder(filepath.Join(folder, e.Name()))
		}
	}
	umbrella := registrytest.ReadChart(t, filepath.Join(folder, "prometheus"))
	address := regexp.MustCompile(`(repository: *"?)https?://[^\s"]+`)
	umbrella["Chart.yaml"] = address.ReplaceAllString(umbrella["Chart.yaml"], "${1}"+repo.URL)
	// The corpora may hold newer neighbours than the umbrella asks for.
	umbrella["Chart.yaml"] = regexp.MustCompile(`(?m)^(\s+version:).*$`).ReplaceAllString(umbrella["Chart.yaml"], `$1 ">=0"`)
	delete(umbrella, "Chart.lock")
	bare := repository(under("app", umbrella))
	vendored := repository(under("app", umbrella))
	for _, name := range []string{"alertmanager", "kube-state-metrics", "prometheus-node-exporter", "prometheus-pushgateway"} {
		files := registrytest.ReadChart(t, filepath.Join(folder, name))
		n, v := registrytest.NameOf(t, files)
		vendored["app/charts/"+n+"-"+v+".tgz"] = &fstest.MapFile{Data: packed[name]}
	}
	render := func(files fs.FS, sources render.Sources) []string {
		got, err := helm.Renderer{}.Render(t.Context(), render.Request{Files: files, Path: "app", Release: "web", Namespace: "web", Sources: sources})
		if err != nil {
			t.Fatal(err)
		}
		var list []string
		for _, o := range got.Objects {
			var text strings.Builder
			if err := object.WriteYAML(&text, []*object.Object{o}); err != nil {
				t.Fatal(err)
			}
			list = append(list, o.Source.File+"\n"+text.String())
		}
		return list
	}
	want, got := render(vendored, nil), render(bare, resolver(t))
	if d := cmp.Diff(want, got); d != "" || len(got) < 20 {
		t.Errorf("%d objects: %s", len(got), d)
	}
	if n := len(repo.Requests()); n != 5 {
		t.Errorf("%d requests: %q", n, repo.Requests())
	}
}
