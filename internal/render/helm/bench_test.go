package helm_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"helm.sh/helm/v4/pkg/chart/v2/loader"

	"github.com/tugops/tug/internal/render"
	"github.com/tugops/tug/internal/render/helm"
)

// BenchmarkUmbrella renders an umbrella chart with 30 subcharts from disk: by
// Helm's install action (client-side dry run, as `helm template`), and by us,
// who also give the parsed objects. The budget is a ratio of 1.0.
func BenchmarkUmbrella(b *testing.B) {
	dir := b.TempDir()
	if err := os.CopyFS(dir, repository(bigUmbrella(30))); err != nil {
		b.Fatal(err)
	}
	chart := filepath.Join(dir, "app")
	b.Run("helm", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			c, err := loader.LoadDir(chart)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := helmInstall(b.Context(), c, "web", "shop", "1.36.0", map[string]any{}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("tug", func(b *testing.B) {
		b.ReportAllocs()
		root, err := os.OpenRoot(dir)
		if err != nil {
			b.Fatal(err)
		}
		defer root.Close()
		r := render.Request{Files: root.FS(), Path: "app", Release: "web", Namespace: "shop", KubeVersion: "1.36.0"}
		for b.Loop() {
			if _, err := (helm.Renderer{}).Render(b.Context(), r); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// bigUmbrella is an umbrella chart over n subcharts of the usual kind.
func bigUmbrella(n int) map[string]string {
	texts := map[string]string{"app/values.yaml": "global: {domain: example.org}\n"}
	deps := ""
	for i := range n {
		name := fmt.Sprintf("service-%02d", i)
		deps += fmt.Sprintf("- {name: %s, version: 1.0.0, repository: 'file://../%s', condition: %s.enabled}\n", name, name, name)
		texts["app/values.yaml"] += name + ":\n  enabled: true\n  replicas: 3\n  env: {LOG_LEVEL: debug}\n"
		for file, text := range serviceChart(name) {
			texts["app/charts/"+name+"/"+file] = text
		}
	}
	texts["app/Chart.yaml"] = "apiVersion: v2\nname: shop\nversion: 1.0.0\ndependencies:\n" + deps
	return texts
}

func serviceChart(name string) map[string]string {
	head := func(api, kind string) string {
		return "apiVersion: " + api + "\nkind: " + kind + "\nmetadata:\n  name: {{ include \"" + name + ".fullname\" . }}\n  labels:\n    {{- include \"" + name + ".labels\" . | nindent 4 }}\n"
	}
	return map[string]string{
		"Chart.yaml": "apiVersion: v2\nname: " + name + "\nversion: 1.0.0\nappVersion: 2.3.4\n",
		"values.yaml": `enabled: true
replicas: 1
image: {repository: registry.example.org/` + name + `, tag: "", pullPolicy: IfNotPresent}
env: {A: "1", B: "2", C: "3"}
service: {type: ClusterIP, port: 8080}
ingress: {enabled: true, paths: [/a, /b]}
resources: {requests: {cpu: 100m, memory: 128Mi}, limits: {memory: 256Mi}}
nodeSelector: {}
tolerations: []
affinity: {}
autoscaling: {enabled: true, min: 1, max: 10}
`,
		"templates/_helpers.tpl": `{{- define "` + name + `.fullname" -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- define "` + name + `.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}
{{- define "` + name + `.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{ include "` + name + `.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}
`,
		"templates/serviceaccount.yaml": head("v1", "ServiceAccount"),
		"templates/configmap.yaml":      head("v1", "ConfigMap") + "data:\n  {{- range $k, $v := .Values.env }}\n  {{ $k }}: {{ $v | quote }}\n  {{- end }}\n  domain: {{ .Values.global.domain }}\n",
		"templates/service.yaml":        head("v1", "Service") + "spec:\n  type: {{ .Values.service.type }}\n  ports:\n    - {port: {{ .Values.service.port }}, targetPort: http, name: http}\n  selector:\n    {{- include \"" + name + ".selector\" . | nindent 4 }}\n",
		"templates/deployment.yaml": head("apps/v1", "Deployment") + `spec:
  replicas: {{ .Values.replicas }}
  selector:
    matchLabels:
      {{- include "` + name + `.selector" . | nindent 6 }}
  template:
    metadata:
      annotations:
        checksum/config: {{ include (print $.Template.BasePath "/configmap.yaml") . | sha256sum }}
      labels:
        {{- include "` + name + `.labels" . | nindent 8 }}
    spec:
      serviceAccountName: {{ include "` + name + `.fullname" . }}
      containers:
        - name: {{ .Chart.Name }}
          image: "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"
          imagePullPolicy: {{ .Values.image.pullPolicy }}
          ports:
            - {name: http, containerPort: {{ .Values.service.port }}, protocol: TCP}
          livenessProbe: {httpGet: {path: /, port: http}}
          readinessProbe: {httpGet: {path: /, port: http}}
          resources:
            {{- toYaml .Values.resources | nindent 12 }}
      {{- with .Values.tolerations }}
      tolerations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
`,
		"templates/ingress.yaml": `{{- if .Values.ingress.enabled }}
` + head("networking.k8s.io/v1", "Ingress") + `spec:
  rules:
    - host: {{ .Chart.Name }}.{{ .Values.global.domain }}
      http:
        paths:
          {{- range .Values.ingress.paths }}
          - path: {{ . }}
            pathType: Prefix
            backend: {service: {name: {{ include "` + name + `.fullname" $ }}, port: {name: http}}}
          {{- end }}
{{- end }}
`,
		"templates/hpa.yaml": `{{- if .Values.autoscaling.enabled }}
` + head("autoscaling/v2", "HorizontalPodAutoscaler") + `spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: {{ include "` + name + `.fullname" . }}}
  minReplicas: {{ .Values.autoscaling.min }}
  maxReplicas: {{ .Values.autoscaling.max }}
{{- end }}
`,
		"templates/NOTES.txt": "{{ .Chart.Name }} is there.\n",
	}
}

// The benchmark must compare equal work.
func TestBigUmbrellaEqualsHelm(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.CopyFS(dir, repository(bigUmbrella(30))); err != nil {
		t.Fatal(err)
	}
	kind, detail := compare(t, chartCase{name: "umbrella", dir: filepath.Join(dir, "app")})
	if kind != equal {
		t.Errorf("%s: %s", kind, detail)
	}
}
