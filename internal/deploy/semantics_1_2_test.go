package deploy_test

import (
	"encoding/base64"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/deploy"
	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/inventory"
	"github.com/tugops/tug/internal/kubetest"
	"github.com/tugops/tug/internal/object"
)

func TestSemantics_1_1_NormalFormIsApplied(t *testing.T) {
	l := newLab(t)
	l.deploy(l.snap("shop", `
apiVersion: v1
kind: Secret
metadata: {name: s, uid: abc, resourceVersion: "7", creationTimestamp: null, managedFields: [], annotations: {note: null}}
stringData: {password: correcthorse}
data: {other: aGVsbG8=}
status: {phase: Made}
`))
	o := l.get("Secret", "s")
	want := map[string]any{
		"password": base64.StdEncoding.EncodeToString([]byte("correcthorse")), "other": "aGVsbG8=",
	}
	if diff := cmp.Diff(want, o.Fields["data"]); diff != "" {
		t.Errorf("data (-want +got):\n%s", diff)
	}
	if o.UID() == "abc" || o.Annotation("note") != "" {
		t.Errorf("server fields or nulls were sent: %v", o.Meta())
	}
	// What was dropped is not ours either.
	live, err := object.LiveOf(o)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range live.Managers {
		if m.Manager == object.Manager && string(m.FieldsV1) != "" {
			var fields map[string]any
			if err := json.Unmarshal(m.FieldsV1, &fields); err != nil {
				t.Fatal(err)
			}
			if _, owned := fields["f:stringData"]; owned {
				t.Errorf("stringData is owned: %s", m.FieldsV1)
			}
		}
	}
}

func TestSemantics_1_1_NumbersKeepTheirText(t *testing.T) {
	l := newLab(t)
	crd := l.widgets()
	l.deploy(l.snap("shop", crd, l.widget("w", "size: 9007199254740993, ratio: 0.10")))
	l.spy.reset()
	out := l.deploy(l.snap("shop", crd, l.widget("w", "size: 9007199254740993, ratio: 0.10")))
	if !out.Unchanged {
		t.Errorf("numbers make the object look changed: %+v", out)
	}
	w := l.person().Get(l.widgetRef("w"))
	if got := field(w, "spec", "size"); got != int64(9007199254740993) {
		t.Errorf("size is %v (%T)", got, got)
	}
}

func TestSemantics_1_1_DuplicateListKeysAreFoundBeforeAnythingIsSent(t *testing.T) {
	l := newLab(t)
	s := l.snap("shop", configMap("a"), `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {run: web}}
  template:
    metadata: {labels: {run: web}}
    spec:
      containers:
      - name: main
        image: registry.example/web:1
        env: [{name: A, value: "1"}, {name: A, value: "2"}]
        ports: [{containerPort: 80}, {containerPort: 80}]
`)
	_, err := l.try(s)
	wantFault(t, err, fault.Invalid, "app/1.yaml:", "A", "80")
	if w := l.spy.requests(request.writes); len(w) > 0 {
		t.Errorf("written: %v", w)
	}
}

func TestSemantics_1_2_HashIsOverTheNormalForm(t *testing.T) {
	l := newLab(t)
	l.deploy(l.snap("shop", "{apiVersion: v1, kind: Secret, metadata: {name: s}, stringData: {password: correcthorse}}"))
	same := l.snap("shop", "{apiVersion: v1, kind: Secret, metadata: {name: s, annotations: null}, data: {password: "+
		base64.StdEncoding.EncodeToString([]byte("correcthorse"))+"}}")
	if out := l.deploy(same); !out.Unchanged {
		t.Errorf("another way to write the same object is a change: %+v", out)
	}
}

func TestSemantics_2_1_EveryObjectIsMarked(t *testing.T) {
	l := newLab(t)
	l.deploy(l.snap("shop", configMap("a"), deployment("web", "registry.example/web:1", 0)))
	key := object.AppKey(l.ns, "shop")
	for _, ref := range []object.Ref{l.ref("ConfigMap", "a"), l.ref("Deployment.apps", "web")} {
		o := l.person().Get(ref)
		if o.Label(object.LabelApp) != object.AppHash(key) || o.Annotation(object.AnnotationOwner) != key {
			t.Errorf("%s has label %q and owner %q", ref, o.Label(object.LabelApp), o.Annotation(object.AnnotationOwner))
		}
	}
	// The mark is for what is owned, not for what is made of it.
	if got := field(l.get("Deployment.apps", "web"), "spec", "template", "metadata", "labels", object.LabelApp); got != nil {
		t.Errorf("the pod template is marked: %v", got)
	}
}

func TestSemantics_2_1_AForeignOwnerIsAConflict(t *testing.T) {
	l := newLab(t)
	l.deploy(l.snap("other", configMap("shared", "from", "other")))
	_, err := l.try(l.snap("shop", configMap("shared", "from", "shop")))
	wantFault(t, err, fault.Conflict, "ConfigMap "+l.ns+"/shared", l.ns+"/other")
	if fault.KindOf(err).ExitCode() != 7 {
		t.Errorf("exit code %d", fault.KindOf(err).ExitCode())
	}
	if got := field(l.get("ConfigMap", "shared"), "data", "from"); got != "other" {
		t.Errorf("the foreign object was written: %v", got)
	}
	if l.record("shop") != nil {
		t.Error("a record was written")
	}
}

