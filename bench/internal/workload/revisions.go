package workload

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// What the repository of revisions holds.
const (
	Apps    = 500 // every other one a chart, the others overlays of one base
	ManyApp = "many"
	Many    = 20_000 // objects of the app ManyApp, which is in a folder of its own
)

// WriteRevisions makes dir a Git repository, anew: Apps apps in one
// environment, and commits commits, of which each but the first changes one
// app. Charts and overlays have four objects each.
func WriteRevisions(ctx context.Context, dir string, commits int) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := write(dir, revisionFiles()); err != nil {
		return err
	}
	if err := commit(ctx, dir, "init", "all apps"); err != nil {
		return err
	}
	for n := 1; n < commits; n++ {
		file := filepath.Join(dir, "apps", AppName(2*n+1), "values.yaml")
		if err := os.WriteFile(file, fmt.Appendf(nil, "note: revision %d\n", n), 0o644); err != nil {
			return err
		}
		if err := commit(ctx, dir, "", fmt.Sprintf("revision %d", n)); err != nil {
			return err
		}
	}
	return nil
}

// AppName is that of one of Apps; those with odd numbers are charts.
func AppName(i int) string { return fmt.Sprintf("app-%03d", i%Apps) }

func revisionFiles() map[string]string {
	files := map[string]string{
		"charts/web/Chart.yaml":         "apiVersion: v2\nname: web\nversion: 0.1.0\n",
		"charts/web/values.yaml":        "replicas: 1\nimage: registry.example.com/web:1\nnote: none\n",
		"charts/web/templates/web.yaml": revisionTemplate,
		"base/kustomization.yaml":       "resources: [web.yaml]\n",
		"base/web.yaml":                 revisionBase,
		"many/objects.yaml":             manyObjects(),
	}
	var project strings.Builder
	project.WriteString("apiVersion: tug.dev/v1alpha1\nkind: Project\nenvironments:\n  prod: {namespace: shop}\napps:\n")
	for i := range Apps {
		name := AppName(i)
		if i%2 == 1 {
			files["apps/"+name+"/values.yaml"] = "note: " + name + "\n"
			fmt.Fprintf(&project, "  %s: {chart: charts/web, values: [apps/%s/values.yaml]}\n", name, name)
			continue
		}
		files["apps/"+name+"/kustomization.yaml"] = fmt.Sprintf(
			"namePrefix: %s-\nresources: [../../base]\nconfigMapGenerator:\n- {name: config, literals: [name=%s]}\n", name, name)
		fmt.Fprintf(&project, "  %s: {kustomize: apps/%s}\n", name, name)
	}
	files["tug.yaml"] = project.String()
	return files
}

func manyObjects() string {
	var b strings.Builder
	for i := range Many {
		fmt.Fprintf(&b, "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: config-%05d, labels: {part: \"%d\"}}\ndata: {index: \"%d\", text: some text of a usual length for one value}\n", i, i%10, i)
	}
	return b.String()
}

const revisionTemplate = `apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ .Release.Name }}, labels: {app: {{ .Release.Name }}}}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: {{ .Release.Name }}}}
  template:
    metadata: {labels: {app: {{ .Release.Name }}}}
    spec: {containers: [{name: web, image: {{ .Values.image | quote }}, envFrom: [{configMapRef: {name: {{ .Release.Name }}}}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: {{ .Release.Name }}}
spec: {selector: {app: {{ .Release.Name }}}, ports: [{port: 80}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .Release.Name }}}
data: {note: {{ .Values.note | quote }}}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: {{ .Release.Name }}}
`

const revisionBase = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "registry.example.com/web:1", envFrom: [{configMapRef: {name: config}}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: web}
`
