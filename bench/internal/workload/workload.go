// Package workload generates what is deployed and rendered in the bench: the
// same bytes every time.
package workload

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Groups is how many times the four kinds occur in the big chart.
const Groups = 250

// Objects is how many objects the big chart has.
const Objects = 4 * Groups

// Kind is one of the kinds of the big chart.
type Kind struct {
	Group, Version, Resource string
}

// Path is the URL path of the kind's collection in a namespace.
func (k Kind) Path(namespace string) string {
	prefix := "/apis/" + k.Group
	if k.Group == "" {
		prefix = "/api"
	}
	return fmt.Sprintf("%s/%s/namespaces/%s/%s", prefix, k.Version, namespace, k.Resource)
}

// Kinds are the kinds of the big chart.
func Kinds() []Kind {
	return []Kind{
		{"", "v1", "configmaps"}, {"", "v1", "serviceaccounts"},
		{"", "v1", "services"}, {"apps", "v1", "deployments"},
	}
}

// Object is one object of the big chart as an API request needs it.
type Object struct {
	Kind Kind
	Name string
	YAML []byte
}

// ObjectName is the name of the objects of group i.
func ObjectName(i int) string { return fmt.Sprintf("app-%03d", i) }

// All are the objects of the big chart, rendered, kind by kind as helm and tug
// order them: Deployments last, so that controllers do not begin before most
// of the work is done.
func All() []Object {
	list := make([]Object, 0, Objects)
	for k, kind := range Kinds() {
		for i := range Groups {
			text := documents(i, ObjectName(i), Chart)[k]
			list = append(list, Object{Kind: kind, Name: ObjectName(i), YAML: []byte(text)})
		}
	}
	return list
}

// Rendered is the big chart as one YAML stream, as kubectl takes it.
func Rendered() []byte {
	var out bytes.Buffer
	for _, o := range All() {
		out.WriteString("---\n")
		out.Write(o.YAML)
	}
	return out.Bytes()
}

// WriteChart writes the big chart to dir.
func WriteChart(dir string) error {
	files := map[string]string{
		"Chart.yaml":  "apiVersion: v2\nname: big\nversion: 1.0.0\n",
		"values.yaml": "replicas: 0\n",
	}
	for i := range Groups {
		var text strings.Builder
		for _, d := range documents(i, ObjectName(i), "{{ .Chart.Name }}") {
			text.WriteString("---\n" + d)
		}
		files[fmt.Sprintf("templates/%s.yaml", ObjectName(i))] = text.String()
	}
	return write(dir, files)
}

// documents are the objects of group i in the order of Kinds.
func documents(i int, name, chart string) [4]string {
	labels := fmt.Sprintf("  labels:\n    app.kubernetes.io/name: %s\n    app.kubernetes.io/part-of: %s\n", name, chart)
	head := func(api, kind string) string {
		return fmt.Sprintf("apiVersion: %s\nkind: %s\nmetadata:\n  name: %s\n%s", api, kind, name, labels)
	}
	replicas := "0"
	if chart != Chart {
		replicas = "{{ .Values.replicas }}"
	}
	return [4]string{
		head("v1", "ConfigMap") + fmt.Sprintf("data:\n  index: \"%d\"\n  settings.yaml: |\n    level: info\n    listen: 0.0.0.0:8080\n    name: %s\n", i, name),
		head("v1", "ServiceAccount"),
		head("v1", "Service") + fmt.Sprintf("spec:\n  selector:\n    app.kubernetes.io/name: %s\n  ports:\n  - name: http\n    port: 80\n    targetPort: http\n", name),
		head("apps/v1", "Deployment") + fmt.Sprintf(deploymentSpec, replicas, name, name, name, i%20, name),
	}
}

const deploymentSpec = `spec:
  replicas: %s
  selector:
    matchLabels:
      app.kubernetes.io/name: %s
  template:
    metadata:
      labels:
        app.kubernetes.io/name: %s
    spec:
      serviceAccountName: %s
      containers:
      - name: app
        image: registry.example.com/team/app:1.%d.0
        ports:
        - name: http
          containerPort: 8080
        envFrom:
        - configMapRef:
            name: %s
        resources:
          requests:
            cpu: 100m
            memory: 64Mi
        readinessProbe:
          httpGet:
            path: /healthz
            port: http
`

// write writes files, named by their paths below dir.
func write(dir string, files map[string]string) error {
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}
