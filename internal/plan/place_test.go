package plan_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/plan"
)

func read(t testing.TB, yaml string) []*object.Object {
	t.Helper()
	list, err := object.ReadYAML("app.yaml", []byte(yaml))
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestPlace(t *testing.T) {
	t.Parallel()
	objects := read(t, `
apiVersion: v1
kind: ConfigMap
metadata: {name: here}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: there, namespace: other}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: reader, namespace: nonsense}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: boats.example.test}
spec: {group: example.test, scope: Cluster, names: {kind: Boat}}
---
apiVersion: example.test/v1
kind: Boat
metadata: {name: tug, namespace: harbour}
---
apiVersion: gone.test/v1
kind: Ghost
metadata: {name: boo}
---
apiVersion: v1
kind: Secret
metadata: {name: key}
stringData: {a: b}
`)
	before := objects[0].Hash()
	placed, unserved, err := plan.Place(objects, "shop", "web", builtin)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, o := range placed {
		got = append(got, o.Ref().String())
		if o.Label(object.LabelApp) != object.AppHash("shop/web") || o.Annotation(object.AnnotationOwner) != "shop/web" {
			t.Errorf("%s has no marks of its owner", o.Ref())
		}
	}
	want := []string{
		"ConfigMap shop/here", "ConfigMap other/there", "ClusterRole reader",
		"CustomResourceDefinition boats.example.test", "Boat.example.test tug", "Ghost.gone.test boo", "Secret shop/key",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]object.Ref{{Group: "gone.test", Kind: "Ghost", Name: "boo"}}, unserved); diff != "" {
		t.Error(diff)
	}
	if data, _ := placed[6].Fields["data"].(map[string]any); data["a"] != "Yg==" {
		t.Errorf("data = %v: not in normal form", data)
	}
	if objects[0].Hash() != before {
		t.Error("Place changed its input")
	}
}

// Statement 1.1: duplicate keys are found before anything is sent.
func TestPlaceRefuses(t *testing.T) {
	t.Parallel()
	pod := func(spec string) string {
		return "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {template: {spec: " + spec + "}}"
	}
	for name, tc := range map[string]struct{ yaml, want string }{
		"same object twice": {
			"{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}\n---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: shop}}",
			"app.yaml:3: ConfigMap shop/a: is declared twice, first in app.yaml:1",
		},
		"same object in two versions": {
			"{apiVersion: batch/v1, kind: CronJob, metadata: {name: a}}\n---\n{apiVersion: batch/v1beta1, kind: CronJob, metadata: {name: a}}",
			"CronJob shop/a: is declared twice",
		},
		"no name":    {"{apiVersion: v1, kind: ConfigMap, metadata: {generateName: a-}}", "metadata.name"},
		"env":        {pod("{containers: [{name: web, env: [{name: A}, {name: B}, {name: A}]}]}"), "spec.template.spec.containers[name=web].env[name=A] is declared twice"},
		"containers": {pod("{containers: [{name: web}, {name: web}]}"), "spec.template.spec.containers[name=web] is"},
		"ports": {
			pod("{initContainers: [{name: i, ports: [{containerPort: 80}, {containerPort: 80, protocol: TCP}]}]}"),
			"initContainers[name=i].ports[containerPort=80,protocol=TCP] is",
		},
		"mounts":  {pod("{containers: [{name: web, volumeMounts: [{mountPath: /a, name: x}, {mountPath: /a, name: y}]}]}"), "volumeMounts[mountPath=/a]"},
		"volumes": {pod("{volumes: [{name: a}, {name: a}]}"), "volumes[name=a]"},
		"pulls":   {pod("{imagePullSecrets: [{name: a}, {name: a}]}"), "imagePullSecrets[name=a]"},
		"cron job": {
			"apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: a}\nspec: {jobTemplate: {spec: {template: {spec: {volumes: [{name: a}, {name: a}]}}}}}",
			"spec.jobTemplate.spec.template.spec.volumes[name=a]",
		},
		"service": {
			"{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {ports: [{name: x, port: 80}, {name: y, port: 80}]}}",
			"spec.ports[port=80,protocol=TCP]",
		},
		"finalizers": {
			"{apiVersion: v1, kind: ConfigMap, metadata: {name: a, finalizers: [x/y, x/y]}}", "metadata.finalizers[x/y]",
		},
		"webhooks": {
			"{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: {name: a}, webhooks: [{name: a.b.c}, {name: a.b.c}]}",
			"webhooks[name=a.b.c]",
		},
		"many": {
			pod("{volumes: [{name: a}, {name: a}], containers: [{name: w}, {name: w}]}"), "2 problems:\n  app.yaml:1: Deployment shop/web: ",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := plan.Place(read(t, tc.yaml), "shop", "web", builtin)
			if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), tc.want) || len(fault.HintsOf(err)) != 1 {
				t.Errorf("error = %v, hints %q; want %q", err, fault.HintsOf(err), tc.want)
			}
		})
	}
}

