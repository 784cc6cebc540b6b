package flux

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/render"
)

const hookChart = webChart + `
-- charts/web/templates/hook.yaml --
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ .Release.Name }}-hook
  annotations: {helm.sh/hook: pre-install}
spec:
  template:
    spec:
      containers: [{name: a, image: "a:1"}]
-- charts/web/templates/pod.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: {{ .Release.Name }}-pod
spec:
  containers: [{name: a, image: "a:1"}]
`

// TestRelease: each field of a HelmRelease that changes what is rendered.
func TestRelease(t *testing.T) {
	t.Parallel()
	const patch = "postRenderers:\n  - kustomize:\n      images: [{name: a, newTag: \"2\"}]\n      patches:\n        - patch: |\n            - {op: add, path: /metadata/labels, value: {patched: \"yes\"}}\n          target: {kind: Job|Pod}\n"
	all := []string{"ClusterRole web", "ConfigMap shop/web-cm", "CustomResourceDefinition things.example.org", "Job shop/web-hook", "Pod shop/web-pod"}
	for name, test := range map[string]struct {
		spec  string
		files string
		want  []string
		kind  string // of the object that text is about
		text  []string
		no    []string
	}{
		"values": {spec: fromGit + "values: {greeting: hi, replicas: 3}\n", kind: "ConfigMap", text: []string{"greeting: hi", `replicas: "3"`}},
		"values files replace those of the chart": {
			spec:  strings.Replace(fromGit, "    sourceRef", "    valuesFiles: [values/a.yaml, values/b.yaml, values/none.yaml]\n    ignoreMissingValuesFiles: true\n    sourceRef", 1),
			files: "-- values/a.yaml --\ngreeting: a\n-- values/b.yaml --\ngreeting: b\n",
			kind:  "ConfigMap", text: []string{"greeting: b", "replicas: null"},
		},
		"release name": {spec: fromGit + "releaseName: other\n", want: []string{"ClusterRole other", "ConfigMap shop/other-cm", "CustomResourceDefinition things.example.org", "Job shop/other-hook", "Pod shop/other-pod"}},
		"target namespace": {
			spec: fromGit + "targetNamespace: far\n",
			want: []string{"ClusterRole far-web", "ConfigMap far/far-web-cm", "CustomResourceDefinition things.example.org", "Job far/far-web-hook", "Pod far/far-web-pod"},
		},
		"storage namespace": {spec: fromGit + "storageNamespace: far\n", want: all},
		"no CRDs":           {spec: fromGit + "install: {crds: Skip}\n", want: slices.Concat(all[:2], all[3:])},
		"CRDs on upgrade":   {spec: fromGit + "install: {crds: Skip}\nupgrade: {crds: CreateReplace}\n", want: all},
		"no hooks":          {spec: fromGit + "install: {disableHooks: true}\n", want: slices.Concat(all[:3], all[4:])},
		"a namespace":       {spec: fromGit + "install: {createNamespace: true}\n", want: []string{"ClusterRole web", "ConfigMap shop/web-cm", "CustomResourceDefinition things.example.org", "Job shop/web-hook", "Namespace shop", "Pod shop/web-pod"}, kind: "Namespace", text: []string{"helm.sh/resource-policy: keep"}},
		"common metadata":   {spec: fromGit + "commonMetadata: {labels: {team: web}, annotations: {note: hi}}\n", kind: "ConfigMap", text: []string{"team: web", "note: hi", "Source: charts/web/templates/cm.yaml"}},
		"post-renderers":    {spec: fromGit + patch, kind: "Pod", text: []string{"image: a:2", `patched: "yes"`, "Source: charts/web/templates/pod.yaml"}},
		"with hooks":        {spec: fromGit + patch, kind: "Job", text: []string{"image: a:2", `patched: "yes"`}},
		"hooks apart":       {spec: fromGit + patch + "postRenderStrategy: separate\n", kind: "Job", text: []string{"image: a:2", `patched: "yes"`}},
		"but not hooks":     {spec: fromGit + patch + "postRenderStrategy: nohooks\n", kind: "Job", text: []string{"image: a:1"}, no: []string{"patched"}},
		"a values file and inline values": {
			spec: fromGit + "valuesFrom:\n  - {kind: ConfigMap, name: base}\n  - {kind: Secret, name: secret, valuesKey: greeting, targetPath: greeting}\nvalues: {replicas: 7}\n",
			files: "-- apps/values.yaml --\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: base, namespace: shop}\ndata: {values.yaml: \"replicas: 2\\ngreeting: base\\n\"}\n---\n" +
				"apiVersion: v1\nkind: Secret\nmetadata: {name: secret, namespace: shop}\nstringData: {greeting: \"'12'\"}\n",
			kind: "ConfigMap", text: []string{`greeting: "12"`, `replicas: "7"`},
		},
		"accepted": {
			spec: fromGit + "interval: 5m\ntimeout: 3m\nmaxHistory: 3\nserviceAccountName: web\npersistentClient: false\n" +
				"test: {enable: true, filters: [{name: a, exclude: true}]}\nrollback: {recreate: true, serverSideApply: auto}\nuninstall: {keepHistory: true, deletionPropagation: foreground}\n" +
				"install: {remediation: {retries: -1}, replace: true, strategy: {name: RetryOnFailure, retryInterval: 1m}, serverSideApply: false}\n" +
				"upgrade: {cleanupOnFail: true, remediation: {strategy: rollback}, preserveValues: true}\ndriftDetection: {mode: warn}\n" +
				"waitStrategy: {name: poller}\nhealthCheckExprs: [{apiVersion: a/v1, kind: B, current: \"true\"}]\n",
			want: all,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			archive := hookChart + "-- apps/release.yaml --\n" + release(test.spec) + test.files
			result, err := renderer().Render(t.Context(), request(files(t, archive), "apps"))
			if err != nil {
				t.Fatal(fullError(err))
			}
			if diff := cmp.Diff(test.want, names(result.Objects)); test.want != nil && diff != "" {
				t.Errorf("objects (-want +got):\n%s", diff)
			}
			if test.kind == "" {
				return
			}
			got := ofKind(t, result.Objects, test.kind)
			for _, want := range test.text {
				if !strings.Contains(got, want) {
					t.Errorf("no %q in\n%s", want, got)
				}
			}
			for _, no := range test.no {
				if strings.Contains(got, no) {
					t.Errorf("%q in\n%s", no, got)
				}
			}
		})
	}
}

