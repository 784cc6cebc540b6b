package deploy

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tugops/tug/internal/health"
	"github.com/tugops/tug/internal/object"
)

// maxDepth bounds an owner tree; real ones have three or four levels.
const maxDepth = 10

// Node is one object of an owner tree.
type Node struct {
	object.Ref
	UID string `json:"uid,omitempty"`
	// Health is nil for objects that were read as metadata only.
	Health   *health.Status `json:"health,omitempty"`
	Handed   string         `json:"handed,omitempty"`
	Children []*Node        `json:"children,omitempty"`

	pod *object.Object
}

// Tree is what an app owns, each object with what controllers made of it.
func (e *Engine) Tree(ctx context.Context, app, namespace string) ([]*Node, error) {
	s, err := e.Status(ctx, app, namespace, false)
	if err != nil {
		return nil, err
	}
	owned, err := e.dependents(ctx, s.Objects)
	if err != nil {
		return nil, err
	}
	var roots []*Node
	for _, o := range s.Objects {
		n := &Node{Ref: o.Ref, UID: o.UID, Health: &o.Health, Handed: o.Handed}
		if o.Kind == "Pod" && o.Group == "" {
			n.pod = o.live
		}
		n.grow(owned, maxDepth)
		roots = append(roots, n)
	}
	return roots, nil
}

func (n *Node) grow(owned map[string][]*Node, depth int) {
	if depth == 0 || n.UID == "" {
		return
	}
	n.Children = owned[n.UID]
	for _, c := range n.Children {
		c.grow(owned, depth-1)
	}
}

// dependents lists what may have been made for the given objects, by the UID
// of the owner. Pods are read in full, since their health matters; the rest
// as metadata only.
func (e *Engine) dependents(ctx context.Context, objects []ObjectStatus) (map[string][]*Node, error) {
	var mu sync.Mutex
	owned := map[string][]*Node{}
	add := func(n *Node, owners []object.OwnerRef) {
		mu.Lock()
		defer mu.Unlock()
		for _, o := range owners {
			owned[o.UID] = append(owned[o.UID], n)
		}
	}
	err := each(ctx, childPlaces(objects), func(ctx context.Context, p place) error {
		if _, served, err := e.Cluster.Scope(ctx, p.gk); err != nil || !served {
			return err
		}
		if p.gk == podKind() {
			return e.pods(ctx, p.namespace, add)
		}
		list, err := e.Cluster.ListLive(ctx, p.kind(), p.namespace, "")
		for _, l := range list {
			add(&Node{Ref: l.Ref, UID: l.UID}, l.OwnerRefs)
		}
		return err
	})
	for _, list := range owned {
		slices.SortFunc(list, func(a, b *Node) int { return a.Ref.Compare(b.Ref) })
	}
	return owned, err
}

func (e *Engine) pods(ctx context.Context, namespace string, add func(*Node, []object.OwnerRef)) error {
	pods, err := e.Cluster.List(ctx, podKind().WithVersion("v1"), namespace, "")
	if err != nil {
		return err
	}
	for _, o := range pods {
		live, err := object.LiveOf(o)
		if err != nil {
			return err
		}
		h := health.Of(o)
		add(&Node{Ref: o.Ref(), UID: live.UID, Health: &h, pod: o}, live.OwnerRefs)
	}
	return nil
}

func podKind() schema.GroupKind { return schema.GroupKind{Kind: "Pod"} }

// childKinds says which kinds controllers make for a kind, directly or
// through others. Custom resources may have anything made for them.
func childKinds(gk schema.GroupKind) []schema.GroupKind {
	pod := podKind()
	sets := schema.GroupKind{Group: "apps", Kind: "ReplicaSet"}
	job := schema.GroupKind{Group: "batch", Kind: "Job"}
	endpoints := schema.GroupKind{Group: "discovery.k8s.io", Kind: "EndpointSlice"}
	switch gk.String() {
	case "Deployment.apps":
		return []schema.GroupKind{sets, pod}
	case "ReplicaSet.apps", "StatefulSet.apps", "DaemonSet.apps", "Job.batch", "ReplicationController":
		return []schema.GroupKind{pod}
	case "CronJob.batch":
		return []schema.GroupKind{job, pod}
	case "Service":
		return []schema.GroupKind{endpoints}
	}
	if !strings.Contains(gk.Group, ".") || strings.HasSuffix(gk.Group, ".k8s.io") {
		return nil
	}
	kinds := []schema.GroupKind{sets, pod, job, endpoints, {Kind: "Service"}, {Kind: "ConfigMap"}, {Kind: "Secret"}}
	for _, kind := range []string{"Deployment", "StatefulSet", "DaemonSet"} {
		kinds = append(kinds, schema.GroupKind{Group: "apps", Kind: kind})
	}
	return kinds
}

// childPlaces are the lists to make for the children of objects.
func childPlaces(objects []ObjectStatus) []place {
	places := map[place]bool{}
	for _, o := range objects {
		if o.Missing || o.Namespace == "" {
			continue
		}
		for _, gk := range childKinds(o.GroupKind()) {
			places[place{gk, o.Namespace}] = true
		}
	}
	return sorted(maps.Keys(places))
}
