package kube_test

import (
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/kube"
	"github.com/tugops/tug/internal/kubetest"
	"github.com/tugops/tug/internal/object"
	"golang.org/x/sync/errgroup"
)

// fill applies n ConfigMaps with a label, 16 at a time.
func fill(t testing.TB, c *kube.Client, namespace string, n int) {
	t.Helper()
	g, ctx := errgroup.WithContext(t.Context())
	g.SetLimit(16)
	for i := range n {
		o := parse(t, namespace, fmt.Sprintf(`{apiVersion: v1, kind: ConfigMap, metadata: {name: c%04d, labels: {tug.dev/app: x}}, data: {k: v}}`, i))
		g.Go(func() error {
			_, err := c.Apply(ctx, o, object.Write{Force: true})
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
}

func TestListsOfSeveralPages(t *testing.T) {
	t.Parallel()
	c, ns := kubetest.Client(t), kubetest.Namespace(t)
	fill(t, c, ns, 603)
	for _, selector := range []string{"tug.dev/app=x", "", "tug.dev/app!=x"} {
		want := 603
		switch selector {
		case "":
			want++ // kube-root-ca.crt
		case "tug.dev/app!=x":
			want = 1
		}
		live, err := c.ListLive(t.Context(), configMaps, ns, selector)
		if err != nil {
			t.Fatal(err)
		}
		full, err := c.List(t.Context(), configMaps, ns, selector)
		if err != nil {
			t.Fatal(err)
		}
		if len(live) != want || len(full) != want {
			t.Errorf("selector %q: %d metadata, %d objects, want %d", selector, len(live), len(full), want)
		}
		for i, o := range full {
			if o.Ref() != live[i].Ref || o.UID() != live[i].UID || o.ResourceVersion() != live[i].ResourceVersion {
				t.Fatalf("object %d: %s and %s", i, o.Ref(), live[i].Ref)
			}
		}
	}
}

func TestListOfAllNamespacesAndClusterScope(t *testing.T) {
	t.Parallel()
	c, a, b := kubetest.Client(t), kubetest.Namespace(t), kubetest.Namespace(t)
	label := kubetest.Name(t)
	for _, ns := range []string{a, b} {
		apply(t, c, parse(t, ns, `{apiVersion: v1, kind: ConfigMap, metadata: {name: x, labels: {l: `+label+`}}}`))
	}
	live, err := c.ListLive(t.Context(), configMaps, "", "l="+label)
	if err != nil || len(live) != 2 {
		t.Fatalf("all namespaces: %d, %v", len(live), err)
	}
	// The namespace is not asked for where the kind has none.
	found, err := c.ListLive(t.Context(), namespaces, "anything", "kubernetes.io/metadata.name="+a)
	if err != nil || len(found) != 1 || found[0].Ref != (object.Ref{Kind: "Namespace", Name: a}) {
		t.Fatalf("cluster scope: %v, %v", found, err)
	}
	none, err := c.List(t.Context(), configMaps, "no-such-namespace", "")
	if err != nil || len(none) != 0 {
		t.Fatalf("namespace that does not exist: %v, %v", none, err)
	}
	_, err = c.List(t.Context(), configMaps, a, "=,=")
	wantFault(t, err, fault.Invalid, "list ConfigMap in namespace "+a)
}

// Metadata says what the full object says, for built-in kinds and for custom
// resources.
func TestLive(t *testing.T) {
	t.Parallel()
	c, ns := kubetest.Client(t), kubetest.Namespace(t)
	owner := apply(t, c, parse(t, ns, `{apiVersion: v1, kind: ConfigMap, metadata: {name: owner}}`))
	crd, gvk := applyCRD(t, c)
	established(t, c, crd)
	deployment := strings.Replace(deploymentYAML, "name: web, labels: {app: web}", fmt.Sprintf(
		`name: web, labels: {app: web}, annotations: {a: b}, finalizers: [test.tug.dev/hold], ownerReferences: [{apiVersion: v1, kind: ConfigMap, name: owner, uid: %s, controller: true}]`, owner.UID()), 1)
	for _, yaml := range []string{deployment, fmt.Sprintf(`{apiVersion: %s/v1, kind: Thing, metadata: {name: web, labels: {app: web}}, spec: {size: 1}}`, gvk.Group)} {
		stored := apply(t, c, parse(t, ns, yaml))
		t.Cleanup(func() { kubetest.As(t, "cleanup").Unhold(stored.Ref()) })
		kubetest.As(t, "kubectl-label").Merge(stored.Ref(), `{"metadata":{"labels":{"more":"1"}}}`)
		if stored.GVK().Kind == "Deployment" {
			kubetest.As(t, "kubectl").Scale(stored.Ref(), 1)
			if err := c.Delete(t.Context(), stored.GVK(), ns, "web", object.Write{}); err != nil {
				t.Fatal(err)
			}
		}
		live, err := c.GetLive(t.Context(), stored.GVK(), ns, "web")
		if err != nil {
			t.Fatal(err)
		}
		if live.Ref != stored.Ref() || live.UID != stored.UID() || live.Version != "v1" || live.Generation == 0 ||
			live.Created.IsZero() || live.Labels["more"] != "1" || live.Labels["app"] != "web" {
			t.Errorf("live: %+v", live)
		}
		full, err := c.Get(t.Context(), stored.GVK(), ns, "web")
		if err != nil {
			t.Fatal(err)
		}
		fromFull, err := object.LiveOf(full)
		if err != nil || object.EntryHash(fromFull.Managers) != object.EntryHash(live.Managers) || object.EntryHash(live.Managers) == "" {
			t.Errorf("hash of our entry: %q from metadata, %q from the object, %v",
				object.EntryHash(live.Managers), object.EntryHash(fromFull.Managers), err)
		}
		managers := map[string]object.ManagerEntry{}
		for _, m := range live.Managers {
			managers[m.Manager+"/"+m.Operation+"/"+m.Subresource] = m
		}
		if m := managers["tug/Apply/"]; m.APIVersion != stored.Fields["apiVersion"] || m.Time.IsZero() || !strings.Contains(string(m.FieldsV1), `"f:app"`) {
			t.Errorf("entry of tug: %+v", m)
		}
		if m := managers["kubectl-label/Update/"]; !strings.Contains(string(m.FieldsV1), `"f:more"`) {
			t.Errorf("entry of kubectl-label: %+v", m)
		}
		if stored.GVK().Kind != "Deployment" {
			continue
		}
		if !live.Deleting || len(live.Finalizers) != 1 || live.Annotations["a"] != "b" || len(live.OwnerRefs) != 1 ||
			live.OwnerRefs[0] != (object.OwnerRef{Kind: "ConfigMap", Name: "owner", UID: owner.UID(), Controller: true}) {
			t.Errorf("live: %+v", live)
		}
		if m := managers["kubectl/Update/scale"]; !strings.Contains(string(m.FieldsV1), `"f:replicas"`) {
			t.Errorf("managers: %v", managers)
		}
	}
	_, err := c.GetLive(t.Context(), configMaps, ns, "none")
	wantFault(t, err, fault.NotFound, "none does not exist")
}

// Reads see what was written before them, always.
func TestReadsAreConsistent(t *testing.T) {
	t.Parallel()
	c, other, ns := kubetest.Client(t), kubetest.Client(t), kubetest.Namespace(t)
	for i := range 10 {
		o := parse(t, ns, fmt.Sprintf(`{apiVersion: v1, kind: ConfigMap, metadata: {name: c%d, labels: {tug.dev/app: x}}}`, i))
		stored := apply(t, c, o)
		live, err := other.ListLive(t.Context(), configMaps, ns, "tug.dev/app=x")
		if err != nil || len(live) != i+1 {
			t.Fatalf("after %d writes: %d objects, %v", i+1, len(live), err)
		}
		if _, err := other.Get(t.Context(), configMaps, ns, stored.Name()); err != nil {
			t.Fatal(err)
		}
	}
}

// Events and logs of a pod, as the kubelet's stand-in tells them.
func TestEvents(t *testing.T) {
	t.Parallel()
	c, ns := kubetest.Client(t), kubetest.Namespace(t)
	uid := apply(t, c, parse(t, ns, `{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}`)).UID()
	event := func(name, reason, message, last string, count int) {
		kubetest.Apply(t, ns, fmt.Sprintf(`{apiVersion: v1, kind: Event, metadata: {name: %s}, involvedObject: {kind: ConfigMap, name: a, namespace: %s, uid: %s}, reason: %s, message: %s, type: Warning, count: %d, firstTimestamp: "2026-01-01T00:00:00Z", lastTimestamp: "%s"}`,
			name, ns, uid, reason, message, count, last))
	}
	event("late", "Failed", "second", v1.Now().UTC().Format("2006-01-02T15:04:05Z"), 3)
	event("early", "Pulling", "first", "2026-01-01T00:00:00Z", 1)
	kubetest.Apply(t, ns, fmt.Sprintf(`{apiVersion: v1, kind: Event, metadata: {name: other}, involvedObject: {kind: ConfigMap, name: a, namespace: %s, uid: other}, reason: X, message: other}`, ns))
	events, err := c.Events(t.Context(), ns, uid)
	if err != nil || len(events) != 2 {
		t.Fatalf("events %q, %v", events, err)
	}
	all := strings.Join(events, "\n")
	if !strings.Contains(all, "Pulling: first") || !strings.Contains(all, "Failed: second (3 times)") {
		t.Errorf("events %q", events)
	}
	if none, err := c.Events(t.Context(), "", "no-such-uid"); err != nil || len(none) != 0 {
		t.Errorf("events of nothing: %q, %v", none, err)
	}
}
