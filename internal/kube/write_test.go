package kube_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/kubetest"
	"github.com/tugops/tug/internal/object"
)

func TestCreateGetUpdateDelete(t *testing.T) {
	t.Parallel()
	c, ns := kubetest.Client(t), kubetest.Namespace(t)
	o := parse(t, ns, `{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {k: "<1>"}}`)
	created, err := c.Create(t.Context(), o)
	if err != nil || created.UID() == "" || created.ResourceVersion() == "" {
		t.Fatalf("create: %v, %v", created, err)
	}
	_, err = c.Create(t.Context(), o)
	wantFault(t, err, fault.Exists, "ConfigMap "+ns+"/a already exists")
	read, err := c.Get(t.Context(), configMaps, ns, "a")
	if err != nil || cmp.Diff(created.Fields, read.Fields) != "" {
		t.Fatalf("get: %v\n%s", err, cmp.Diff(created.Fields, read.Fields))
	}
	read.Fields["data"] = map[string]any{"k": "2"}
	updated, err := c.Update(t.Context(), read)
	if err != nil || updated.ResourceVersion() == created.ResourceVersion() {
		t.Fatalf("update: %v", err)
	}
	_, err = c.Update(t.Context(), read)
	wantFault(t, err, fault.Conflict, "ConfigMap "+ns+"/a", "try again")
	err = c.Delete(t.Context(), configMaps, ns, "a", object.Write{UID: "0-0"})
	wantFault(t, err, fault.Conflict, "ConfigMap "+ns+"/a")
	err = c.Delete(t.Context(), configMaps, ns, "a", object.Write{ResourceVersion: created.ResourceVersion()})
	wantFault(t, err, fault.Conflict, "ConfigMap "+ns+"/a")
	if err := c.Delete(t.Context(), configMaps, ns, "a", object.Write{DryRun: true}); err != nil {
		t.Fatalf("dry delete: %v", err)
	}
	if err := c.Delete(t.Context(), configMaps, ns, "a", object.Write{UID: updated.UID(), ResourceVersion: updated.ResourceVersion()}); err != nil {
		t.Fatalf("delete: %v", err)
	}
	wantFault(t, c.Delete(t.Context(), configMaps, ns, "a", object.Write{}), fault.NotFound, "does not exist")
	_, err = c.Get(t.Context(), configMaps, ns, "a")
	wantFault(t, err, fault.NotFound, "ConfigMap "+ns+"/a does not exist")
}

func TestDeleteOrphansOnRequest(t *testing.T) {
	t.Parallel()
	c, ns := kubetest.Client(t), kubetest.Namespace(t)
	for _, orphan := range []bool{true, false} {
		d := apply(t, c, parse(t, ns, deploymentYAML))
		sets := d.GVK()
		sets.Kind = "ReplicaSet"
		replicaSets := func() int {
			list, err := c.List(t.Context(), sets, ns, "app=web")
			if err != nil {
				t.Fatal(err)
			}
			return len(list)
		}
		kubetest.Eventually(t, 30*time.Second, "a replica set", func() bool { return replicaSets() == 1 })
		if err := c.Delete(t.Context(), d.GVK(), ns, "web", object.Write{Orphan: orphan}); err != nil {
			t.Fatal(err)
		}
		kubetest.Eventually(t, 30*time.Second, "no deployment", func() bool {
			_, err := c.Get(t.Context(), d.GVK(), ns, "web")
			return fault.Is(err, fault.NotFound)
		})
		if orphan {
			if n := replicaSets(); n != 1 {
				t.Errorf("%d replica sets after an orphaning delete", n)
			}
			continue
		}
		kubetest.Eventually(t, 30*time.Second, "no replica set", func() bool { return replicaSets() == 0 })
	}
}

func TestApplyStoresAndReports(t *testing.T) {
	t.Parallel()
	c, ns := kubetest.Client(t), kubetest.Namespace(t)
	o := parse(t, ns, deploymentYAML)
	before := o.Copy()
	dry, err := c.Apply(t.Context(), o, object.Write{Force: true, DryRun: true})
	if err != nil || dry.Name() != "web" {
		t.Fatalf("dry run: %v", err)
	}
	if _, err := c.Get(t.Context(), deployments, ns, "web"); !fault.Is(err, fault.NotFound) {
		t.Fatalf("after a dry run: %v", err)
	}
	stored := apply(t, c, o)
	if diff := cmp.Diff(before.Fields, o.Fields); diff != "" {
		t.Errorf("the caller's object changed:\n%s", diff)
	}
	if stored.UID() == "" || stored.Meta()["generation"] != int64(1) {
		t.Errorf("stored metadata: %v", stored.Meta())
	}
	entries, _ := stored.Meta()["managedFields"].([]any)
	if len(entries) != 1 || entries[0].(map[string]any)["manager"] != object.Manager || entries[0].(map[string]any)["operation"] != "Apply" {
		t.Errorf("managed fields: %v", entries)
	}
	// The controller writes the status meanwhile, so the version moves.
	kubetest.Eventually(t, waitLong, "apply with the right preconditions", func() bool {
		live, err := c.Get(t.Context(), deployments, ns, "web")
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Apply(t.Context(), o, object.Write{Force: true, UID: stored.UID(), ResourceVersion: live.ResourceVersion()})
		if err != nil && !fault.Is(err, fault.Conflict) {
			t.Fatal(err)
		}
		return err == nil
	})
	_, err = c.Apply(t.Context(), o, object.Write{Force: true, ResourceVersion: "1"})
	wantFault(t, err, fault.Conflict, "Deployment "+ns+"/web")
	_, err = c.Apply(t.Context(), o, object.Write{Force: true, UID: "11111111-1111-1111-1111-111111111111"})
	wantFault(t, err, fault.Conflict, "Deployment "+ns+"/web")
	if diff := cmp.Diff(before.Fields, o.Fields); diff != "" {
		t.Errorf("the caller's object changed:\n%s", diff)
	}
}

