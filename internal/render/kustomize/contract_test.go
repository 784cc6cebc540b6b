package kustomize_test

import (
	"testing"

	"github.com/tugops/tug/internal/render/kustomize"
	"github.com/tugops/tug/internal/render/rendertest"
)

func TestContract(t *testing.T) {
	t.Parallel()
	rendertest.Run(t, rendertest.Contract{
		Renderer: &kustomize.Renderer{},
		Files: map[string]string{
			"base/kustomization.yaml":     "resources: [app.yaml]\n",
			"base/app.yaml":               "apiVersion: v1\nkind: Service\nmetadata: {name: web}\n---\napiVersion: batch/v1\nkind: Job\nmetadata: {name: migrate, annotations: {helm.sh/hook: pre-upgrade}}\n",
			"prod/kustomization.yaml":     "resources: [../base, more]\n",
			"prod/more/kustomization.yml": "namePrefix: x-\nresources: [account.yaml]\n",
			"prod/more/account.yaml":      "# the account\napiVersion: v1\nkind: ServiceAccount\nmetadata: {name: account}\n",
		},
		Path: "prod", Names: []string{"web", "migrate", "x-account"}, Hook: "migrate", Manifest: "base/app.yaml",
	})
}
