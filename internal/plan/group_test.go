package plan

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/object"
)

func inGroup(apiVersion, kind, group string) *object.Object {
	o := &object.Object{Fields: map[string]any{"apiVersion": apiVersion, "kind": kind, "metadata": map[string]any{"name": "x"}}}
	if group != "" {
		o.SetAnnotation(object.AnnotationGroup, group)
	}
	return o
}

func TestGroupOf(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		o    *object.Object
		want int
	}{
		{inGroup("apps/v1", "Deployment", ""), 0},
		{inGroup("apps/v1", "Deployment", "2"), 2},
		{inGroup("apps/v1", "Deployment", "-1"), 0},
		{inGroup("apps/v1", "Deployment", "soon"), 0},
		{inGroup("apps/v1", "Deployment", "100001"), 0},
		{inGroup("v1", "Namespace", "2"), 0},
		{inGroup("apiextensions.k8s.io/v1", "CustomResourceDefinition", "2"), 0},
	} {
		if got := GroupOf(test.o); got != test.want {
			t.Errorf("%s in group %q: got %d, want %d", test.o.Ref(), test.o.Annotation(object.AnnotationGroup), got, test.want)
		}
	}
}

// TestCompareOrder: a group is done with its post hooks before the next one
// starts, and deletions wait for all of them.
func TestCompareOrder(t *testing.T) {
	t.Parallel()
	want := []Change{
		{Stage: StageDefinitions},
		{Stage: StageWorkloads},
		{Stage: StagePostHooks, Wave: -1},
		{Stage: StagePostHooks, Wave: 1},
		{Stage: StagePreHooks, Group: 1},
		{Stage: StageWorkloads, Group: 1},
		{Stage: StageConfig, Group: 2},
		{Stage: StagePrune},
		{Stage: StagePrune, Wave: 2},
		{Stage: StagePostDelete},
	}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, CompareOrder)
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(Change{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
