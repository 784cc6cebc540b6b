package flux

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/render"
)

// TestFaults: bad input is a clear error with its place and the way out.
func TestFaults(t *testing.T) {
	t.Parallel()
	in := func(text string) string { return "-- apps/x.yaml --\n" + text }
	withValues := func(ref, object string) string {
		return webChart + in(release(fromGit+"valuesFrom: ["+ref+"]\n")+"---\n"+object)
	}
	for name, test := range map[string]struct {
		archive string
		want    []string
	}{
		"unknown key": {
			in(release("chart:\n  spec:\n    chart: a\n    verson: 1.x\n    sourceRef: {kind: HelmRepository, name: a}\n")),
			[]string{"HelmRelease shop/web (apps/x.yaml:1): apps/x.yaml:10: unknown key \"spec.chart.spec.verson\"", "did you mean version?"},
		},
		"unknown key in a list": {
			in(kustomization("a", "path: a\npatches:\n  - patch: x\n    targets: {kind: A}\n")),
			[]string{"Kustomization flux-system/a (apps/x.yaml:1): apps/x.yaml:11: unknown key \"spec.patches.0.targets\"", "did you mean target?"},
		},
		"unknown key far from any": {in(kustomization("a", "nothing: 1\n")), []string{`unknown key "spec.nothing"`, "keys here: buildMetadata, commonMetadata"}},
		"wrong type":               {in(kustomization("a", "path: [a]\n")), []string{"spec.path is a list where text is needed"}},
		"no spec":                  {in("apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: a}\n"), []string{"has no spec"}},
		"unknown version":          {in(strings.Replace(release(fromGit), "/v2\n", "/v3\n", 1)), []string{"apiVersion helm.toolkit.fluxcd.io/v3 is not known", "write helm.toolkit.fluxcd.io/v2"}},
		"Flux 1":                   {in("apiVersion: helm.fluxcd.io/v1\nkind: HelmRelease\nmetadata: {name: a}\nspec: {}\n"), []string{"apps/x.yaml:1: a HelmRelease of helm.fluxcd.io/v1 (Flux 1) is not read"}},
		"another cluster":          {in(release(fromGit + "kubeConfig: {secretRef: {name: a}}\n")), []string{"spec.kubeConfig asks for another cluster", "environment"}},
		"no chart":                 {in(release("interval: 5m\n")), []string{"names no chart"}},
		"two charts":               {in(release(fromGit + "chartRef: {kind: OCIRepository, name: a}\n")), []string{"both spec.chart and spec.chartRef"}},
		"absent source": {
			in(release("chart:\n  spec: {chart: a, sourceRef: {kind: HelmRepository, name: podinfo}}\n") + source("HelmRepository", "podinf", "{url: a}")),
			[]string{"HelmRelease shop/web (apps/x.yaml:1): sourceRef names HelmRepository shop/podinfo, which is not among the rendered objects", "there is HelmRepository shop/podinf"},
		},
		"absent OCI chart":       {in(release("chartRef: {kind: OCIRepository, name: a}\n")), []string{"chartRef: OCIRepository shop/a is not among the rendered objects"}},
		"unknown kind of source": {in(release("chart:\n  spec: {chart: a, sourceRef: {kind: HelmRepo, name: a}}\n")), []string{`kind "HelmRepo" is not known for charts`}},
		"source without url":     {in(release("chartRef: {kind: OCIRepository, name: a}\n") + source("OCIRepository", "a", "{ref: {tag: a}}")), []string{"OCIRepository shop/a (apps/x.yaml:9) has no url"}},
		"nothing gives charts":   {in(release("chartRef: {kind: OCIRepository, name: a}\n") + source("OCIRepository", "a", "{url: \"oci://r/a\"}")), []string{"lies outside the repository"}},
		"moving ref":             {in(release("chart:\n  spec: {chart: a, sourceRef: {kind: GitRepository, name: o}}\n") + source("GitRepository", "o", "{url: \"https://a/b\", ref: {semver: 1.x}}")), []string{`ref.semver "1.x" changes with every tag`, "write the tag or the commit"}},
		"absent values": {
			withValues("{kind: ConfigMap, name: settings}", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings-abc123, namespace: shop}\n"),
			[]string{"valuesFrom names ConfigMap shop/settings, which is not among the rendered objects", "there is ConfigMap shop/settings-abc123", "kustomizeconfig.yaml"},
		},
		"absent key":             {withValues("{kind: ConfigMap, name: a}", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: shop}\ndata: {b: c}\n"), []string{"valuesFrom.0: ConfigMap shop/a (apps/x.yaml:13) has no key \"values.yaml\"", "its keys: b"}},
		"wrong kind":             {withValues("{kind: Deployment, name: a}", configMap), []string{`valuesFrom: kind "Deployment" is neither ConfigMap nor Secret`}},
		"values in a list":       {withValues("{kind: ConfigMap, name: a}", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: shop}\ndata: {values.yaml: \"[1]\"}\n"), []string{`ConfigMap shop/a: key "values.yaml" holds no map of values`, "targetPath"}},
		"not base64":             {withValues("{kind: Secret, name: a}", "apiVersion: v1\nkind: Secret\nmetadata: {name: a, namespace: shop}\ndata: {values.yaml: hunter2!}\n"), []string{"data.values.yaml is not base64"}},
		"values that are secret": {withValues("{kind: Secret, name: a}", "apiVersion: v1\nkind: Secret\nmetadata: {name: a, namespace: shop}\nstringData: {values.yaml: \"hunter2: [\"}\n"), []string{`Secret shop/a: key "values.yaml" holds no map`}},
		"bad target":             {withValues("{kind: Secret, name: a, targetPath: \"a[-1]\"}", "apiVersion: v1\nkind: Secret\nmetadata: {name: a, namespace: shop}\nstringData: {values.yaml: x}\n"), []string{"cannot be set at targetPath", "the form of targetPath"}},
		"absent values file":     {webChart + in(release(strings.Replace(fromGit, "    sourceRef", "    valuesFiles: [values/prod.yaml]\n    sourceRef", 1))), []string{`valuesFiles.0: path "values/prod.yaml" does not exist in this repository`, "ignoreMissingValuesFiles"}},
		"absent chart":           {webChart + in(release(strings.Replace(fromGit, "charts/web", "charts/wep", 1))), []string{`spec.chart.spec.chart: path "charts/wep" does not exist in this repository`, "did you mean charts/web?"}},
		"absent path":            {in(kustomization("a", "path: ./app\n")), []string{`Kustomization flux-system/a (apps/x.yaml:1): spec.path: path "./app" does not exist in this repository`, "did you mean apps?"}},
		"path of a file":         {in(kustomization("a", "path: ./apps/x.yaml\n")), []string{"apps/x.yaml is a file"}},
		"path out of it":         {in(kustomization("a", "path: ../../etc\n")), []string{`path "../../etc" leads out of this repository`}},
		"chart out of it":        {in(release(strings.Replace(fromGit, "charts/web", "../../../etc", 1))), []string{"leads out of this repository"}},
		"values file out of it":  {webChart + in(release(strings.Replace(fromGit, "    sourceRef", "    valuesFiles: [../../etc/passwd]\n    sourceRef", 1))), []string{`valuesFiles.0: path "../../etc/passwd" leads out of this repository`}},
		"component out of it":    {in(kustomization("a", "path: apps\ncomponents: [../../x]\n")), []string{`spec.components.0: "../../x" leads out of this repository`}},
		"absent component":       {in(kustomization("a", "path: other\ncomponents: [x]\n")) + "-- other/a.yaml --\n" + configMap, []string{`spec.components.0: "x" does not exist in other`}},
		"a circle of paths": {
			"-- apps/x.yaml --\n" + kustomization("a", "path: a\n") + "-- a/x.yaml --\n" + kustomization("b", "path: b\n") + "-- b/x.yaml --\n" + kustomization("c", "path: a\n"),
			[]string{"Kustomization flux-system/c (b/x.yaml:1): Kustomizations lead in a circle: a -> b -> a"},
		},
		"a circle of dependencies": {
			in(kustomization("a", "path: a\ndependsOn: [{name: b}]\n")+"---\n"+kustomization("b", "path: b\ndependsOn: [{name: a}]\n")) + "-- a/x.yaml --\n" + configMap + "-- b/x.yaml --\n" + strings.Replace(configMap, "settings", "b", 1),
			[]string{"dependsOn leads in a circle: Kustomization flux-system/a (apps/x.yaml:1) -> Kustomization flux-system/b (apps/x.yaml:11) -> Kustomization flux-system/a (apps/x.yaml:1)"},
		},
		"declared twice": {
			"-- apps/kustomization.yaml --\nresources: [one, two]\n-- apps/one/a.yaml --\n" + kustomization("a", "path: x\n") + "-- apps/one/kustomization.yaml --\nresources: [a.yaml]\n" +
				"-- apps/two/kustomization.yaml --\nresources: [b.yaml]\n-- apps/two/b.yaml --\n" + kustomization("b", "path: y\n") +
				"-- y/a.yaml --\n" + kustomization("a", "path: z\n") + "-- x/a.yaml --\n" + configMap,
			[]string{"Kustomization flux-system/a is declared twice: apps/one/a.yaml:1 and y/a.yaml:1"},
		},
		"something else":       {in("replicas: 1\n"), []string{"apps/x.yaml:1: a document has no apiVersion", "without a kustomization.yaml Flux takes every YAML file in apps for objects"}},
		"no YAML":              {"-- apps/x.txt --\n", []string{"apps holds no YAML"}},
		"variable name":        {in(kustomization("a", "path: b\npostBuild: {substitute: {a-b: c}}\n")) + "-- b/a.yaml --\n" + configMap, []string{`postBuild: variable name "a-b"`}},
		"bad variable":         {in(kustomization("a", "path: b\npostBuild: {substitute: {a: c}}\n")) + "-- b/a.yaml --\n" + configMap + "data: {x: \"${a\"}\n", []string{"postBuild: ConfigMap settings (b/a.yaml:1): a ${...} in it cannot be read", "$${...}"}},
		"broken by a variable": {in(kustomization("a", "path: b\npostBuild: {substitute: {a: \"hunter2: [\"}}\n")) + "-- b/a.yaml --\n" + configMap + "data: {x: \"${a}\"}\n", []string{"is no valid YAML after substitution"}},
		"artifact of nobody":   {in(strings.Replace(kustomization("a", "path: b\n"), "GitRepository, name: flux-system", "ExternalArtifact, name: x", 1)), []string{"sourceRef names ExternalArtifact flux-system/x, which is not among"}},
		"a bucket":             {in(strings.Replace(kustomization("a", "path: b\n"), "GitRepository, name: flux-system", "Bucket, name: x, namespace: shop", 1) + source("Bucket", "x", "{bucketName: a, endpoint: b}")), []string{"Bucket shop/x (apps/x.yaml:10) is not this repository"}},
		"strategy":             {webChart + in(release(fromGit+"postRenderStrategy: sometimes\n")), []string{`postRenderStrategy "sometimes" is not known`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := renderer().Render(t.Context(), request(files(t, test.archive), "apps"))
			if err == nil {
				t.Fatal("no error")
			}
			got := fullError(err)
			for _, want := range test.want {
				if !strings.Contains(got, want) {
					t.Errorf("no %q in\n%s", want, got)
				}
			}
			if strings.Contains(got, "hunter2: [") || strings.Contains(got, "hunter2!") {
				t.Errorf("tells a secret:\n%s", got)
			}
			if fault.KindOf(err) == fault.Internal {
				t.Errorf("an internal error: %s", got)
			}
		})
	}
}

