package check_test

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/tugops/tug/internal/check"
	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
)

// one makes an app of rendered objects that come from the given source.
func one(t *testing.T, files fstest.MapFS, source object.Source, rendered string) check.Input {
	t.Helper()
	objects, err := object.ReadYAML("rendered", []byte(rendered))
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range objects {
		o.Source = source
	}
	return check.Input{All: true, Now: time.Now(), Apps: []check.App{{
		Name: "web", Namespace: "shop", KubeVersion: "1.36", Repository: &check.Repository{Files: files}, Objects: objects,
		Paths: []string{"chart"},
	}}}
}

const chartTemplate = `{{- if .Values.on }}
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ include "web.fullname" . }}-settings
data:
  a: {{ .Values.a | quote }}
---
# the workload
apiVersion: apps/v1
kind: {{ .Values.kind | default "Deployment" }}
metadata:
  name: {{ .Release.Name }}
spec:
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      {{- include "web.security" . | nindent 6 }}
      containers:
      {{- range .Values.extra }}
      - name: {{ .name }}
        image: {{ .image }}
      {{- end }}
      - image: {{ .Values.image }}
        name: main
        # tug:ignore schema-value -- the operator fills it in
        imagePullPolicy: {{ .Values.policy }}
        env:
        - name: A
          value: {{ .Values.number }}
        - name: B
          valueFrom:
            secretKeyRef:
              name: {{ .Values.secret }}
              key: {{ .Values.key }}
      {{- with .Values.volumes }}
      volumes:
        {{- toYaml . | nindent 8 }}
      {{- end }}
{{- end }}
`

const renderedChart = `
apiVersion: v1
kind: ConfigMap
metadata: {name: shop-web-settings}
data: {a: 1}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      dnsPolicy: Wrong
      containers:
      - {name: helper, image: x, imagePullPolicy: Maybe}
      - name: main
        image: yy
        imagePullPolicy: Sometimes
        env:
        - {name: A, value: 5}
        - {name: B, valueFrom: {secretKeyRef: {name: s, keyy: k, key: k}}}
      volumes:
      - {name: v, emptyDir: {}, nonsense: 1}
`

// TestTemplateLines finds the line in a template that gave each field, also
// where ranges, includes and toYaml stand around it.
func TestTemplateLines(t *testing.T) {
	t.Parallel()
	files := fstest.MapFS{"chart/templates/all.yaml": {Data: []byte(chartTemplate)}}
	in := one(t, files, object.Source{File: "chart/templates/all.yaml", Line: 1}, renderedChart)
	in.Only = []string{"schema-type", "schema-value", "schema-unknown-field"}
	want := map[string]int{
		"data.a":                       7,
		"spec.template.spec.dnsPolicy": 20, // made by the include: the spec around it
		"spec.template.spec.containers[0].imagePullPolicy":                    24,
		"spec.template.spec.containers[1].env[0].value":                       33,
		"spec.template.spec.containers[1].env[1].valueFrom.secretKeyRef.keyy": 36,
		"spec.template.spec.volumes[0].nonsense":                              40,
	}
	r := run(t, in)
	for _, f := range r.Findings {
		if f.Line != want[f.Path] {
			t.Errorf("%s at line %d, want %d (%s)", f.Path, f.Line, want[f.Path], f.Message)
		}
		delete(want, f.Path)
	}
	for path := range want {
		t.Errorf("%s was not found", path)
	}
	if r.Excepted != 1 {
		t.Errorf("%d findings left out, want the one with the comment", r.Excepted)
	}
}

