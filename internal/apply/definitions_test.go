package apply

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tugops/tug/internal/event"
	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/kubetest"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/plan"
)

// definition is a CRD of a group of the test's own.
func definition(group string) string {
	return `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: boats.` + group + `}
spec:
  group: ` + group + `
  names: {kind: Boat, plural: boats, singular: boat, listKind: BoatList}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
`
}

func boat(group, name string) string {
	return "apiVersion: " + group + "/v1\nkind: Boat\nmetadata: {name: " + name + "}\nspec: {size: 1}\n"
}

// Custom resources follow their established definition, and namespaces what
// is in them, in one run; deletion goes in reverse (cluster-semantics.md 8.1).
func TestDefinitionsAreABarrier(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	name := kubetest.Name(t)
	group := name + ".example.com"
	crd := l.creates(plan.StageDefinitions, definition(group)+"---\napiVersion: v1\nkind: Namespace\nmetadata: {name: "+name+"}\n")
	t.Cleanup(func() {
		for _, c := range crd {
			kubetest.As(t, "cleanup").Drop(c.Ref)
		}
	})
	inside := l.creates(plan.StageConfig, into(name, configMap("a", "1")))
	boats := l.creates(plan.StageCustom, boat(group, "tug"))
	l.must(slices.Concat(crd, inside, boats), Options{})
	if !l.exists(boats[0]) || !l.exists(inside[0]) {
		t.Fatal("objects are missing")
	}
	deletes := l.deletes(boats[0], inside[0], crd[0], crd[1])
	deletes[1].Wave, deletes[2].Wave, deletes[3].Wave = 1, 2, 2
	res := l.must(deletes, Options{Wait: true})
	if res.Count(plan.Delete) != 4 {
		t.Errorf("result is %s", res)
	}
	for _, c := range crd {
		if l.exists(c) {
			t.Errorf("%s is still there", c.Ref)
		}
	}
}

// A definition whose names another one has is a failure that says so.
func TestDefinitionWhoseNamesAreTaken(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	group := kubetest.Name(t) + ".example.com"
	first := l.creates(plan.StageDefinitions, definition(group))
	second := l.creates(plan.StageDefinitions, strings.NewReplacer("boats", "ships", "singular: boat", "singular: ship").Replace(definition(group)))
	t.Cleanup(func() {
		kubetest.As(t, "cleanup").Drop(first[0].Ref)
		kubetest.As(t, "cleanup").Drop(second[0].Ref)
	})
	l.must(first, Options{})
	_, err := l.run(slices.Concat(second, l.creates(plan.StageCustom, boat(group, "tug"))), Options{})
	wantFault(t, err, fault.NotReady, "ships."+group, "names are not accepted")
}

// Custom resources whose webhook is not up yet are tried again until the
// deadline, and the reason is told.
func TestUnreachableWebhookIsTriedAgain(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	name := kubetest.Name(t)
	hook := object.Ref{Group: "admissionregistration.k8s.io", Kind: "ValidatingWebhookConfiguration", Name: name}
	person := kubetest.As(t, "operator")
	t.Cleanup(func() { person.Drop(hook) })
	person.Create(`apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: ` + name + `}
webhooks:
- name: hook.example.com
  admissionReviewVersions: [v1]
  sideEffects: None
  failurePolicy: Fail
  timeoutSeconds: 1
  clientConfig: {service: {namespace: ` + l.ns + `, name: absent, path: /}}
  namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: ` + l.ns + `}}
  rules: [{apiGroups: [""], apiVersions: [v1], resources: [configmaps], operations: ["*"]}]
`)
	probe := l.creates(plan.StageCustom, configMap("probe", "1"))
	kubetest.Eventually(t, 20*time.Second, "webhook in force", func() bool {
		_, err := l.c.Apply(t.Context(), probe[0].Desired, object.Write{DryRun: true})
		return err != nil
	})
	_, err := l.run(probe, Options{Timeout: time.Second})
	wantFault(t, err, fault.Unavailable, "a webhook cannot be reached yet", "hook.example.com")

	done := make(chan error, 1)
	changes := l.creates(plan.StageCustom, configMap("later", "1"))
	go func() {
		_, err := l.run(changes, Options{})
		done <- err
	}()
	kubetest.Eventually(t, 10*time.Second, "second try", func() bool { return l.tells(event.Waiting, "trying again") })
	person.Drop(hook)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}
