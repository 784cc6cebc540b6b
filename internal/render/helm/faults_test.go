package helm_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/render"
	"github.com/tugops/tug/internal/render/helm"
)

func TestFaults(t *testing.T) {
	t.Parallel()
	good := config("a", "  a: b\n")
	sub := map[string]string{"app/charts/db/Chart.yaml": "apiVersion: v2\nname: db\nversion: 1.0.0\n"}
	needs := func(version string) map[string]string {
		return with(sub, map[string]string{"app/Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\ndependencies:\n- {name: db, version: '" + version + "', repository: x}\n"})
	}
	for name, tc := range map[string]struct {
		files  map[string]string // over the simple chart
		change func(*render.Request)
		kind   fault.Kind
		err    string
	}{
		"no chart":            {change: func(r *render.Request) { r.Path = "none" }, kind: fault.NotFound, err: "no chart at none"},
		"no Chart.yaml":       {change: func(r *render.Request) { r.Path = "app/templates" }, kind: fault.NotFound, err: "app/templates has no Chart.yaml"},
		"path outside":        {change: func(r *render.Request) { r.Path = "../x" }, kind: fault.Invalid, err: "leads out of the repository"},
		"bad release name":    {change: func(r *render.Request) { r.Release = "Web_1" }, kind: fault.Invalid, err: `release name "Web_1"`},
		"bad Kubernetes":      {change: func(r *render.Request) { r.KubeVersion = "new" }, kind: fault.Invalid, err: `kubernetes version "new"`},
		"bad Chart.yaml":      {files: map[string]string{"app/Chart.yaml": "apiVersion: v2\nname: a: b\n"}, kind: fault.Invalid, err: "app/Chart.yaml:2:1: invalid YAML: mapping values are not allowed"},
		"no version":          {files: map[string]string{"app/Chart.yaml": "apiVersion: v2\nname: a\n"}, kind: fault.Invalid, err: "app/Chart.yaml: validation: chart.metadata.version is required"},
		"chart v3":            {files: map[string]string{"app/Chart.yaml": "apiVersion: v3\nname: a\nversion: 1.0.0\n"}, kind: fault.Invalid, err: `charts of apiVersion "v3" are not supported`},
		"library":             {files: map[string]string{"app/Chart.yaml": "apiVersion: v2\nname: a\nversion: 1.0.0\ntype: library\n"}, kind: fault.Invalid, err: `a chart of type "library" cannot be deployed by itself`},
		"too new for cluster": {files: map[string]string{"app/Chart.yaml": "apiVersion: v2\nname: a\nversion: 1.0.0\nkubeVersion: '>=1.40'\n"}, kind: fault.Invalid, err: "the chart needs Kubernetes >=1.40, the environment has v1.37.0"},
		"bad values.yaml":     {files: map[string]string{"app/values.yaml": "a: 1\nb:\n  c: [1\n"}, kind: fault.Invalid, err: "app/values.yaml:3:3: invalid YAML"},
		"values are a list":   {files: map[string]string{"app/values.yaml": "- a\n"}, kind: fault.Invalid, err: "app/values.yaml:1:1: a map of keys and values is needed"},
		"missing values":      {change: func(r *render.Request) { r.ValueFiles = []string{"prod.yaml"} }, kind: fault.NotFound, err: "values file prod.yaml does not exist"},
		"values outside":      {change: func(r *render.Request) { r.ValueFiles = []string{"../prod.yaml"} }, kind: fault.Invalid, err: "leads out of the repository"},
		"bad given values": {change: func(r *render.Request) {
			r.Values = []render.NamedValues{{Name: "v.yaml", Data: []byte("a: 1\n\tb: 2\n")}}
		}, kind: fault.Invalid, err: "v.yaml:2:1: invalid YAML"},
		"bad --set":            {change: func(r *render.Request) { r.Set = []string{"a[-1]=2"} }, kind: fault.Usage, err: `--set "a[-1]=2"`},
		"template syntax":      {files: map[string]string{"app/templates/a.yaml": "a: b\n{{ if }}\n"}, kind: fault.Invalid, err: "template app/templates/a.yaml:2: missing value for if"},
		"unknown function":     {files: map[string]string{"app/templates/a.yaml": "a: {{ env \"HOME\" }}\n"}, kind: fault.Invalid, err: `template app/templates/a.yaml:1: function "env" not defined`},
		"nil value":            {files: map[string]string{"app/templates/a.yaml": "a: b\nc: {{ .Values.x.y }}\n"}, kind: fault.Invalid, err: "template app/templates/a.yaml:2:13: executing"},
		"required":             {files: map[string]string{"app/templates/a.yaml": "a: {{ required \"host is needed\" .Values.host }}\n"}, kind: fault.Invalid, err: "template app/templates/a.yaml:1:6: host is needed"},
		"fail":                 {files: map[string]string{"app/templates/a.yaml": "{{ fail \"no way\" }}\n"}, kind: fault.Invalid, err: "template app/templates/a.yaml:1:3: no way"},
		"in a helper":          {files: map[string]string{"app/templates/a.yaml": "a: {{ include \"h\" . }}\n", "app/templates/_h.tpl": "{{ define \"h\" }}\n{{ .Values.x.y }}{{ end }}"}, kind: fault.Invalid, err: "template app/templates/_h.tpl:2:10: executing \"h\" at <.Values.x.y>: nil pointer evaluating interface {}.y (rendering app/templates/a.yaml:1:6)"},
		"in a subchart":        {files: with(sub, map[string]string{"app/charts/db/templates/x.yaml": "\n{{ fail \"sub\" }}"}), kind: fault.Invalid, err: "template app/charts/db/templates/x.yaml:2:3: sub"},
		"no such template":     {files: map[string]string{"app/templates/a.yaml": "{{ include \"none\" . }}"}, kind: fault.Invalid, err: `template app/templates/a.yaml:1:3: executing "shop/templates/a.yaml" at <include "none" .>`},
		"endless include":      {files: map[string]string{"app/templates/a.yaml": "{{ define \"h\" }}{{ include \"h\" . }}{{ end }}{{ include \"h\" . }}"}, kind: fault.Invalid, err: "nested reference name"},
		"bad randInt":          {files: map[string]string{"app/templates/a.yaml": "a: {{ randInt 5 5 }}"}, kind: fault.Invalid, err: "the second number must be larger"},
		"rendered syntax":      {files: map[string]string{"app/templates/a.yaml": good + "---\n{{ range until 3 }}\n{{ end }}a: b: c\n"}, kind: fault.Invalid, err: "app/templates/a.yaml:11:1: invalid YAML: mapping values are not allowed in this context (line of the rendered text)"},
		"rendered duplicate":   {files: map[string]string{"app/templates/a.yaml": good + "  a: c\n"}, kind: fault.Invalid, err: `app/templates/a.yaml:7:3: key "a" is already set in line 6`},
		"annotation a number":  {files: map[string]string{"app/templates/a.yaml": "apiVersion: v1\nkind: X\nmetadata: {name: a, annotations: {x: 1}}\n"}, kind: fault.Invalid, err: `annotation "x" is 1, which is not text`},
		"no object":            {files: map[string]string{"app/templates/a.yaml": "a: b\n"}, kind: fault.Invalid, err: "app/templates/a.yaml:1: a document has no apiVersion"},
		"broken archive":       {files: map[string]string{"app/charts/x.tgz": "no archive"}, kind: fault.Invalid, err: "app/charts/x.tgz: unpack the chart"},
		"stray file in charts": {files: map[string]string{"app/charts/README.md": "hello"}, kind: fault.NotFound, err: "app/charts/README.md has no Chart.yaml"},
		"bad helmignore":       {files: map[string]string{"app/.helmignore": "a/**/b\n"}, kind: fault.Invalid, err: "app/.helmignore: double-star"},
		"not vendored":         {files: map[string]string{"app/Chart.yaml": needs("1.0.0")["app/Chart.yaml"]}, kind: fault.Invalid, err: `app/Chart.yaml: dependency "db" is not in app/charts`},
		"wrong vendored":       {files: needs("^2.0.0"), kind: fault.Invalid, err: `dependency "db" must be ^2.0.0, but app/charts has 1.0.0`},
		"lock too old":         {files: with(needs("1.0.0"), map[string]string{"app/Chart.lock": "dependencies:\n- {name: db, version: 0.9.0, repository: x}\n"}), kind: fault.Invalid, err: "app/Chart.lock locks db at 0.9.0, but app/Chart.yaml wants 1.0.0"},
		"lock without it":      {files: with(needs("1.0.0"), map[string]string{"app/Chart.lock": "dependencies: []\n"}), kind: fault.Invalid, err: `app/Chart.lock does not lock dependency "db"`},
		"lock with more":       {files: with(needs("1.0.0"), map[string]string{"app/Chart.lock": "dependencies:\n- {name: db, version: 1.0.0, repository: x}\n- {name: web, version: 1.0.0, repository: x}\n"}), kind: fault.Invalid, err: `app/Chart.lock locks "web", which app/Chart.yaml does not declare`},
		"vendored not locked":  {files: with(needs("^1.0.0"), map[string]string{"app/Chart.lock": "dependencies:\n- {name: db, version: 1.0.1, repository: x}\n"}), kind: fault.Invalid, err: "app/Chart.lock locks db at 1.0.1, but app/charts has another version"},
		"vendored twice":       {files: with(sub, map[string]string{"app/charts/db-2/Chart.yaml": "apiVersion: v2\nname: db\nversion: 2.0.0\n"}), kind: fault.Invalid, err: `holds "db" twice: 1.0.0 and 2.0.0`},
		"schema":               {files: map[string]string{"app/values.schema.json": `{"type":"object","properties":{"size":{"type":"integer"}}}`}, kind: fault.Invalid, err: "at '/size': got string, want integer"},
		"subchart schema":      {files: with(sub, map[string]string{"app/values.yaml": "db: {size: x}\n", "app/charts/db/values.schema.json": `{"properties":{"size":{"type":"integer"}}}`}), kind: fault.Invalid, err: "shop/charts/db: at '/size': got string, want integer"},
		"broken schema":        {files: map[string]string{"app/values.schema.json": `{"type": 1}`}, kind: fault.Invalid, err: "values.schema.json of shop"},
		"schema from disk":     {files: map[string]string{"app/values.schema.json": `{"$ref": "file:///etc/hostname"}`}, kind: fault.Invalid, err: "it refers to file:///etc/hostname, which is outside the chart"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := renderChart(t, with(simple(good), tc.files), tc.change)
			wantFault(t, err, tc.kind, tc.err)
			if strings.Contains(err.Error(), "\ufeff") || strings.HasSuffix(err.Error(), "\n") {
				t.Errorf("untidy text %q", err)
			}
		})
	}
}

