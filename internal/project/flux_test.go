package project

import (
	"testing"
	"testing/fstest"
)

func TestDetectFlux(t *testing.T) {
	t.Parallel()
	const (
		release       = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\n"
		kustomization = "# comment\n---\napiVersion: \"kustomize.toolkit.fluxcd.io/v1\"\nkind: Kustomization\n"
		definition    = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nspec:\n  group: helm.toolkit.fluxcd.io\n"
		plain         = "apiVersion: v1\nkind: ConfigMap\n"
	)
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	for name, test := range map[string]struct {
		files fstest.MapFS
		want  App
	}{
		"a release in a kustomization": {
			fstest.MapFS{"x/kustomization.yaml": file("resources: [a.yaml]"), "x/a.yaml": file(release)}, App{Flux: "."},
		},
		"a release in a base": {
			fstest.MapFS{"x/kustomization.yaml": file("resources: [../base]"), "base/kustomization.yaml": file("bases: [../deep]"), "deep/kustomization.yaml": file("resources: [a.yaml]"), "deep/a.yaml": file(release)}, App{Flux: "."},
		},
		"a cluster": {
			fstest.MapFS{"x/apps.yaml": file(kustomization), "x/flux-system/kustomization.yaml": file("resources: [a.yaml]"), "x/flux-system/a.yaml": file(plain)}, App{Flux: "."},
		},
		"a definition only": {
			fstest.MapFS{"x/kustomization.yaml": file("resources: [a.yaml]"), "x/a.yaml": file(definition)}, App{Kustomize: "."},
		},
		"a file that is not listed": {
			fstest.MapFS{"x/kustomization.yaml": file("resources: [b.yaml]"), "x/a.yaml": file(release), "x/b.yaml": file(plain)}, App{Kustomize: "."},
		},
		"bases in a circle and elsewhere": {
			fstest.MapFS{"x/kustomization.yaml": file("resources: [../x, ../../out, \"https://example.com/a\", none]")}, App{Kustomize: "."},
		},
		"YAML": {fstest.MapFS{"x/a.yaml": file(plain)}, App{Manifests: Paths{"."}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := Open(test.files, "x")
			if err != nil {
				t.Fatal(err)
			}
			got := p.Apps["x"]
			if got.Flux != test.want.Flux || got.Kustomize != test.want.Kustomize || len(got.Manifests) != len(test.want.Manifests) {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}
