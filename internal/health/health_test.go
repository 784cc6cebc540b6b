package health_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"github.com/tugops/tug/internal/health"
	"github.com/tugops/tug/internal/object"
)

// parse reads an object as a cluster gives it: integers as int64 are what the
// API machinery decodes, float64 what plain JSON does; both must be understood.
func parse(t testing.TB, text string) *object.Object {
	t.Helper()
	fields := map[string]any{}
	if err := yaml.Unmarshal([]byte(text), &fields); err != nil {
		t.Fatal(err)
	}
	return &object.Object{Fields: integers(fields).(map[string]any)}
}

func integers(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for k := range v {
			v[k] = integers(v[k])
		}
	case []any:
		for i := range v {
			v[i] = integers(v[i])
		}
	case float64:
		if float64(int64(v)) == v {
			return int64(v)
		}
	}
	return value
}

// Every file of testdata holds documents of one kind as clusters had them.
// Comments before a document say what is expected:
//
//	# progressing stuck: 0 of 3 replicas
func TestStatusOfRealObjects(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) < 10 {
		t.Fatalf("testdata: %d files, %v", len(files), err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, doc := range strings.Split(string(raw), "\n---\n") {
			head, body, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(doc), "# "), "\n")
			want, reason, _ := strings.Cut(head, ": ")
			t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml")+"/"+head, func(t *testing.T) {
				t.Parallel()
				got := health.Of(parse(t, body))
				text := string(got.State)
				if got.Stuck {
					text += " stuck"
				}
				if text != want || got.Reason != reason {
					t.Errorf("got %q: %q\nwant %q: %q", text, got.Reason, want, reason)
				}
			})
		}
	}
}

func TestNeedsWatch(t *testing.T) {
	t.Parallel()
	watched := []string{"Deployment.apps", "StatefulSet.apps", "DaemonSet.apps", "Job.batch", "Pod", "Service", "Namespace",
		"CustomResourceDefinition.apiextensions.k8s.io", "APIService.apiregistration.k8s.io", "PodDisruptionBudget.policy",
		"Certificate.cert-manager.io", "Gateway.gateway.networking.k8s.io", "Thing.example.com"}
	still := []string{"ConfigMap", "Secret", "ServiceAccount", "Role.rbac.authorization.k8s.io", "ClusterRole.rbac.authorization.k8s.io",
		"Ingress.networking.k8s.io", "NetworkPolicy.networking.k8s.io", "PersistentVolumeClaim", "HorizontalPodAutoscaler.autoscaling",
		"CronJob.batch", "StorageClass.storage.k8s.io", "ValidatingWebhookConfiguration.admissionregistration.k8s.io"}
	for _, name := range watched {
		if !health.NeedsWatch(schema.ParseGroupKind(name)) {
			t.Errorf("%s needs no watch", name)
		}
	}
	for _, name := range still {
		gk := schema.ParseGroupKind(name)
		if health.NeedsWatch(gk) {
			t.Errorf("%s needs a watch", name)
		}
		empty := &object.Object{Fields: map[string]any{"apiVersion": gk.WithVersion("v1").GroupVersion().String(), "kind": gk.Kind}}
		if got := health.Of(empty); got.State != health.Ready {
			t.Errorf("%s without status is %v", name, got)
		}
	}
}

// A status of any shape is judged without a panic.
func FuzzOf(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.yaml")
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for _, doc := range strings.Split(string(raw), "\n---\n") {
			f.Add(doc)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		fields := map[string]any{}
		if yaml.Unmarshal([]byte(text), &fields) != nil {
			return
		}
		o := &object.Object{Fields: fields}
		status := health.Of(o)
		if status.State == "" {
			t.Errorf("no state for %q", text)
		}
		if strings.Contains(status.Reason, "\n") {
			t.Errorf("reason of several lines: %q", status.Reason)
		}
		health.Reason([]*object.Object{o}, nil)
	})
}