// A lock whose digest is of other dependencies, with versions that fit, is
// worth a word and no more.
func TestDigestOfLock(t *testing.T) {
	t.Parallel()
	texts := with(simple(config("a", "  a: b\n")), map[string]string{
		"app/Chart.yaml":           "apiVersion: v2\nname: shop\nversion: 1.0.0\ndependencies:\n- {name: db, version: 1.0.0, repository: x}\n",
		"app/Chart.lock":           "dependencies:\n- {name: db, version: 1.0.0, repository: x}\ndigest: sha256:00\n",
		"app/charts/db/Chart.yaml": "apiVersion: v2\nname: db\nversion: 1.0.0\n",
	})
	got, err := renderChart(t, texts, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Warnings) != 1 || !strings.Contains(got.Warnings[0], "app/Chart.lock was made for other dependencies") {
		t.Errorf("warnings %q", got.Warnings)
	}
}

func TestSchemaNeverReachesTheNetwork(t *testing.T) {
	t.Parallel()
	var hits atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		hits.Add(1)
		_, _ = w.Write([]byte("{}"))
	}))
	defer server.Close()
	texts := with(simple(config("a", "  a: b\n")), map[string]string{
		"app/values.schema.json": `{"properties":{"size":{"$ref":"` + server.URL + `/s.json"}}}`,
	})
	_, err := renderChart(t, texts, nil)
	wantFault(t, err, fault.Invalid, "which is outside the chart")
	if n := hits.Load(); n != 0 {
		t.Errorf("%d requests", n)
	}
}