func TestPlaceAccepts(t *testing.T) {
	t.Parallel()
	for name, yaml := range map[string]string{
		"ports of two protocols": "{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {ports: [{port: 53, protocol: UDP}, {port: 53}]}}",
		"a hook and its twin": "{apiVersion: v1, kind: ServiceAccount, metadata: {name: a, annotations: {helm.sh/hook: pre-install}}}\n---\n" +
			"{apiVersion: v1, kind: ServiceAccount, metadata: {name: a}}",
		"one name, two namespaces": "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}\n---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: b}}",
		"lists of another group":   "{apiVersion: example.test/v1, kind: Job, metadata: {name: a}, spec: {template: {spec: {volumes: [{name: a}, {name: a}]}}}}",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, _, err := plan.Place(read(t, yaml), "shop", "web", builtin); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestGone(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		yaml, server string
		unserved     bool
		want, hint   string
	}{
		"unserved and known":   {"{apiVersion: extensions/v1beta1, kind: Ingress, metadata: {name: a}}", "", true, "removed in Kubernetes 1.22", "networking.k8s.io/v1"},
		"version gone":         {"{apiVersion: batch/v1beta1, kind: CronJob, metadata: {name: a}}", "v1.36.1", false, "removed in Kubernetes 1.25", "batch/v1"},
		"version still there":  {"{apiVersion: batch/v1beta1, kind: CronJob, metadata: {name: a}}", "v1.24.17", false, "", ""},
		"nothing in its place": {"{apiVersion: policy/v1beta1, kind: PodSecurityPolicy, metadata: {name: a}}", "v1.25.0-gke.1", true, "1.25", "nothing in its place"},
		"unknown":              {"{apiVersion: gone.test/v1, kind: Ghost, metadata: {name: a}}", "v1.36.1", true, "does not serve Ghost of gone.test/v1", "CRD"},
		"served":               {"{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}", "v1.36.1", false, "", ""},
		"odd version":          {"{apiVersion: batch/v1beta1, kind: CronJob, metadata: {name: a}}", "devel", false, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := plan.Input{App: "web", Namespace: "shop", Desired: read(t, tc.yaml), ServerVersion: tc.server}
			if tc.unserved {
				in.Unserved = []object.Ref{in.Desired[0].Ref()}
			}
			_, err := plan.Compute(in)
			if tc.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			hints := strings.Join(fault.HintsOf(err), " ")
			if !fault.Is(err, fault.Gone) || !strings.Contains(err.Error(), tc.want) || !strings.Contains(hints, tc.hint) {
				t.Errorf("error = %v, hints %q", err, hints)
			}
		})
	}
}

func TestStageOf(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]plan.Stage{
		"Namespace": plan.StageDefinitions, "CustomResourceDefinition.apiextensions.k8s.io": plan.StageDefinitions,
		"Secret": plan.StageConfig, "Role.rbac.authorization.k8s.io": plan.StageConfig, "StorageClass.storage.k8s.io": plan.StageConfig,
		"PriorityClass.scheduling.k8s.io": plan.StageConfig, "NetworkPolicy.networking.k8s.io": plan.StageConfig,
		"Deployment.apps": plan.StageWorkloads, "Service": plan.StageWorkloads, "Ingress.networking.k8s.io": plan.StageWorkloads,
		"Gateway.gateway.networking.k8s.io": plan.StageCustom, "Certificate.cert-manager.io": plan.StageCustom,
		"MutatingWebhookConfiguration.admissionregistration.k8s.io": plan.StageLate, "APIService.apiregistration.k8s.io": plan.StageLate,
	} {
		if got := plan.StageOf(schema.ParseGroupKind(kind)); got != want {
			t.Errorf("%s: %v, want %v", kind, got, want)
		}
	}
}
