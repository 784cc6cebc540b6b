package apply

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tugops/tug/internal/health"
	"github.com/tugops/tug/internal/object"
)

var (
	podKind        = schema.GroupVersionKind{Version: "v1", Kind: "Pod"}
	replicaSetKind = schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "ReplicaSet"}
)

// podsOf finds the pods that a workload runs now: those of the newest
// ReplicaSet of a Deployment, else those it controls itself. It also gives
// the object whose events tell why there are none.
func podsOf(ctx context.Context, c Cluster, o *object.Object) (pods []*object.Object, maker *object.Object) {
	ref := o.Ref()
	switch {
	case ref.Kind == "Pod" && ref.Group == "":
		return []*object.Object{o}, o
	case ref.Kind == "Deployment" && ref.Group == "apps":
		rs := newestReplicaSet(ctx, c, o)
		if rs == nil {
			return nil, o
		}
		return controlled(ctx, c, podKind, rs), rs
	case runsPods(ref):
		return controlled(ctx, c, podKind, o), o
	}
	return nil, o
}

// runsPods reports whether objects of a kind control pods themselves or
// through ReplicaSets, and select them by spec.selector.
func runsPods(ref object.Ref) bool {
	switch ref.Group {
	case "apps":
		return slices.Contains([]string{"Deployment", "ReplicaSet", "StatefulSet", "DaemonSet"}, ref.Kind)
	case "batch":
		return ref.Kind == "Job"
	}
	return false
}

func newestReplicaSet(ctx context.Context, c Cluster, o *object.Object) *object.Object {
	sets := controlled(ctx, c, replicaSetKind, o)
	if len(sets) == 0 {
		return nil
	}
	return slices.MaxFunc(sets, func(a, b *object.Object) int { return cmp.Compare(revision(a), revision(b)) })
}

func revision(rs *object.Object) int {
	n, _ := strconv.Atoi(rs.Annotation("deployment.kubernetes.io/revision"))
	return n
}

// controlled lists the objects of a kind that o selects and controls. What
// cannot be read is left out: a reason is a help, not a result.
func controlled(ctx context.Context, c Cluster, gvk schema.GroupVersionKind, o *object.Object) []*object.Object {
	selector := selectorOf(o).String()
	if selector == "" {
		return nil
	}
	list, err := c.List(ctx, gvk, o.Namespace(), selector)
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(list, func(dep *object.Object) bool { return !controlledBy(dep, o.UID()) })
}

func controlledBy(o *object.Object, uid string) bool {
	refs, _ := o.Meta()["ownerReferences"].([]any)
	return slices.ContainsFunc(refs, func(item any) bool {
		m, _ := item.(map[string]any)
		return m["uid"] == uid && m["controller"] == true
	})
}

// troubleLine is one trouble with the image of its container, which says what
// release of it is meant.
func troubleLine(t health.Trouble) string {
	if t.Image == "" || strings.Contains(t.Text, t.Image) {
		return t.String()
	}
	return t.String() + " (image " + t.Image + ")"
}

// podTrouble is the most telling line about a pod, "" when it is well.
func podTrouble(pod *object.Object) string {
	troubles := health.Troubles(pod)
	for _, t := range troubles {
		if t.Stuck {
			return troubleLine(t)
		}
	}
	if len(troubles) > 0 {
		return troubleLine(troubles[0])
	}
	return ""
}
