package workload

import (
	"fmt"
	"strings"
)

// Subcharts is how many subcharts the umbrella has.
const Subcharts = 30

// WriteUmbrella writes an umbrella chart to dir: each of its subcharts is
// about what `helm create` gives (helpers, Deployment, Service, Ingress,
// autoscaler, ConfigMap, ServiceAccount), with values of the umbrella's own.
func WriteUmbrella(dir string) error {
	files := map[string]string{}
	var chart, values strings.Builder
	chart.WriteString("apiVersion: v2\nname: umbrella\nversion: 1.0.0\ndependencies:\n")
	values.WriteString("global:\n  domain: example.com\n  pullPolicy: IfNotPresent\n")
	for i := range Subcharts {
		name := fmt.Sprintf("service-%02d", i)
		fmt.Fprintf(&chart, "- name: %s\n  version: 1.0.0\n  repository: https://charts.example.com\n  condition: %s.enabled\n", name, name)
		fmt.Fprintf(&values, "%s:\n  enabled: true\n  replicas: %d\n  settings:\n    level: info\n    index: %d\n", name, 1+i%5, i)
		for path, text := range subchart(name) {
			files["charts/"+name+"/"+path] = text
		}
	}
	files["Chart.yaml"], files["values.yaml"] = chart.String(), values.String()
	return write(dir, files)
}

func subchart(name string) map[string]string {
	return map[string]string{
		"Chart.yaml":                    fmt.Sprintf("apiVersion: v2\nname: %s\nversion: 1.0.0\nappVersion: 2.1.0\n", name),
		"values.yaml":                   subchartValues,
		"templates/_helpers.tpl":        subchartHelpers,
		"templates/deployment.yaml":     subchartDeployment,
		"templates/service.yaml":        subchartService,
		"templates/ingress.yaml":        subchartIngress,
		"templates/autoscaler.yaml":     subchartAutoscaler,
		"templates/configmap.yaml":      subchartConfigMap,
		"templates/serviceaccount.yaml": subchartServiceAccount,
	}
}

const subchartValues = `replicas: 1
image:
  repository: registry.example.com/team/service
  tag: ""
service:
  type: ClusterIP
  port: 80
ingress:
  enabled: true
  annotations:
    example.com/rewrite: "true"
  paths: [/, /api, /static]
autoscaling:
  enabled: true
  min: 1
  max: 10
settings:
  level: warn
resources:
  requests: {cpu: 100m, memory: 128Mi}
  limits: {memory: 256Mi}
env:
  MODE: production
  REGION: eu-central-1
  TIMEOUT: 30s
`

const subchartHelpers = `{{- define "service.fullname" -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- define "service.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}
{{- define "service.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{ include "service.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}
`

const subchartDeployment = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "service.fullname" . }}
  labels: {{- include "service.labels" . | nindent 4 }}
spec:
  {{- if not .Values.autoscaling.enabled }}
  replicas: {{ .Values.replicas }}
  {{- end }}
  selector:
    matchLabels: {{- include "service.selector" . | nindent 6 }}
  template:
    metadata:
      annotations:
        checksum/config: {{ toYaml .Values.settings | sha256sum }}
      labels: {{- include "service.labels" . | nindent 8 }}
    spec:
      serviceAccountName: {{ include "service.fullname" . }}
      containers:
      - name: {{ .Chart.Name }}
        image: "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"
        imagePullPolicy: {{ .Values.global.pullPolicy }}
        env:
        {{- range $name, $value := .Values.env }}
        - name: {{ $name }}
          value: {{ $value | quote }}
        {{- end }}
        ports:
        - name: http
          containerPort: 8080
        livenessProbe:
          httpGet: {path: /healthz, port: http}
        resources: {{- toYaml .Values.resources | nindent 10 }}
        volumeMounts:
        - name: config
          mountPath: /etc/service
      volumes:
      - name: config
        configMap:
          name: {{ include "service.fullname" . }}
`

const subchartService = `apiVersion: v1
kind: Service
metadata:
  name: {{ include "service.fullname" . }}
  labels: {{- include "service.labels" . | nindent 4 }}
spec:
  type: {{ .Values.service.type }}
  ports:
  - name: http
    port: {{ .Values.service.port }}
    targetPort: http
  selector: {{- include "service.selector" . | nindent 4 }}
`

const subchartIngress = `{{- if .Values.ingress.enabled }}
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: {{ include "service.fullname" . }}
  labels: {{- include "service.labels" . | nindent 4 }}
  {{- with .Values.ingress.annotations }}
  annotations: {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  rules:
  - host: {{ .Chart.Name }}.{{ .Values.global.domain }}
    http:
      paths:
      {{- range .Values.ingress.paths }}
      - path: {{ . }}
        pathType: Prefix
        backend:
          service:
            name: {{ include "service.fullname" $ }}
            port:
              name: http
      {{- end }}
{{- end }}
`

const subchartAutoscaler = `{{- if .Values.autoscaling.enabled }}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {{ include "service.fullname" . }}
  labels: {{- include "service.labels" . | nindent 4 }}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: {{ include "service.fullname" . }}
  minReplicas: {{ .Values.autoscaling.min }}
  maxReplicas: {{ .Values.autoscaling.max }}
  metrics:
  - type: Resource
    resource:
      name: cpu
      target:
        type: Utilization
        averageUtilization: 80
{{- end }}
`

const subchartConfigMap = `apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ include "service.fullname" . }}
  labels: {{- include "service.labels" . | nindent 4 }}
data:
  settings.yaml: | {{- toYaml .Values.settings | nindent 4 }}
`

const subchartServiceAccount = `apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ include "service.fullname" . }}
  labels: {{- include "service.labels" . | nindent 4 }}
`
