package helm_test

import (
	"testing"

	"github.com/tugops/tug/internal/render"
	"github.com/tugops/tug/internal/render/helm"
	"github.com/tugops/tug/internal/render/rendertest"
)

func TestContract(t *testing.T) {
	t.Parallel()
	rendertest.Run(t, rendertest.Contract{
		Renderer: helm.Renderer{},
		Files: map[string]string{
			"prod/Chart.yaml":              "apiVersion: v2\nname: shop\nversion: 1.0.0\n",
			"prod/values.yaml":             "name: web\n",
			"prod/templates/_helpers.tpl":  `{{ define "n" }}{{ .Values.name }}{{ end }}`,
			"prod/templates/web.yaml":      "apiVersion: v1\nkind: Service\nmetadata:\n  name: {{ include \"n\" . }}\n---\napiVersion: batch/v1\nkind: Job\nmetadata:\n  name: migrate\n  annotations: {helm.sh/hook: pre-upgrade}\n",
			"prod/crds/crd.yaml":           "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: things.example.com\n",
			"prod/templates/accounts.yaml": "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: {{ .Release.Name }}-account\n",
		},
		Path: "prod", Names: []string{"web", "migrate", "shop-account", "things.example.com"}, Hook: "migrate", Manifest: "prod/templates/web.yaml",
		Request: render.Request{Release: "shop", Namespace: "shop"},
	})
}
