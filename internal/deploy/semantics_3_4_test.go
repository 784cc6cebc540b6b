package deploy_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/deploy"
	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/kubetest"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/plan"
)

// item is what the record knows of an object.
func (l *lab) item(app string, ref object.Ref) (uid, applied, entry string, generation int64) {
	l.t.Helper()
	it, ok := l.record(app).Item(ref)
	if !ok {
		l.t.Fatalf("%s is not in the record", ref)
	}
	return it.UID, it.Applied, it.Entry, it.Generation
}

// entry is the hash of our managedFields entry in a live object.
func (l *lab) entry(ref object.Ref) string {
	l.t.Helper()
	live, err := object.LiveOf(l.person().Get(ref))
	if err != nil {
		l.t.Fatal(err)
	}
	return object.EntryHash(live.Managers)
}

func (l *lab) dryRuns() []string {
	var out []string
	for _, r := range l.spy.requests(func(r request) bool { return r.verb == "dry-run" }) {
		out = append(out, r.ref.Kind+" "+r.ref.Name)
	}
	slices.Sort(out)
	return out
}

func TestSemantics_3_1_TheRecordKeepsWhatTheApplyAnswered(t *testing.T) {
	l := newLab(t)
	l.deploy(l.snap("shop", deployment("web", "registry.example/web:1", 0)))
	ref := l.ref("Deployment.apps", "web")
	uid, applied, entry, generation := l.item("shop", ref)
	live := l.person().Get(ref)
	if uid != live.UID() || applied == "" || entry != l.entry(ref) || entry == "" || generation != 1 {
		t.Errorf("recorded %q %q %q %d; live %s, entry %q", uid, applied, entry, generation, live.UID(), l.entry(ref))
	}
	// Time and the entries of others, status among them, do not matter.
	kubetest.As(t, "some-controller").Status(ref, `{"observedGeneration":1}`)
	kubetest.As(t, "some-controller").Merge(ref, `{"metadata":{"annotations":{"seen":"yes"}}}`)
	if l.entry(ref) != entry {
		t.Error("the hash of our entry changed with entries of others")
	}
}

func TestSemantics_3_2_CleanIsRecognisedFromMetadata(t *testing.T) {
	l := newLab(t)
	s := l.snap("shop", configMap("a"), configMap("b"), deployment("web", "registry.example/web:1", 1))
	l.deploy(s)
	l.spy.reset()
	p := l.plan(s)
	if !p.Unchanged() || p.Plan.Kept != 3 {
		t.Errorf("plan: %v, %d kept", actions(p), p.Plan.Kept)
	}
	for _, r := range l.spy.requests(func(request) bool { return true }) {
		record := r.verb == "get" && r.ref.Kind == "Secret"
		if !record && r.verb != "list-live" {
			t.Errorf("unexpected request: %s", r)
		}
	}
}

func TestSemantics_3_2_AbsentObjectsAreCreatedWithoutADryRun(t *testing.T) {
	l := newLab(t)
	l.deploy(l.snap("shop", configMap("a"), deployment("web", "registry.example/web:1", 0)))
	if d := l.dryRuns(); len(d) > 0 {
		t.Errorf("dry runs: %v", d)
	}
}