// Helm follows symbolic links in charts; we do inside the repository only.
func TestSymbolicLinks(t *testing.T) {
	t.Parallel()
	outside := t.TempDir()
	for name, tc := range map[string]struct{ link, target, err string }{
		"template":        {link: "app/templates/b.yaml", target: "../../shared.yaml"},
		"subchart":        {link: "app/charts/sub", target: "../../sub"},
		"file outside":    {link: "app/templates/b.yaml", target: filepath.Join(outside, "x"), err: "app/templates/b.yaml"},
		"folder outside":  {link: "app/charts/sub", target: outside, err: "app/charts/sub"},
		"values outside":  {link: "app/values.yaml", target: "/etc/hostname", err: "app/values.yaml"},
		"loop of folders": {link: "app/files", target: ".", err: "app/files"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			texts := simple(config("a", "  a: b\n"))
			delete(texts, "app/values.yaml")
			texts["shared.yaml"] = config("b", "  a: b\n")
			texts["sub/Chart.yaml"] = "apiVersion: v2\nname: sub\nversion: 1.0.0\n"
			texts["sub/templates/b.yaml"] = config("b", "  a: b\n")
			texts["app/charts/_keep"] = ""
			if err := os.CopyFS(dir, repository(texts)); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(tc.target, filepath.Join(dir, tc.link)); err != nil {
				t.Fatal(err)
			}
			root, err := os.OpenRoot(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer root.Close()
			got, err := helm.Renderer{}.Render(t.Context(), render.Request{Files: root.FS(), Path: "app", Release: "web"})
			if tc.err != "" {
				if err == nil || !strings.Contains(err.Error(), tc.err) {
					t.Fatalf("error %v, want %q", err, tc.err)
				}
				return
			}
			if err != nil || len(got.Objects) != 2 {
				t.Fatalf("%d objects, error %v", len(got.Objects), err)
			}
		})
	}
}

// An archive that holds itself must not be opened for ever.
func TestArchivesWithinArchives(t *testing.T) {
	t.Parallel()
	inner := map[string]string{"c/Chart.yaml": "apiVersion: v2\nname: c\nversion: 1.0.0\n"}
	for range 20 {
		inner["c/charts/c.tgz"] = pack(t, inner, "c")
	}
	texts := with(simple(config("a", "  a: b\n")), map[string]string{"app/charts/c.tgz": inner["c/charts/c.tgz"]})
	_, err := renderChart(t, texts, nil)
	wantFault(t, err, fault.Invalid, "nested more than")
}

func TestRenderStopsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	texts := simple("{{ range until 3000 }}{{ range until 3000 }}{{ end }}{{ end }}")
	_, err := helm.Renderer{}.Render(ctx, render.Request{Files: repository(texts), Path: "app", Release: "web"})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v", err)
	}
}