func TestApplyKeepsNumbers(t *testing.T) {
	t.Parallel()
	c := kubetest.Client(t)
	o := parse(t, kubetest.Namespace(t), deploymentYAML)
	o.Fields = maps.Clone(o.Fields)
	o.Fields["spec"].(map[string]any)["replicas"] = json.Number("0")
	o.Fields["spec"].(map[string]any)["progressDeadlineSeconds"] = json.Number("700")
	if got := apply(t, c, o).Fields["spec"].(map[string]any)["progressDeadlineSeconds"]; got != int64(700) {
		t.Errorf("progressDeadlineSeconds is %v (%T)", got, got)
	}
}

// A deleted object is not brought back by an apply that names its UID.
func TestApplyWithUIDOfDeletedObject(t *testing.T) {
	t.Parallel()
	c := kubetest.Client(t)
	o := parse(t, kubetest.Namespace(t), `{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}`)
	stored := apply(t, c, o)
	if err := c.Delete(t.Context(), configMaps, o.Namespace(), "a", object.Write{}); err != nil {
		t.Fatal(err)
	}
	_, err := c.Apply(t.Context(), o, object.Write{Force: true, UID: stored.UID()})
	wantFault(t, err, fault.Conflict, "ConfigMap "+o.Namespace()+"/a")
}

func TestApplyConflictNamesManagerAndField(t *testing.T) {
	t.Parallel()
	c := kubetest.Client(t)
	o := parse(t, kubetest.Namespace(t), deploymentYAML)
	apply(t, c, o)
	kubetest.As(t, "kubectl-edit").Merge(o.Ref(), `{"spec":{"minReadySeconds":7}}`)
	kubetest.As(t, "autoscaler").Scale(o.Ref(), 1)
	o.Fields["spec"].(map[string]any)["minReadySeconds"] = int64(3)
	_, err := c.Apply(t.Context(), o, object.Write{})
	wantFault(t, err, fault.Conflict, "spec.minReadySeconds (kubectl-edit)", "spec.replicas (autoscaler, subresource scale)")
	apply(t, c, o)
}

func TestPatch(t *testing.T) {
	t.Parallel()
	c := kubetest.Client(t)
	o := parse(t, kubetest.Namespace(t), `{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {k: v}}`)
	stored := apply(t, c, o)
	guard := `{"op":"test","path":"/metadata/resourceVersion","value":"` + stored.ResourceVersion() + `"},`
	change := `{"op":"replace","path":"/data/k","value":"w"}]`
	patched, err := c.Patch(t.Context(), configMaps, o.Namespace(), "a", []byte("["+guard+change))
	if err != nil || patched.Fields["data"].(map[string]any)["k"] != "w" {
		t.Fatalf("patch: %v", err)
	}
	_, err = c.Patch(t.Context(), configMaps, o.Namespace(), "a", []byte("["+guard+change))
	wantFault(t, err, fault.Conflict, "ConfigMap "+o.Namespace()+"/a")
	replace := `[{"op":"replace","path":"/metadata/resourceVersion","value":"1"},`
	_, err = c.Patch(t.Context(), configMaps, o.Namespace(), "a", []byte(replace+change))
	wantFault(t, err, fault.Conflict, "ConfigMap "+o.Namespace()+"/a")
	_, err = c.Patch(t.Context(), configMaps, o.Namespace(), "none", []byte("["+change))
	wantFault(t, err, fault.NotFound, "none does not exist")
}

func TestNamesThatLeadElsewhere(t *testing.T) {
	t.Parallel()
	c := kubetest.Client(t)
	for _, name := range []string{"", ".", "..", "../secrets/x", "a/b", "a%2fb"} {
		_, err := c.Get(t.Context(), configMaps, "default", name)
		wantFault(t, err, fault.Invalid, "name")
		_, err = c.Get(t.Context(), configMaps, name, "x")
		wantFault(t, err, fault.Invalid, "namespace")
	}
	o := parse(t, "", `{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}`)
	_, err := c.Apply(t.Context(), o, object.Write{})
	wantFault(t, err, fault.Invalid, "needs a namespace")
}

func TestCancelledRequest(t *testing.T) {
	t.Parallel()
	c := kubetest.Client(t)
	if _, _, err := c.Scope(t.Context(), configMaps.GroupKind()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := c.Get(ctx, configMaps, "default", "x")
	wantFault(t, err, fault.Interrupted, "ConfigMap default/x")
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v does not wrap context.Canceled", err)
	}
}