// TestSeveralFaults: one error names everything that cannot be rendered.
func TestSeveralFaults(t *testing.T) {
	t.Parallel()
	archive := "-- apps/x.yaml --\n" + kustomization("a", "path: none\n") + "---\n" + kustomization("b", "path: none\n")
	_, err := renderer().Render(t.Context(), request(files(t, archive), "apps"))
	if got := fullError(err); !strings.Contains(got, "Kustomization flux-system/a (apps/x.yaml:1): spec.path") || !strings.Contains(got, "these cannot be rendered either: Kustomization flux-system/b (apps/x.yaml:10)") {
		t.Errorf("got %s", got)
	}
}

// TestLinks: symbolic links are followed inside the repository, and never out
// of it (CVE-2022-24731, CVE-2022-31036, CVE-2022-24877).
func TestLinks(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		file := filepath.Join(top, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	link := func(to, name string) {
		t.Helper()
		if err := os.Symlink(to, filepath.Join(top, name)); err != nil {
			t.Fatal(err)
		}
	}
	write("outside/secret.yaml", "password: hunter2\n")
	write("repo/real/a.yaml", configMap)
	write("repo/cluster/inside.yaml", kustomization("inside", "path: linked\ntargetNamespace: shop\n"))
	write("repo/out/x.yaml", kustomization("out", "path: escape\n"))
	write("repo/values/x.yaml", release(strings.Replace(fromGit, "    sourceRef", "    valuesFiles: [secret.yaml]\n    sourceRef", 1)))
	write("repo/circle/x.yaml", kustomization("circle", "path: round/x\n"))
	for _, f := range strings.Split(webChart, "-- ")[1:] {
		name, text, _ := strings.Cut(f, " --\n")
		write("repo/"+name, text)
	}
	link("real", "repo/linked")
	link("../outside", "repo/escape")
	link("../outside/secret.yaml", "repo/secret.yaml")
	link("round", "repo/round")
	root, err := os.OpenRoot(filepath.Join(top, "repo"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	result, err := renderer().Render(t.Context(), request(root.FS(), "cluster"))
	if err != nil || len(result.Objects) != 1 || result.Objects[0].Namespace() != "shop" {
		t.Errorf("got %v, %s", names(result.Objects), fullError(err))
	}
	for _, folder := range []string{"out", "values", "circle"} {
		_, err := renderer().Render(t.Context(), request(root.FS(), folder))
		if err == nil || strings.Contains(fullError(err), "hunter2") {
			t.Errorf("%s: got %s", folder, fullError(err))
		}
	}
}

// TestDevices: what is neither file nor folder is not opened.
func TestDevices(t *testing.T) {
	t.Parallel()
	m := files(t, webChart+"-- apps/x.yaml --\n"+release(strings.Replace(fromGit, "    sourceRef", "    valuesFiles: [values/pipe]\n    sourceRef", 1)))
	m["values/pipe"] = &fstest.MapFile{Mode: fs.ModeNamedPipe}
	_, err := renderer().Render(t.Context(), request(m, "apps"))
	if err == nil || !strings.Contains(err.Error(), "valuesFiles.0: values/pipe is not a file") {
		t.Errorf("got %v", err)
	}
}

// packed is a chart as .tgz, with entries beside its own.
func packed(t *testing.T, more ...tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for name, f := range files(t, webChart) {
		name = strings.TrimPrefix(name, "charts/")
		if err := w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Size: int64(len(f.Data)), Mode: 0o644}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(f.Data); err != nil {
			t.Fatal(err)
		}
	}
	for _, h := range more {
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestPackedChart: values files of a packed chart stand inside it.
func TestPackedChart(t *testing.T) {
	t.Parallel()
	spec := "chart:\n  spec: {chart: web, valuesFiles: [values.yaml, %], sourceRef: {kind: HelmRepository, name: charts}}\n"
	for name, test := range map[string]struct {
		file string
		data []byte
		want string
	}{
		"fine":     {"Chart.yaml", packed(t), ""},
		"absent":   {"none.yaml", packed(t), "valuesFiles.1: web/none.yaml does not exist"},
		"outside":  {"../x.yaml", packed(t), "leads out of the chart"},
		"link":     {"Chart.yaml", packed(t, tar.Header{Name: "web/link", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"}), `"web/link" in the archive is a link`},
		"escape":   {"Chart.yaml", packed(t, tar.Header{Name: "../../evil", Typeflag: tar.TypeReg}), `"../../evil" in the archive is a link, or leads out of it`},
		"no chart": {"Chart.yaml", []byte("nonsense"), "no gzip archive"},
		"cut off":  {"Chart.yaml", packed(t)[:200], "the archive is damaged"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAsked(t, render.Package{Files: fstest.MapFS{"web.tgz": {Data: test.data}}, Path: "web.tgz"})
			r := request(files(t, "-- apps/x.yaml --\n"+release(strings.Replace(spec, "%", test.file, 1))+source("HelmRepository", "charts", "{url: https://charts.example.com}")), "apps")
			r.Sources = a
			result, err := renderer().Render(t.Context(), r)
			if test.want == "" {
				if err != nil || !strings.Contains(text(t, result.Objects, "ConfigMap", "web-cm"), "greeting: default") {
					t.Errorf("got %s", fullError(err))
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestVariableBomb: variables that double again and again are refused
// (CVE-2022-24878).
func TestVariableBomb(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("a", 1<<20)
	use := strings.Repeat("${a}", 40)
	archive := "-- apps/x.yaml --\n" + kustomization("a", "path: b\npostBuild: {substitute: {a: "+big+"}}\n") + "-- b/a.yaml --\n" + configMap + "data: {x: \"" + use + "\"}\n"
	_, err := renderer().Render(t.Context(), request(files(t, archive), "apps"))
	if err == nil || len(err.Error()) > 1000 || !strings.Contains(err.Error(), "expands to more than 16 MiB") {
		t.Errorf("got %.300s", fullError(err))
	}
}

// TestCancelled: a context that ends stops a render.
func TestCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := renderer().Render(ctx, request(files(t, webChart+"-- apps/x.yaml --\n"+release(fromGit)), "apps"))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// TestValuesAreRefused: -f and --set are for charts.
func TestValuesAreRefused(t *testing.T) {
	t.Parallel()
	r := request(files(t, "-- apps/x.yaml --\n"+configMap), "apps")
	r.Set = []string{"a=b"}
	if _, err := renderer().Render(t.Context(), r); !fault.Is(err, fault.Usage) {
		t.Errorf("got %v", err)
	}
}