// ofKind is the last object of a kind that a chart gave, as YAML.
func ofKind(t *testing.T, objects []*object.Object, kind string) string {
	t.Helper()
	for _, o := range slices.Backward(objects) {
		if o.GVK().Kind == kind && (kind != "ConfigMap" || strings.HasSuffix(o.Name(), "-cm")) {
			return text(t, objects, kind, o.Name())
		}
	}
	t.Fatalf("no %s", kind)
	return ""
}

func TestReleaseName(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 60)
	for _, test := range []struct{ name, target, release, want string }{
		{"web", "", "", "web"},
		{"web", "far", "", "far-web"},
		{"web", "far", "own", "own"},
		{strings.Repeat("a", 53), "", "", strings.Repeat("a", 53)},
		// sha256sum of 60 times "a"
		{long, "", "", strings.Repeat("a", 40) + "-11ee391211c6"},
		{"web", "", long, strings.Repeat("a", 40) + "-11ee391211c6"},
	} {
		it := &item{ref: object.Ref{Name: test.name}, release: &helmv2.HelmRelease{Spec: helmv2.HelmReleaseSpec{TargetNamespace: test.target, ReleaseName: test.release}}}
		if got := it.releaseName(); got != test.want {
			t.Errorf("%+v: got %s", test, got)
		}
	}
}

// asked is a Sources that notes what is asked for and gives one chart, packed
// or not, and one tree.
type asked struct {
	chart, tree render.Package
	charts      chan render.ChartRef
	trees       chan render.TreeRef
}

func newAsked(t *testing.T, pkg render.Package) asked {
	t.Helper()
	return asked{chart: pkg, tree: pkg, charts: make(chan render.ChartRef, 10), trees: make(chan render.TreeRef, 10)}
}

func (a asked) Chart(_ context.Context, r render.ChartRef) (render.Package, error) {
	a.charts <- r
	return a.chart, nil
}

func (a asked) Tree(_ context.Context, r render.TreeRef) (render.Package, error) {
	a.trees <- r
	if a.tree.Files == nil {
		return render.Package{}, errors.New("nothing there")
	}
	return a.tree, nil
}

func source(kind, name, spec string) string {
	return "---\napiVersion: source.toolkit.fluxcd.io/v1\nkind: " + kind + "\nmetadata: {name: " + name + ", namespace: shop}\nspec: " + spec + "\n"
}