func TestAnnotationsLeaveOut(t *testing.T) {
	t.Parallel()
	pod := `
apiVersion: v1
kind: Pod
metadata: {name: p, annotations: {ANNOTATION: "VALUE"}}
spec: {containers: [{name: a, image: "a:latest", imagePullPolicy: Always}]}
`
	for _, tc := range []struct {
		annotation, value, rule string
		found                   int
	}{
		{"x", "", "container-image-tag", 1},
		{check.AnnotationIgnore, "container-image-pull-policy, container-image-tag", "container-image-tag", 0},
		{"kube-score/ignore", "container-image-tag", "container-image-tag", 0},
		{"kube-score/ignore", "container-resources", "container-ephemeral-storage-request-and-limit", 0},
		{"kube-score/enable", "container-seccomp-profile", "container-seccomp-profile", 1},
	} {
		text := strings.NewReplacer("ANNOTATION", tc.annotation, "VALUE", tc.value).Replace(pod)
		in := one(t, fstest.MapFS{}, object.Source{}, text)
		if tc.annotation != "kube-score/enable" {
			in.Only = []string{tc.rule}
		}
		n := 0
		for _, f := range run(t, in).Findings {
			if f.Rule == tc.rule {
				n++
			}
		}
		if n != tc.found {
			t.Errorf("%s: %q: %d findings of %s, want %d", tc.annotation, tc.value, n, tc.rule, tc.found)
		}
	}
}

func TestWhatCannotBeRenderedIsAFinding(t *testing.T) {
	t.Parallel()
	files := fstest.MapFS{"chart/values.yaml": {Data: []byte("a: 1\nb: [\n")}, "locks/a.yaml": {Data: []byte("x\n")}}
	in := one(t, files, object.Source{}, "")
	in.Apps[0].Env = "prod"
	in.Apps[0].Err = fault.New(fault.Invalid, "web/prod: chart/values.yaml:2:4: invalid YAML: no end").Hint("close the bracket")
	r := run(t, in)
	if len(r.Findings) != 1 {
		t.Fatalf("findings: %+v", r.Findings)
	}
	f := r.Findings[0]
	if f.Rule != check.RuleRender || f.Where() != "chart/values.yaml:2" || f.Message != "invalid YAML: no end" || f.Hint != "close the bracket" {
		t.Errorf("%+v", f)
	}
	in.Apps[0].Locked = errors.New(`image "a" is locked to two different images: locks/a.yaml:1 says x, locks/b.yaml:1 says y`)
	if f := run(t, in).Findings[0]; f.Rule != check.RuleLockConflict || f.Where() != "locks/a.yaml:1" {
		t.Errorf("%+v", f)
	}
}

func TestSecretsAndRandomValues(t *testing.T) {
	t.Parallel()
	files := fstest.MapFS{
		"a b/secret.yaml":   {Data: []byte("x\n")},
		".git/secret.yaml":  {Data: []byte("x\n")},
		"chart/t/all.yaml":  {Data: []byte("a\nb: {{ randAlphaNum 4 }}\n")},
		"kustomization.yml": {Data: []byte("y\n")},
	}
	in := one(t, files, object.Source{}, "")
	in.Plain = func(file string, _ []byte) []check.PlainSecret {
		switch {
		case strings.HasSuffix(file, "secret.yaml"):
			return []check.PlainSecret{{Line: 1, What: "Secret db: data.password"}}
		case strings.HasSuffix(file, ".yml"):
			return []check.PlainSecret{{Line: 1, What: "secretGenerator db: literal password"}}
		}
		return nil
	}
	in.Apps[0].Random = []check.Random{{Function: "randAlphaNum", Templates: []string{"chart/t/all.yaml"}}, {Function: "now", Templates: []string{"x"}}}
	got := map[string]check.Finding{}
	for _, f := range run(t, in).Findings {
		got[f.Where()] = f
	}
	if len(got) != 3 {
		t.Errorf("findings: %+v", got)
	}
	if f := got["a b/secret.yaml:1"]; f.Rule != check.RuleSecretPlain || f.Fix != "tug secret encrypt 'a b/secret.yaml'" || f.Severity != "error" {
		t.Errorf("secret: %+v", f)
	}
	if f := got["kustomization.yml:1"]; f.Fix != "tug secret encrypt secret.env" {
		t.Errorf("generator: %+v", f)
	}
	if f := got["chart/t/all.yaml:2"]; f.Rule != check.RuleRandom {
		t.Errorf("random: %+v", f)
	}
}
