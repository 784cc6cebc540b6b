package kube_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/kubetest"
	"github.com/tugops/tug/internal/object"
)

func TestInvalidObjects(t *testing.T) {
	t.Parallel()
	c, ns := kubetest.Client(t), kubetest.Namespace(t)
	pod := `apiVersion: v1
kind: Pod
metadata: {name: p}
spec:
  containers:
  - name: c
    image: i
`
	tests := []struct {
		name  string
		yaml  string
		kind  fault.Kind
		parts []string
	}{
		{"value out of range", strings.Replace(deploymentYAML, "replicas: 0", "replicas: -1", 1), fault.Invalid, []string{"spec.replicas", "greater than or equal to 0"}},
		{"unknown field", strings.Replace(deploymentYAML, "replicas: 0", "replica: 0", 1), fault.Invalid, []string{"unknown field spec.replica"}},
		{"unknown field in a list", pod + "    imagePullPolcy: Always", fault.Invalid, []string{"unknown field", "imagePullPolcy"}},
		{"wrong type", strings.Replace(deploymentYAML, "replicas: 0", "replicas: [many]", 1), fault.Invalid, []string{"spec.replicas", "numeric"}},
		{"wrong type of text", strings.Replace(deploymentYAML, "replicas: 0", "paused: [a]", 1), fault.Invalid, []string{"spec.paused"}},
		{"duplicate key of a list", pod + "    env: [{name: A, value: b}, {name: A, value: c}]", fault.Invalid, []string{"Pod", "env", "A"}},
		{"selector and labels differ", strings.Replace(deploymentYAML, "labels: {app: web}}\n    spec", "labels: {app: x}}\n    spec", 1), fault.Invalid, []string{"spec.template.metadata.labels"}},
		{"name", strings.Replace(deploymentYAML, "name: web, labels", "name: WEB, labels", 1), fault.Invalid, []string{"metadata.name", "RFC 1123"}},
		{"quantity", pod + `    resources: {limits: {cpu: many}}`, fault.Invalid, []string{"quantities must match"}},
		{"no schema kind", "{apiVersion: none.test/v1, kind: Thing, metadata: {name: a}}", fault.Gone, []string{"none.test/v1", "Thing"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			o := parse(t, ns, test.yaml)
			_, err := c.Apply(t.Context(), o, object.Write{Force: true})
			wantFault(t, err, test.kind, append(test.parts, o.Ref().String())...)
		})
	}
	t.Run("namespace that does not exist", func(t *testing.T) {
		t.Parallel()
		_, err := c.Apply(t.Context(), parse(t, "no-such-namespace", deploymentYAML), object.Write{Force: true})
		wantFault(t, err, fault.NotFound, "Deployment no-such-namespace/web", `namespace "no-such-namespace" does not exist`, "--create-namespace")
	})
}

