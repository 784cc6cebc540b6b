package flux

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/tugops/tug/internal/render"
	"github.com/tugops/tug/internal/render/helm"
	"github.com/tugops/tug/internal/render/kustomize"
)

// renderer is the real thing: no engine is replaced in these tests.
func renderer() Renderer {
	return Renderer{Helm: helm.Renderer{}, Kustomize: &kustomize.Renderer{}}
}

// corpora is the folder of real repositories and charts.
func corpora(t *testing.T, name string) fs.FS {
	t.Helper()
	folder := os.Getenv("TUG_CORPORA")
	if folder == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("TUG_CORPORA is not set")
		}
		t.Skip("TUG_CORPORA is not set: no corpora to test with")
	}
	root, err := os.OpenRoot(filepath.Join(folder, name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return root.FS()
}

// request is that of a person who points tug at a folder.
func request(files fs.FS, folder string) render.Request {
	return render.Request{Files: files, Path: folder, Release: "app", Namespace: "apps", KubeVersion: "1.36"}
}
