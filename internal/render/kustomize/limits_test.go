package kustomize_test

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/render"
	"github.com/tugops/tug/internal/render/kustomize"
)

// What is small and stands for a lot, or leads out, ends with an error that
// names it. Flux CVE-2022-24877 (paths out of the repository) and
// CVE-2022-24878 (circles and floods) are among it.
func TestLimits(t *testing.T) {
	t.Parallel()
	bases := map[string]string{} // 2^40 kustomizations
	chain := map[string]string{} // one in the other
	for i := range 40 {
		bases[fmt.Sprintf("l%d/kustomization.yaml", i)] = fmt.Sprintf("namePrefix: a\nresources: [../l%d, ../m%d]\n", i+1, i+1)
		bases[fmt.Sprintf("m%d/kustomization.yaml", i)] = fmt.Sprintf("namePrefix: b\nresources: [../l%d, ../m%d]\n", i+1, i+1)
	}
	bases["l40/kustomization.yaml"], bases["m40/kustomization.yaml"] = "namePrefix: a\n", "namePrefix: b\n"
	for i := range 100 {
		chain[fmt.Sprintf("l%d/kustomization.yaml", i)] = fmt.Sprintf("resources: [../l%d]\n", i+1)
	}
	bomb := "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
	for i := range 12 {
		bomb += fmt.Sprintf("a%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n", i+1, i+1, i, i, i, i, i, i, i, i, i)
	}
	for name, tc := range map[string]struct {
		files map[string]string
		err   string
	}{
		"bases without end":  {bases, "more than 5000 kustomizations are used"},
		"a long chain":       {chain, "kustomizations are nested more than 64 deep"},
		"circle of one":      {map[string]string{"l0/kustomization.yaml": "resources: [../l0]\n"}, "kustomizations go in a circle: l0 -> l0"},
		"circle of parts":    {map[string]string{"l0/kustomization.yaml": "components: [../c]\n", "c/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\ncomponents: [../c]\n"}, "kustomizations go in a circle: c -> c"},
		"bomb":               {map[string]string{"l0/kustomization.yaml": "resources: [a.yaml]\n", "l0/a.yaml": "apiVersion: v1\nkind: A\nmetadata: {name: a}\n" + bomb}, "l0/a.yaml:"},
		"bomb of its own":    {map[string]string{"l0/kustomization.yaml": bomb}, "l0/kustomization.yaml:"},
		"bomb in a patch":    {map[string]string{"l0/kustomization.yaml": "resources: [a.yaml]\npatches: [{path: p.yaml}]\n", "l0/a.yaml": "apiVersion: v1\nkind: A\nmetadata: {name: a}\n", "l0/p.yaml": "apiVersion: v1\nkind: A\nmetadata: {name: a}\n" + bomb}, "l0/p.yaml:"},
		"key twice":          {map[string]string{"l0/kustomization.yaml": "resources: [a.yaml]\n", "l0/a.yaml": "apiVersion: v1\nkind: A\nmetadata: {name: a}\nx: 1\nx: 2\n"}, "l0/a.yaml:5"},
		"a file out of it":   {map[string]string{"l0/kustomization.yaml": "configMapGenerator: [{name: a, files: [../../../etc/passwd]}]\n"}, "leads out of the repository"},
		"an absolute file":   {map[string]string{"l0/kustomization.yaml": "secretGenerator: [{name: a, envs: [/proc/self/environ]}]\n"}, "leads out of the repository"},
		"patch out of it":    {map[string]string{"l0/kustomization.yaml": "namePrefix: a\npatchesJson6902: [{target: {version: v1, kind: A, name: a}, path: ../../x.yaml}]\n"}, "leads out of the repository"},
		"schema out of it":   {map[string]string{"l0/kustomization.yaml": "namePrefix: a\nopenapi: {path: ../../x.json}\n"}, "leads out of the repository"},
		"CRD out of it":      {map[string]string{"l0/kustomization.yaml": "namePrefix: a\ncrds: [../../x.json]\n"}, "leads out of the repository"},
		"a tree of the tool": {map[string]string{"l0/kustomization.yaml": "resources: [../../tug-0/l0]\n"}, "leads out of the repository"},
		"marks of the tool":  {map[string]string{"l0/kustomization.yaml": "resources: [.tug-objects-1.yaml]\n"}, "does not exist"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var k kustomize.Renderer
			_, err := k.Render(t.Context(), render.Request{Files: repository(tc.files), Path: "l0"})
			if err == nil || !strings.Contains(err.Error(), tc.err) {
				t.Fatalf("error %v, want %q", err, tc.err)
			}
			if fault.KindOf(err) == fault.Internal {
				t.Errorf("an internal error: %v", err)
			}
		})
	}
}

// A generator takes a device or a pipe for what it is.
func TestDevices(t *testing.T) {
	t.Parallel()
	for _, mode := range []fs.FileMode{fs.ModeNamedPipe, fs.ModeDevice, fs.ModeSocket} {
		files := fstest.MapFS{
			"prod/kustomization.yaml": {Data: []byte("configMapGenerator: [{name: a, files: [x]}]\n")},
			"prod/x":                  {Mode: mode | 0o644},
		}
		var k kustomize.Renderer
		_, err := k.Render(t.Context(), render.Request{Files: files, Path: "prod"})
		if err == nil || !strings.Contains(err.Error(), `prod/kustomization.yaml:1:40: configMapGenerator: "x" is neither a file nor a folder`) {
			t.Errorf("%s: error %v", mode, err)
		}
	}
}

// An alias that a manifest uses in moderation is fine.
func TestAliases(t *testing.T) {
	t.Parallel()
	files := repository(map[string]string{
		"prod/kustomization.yaml": "resources: [a.yaml]\nnamePrefix: p-\n",
		"prod/a.yaml":             "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, labels: &l {app: web}}\ndata: *l\n",
	})
	out := yamlOf(t, kustomize.Renderer{}, render.Request{Files: files, Path: "prod"})
	want := "---\n# Source: prod/a.yaml\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  labels:\n    app: web\n  name: p-a\ndata:\n  app: web\n"
	if out != want {
		t.Error(out)
	}
}