func TestImmutableFields(t *testing.T) {
	t.Parallel()
	c, ns := kubetest.Client(t), kubetest.Namespace(t)
	_, gvk := applyCRD(t, c)
	role := `{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: b}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}}`
	stateful := strings.Replace(strings.Replace(deploymentYAML, "Deployment", "StatefulSet", 1), "spec:\n", "spec:\n  serviceName: a\n", 1)
	job := `{apiVersion: batch/v1, kind: Job, metadata: {name: j}, spec: {suspend: true, template: {spec: {restartPolicy: Never, containers: [{name: a, image: one}]}}}}`
	claim := `{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: c}, spec: {accessModes: [ReadWriteOnce], storageClassName: none, resources: {requests: {storage: 1Gi}}}}`
	tests := []struct {
		name, yaml, old, new string
		parts                []string
	}{
		{"Deployment", deploymentYAML, "app: web", "app: other", []string{"spec.selector"}},
		{"StatefulSet", stateful, "serviceName: a", "serviceName: b", []string{"spec (", "'replicas'"}},
		{"Job", job, "image: one", "image: two", []string{"spec.template"}},
		{"Service", `{apiVersion: v1, kind: Service, metadata: {name: s}, spec: {ports: [{port: 80}]}}`, "ports:", "clusterIP: None, ports:", []string{"spec.clusterIP", "address"}},
		{"RoleBinding", role, "name: view", "name: edit", []string{"roleRef"}},
		{"Secret", `{apiVersion: v1, kind: Secret, metadata: {name: s}, type: a/b}`, "type: a/b", "type: a/c", []string{"type"}},
		{"ConfigMap", `{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, immutable: true, data: {a: b}}`, "a: b", "a: c", []string{"data"}},
		{"PersistentVolumeClaim", claim, "storageClassName: none", "storageClassName: other", []string{"spec (", "resources.requests", "data may be lost"}},
		{"StorageClass", `{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: ` + ns + `}, provisioner: a.test/b}`, "a.test/b", "a.test/c", []string{"provisioner"}},
		{"custom resource", fmt.Sprintf(`{apiVersion: %s/v1, kind: Thing, metadata: {name: one}, spec: {class: a}}`, gvk.Group), "class: a", "class: b", []string{"spec.class"}},
		{"PriorityClass", `{apiVersion: scheduling.k8s.io/v1, kind: PriorityClass, metadata: {name: ` + ns + `}, value: 10}`, "value: 10", "value: 20", []string{"value"}},
		{"CustomResourceDefinition", crdYAML(kubetest.Name(t) + ".test"), "scope: Namespaced", "scope: Cluster", []string{"spec.scope"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			o := parse(t, "", test.yaml)
			namespaced, _, err := c.Scope(t.Context(), o.GVK().GroupKind())
			if err != nil {
				t.Fatal(err)
			}
			in := ns
			if !namespaced {
				in = ""
				t.Cleanup(func() { kubetest.As(t, "cleanup").Drop(o.Ref()) })
			}
			if o.GVK().Group == gvk.Group {
				kubetest.Eventually(t, waitLong, "the kind is served", func() bool {
					_, err := c.List(t.Context(), gvk, ns, "")
					return err == nil
				})
			}
			stored := apply(t, c, parse(t, in, test.yaml))
			if o.GVK().Kind == "CustomResourceDefinition" {
				established(t, c, stored)
			}
			changed := parse(t, in, strings.ReplaceAll(test.yaml, test.old, test.new))
			_, err = c.Apply(t.Context(), changed, object.Write{Force: true})
			wantFault(t, err, fault.Immutable, append(test.parts, changed.Ref().String(), "another name")...)
		})
	}
}

