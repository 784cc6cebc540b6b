package snapshot_test

import (
	"context"
	"testing"
	"testing/fstest"

	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/project"
	"github.com/tugops/tug/internal/render/helm"
	"github.com/tugops/tug/internal/snapshot"
)

// Two renders of a chart make different random values, and a plan of the one
// must still fit a deploy of the other.
func TestStableIsTheSameForEveryNewRandomValue(t *testing.T) {
	t.Parallel()
	files := fstest.MapFS{
		"c/Chart.yaml":               {Data: []byte("apiVersion: v2\nname: c\nversion: 1.0.0\n")},
		"c/templates/secret.yaml":    {Data: []byte("apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {p: {{ randAlphaNum 20 | sha256sum }}}\n")},
		"c/templates/configmap.yaml": {Data: []byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: b}\n")},
	}
	build := func(recorded map[string]string) *snapshot.Snapshot {
		in := snapshot.Input{Files: files, Spec: project.Spec{App: "a", Namespace: "ns", Engine: project.Helm, Paths: []string{"c"}}, Random: snapshot.Record}
		in.Recorded = func(context.Context) (map[string]string, error) { return recorded, nil }
		s, err := snapshot.Builder{Helm: helm.Renderer{}}.Build(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	a, b := build(nil), build(nil)
	sa, sb := secretOf(t, a), secretOf(t, b)
	if sa.Hash() == sb.Hash() {
		t.Fatal("two renders made the same random value")
	}
	if sa.Stable == "" || sa.Stable != sb.Stable {
		t.Errorf("stable hashes %q and %q, want one", sa.Stable, sb.Stable)
	}
	for _, o := range a.Objects {
		if o.GVK().Kind == "ConfigMap" && o.Stable != "" {
			t.Error("an object without a random value has a stable hash of its own")
		}
	}
	if again := build(a.Generated); secretOf(t, again).Stable != "" || secretOf(t, again).Hash() != sa.Hash() {
		t.Error("a recorded value was not used again as it is")
	}
}

func secretOf(t *testing.T, s *snapshot.Snapshot) *object.Object {
	t.Helper()
	for _, o := range s.Objects {
		if o.IsSecret() {
			return o
		}
	}
	t.Fatal("no Secret")
	return nil
}
