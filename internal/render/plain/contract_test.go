package plain_test

import (
	"testing"

	"github.com/tugops/tug/internal/render/plain"
	"github.com/tugops/tug/internal/render/rendertest"
)

func TestContract(t *testing.T) {
	t.Parallel()
	rendertest.Run(t, rendertest.Contract{
		Renderer: plain.Renderer{},
		Files: map[string]string{
			"prod/app.yaml":     "apiVersion: v1\nkind: Service\nmetadata: {name: web}\n---\napiVersion: batch/v1\nkind: Job\nmetadata: {name: migrate, annotations: {helm.sh/hook: pre-upgrade}}\n",
			"prod/more/cm.json": `{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "more"}}`,
		},
		Path: "prod", Names: []string{"web", "migrate", "more"}, Hook: "migrate", Manifest: "prod/app.yaml",
	})
}