func TestSemantics_2_1_AnUnownedObjectIsAConflict(t *testing.T) {
	l := newLab(t)
	kubetest.Apply(t, l.ns, configMap("there"))
	_, err := l.try(l.snap("shop", configMap("there", "x", "1")))
	wantFault(t, err, fault.Conflict, "there")
	l.spy.reset()
	many := []string{configMap("there")}
	for _, n := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i"} {
		many = append(many, configMap(n))
	}
	_, err = l.try(l.snap("shop", many...))
	wantFault(t, err, fault.Conflict, "there")
	if got := l.spy.requests(func(r request) bool { return r.verb == "get-live" && r.ref.Kind == "ConfigMap" }); len(got) > 0 {
		t.Errorf("ten unknown objects were looked for one by one: %v", got)
	}
}

func TestSemantics_2_2_HumanManagersAreOverruled(t *testing.T) {
	l := newLab(t)
	s := l.snap("shop", configMap("a", "color", "blue"))
	l.deploy(s)
	l.person().Merge(l.ref("ConfigMap", "a"), `{"data":{"color":"red"}}`)
	out := l.deploy(s)
	if out.Release.Changes != "0 created, 1 updated, 0 deleted" {
		t.Errorf("changes: %s", out.Release.Changes)
	}
	if got := field(l.get("ConfigMap", "a"), "data", "color"); got != "blue" {
		t.Errorf("color is %v", got)
	}
}

func TestSemantics_2_2_HumansAreConfigurable(t *testing.T) {
	l := newLab(t)
	s := l.snap("shop", configMap("a", "color", "blue"))
	l.deploy(s)
	kubetest.As(t, "our-portal-7").Merge(l.ref("ConfigMap", "a"), `{"data":{"color":"red"}}`)
	_, err := l.try(s)
	wantFault(t, err, fault.Conflict, "our-portal-7", "data.color")
	l.deploy(s, func(o *deploy.Options) { o.Humans = []string{"our-portal*"} })
	if got := field(l.get("ConfigMap", "a"), "data", "color"); got != "blue" {
		t.Errorf("color is %v", got)
	}
}

func TestSemantics_2_2_AnotherApplierIsAConflict(t *testing.T) {
	for _, manager := range []string{"kustomize-controller", "argocd-controller", "helm", "some-operator"} {
		t.Run(manager, func(t *testing.T) {
			l := newLab(t)
			s := l.snap("shop", configMap("a", "color", "blue"))
			l.deploy(s)
			kubetest.As(t, manager).In(l.ns).Apply(configMap("a", "color", "red"))
			_, err := l.try(s)
			wantFault(t, err, fault.Conflict, manager, "data.color")
			if got := field(l.get("ConfigMap", "a"), "data", "color"); got != "red" {
				t.Errorf("color is %v", got)
			}
		})
	}
}

func TestSemantics_2_3_LabelledObjectsAreOwned(t *testing.T) {
	l := newLab(t)
	l.deploy(l.snap("shop", configMap("a"), configMap("b")))
	// Create an object of ours that no inventory has: a create in flight when
	// its writer died.
	key := object.AppKey(l.ns, "shop")
	kubetest.As(t, object.Manager).In(l.ns).Apply("{apiVersion: v1, kind: ConfigMap, metadata: {name: stray, labels: {" +
		object.LabelApp + ": " + object.AppHash(key) + "}, annotations: {" + object.AnnotationOwner + ": " + key + "}}}")
	p := l.plan(l.snap("shop", configMap("a"), configMap("b")))
	if diff := cmp.Diff([]string{"delete ConfigMap stray"}, actions(p)); diff != "" {
		t.Errorf("plan (-want +got):\n%s", diff)
	}
}

func TestSemantics_2_3_LabelsRecoverALostRecord(t *testing.T) {
	l := newLab(t)
	both := l.snap("shop", configMap("a"), configMap("b"))
	l.deploy(both)
	l.person().Delete(l.ref("Secret", inventory.HeadName("shop")))
	// Deploying again restores the record without changing a value.
	before := field(l.get("ConfigMap", "a"), "data")
	l.deploy(both)
	rec := l.record("shop")
	if rec == nil || len(rec.Items) != 2 || rec.Items[0].UID == "" {
		t.Fatalf("record: %+v", rec)
	}
	if diff := cmp.Diff(before, field(l.get("ConfigMap", "a"), "data")); diff != "" {
		t.Errorf("data changed:\n%s", diff)
	}
	if out := l.deploy(both); !out.Unchanged {
		t.Errorf("the next deploy: %+v", out)
	}
	l.person().Delete(l.ref("Secret", inventory.HeadName("shop")))
	p := l.plan(l.snap("shop", configMap("a")))
	if diff := cmp.Diff([]string{"re-own ConfigMap a", "delete ConfigMap b"}, actions(p)); diff != "" {
		t.Errorf("plan with a lost record (-want +got):\n%s", diff)
	}
	l.delete("shop")
	l.wantNothing("shop")
}

func TestSemantics_2_3_LabelsAloneAuthoriseNoPrune(t *testing.T) {
	l := newLab(t)
	l.deploy(l.snap("shop", configMap("a"), configMap("b")))
	l.person().Delete(l.ref("Secret", inventory.HeadName("shop")))
	// No snapshot, no prune: an empty set is stopped, and deleting needs to be
	// asked for by name.
	_, err := l.try(l.snap("shop"))
	wantFault(t, err, fault.Denied, "--consent")
	if l.get("ConfigMap", "a") == nil || l.get("ConfigMap", "b") == nil {
		t.Error("objects were pruned")
	}
}
