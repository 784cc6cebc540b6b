package kustomize_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/tugops/tug/internal/render"
	"github.com/tugops/tug/internal/render/kustomize"
)

// many is a repository of apps that share a base, as the field keeps them:
// base, overlay, generator, patches, images.
func many(apps int) map[string]string {
	files := map[string]string{}
	for i := range apps {
		app := fmt.Sprintf("apps/a%d", i)
		files[app+"/base/kustomization.yaml"] = "resources: [deployment.yaml, service.yaml, account.yaml]\nconfigMapGenerator: [{name: settings, literals: [A=b, C=d]}]\ncommonLabels: {app: web}\n"
		files[app+"/base/deployment.yaml"] = deployment
		files[app+"/base/service.yaml"] = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: 80}], selector: {app: web}}\n"
		files[app+"/base/account.yaml"] = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: web}\n"
		files[app+"/prod/kustomization.yaml"] = "namespace: shop\nnamePrefix: p-\nresources: [../base]\nimages: [{name: nginx, newTag: '1.29'}]\npatches: [{path: patch.yaml}]\n"
		files[app+"/prod/patch.yaml"] = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 3}\n"
	}
	return files
}

// BenchmarkRender is one overlay over a base.
func BenchmarkRender(b *testing.B) {
	var k kustomize.Renderer
	files := repository(many(1))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := k.Render(b.Context(), render.Request{Files: files, Path: "apps/a0/prod"}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkParallel is the same on all processors.
func BenchmarkParallel(b *testing.B) {
	var k kustomize.Renderer
	files := repository(many(1))
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			if _, err := k.Render(b.Context(), render.Request{Files: files, Path: "apps/a0/prod"}); err != nil {
				b.Error(err)
			}
		}
	})
}

// BenchmarkLibrary is the same with the library alone, from the disk.
func BenchmarkLibrary(b *testing.B) {
	dir := b.TempDir()
	if err := os.CopyFS(dir, repository(many(1))); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := onDisk(dir + "/apps/a0/prod"); err != nil {
			b.Fatal(err)
		}
	}
}