// TestChartRequests: what is asked of chart repositories.
func TestChartRequests(t *testing.T) {
	t.Parallel()
	from := object.Source{File: "apps/release.yaml", Line: 1}
	named := func(kind, version string) string {
		return "chart:\n  spec: {chart: web, version: \"" + version + "\", sourceRef: {kind: " + kind + ", name: charts}}\n"
	}
	for name, test := range map[string]struct {
		spec, sources string
		want          render.ChartRef
	}{
		"HTTP": {named("HelmRepository", ">=1.0.0"), source("HelmRepository", "charts", "{url: https://charts.example.com}"),
			render.ChartRef{Repository: "https://charts.example.com", Name: "web", Version: ">=1.0.0", From: from}},
		"any version": {named("HelmRepository", "*"), source("HelmRepository", "charts", "{url: https://charts.example.com}"),
			render.ChartRef{Repository: "https://charts.example.com", Name: "web", From: from}},
		"OCI": {named("HelmRepository", "1.0.0"), source("HelmRepository", "charts", "{type: oci, url: oci://registry.example.com/charts}"),
			render.ChartRef{Repository: "oci://registry.example.com/charts", Name: "web", Version: "1.0.0", From: from}},
		"artifact by range": {"chartRef: {kind: OCIRepository, name: web}\n", source("OCIRepository", "web", "{url: oci://r.example.com/web, ref: {semver: 1.x, tag: old}}"),
			render.ChartRef{Repository: "oci://r.example.com/web", Version: "1.x", From: from}},
		"artifact by digest": {"chartRef: {kind: OCIRepository, name: web}\n", source("OCIRepository", "web", "{url: oci://r.example.com/web, ref: {digest: sha256:aa, tag: old}}"),
			render.ChartRef{Repository: "oci://r.example.com/web", Version: "sha256:aa", From: from}},
		"artifact without a ref": {"chartRef: {kind: OCIRepository, name: web}\n", source("OCIRepository", "web", "{url: oci://r.example.com/web}"),
			render.ChartRef{Repository: "oci://r.example.com/web", Version: "latest", From: from}},
		"chart object": {"chartRef: {kind: HelmChart, name: web}\n",
			source("HelmChart", "web", "{chart: web, version: 1.2.3, sourceRef: {kind: HelmRepository, name: charts}}") + source("HelmRepository", "charts", "{url: https://charts.example.com}"),
			render.ChartRef{Repository: "https://charts.example.com", Name: "web", Version: "1.2.3", From: from}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAsked(t, render.Package{Files: files(t, webChart), Path: "charts/web"})
			r := request(files(t, "-- apps/release.yaml --\n"+release(test.spec)+test.sources), "apps")
			r.Sources = a
			result, err := renderer().Render(t.Context(), r)
			if err != nil {
				t.Fatal(fullError(err))
			}
			if diff := cmp.Diff(test.want, <-a.charts); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
			if len(result.Objects) != 3 {
				t.Errorf("objects %v", names(result.Objects))
			}
		})
	}
}

// TestOtherRepository: charts and Kustomizations from another Git repository,
// unless its URL is that of this one.
func TestOtherRepository(t *testing.T) {
	t.Parallel()
	spec := "chart:\n  spec: {chart: ./charts/web, sourceRef: {kind: GitRepository, name: other}}\n"
	archive := "-- apps/release.yaml --\n" + release(spec) + source("GitRepository", "other", "{url: https://git.example.com/team/other.git, ref: {branch: main}}")
	a := newAsked(t, render.Package{Files: files(t, webChart), Path: "."})
	r := request(files(t, archive), "apps")
	r.Sources = a
	if _, err := renderer().Render(t.Context(), r); err != nil {
		t.Fatal(fullError(err))
	}
	got := <-a.trees
	if got.URL != "https://git.example.com/team/other.git" || got.Ref != "main" || got.From.File != "apps/release.yaml" {
		t.Errorf("asked for %+v", got)
	}
	home := request(files(t, webChart+archive), "apps")
	home.Repository = "git@git.example.com:team/other"
	if _, err := renderer().Render(t.Context(), home); err != nil {
		t.Fatal(fullError(err))
	}
}

func TestSameURL(t *testing.T) {
	t.Parallel()
	const url = "https://git.example.com/team/repo.git"
	for _, same := range []string{
		"https://git.example.com/team/repo", "https://user@git.example.com/team/repo.git", "ssh://git@git.example.com/team/repo.git",
		"ssh://git@git.example.com:22/team/repo", "git@git.example.com:team/repo.git", "git.example.com:team/repo", "https://GIT.example.com/team/repo/",
		"http://git.example.com/team/repo.git/",
	} {
		if !sameURL(url, same) {
			t.Errorf("%s is another one", same)
		}
	}
	for _, other := range []string{"", "https://git.example.com/team/repo2", "https://git.example.org/team/repo", "https://git.example.com/repo", "git.example.com", "https://git.example.com/"} {
		if sameURL(url, other) {
			t.Errorf("%q is the same", other)
		}
	}
}

