package flux

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
)

// files makes a repository of a txtar archive.
func files(t *testing.T, archive string) fstest.MapFS {
	t.Helper()
	m := fstest.MapFS{}
	for _, f := range txtar.Parse([]byte(archive)).Files {
		m[f.Name] = &fstest.MapFile{Data: f.Data}
	}
	return m
}

// names lists objects as "Kind namespace/name", sorted.
func names(objects []*object.Object) []string {
	var list []string
	for _, o := range objects {
		list = append(list, o.Ref().String())
	}
	slices.Sort(list)
	return list
}

// text is an object as YAML.
func text(t *testing.T, objects []*object.Object, kind, name string) string {
	t.Helper()
	for _, o := range objects {
		if o.GVK().Kind == kind && o.Name() == name {
			var b bytes.Buffer
			if err := object.WriteYAML(&b, []*object.Object{o}); err != nil {
				t.Fatal(err)
			}
			return b.String()
		}
	}
	t.Fatalf("no %s %s among %v", kind, name, names(objects))
	return ""
}

// fullError is an error with its hints.
func fullError(err error) string {
	if err == nil {
		return ""
	}
	s := err.Error() + "\n"
	for _, h := range fault.HintsOf(err) {
		s += "hint: " + h + "\n"
	}
	return s
}

const webChart = `
-- charts/web/Chart.yaml --
apiVersion: v2
name: web
version: 1.0.0
-- charts/web/values.yaml --
greeting: default
replicas: 1
-- charts/web/templates/cm.yaml --
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-cm
data:
  greeting: {{ .Values.greeting | quote }}
  replicas: {{ .Values.replicas | quote }}
  namespace: {{ .Release.Namespace }}
-- charts/web/templates/role.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: {{ .Release.Name }}
rules: []
-- charts/web/crds/thing.yaml --
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: things.example.org
spec:
  group: example.org
  names: {kind: Thing, plural: things}
  scope: Namespaced
  versions: []
`

func release(spec string) string {
	return "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata:\n  name: web\n  namespace: shop\nspec:\n" + indent(spec)
}

func indent(s string) string {
	var b strings.Builder
	for line := range strings.Lines(s) {
		fmt.Fprint(&b, "  ", line)
	}
	return b.String()
}

const fromGit = `chart:
  spec:
    chart: charts/web
    sourceRef: {kind: GitRepository, name: flux-system}
`

func TestReleaseFromThisRepository(t *testing.T) {
	t.Parallel()
	archive := webChart + "-- apps/release.yaml --\n" + release(fromGit+"values: {greeting: hello}\ninstall: {createNamespace: true}\n")
	result, err := renderer().Render(t.Context(), request(files(t, archive), "apps"))
	if err != nil {
		t.Fatal(fullError(err))
	}
	want := []string{"ClusterRole web", "ConfigMap shop/web-cm", "CustomResourceDefinition things.example.org", "Namespace shop"}
	if diff := cmp.Diff(want, names(result.Objects)); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
	if got := text(t, result.Objects, "ConfigMap", "web-cm"); !strings.Contains(got, "greeting: hello") || !strings.Contains(got, "Source: charts/web/templates/cm.yaml") {
		t.Errorf("got %s", got)
	}
}
