package cli

import (
	"testing"
	"testing/fstest"

	"github.com/tugops/tug/internal/project"
)

func TestFilesOfChartsThatNeedNoKey(t *testing.T) {
	t.Parallel()
	files := fstest.MapFS{}
	for _, name := range []string{
		"shop/Chart.yaml", "shop/values.yaml", "shop/secrets.prod.yaml", "shop/secrets.dev.yaml", "shop/files/a/b.yaml",
		"shop/templates/secret.yaml", "shop/crds/x.yaml", "shop/charts/db/Chart.yaml", "shop/charts/db/secrets.yaml",
		"web/secret.yaml", "values/prod.yaml",
	} {
		files[name] = &fstest.MapFile{}
	}
	w := &withheld{plain: files, raw: files, spec: project.Spec{ValueFiles: []string{"values/prod.yaml", "shop/secrets.prod.yaml"}}}
	for name, want := range map[string]bool{
		"shop/secrets.dev.yaml": true, "shop/files/a/b.yaml": true, "shop/charts/db/secrets.yaml": true,
		"shop/values.yaml": false, "shop/secrets.prod.yaml": false, "shop/templates/secret.yaml": false, "shop/crds/x.yaml": false,
		"web/secret.yaml": false, "values/prod.yaml": false,
	} {
		if got := w.optional(name); got != want {
			t.Errorf("%s: optional %v, want %v", name, got, want)
		}
	}
}