func TestSecretValuesAreNotTold(t *testing.T) {
	t.Parallel()
	c, ns := kubetest.Client(t), kubetest.Namespace(t)
	const value = "hunter2-swordfish"
	tests := []struct{ name, yaml string }{
		{"no base64", `{apiVersion: v1, kind: Secret, metadata: {name: a}, data: {k: "` + value + `"}}`},
		{"a map as value", `{apiVersion: v1, kind: Secret, metadata: {name: a}, data: {k: {nested: "` + value + `"}}}`},
		{"a list as data", `{apiVersion: v1, kind: Secret, metadata: {name: a}, data: ["` + value + `"]}`},
		{"a bad key", `{apiVersion: v1, kind: Secret, metadata: {name: a}, stringData: {"b a d": "` + value + `"}}`},
		{"a bad type", `{apiVersion: v1, kind: Secret, metadata: {name: a}, type: kubernetes.io/dockerconfigjson, stringData: {".dockerconfigjson": "` + value + `"}}`},
		{"a value as a name", `{apiVersion: v1, kind: Secret, metadata: {name: a, labels: {x: "` + value + `!"}}, stringData: {a: "` + value + `"}}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			o := parse(t, ns, test.yaml)
			_, err := c.Apply(t.Context(), o, object.Write{Force: true})
			wantFault(t, err, fault.Invalid, "Secret "+ns+"/a")
			if all := err.Error() + strings.Join(fault.HintsOf(err), ""); strings.Contains(all, "hunter2") || strings.Contains(all, "swordfish") {
				t.Errorf("the value is in %q", all)
			}
			_, err = c.Create(t.Context(), o)
			wantFault(t, err, fault.Invalid, "Secret "+ns+"/a")
			if all := err.Error() + strings.Join(fault.HintsOf(err), ""); strings.Contains(all, "hunter2") || strings.Contains(all, "swordfish") {
				t.Errorf("the value is in %q", all)
			}
		})
	}
}

func TestDenied(t *testing.T) {
	t.Parallel()
	ns := kubetest.Namespace(t)
	u := kubetest.User(t, ns, kubetest.Rule("get,list,create,patch", "rbac.authorization.k8s.io", "roles,rolebindings"))
	_, err := u.Client.Apply(t.Context(), parse(t, ns, deploymentYAML), object.Write{Force: true})
	wantFault(t, err, fault.Denied, u.Name+" may not patch deployments.apps in namespace "+ns, `ask for a Role that allows the verb "patch" on "deployments.apps"`)
	_, err = u.Client.List(t.Context(), clusterRoles, "", "")
	wantFault(t, err, fault.Denied, "list clusterroles.rbac.authorization.k8s.io at the cluster scope", "ClusterRole")
	role := parse(t, ns, `{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: more}, rules: [{apiGroups: [""], resources: [secrets], verbs: [get]}]}`)
	_, err = u.Client.Apply(t.Context(), role, object.Write{Force: true})
	wantFault(t, err, fault.Denied, "Role "+ns+"/more", "permissions that you do not hold", "secrets", "escalate")
}

func TestPoliciesAndQuotas(t *testing.T) {
	t.Parallel()
	c, ns := kubetest.Client(t), kubetest.Namespace(t)
	kubetest.As(t, "admin").Merge(object.Ref{Kind: "Namespace", Name: ns}, `{"metadata":{"labels":{"pod-security.kubernetes.io/enforce":"baseline"}}}`)
	pod := `{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {hostNetwork: true, containers: [{name: c, image: i}]}}`
	_, err := c.Apply(t.Context(), parse(t, ns, pod), object.Write{Force: true})
	wantFault(t, err, fault.Invalid, "Pod "+ns+"/p", "PodSecurity baseline:latest", "host namespaces")

	kubetest.Apply(t, ns, `{apiVersion: v1, kind: ResourceQuota, metadata: {name: q}, spec: {hard: {configmaps: "1"}}}`)
	kubetest.Eventually(t, waitLong, "quota is enforced", func() bool {
		_, err = c.Create(t.Context(), parse(t, ns, `{apiVersion: v1, kind: ConfigMap, metadata: {name: "`+kubetest.Name(t)+`"}}`))
		return err != nil
	})
	wantFault(t, err, fault.Denied, "quota", "configmaps=1", "ResourceQuota")

	other := kubetest.Namespace(t)
	hold := parse(t, other, `{apiVersion: v1, kind: ConfigMap, metadata: {name: hold, finalizers: [test.tug.dev/hold]}}`)
	apply(t, c, hold)
	t.Cleanup(func() { kubetest.As(t, "cleanup").Unhold(hold.Ref()) })
	if err := c.Delete(t.Context(), namespaces, "", other, object.Write{}); err != nil {
		t.Fatal(err)
	}
	_, err = c.Apply(t.Context(), parse(t, other, deploymentYAML), object.Write{Force: true})
	wantFault(t, err, fault.Conflict, "namespace is being deleted", "wait")
}

func TestValidatingAdmissionPolicy(t *testing.T) {
	t.Parallel()
	c, ns := kubetest.Client(t), kubetest.Namespace(t)
	policy := apply(t, c, parse(t, "", fmt.Sprintf(`
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: %s}
spec:
  matchConstraints: {resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [configmaps]}]}
  validations: [{expression: "!has(object.data) || !('forbidden' in object.data)", message: "no forbidden key"}]`, ns)))
	binding := apply(t, c, parse(t, "", fmt.Sprintf(`
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: %[1]s}
spec:
  policyName: %[1]s
  validationActions: [Deny]
  matchResources: {namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: %[1]s}}}`, ns)))
	t.Cleanup(func() {
		kubetest.As(t, "cleanup").Drop(binding.Ref())
		kubetest.As(t, "cleanup").Drop(policy.Ref())
	})
	o := parse(t, ns, `{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {forbidden: "1"}}`)
	var err error
	kubetest.Eventually(t, waitLong, "the policy holds", func() bool {
		_, err = c.Apply(t.Context(), o, object.Write{Force: true, DryRun: true})
		return err != nil
	})
	wantFault(t, err, fault.Invalid, "refused by ValidatingAdmissionPolicy '"+ns+"'", "no forbidden key")
}

func TestWarningsAreCollected(t *testing.T) {
	t.Parallel()
	c, ns := kubetest.Client(t), kubetest.Namespace(t)
	o := parse(t, ns, strings.Replace(deploymentYAML, "containers: [", `nodeSelector: {beta.kubernetes.io/os: linux}, containers: [`, 1))
	apply(t, c, o)
	apply(t, c, o)
	seen := map[string]int{}
	for _, w := range c.Warnings() {
		seen[w]++
		if seen[w] > 1 {
			t.Errorf("warning told twice: %s", w)
		}
	}
	if len(seen) == 0 || !strings.Contains(strings.Join(c.Warnings(), "\n"), "beta.kubernetes.io/os") {
		t.Errorf("warnings %q", c.Warnings())
	}
}