func TestSemantics_3_2_TheRestIsDryRunAndComparedWithLive(t *testing.T) {
	l := newLab(t)
	l.deploy(l.snap("shop", configMap("a", "v", "one"), configMap("b"), configMap("c")))
	l.person().Merge(l.ref("ConfigMap", "b"), `{"data":{"app":"edited"}}`)
	l.spy.reset()
	p := l.plan(l.snap("shop", configMap("a", "v", "two"), configMap("b"), configMap("c")))
	if diff := cmp.Diff([]string{"ConfigMap a", "ConfigMap b"}, l.dryRuns()); diff != "" {
		t.Errorf("dry runs (-want +got):\n%s", diff)
	}
	var got []string
	for _, c := range p.Plan.Changes {
		for _, f := range c.Fields {
			got = append(got, fmt.Sprintf("%s %s: %v -> %v (%s)", c.Ref.Name, f.Path, f.From, f.To, f.Manager))
		}
	}
	want := []string{"a data.v: one -> two ()", "b data.app: edited -> b (kubectl-edit)"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
}

func TestSemantics_3_2_SecretsAreMasked(t *testing.T) {
	l := newLab(t)
	secret := func(v string) string {
		return "{apiVersion: v1, kind: Secret, metadata: {name: s}, stringData: {password: " + v + "}}"
	}
	l.deploy(l.snap("shop", secret("correcthorse")))
	p := l.plan(l.snap("shop", secret("batterystaple")))
	text := fmt.Sprint(p.Plan.Changes[0].Fields)
	for _, value := range []string{"correcthorse", "batterystaple", "Y29ycmVjdGhvcnNl", "YmF0dGVyeXN0YXBsZQ"} {
		if strings.Contains(text, value) {
			t.Errorf("the plan shows %s: %s", value, text)
		}
	}
	if f := p.Plan.Changes[0].Fields; len(f) != 1 || f[0].From == f[0].To {
		t.Errorf("the change cannot be told: %v", f)
	}
}

func TestSemantics_3_3_ADifferentResultIsDrift(t *testing.T) {
	l := newLab(t)
	s := l.snap("shop", deployment("web", "registry.example/web:1", 0))
	l.deploy(s)
	ref := l.ref("Deployment.apps", "web")
	kubetest.As(t, "kubectl-set").JSON(ref, `[{"op":"replace","path":"/spec/template/spec/containers/0/image","value":"registry.example/web:9"}]`)
	p := l.plan(s)
	if len(p.Plan.Changes) != 1 || p.Plan.Changes[0].Reason != "drift" || p.Plan.Changes[0].Fields[0].Manager != "kubectl-set" {
		t.Fatalf("plan: %+v", p.Plan.Changes)
	}
	l.deploy(s)
	if got := field(l.person().Get(ref), "spec", "template", "spec", "containers", "main", "image"); got != "registry.example/web:1" {
		t.Errorf("image %v", got)
	}
}

func TestSemantics_3_3_LostOwnershipIsTakenBackSilently(t *testing.T) {
	l := newLab(t)
	s := l.snap("shop", configMap("a", "color", "blue"))
	l.deploy(s)
	// The same value, with force: the field is theirs alone for a moment of
	// another value, and then ours in value but not in ownership.
	l.person().Merge(l.ref("ConfigMap", "a"), `{"data":{"color":"red"}}`)
	l.person().Merge(l.ref("ConfigMap", "a"), `{"data":{"color":"blue"}}`)
	p := l.plan(s)
	if diff := cmp.Diff([]string{"re-own ConfigMap a"}, actions(p)); diff != "" {
		t.Fatalf("plan (-want +got):\n%s", diff)
	}
	if len(p.Plan.Changes[0].Fields) > 0 {
		t.Errorf("differences are shown: %v", p.Plan.Changes[0].Fields)
	}
	l.deploy(s)
	if out := l.deploy(s); !out.Unchanged {
		t.Errorf("ownership did not come back: %+v", out)
	}
}

// A policy that changes what we declare is invisible to us: ownership is
// computed before mutating admission. It must not look like drift for ever.
func TestSemantics_3_4_WhatAWebhookChangesStillLooksOurs(t *testing.T) {
	l := newLab(t)
	admin := kubetest.As(t, "test")
	name := l.ns
	admin.Create(`
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata: {name: `+name+`}
spec:
  matchConstraints:
    namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: `+l.ns+`}}
    resourceRules:
    - {apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE", "UPDATE"], resources: ["configmaps"]}
  failurePolicy: Fail
  reinvocationPolicy: Never
  mutations:
  - patchType: JSONPatch
    jsonPatch:
      expression: '[JSONPatch{op: "replace", path: "/data/color", value: "mutated"}]'
  matchConditions:
  - {name: has-color, expression: 'has(object.data) && "color" in object.data'}
`, `
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicyBinding
metadata: {name: `+name+`}
spec: {policyName: `+name+`}
`)
	group := "admissionregistration.k8s.io"
	t.Cleanup(func() {
		admin.Drop(object.Ref{Group: group, Kind: "MutatingAdmissionPolicyBinding", Name: name})
		admin.Drop(object.Ref{Group: group, Kind: "MutatingAdmissionPolicy", Name: name})
	})
	probe := 0
	kubetest.Eventually(t, 30e9, "the policy to be in force", func() bool {
		probe++
		made := admin.In(l.ns).Create(configMap(fmt.Sprintf("probe-%d", probe), "color", "blue"))
		return field(made[0], "data", "color") == "mutated"
	})
	s := l.snap("shop", configMap("a", "color", "blue"))
	l.deploy(s)
	if got := field(l.get("ConfigMap", "a"), "data", "color"); got != "mutated" {
		t.Fatalf("color is %v: the policy does not work", got)
	}
	if out := l.deploy(s); !out.Unchanged {
		t.Errorf("the webhook's value counts as drift: %+v", out)
	}
}

func TestSemantics_3_4_AMissingEntryCountsAsDrift(t *testing.T) {
	l := newLab(t)
	s := l.snap("shop", configMap("a", "color", "blue"))
	l.deploy(s)
	ref := l.ref("ConfigMap", "a")
	l.person().JSON(ref, `[{"op":"replace","path":"/metadata/managedFields","value":[{}]}]`)
	l.person().Merge(ref, `{"data":{"color":"red","extra":"x"}}`)
	p := l.plan(s)
	if len(p.Plan.Changes) != 1 {
		t.Fatalf("plan: %v", actions(p))
	}
	l.deploy(s)
	if got := field(l.person().Get(ref), "data", "color"); got != "blue" {
		t.Errorf("color is %v", got)
	}
	if l.entry(ref) == "" {
		t.Error("our entry did not come back")
	}
	if out := l.deploy(s); !out.Unchanged {
		t.Errorf("the object does not come to rest: %+v", out)
	}
	// What the server attributes to before-first-apply must not keep removals
	// from working.
	l.deploy(l.snap("shop", configMap("a")))
	if got := field(l.person().Get(ref), "data", "color"); got != nil {
		t.Errorf("the removed key is still there: %v", got)
	}
}

func TestSemantics_3_4_AnUnexpectedGenerationTriggersAGet(t *testing.T) {
	l := newLab(t)
	s := l.snap("shop", deployment("web", "registry.example/web:1", 0))
	l.deploy(s)
	ref := l.ref("Deployment.apps", "web")
	// Another client that calls itself tug and writes the same fields.
	impostor := strings.ReplaceAll(deployment("web", "registry.example/web:6", 0), "metadata: {name: web}",
		"metadata: {name: web, labels: {"+object.LabelApp+": "+object.AppHash(object.AppKey(l.ns, "shop"))+"}, annotations: {"+
			object.AnnotationOwner+": "+object.AppKey(l.ns, "shop")+"}}")
	before := l.entry(ref)
	kubetest.As(t, object.Manager).In(l.ns).Apply(impostor)
	if l.entry(ref) != before {
		t.Fatal("the impostor shows in our entry; the test is pointless")
	}
	l.spy.reset()
	p := l.plan(s)
	if len(p.Plan.Changes) != 1 || p.Plan.Changes[0].Fields[0].From != "registry.example/web:6" {
		t.Errorf("plan: %+v", p.Plan.Changes)
	}
	if got := l.spy.requests(func(r request) bool { return r.verb == "get" && r.ref == ref }); len(got) != 1 {
		t.Errorf("reads of the object: %v", got)
	}
}

func TestSemantics_3_5_AnAutoscalerStays(t *testing.T) {
	l := newLab(t)
	s := l.snap("shop", deployment("web", "registry.example/web:1", 1))
	l.deploy(s)
	ref := l.ref("Deployment.apps", "web")
	kubetest.As(t, "kube-controller-manager").Scale(ref, 3)
	l.deploy(s)
	l.deploy(l.snap("shop", deployment("web", "registry.example/web:2", 1)))
	o := l.person().Get(ref)
	if got := field(o, "spec", "replicas"); got != int64(3) {
		t.Errorf("replicas is %v", got)
	}
	if got := field(o, "spec", "template", "spec", "containers", "main", "image"); got != "registry.example/web:2" {
		t.Errorf("image %v", got)
	}
}

func TestSemantics_3_5_APersonsScaleGoes(t *testing.T) {
	l := newLab(t)
	s := l.snap("shop", deployment("web", "registry.example/web:1", 1))
	l.deploy(s)
	ref := l.ref("Deployment.apps", "web")
	kubetest.As(t, "kubectl").Scale(ref, 3)
	p := l.plan(s)
	if len(p.Plan.Changes) != 1 || p.Plan.Changes[0].Fields[0].Path != "spec.replicas" || p.Plan.Changes[0].Fields[0].Manager != "kubectl" {
		t.Errorf("plan: %+v", p.Plan.Changes)
	}
	l.deploy(s)
	if got := field(l.person().Get(ref), "spec", "replicas"); got != int64(1) {
		t.Errorf("replicas is %v", got)
	}
}

func TestSemantics_4_1_DeclaredFieldsArePutBackAndAdditionsStay(t *testing.T) {
	l := newLab(t)
	s := l.snap("shop", deployment("web", "registry.example/web:1", 0), configMap("a", "color", "blue"))
	l.deploy(s)
	ref := l.ref("Deployment.apps", "web")
	l.person().JSON(ref, `[{"op":"add","path":"/spec/template/spec/containers/0/env","value":[{"name":"DEBUG","value":"1"}]},
		{"op":"add","path":"/metadata/annotations/note","value":"kept"}]`)
	l.person().Merge(l.ref("ConfigMap", "a"), `{"data":{"color":"red","added":"yes"}}`)
	p := l.plan(s)
	if diff := cmp.Diff([]string{"update ConfigMap a"}, actions(p)); diff != "" {
		t.Errorf("additions count as drift (-want +got):\n%s", diff)
	}
	l.deploy(s)
	data, _ := l.get("ConfigMap", "a").Fields["data"].(map[string]any)
	if data["color"] != "blue" || data["added"] != "yes" {
		t.Errorf("data: %v", data)
	}
	if field(l.person().Get(ref), "spec", "template", "spec", "containers", "main", "env", "DEBUG") == nil {
		t.Error("the added variable is gone")
	}
	// A label we declare that somebody removed is put back as well.
	l.person().Merge(l.ref("ConfigMap", "a"), `{"metadata":{"labels":{"`+object.LabelApp+`":null}}}`)
	l.deploy(s)
	if l.get("ConfigMap", "a").Label(object.LabelApp) == "" {
		t.Error("the removed label is not back")
	}
}

func TestSemantics_4_4_AFieldIsGivenUpOnceAnotherManagerOwnsIt(t *testing.T) {
	l := newLab(t)
	with := deployment("web", "registry.example/web:1", 4)
	without := strings.Replace(with, "  replicas: 4\n", "", 1)
	scaler := `
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 2
  maxReplicas: 6
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}]
`
	noWait := func(o *deploy.Options) { o.NoWait = true }
	l.deploy(l.snap("shop", with), noWait)
	// The chart switches to an autoscaler and leaves replicas out: until the
	// autoscaler has written it, the live value is sent, not the default of 1.
	l.deploy(l.snap("shop", without, scaler), noWait)
	ref := l.ref("Deployment.apps", "web")
	if got := field(l.person().Get(ref), "spec", "replicas"); got != int64(4) {
		t.Errorf("replicas is %v, want the live value", got)
	}
	kubetest.As(t, "kube-controller-manager").Scale(ref, 5)
	l.deploy(l.snap("shop", without, scaler), noWait)
	l.deploy(l.snap("shop", without, scaler), noWait)
	if got := field(l.person().Get(ref), "spec", "replicas"); got != int64(5) {
		t.Errorf("replicas is %v, want the autoscaler's value", got)
	}
}

func TestSemantics_4_4_LeavingOutAFieldWeAloneOwnResetsIt(t *testing.T) {
	l := newLab(t)
	with := deployment("web", "registry.example/web:1", 3)
	l.deploy(l.snap("shop", with))
	l.deploy(l.snap("shop", strings.Replace(with, "  replicas: 3\n", "", 1)))
	if got := field(l.get("Deployment.apps", "web"), "spec", "replicas"); got != int64(1) {
		t.Errorf("replicas is %v", got)
	}
}

func TestSemantics_4_3_DetectOnlyReports(t *testing.T) {
	l := newLab(t)
	detect := func(o *deploy.Options) { o.Policy = plan.PolicyDetect }
	first := l.snap("shop", configMap("a", "color", "blue"), configMap("b"), configMap("c"))
	l.deploy(first)
	l.person().Merge(l.ref("ConfigMap", "a"), `{"data":{"color":"red"}}`)
	l.person().Delete(l.ref("ConfigMap", "b"))
	p := l.plan(first, detect)
	var drift []string
	for _, c := range p.Plan.Drift {
		drift = append(drift, string(c.Action)+" "+c.Ref.Name)
	}
	if diff := cmp.Diff([]string{"update a", "create b"}, drift); diff != "" || !p.Plan.Empty() {
		t.Errorf("changes %v, drift (-want +got):\n%s", actions(p), diff)
	}
	l.spy.reset()
	if out := l.deploy(first, detect); !out.Unchanged || len(l.spy.requests(request.writes)) > 0 {
		t.Errorf("detecting wrote something: %+v", out)
	}
	// A change of the repository is applied, and drift elsewhere still stands.
	l.deploy(l.snap("shop", configMap("a", "color", "blue"), configMap("b"), configMap("c", "new", "fresh")), detect)
	if field(l.get("ConfigMap", "c"), "data", "new") != "fresh" || field(l.get("ConfigMap", "a"), "data", "color") != "red" {
		t.Error("the repository's change was not applied, or drift was healed")
	}
	if p := l.plan(l.snap("shop", configMap("a", "color", "blue"), configMap("b"), configMap("c", "new", "fresh")), detect); len(p.Plan.Drift) != 2 {
		t.Errorf("the drift is forgotten: %+v; changes %v", p.Plan.Drift, actions(p))
	}
	l.deploy(l.snap("shop", configMap("a", "color", "blue"), configMap("b"), configMap("c", "new", "fresh")))
	if field(l.get("ConfigMap", "a"), "data", "color") != "blue" || l.get("ConfigMap", "b") == nil {
		t.Error("the default policy did not heal")
	}
}

func TestSemantics_4_3_IgnoredFieldsAreLeftToOthers(t *testing.T) {
	l := newLab(t)
	ignore := func(o *deploy.Options) {
		o.Ignore = []plan.Ignore{
			{Kind: "ConfigMap", Name: "a*", Path: "data.color"},
			{Kind: "Deployment", Path: "spec.template.spec.containers[name=main].image"},
		}
	}
	s := l.snap("shop", configMap("a", "color", "blue", "size", "small"), configMap("b", "color", "blue"), deployment("web", "registry.example/web:1", 0))
	l.deploy(s, ignore)
	for _, name := range []string{"a", "b"} {
		kubetest.As(t, "some-operator").Merge(l.ref("ConfigMap", name), `{"data":{"color":"red"}}`)
	}
	kubetest.As(t, "image-updater").JSON(l.ref("Deployment.apps", "web"),
		`[{"op":"replace","path":"/spec/template/spec/containers/0/image","value":"registry.example/web:9"}]`)
	_, err := l.try(s, ignore)
	wantFault(t, err, fault.Conflict, "ConfigMap "+l.ns+"/b", "some-operator") // matches no rule
	kubetest.As(t, "some-operator").Merge(l.ref("ConfigMap", "b"), `{"data":{"color":null}}`)
	change := l.snap("shop", configMap("a", "color", "green", "size", "large"), configMap("b", "color", "blue"), deployment("web", "registry.example/web:2", 0))
	l.deploy(change, ignore)
	data, _ := l.get("ConfigMap", "a").Fields["data"].(map[string]any)
	if data["color"] != "red" || data["size"] != "large" {
		t.Errorf("data: %v", data)
	}
	if got := field(l.get("Deployment.apps", "web"), "spec", "template", "spec", "containers", "main", "image"); got != "registry.example/web:9" {
		t.Errorf("image %v", got)
	}
	if out := l.deploy(change, ignore); !out.Unchanged {
		t.Errorf("the ignored fields keep the object from coming to rest: %+v", out)
	}
	_, err = l.engine.Plan(t.Context(), change, l.options(func(o *deploy.Options) { o.Ignore = []plan.Ignore{{Path: "a["}} }))
	wantFault(t, err, fault.Invalid, "a[")
}

func TestSemantics_4_4_AnIgnoredFieldNobodyElseOwnsKeepsItsLiveValue(t *testing.T) {
	l := newLab(t)
	ref := l.ref("Deployment.apps", "web")
	ignore := func(o *deploy.Options) { o.Ignore = []plan.Ignore{{Kind: "Deployment", Path: "spec.replicas"}} }
	l.deploy(l.snap("shop", deployment("web", "registry.example/web:1", 3)))
	// The rule is new: the value in the cluster stays, and stays ours.
	l.deploy(l.snap("shop", deployment("web", "registry.example/web:2", 5)), ignore)
	if got := field(l.person().Get(ref), "spec", "replicas"); got != int64(3) {
		t.Errorf("replicas is %v, want the live value", got)
	}
	kubetest.As(t, "some-scaler").Merge(ref, `{"spec":{"replicas":4}}`)
	l.deploy(l.snap("shop", deployment("web", "registry.example/web:3", 5)), ignore)
	if got := field(l.person().Get(ref), "spec", "replicas"); got != int64(4) {
		t.Errorf("replicas is %v, want the other manager's value", got)
	}
}