// TestRandomValuesDoNotDependOnOrder: two releases of one chart draw values of
// their own, the same ones in every render.
func TestRandomValuesDoNotDependOnOrder(t *testing.T) {
	t.Parallel()
	chart := "-- charts/web/Chart.yaml --\napiVersion: v2\nname: web\nversion: 1.0.0\n-- charts/web/templates/s.yaml --\n" +
		"apiVersion: v1\nkind: Secret\nmetadata: {name: \"{{ .Release.Name }}\"}\nstringData: {p: \"{{ randAlphaNum 12 }}\"}\n"
	two := chart + "-- apps/a.yaml --\n" + release(fromGit+"releaseName: one\n") + "---\n" + strings.Replace(release(fromGit+"releaseName: two\n"), "name: web", "name: web2", 1)
	recorded := map[string]string{}
	draw := func() []string {
		into := map[string]string{}
		r := request(files(t, two), "apps")
		r.Generate = render.Recorded(recorded, into)
		result, err := renderer().Render(t.Context(), r)
		if err != nil {
			t.Fatal(fullError(err))
		}
		recorded = into
		var all []string
		for _, o := range result.Objects {
			data, _ := o.Fields["stringData"].(map[string]any)
			all = append(all, o.Name()+"="+data["p"].(string))
		}
		return all
	}
	first := draw()
	if len(recorded) != 2 || first[0][4:] == first[1][4:] {
		t.Errorf("drawn %v for %v", recorded, first)
	}
	for range 5 {
		if diff := cmp.Diff(first, draw()); diff != "" {
			t.Errorf("drawn anew (-first +now):\n%s", diff)
		}
	}
}

// TestSignatures: what Flux would verify and tug does not is said.
func TestSignatures(t *testing.T) {
	t.Parallel()
	a := newAsked(t, render.Package{Files: files(t, webChart), Path: "charts/web"})
	r := request(files(t, "-- apps/release.yaml --\n"+release("chartRef: {kind: OCIRepository, name: web}\n")+source("OCIRepository", "web", "{url: \"oci://r/web\", verify: {provider: cosign}}")), "apps")
	r.Sources = a
	result, err := renderer().Render(t.Context(), r)
	if err != nil {
		t.Fatal(fullError(err))
	}
	if len(result.Warnings) != 1 || !strings.Contains(result.Warnings[0], "signature of the chart is not verified") {
		t.Errorf("warnings %q", result.Warnings)
	}
}

// TestSameObjectTwice: Flux may apply one object from two Kustomizations; it
// is rendered once. Two that differ are left for the snapshot to refuse.
func TestSameObjectTwice(t *testing.T) {
	t.Parallel()
	archive := "-- apps/x.yaml --\n" + kustomization("a", "path: a\n") + "---\n" + kustomization("b", "path: b\n") +
		"-- a/x.yaml --\n" + configMap + "-- b/x.yaml --\n" + configMap
	for want, archive := range map[int]string{1: archive, 2: archive + "data: {a: b}\n"} {
		result, err := renderer().Render(t.Context(), request(files(t, archive), "apps"))
		if err != nil {
			t.Fatal(fullError(err))
		}
		if len(result.Objects) != want {
			t.Errorf("got %v, want %d", names(result.Objects), want)
		}
	}
}

// TestOldReleases: v2beta1 and v2beta2 with their old keys.
func TestOldReleases(t *testing.T) {
	t.Parallel()
	spec := strings.Replace(fromGit, "    sourceRef", "    valuesFile: values/a.yaml\n    sourceRef", 1) +
		"postRenderers:\n  - kustomize:\n      patchesStrategicMerge:\n        - {apiVersion: v1, kind: ConfigMap, metadata: {name: web-cm}, data: {a: merge}}\n" +
		"      patchesJson6902:\n        - {target: {kind: ConfigMap}, patch: [{op: add, path: /data/b, value: json}]}\n"
	archive := webChart + "-- values/a.yaml --\ngreeting: file\n-- apps/release.yaml --\n" + strings.Replace(release(spec), "/v2\n", "/v2beta1\n", 1)
	result, err := renderer().Render(t.Context(), request(files(t, archive), "apps"))
	if err != nil {
		t.Fatal(fullError(err))
	}
	got := text(t, result.Objects, "ConfigMap", "web-cm")
	for _, want := range []string{"a: merge", "b: json", "greeting: file"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in %s", want, got)
		}
	}
	if len(result.Warnings) != 1 || !strings.Contains(result.Warnings[0], "v2beta1 is old") {
		t.Errorf("warnings %q", result.Warnings)
	}
}

// TestSuspended: what is suspended is left out, and said.
func TestSuspended(t *testing.T) {
	t.Parallel()
	archive := webChart + "-- apps/release.yaml --\n" + release(fromGit+"suspend: true\n") + "---\n" + configMap
	result, err := renderer().Render(t.Context(), request(files(t, archive), "apps"))
	if err != nil {
		t.Fatal(fullError(err))
	}
	if len(result.Objects) != 1 || len(result.Warnings) != 1 || !strings.Contains(result.Warnings[0], "is suspended") {
		t.Errorf("objects %v, warnings %q", names(result.Objects), result.Warnings)
	}
}
