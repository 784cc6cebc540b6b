package flux

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rogpeppe/go-internal/txtar"
)

// fleet is a repository like flux2-kustomize-helm-example, with n apps of one
// HelmRelease each over a base.
func fleet(n int) fstest.MapFS {
	m := fstest.MapFS{}
	for _, f := range txtar.Parse([]byte(webChart)).Files {
		m[f.Name] = &fstest.MapFile{Data: f.Data}
	}
	var all strings.Builder
	for i := range n {
		app := fmt.Sprintf("app%d", i)
		all.WriteString("---\n" + kustomization(app, "path: apps/"+app+"\npostBuild: {substitute: {name: "+app+"}}\n"))
		m["apps/"+app+"/kustomization.yaml"] = &fstest.MapFile{Data: []byte("resources: [../../base]\nnamespace: " + app + "\npatches:\n  - {path: values.yaml, target: {kind: HelmRelease}}\n")}
		m["apps/"+app+"/values.yaml"] = &fstest.MapFile{Data: []byte("apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: web}\nspec: {values: {greeting: \"${name}\"}}\n")}
	}
	m["clusters/prod/apps.yaml"] = &fstest.MapFile{Data: []byte(all.String())}
	m["base/kustomization.yaml"] = &fstest.MapFile{Data: []byte("resources: [release.yaml]\n")}
	m["base/release.yaml"] = &fstest.MapFile{Data: []byte(release(fromGit))}
	return m
}

// BenchmarkFleet expands a cluster of apps; the time per app should not grow
// with their number.
func BenchmarkFleet(b *testing.B) {
	for _, n := range []int{1, 10, 100} {
		b.Run(fmt.Sprintf("apps=%d", n), func(b *testing.B) {
			files := fleet(n)
			b.ReportAllocs()
			for b.Loop() {
				result, err := renderer().Render(b.Context(), request(files, "clusters/prod"))
				if err != nil {
					b.Fatal(err)
				}
				if len(result.Objects) < 2*n {
					b.Fatalf("%d objects", len(result.Objects))
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*n), "µs/app")
		})
	}
}

// BenchmarkFill fills variables into an object of ordinary size.
func BenchmarkFill(b *testing.B) {
	text := strings.Repeat("key: some text with ${a} and ${b:-c} in it\nother: nothing here\n", 100)
	variables := map[string]string{"a": "value"}
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := fill(text, variables); err != nil {
			b.Fatal(err)
		}
	}
}
