package deploy

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/inventory"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/plan"
)

// needs collects the accesses that a deploy will use, each once.
type needs struct {
	wanted  []object.Access
	seen    map[object.Access]bool
	plurals map[schema.GroupKind]string // of CRDs in the set
	e       *Engine
}

func (e *Engine) newNeeds(desired []*object.Object) *needs {
	return &needs{seen: map[object.Access]bool{}, plurals: pluralsOf(desired), e: e}
}

func (n *needs) add(ctx context.Context, ref object.Ref, verbs ...string) error {
	gk := ref.GroupKind()
	plural, ok := n.plurals[gk]
	if !ok {
		r, err := n.e.Cluster.Resource(ctx, gk)
		if vanished(err) {
			return nil
		}
		if err != nil {
			return err
		}
		plural = r.Resource
		n.plurals[gk] = plural
	}
	n.addResource(ref.Group, plural, ref.Namespace, verbs...)
	return nil
}

func (n *needs) addResource(group, resource, namespace string, verbs ...string) {
	for _, v := range verbs {
		a := object.Access{Verb: v, Group: group, Resource: resource, Namespace: namespace}
		if !n.seen[a] {
			n.seen[a] = true
			n.wanted = append(n.wanted, a)
		}
	}
}

// addRecord adds what the record and the Lease of an app need.
func (n *needs) addRecord(namespace string, deleting bool) {
	n.addResource("", "secrets", namespace, "get", "list", "create", "update", "delete")
	n.addResource(inventory.LeaseGVK().Group, "leases", namespace, "get", "create", "update")
	if deleting {
		n.addResource(inventory.LeaseGVK().Group, "leases", namespace, "delete")
	}
}

// preflight asks, before the first write, for everything that executing p
// needs (cluster-semantics.md 9.2), and names what is missing.
func (e *Engine) preflight(ctx context.Context, p *Prepared, o Options) error {
	n := e.newNeeds(p.input.Desired)
	n.addRecord(p.Plan.Namespace, p.Deleting)
	if p.createNamespace {
		n.addResource("", "namespaces", "", "create")
	}
	for _, c := range p.Plan.Changes {
		if err := n.add(ctx, c.Ref, verbsOf(c, o)...); err != nil {
			return err
		}
	}
	return e.deniedFault(ctx, n.wanted)
}

// verbsOf are the verbs that a change needs. A server-side apply that creates
// needs create and patch; a wait lists and watches, also for what goes.
func verbsOf(c plan.Change, o Options) []string {
	verbs := []string{"get"}
	switch c.Action {
	case plan.Create:
		verbs = append(verbs, "create", "patch")
	case plan.Update, plan.Reown, plan.Take:
		verbs = append(verbs, "patch")
	case plan.Delete:
		verbs = append(verbs, "delete")
	case plan.Run:
		return append(verbs, "list", "watch", "create", "patch", "delete")
	default:
		return nil
	}
	if !o.NoWait {
		verbs = append(verbs, "list", "watch")
	}
	return verbs
}

// explainDenied completes the refusal of one read with all that a deploy would
// need and the identity does not have.
func (e *Engine) explainDenied(ctx context.Context, p *Prepared, err error) error {
	if !fault.Is(err, fault.Denied) {
		return err
	}
	n := e.newNeeds(p.input.Desired)
	n.addRecord(p.input.Namespace, p.Deleting)
	for _, d := range p.input.Desired {
		if n.add(ctx, d.Ref(), "get", "list", "watch", "create", "patch") != nil {
			return err
		}
	}
	for _, ref := range itemRefs(p.Record) {
		if n.add(ctx, ref, "get", "list", "delete") != nil {
			return err
		}
	}
	if all := e.deniedFault(ctx, n.wanted); fault.Is(all, fault.Denied) {
		return all
	}
	return err
}

// deniedFault is nil when the identity has all accesses.
func (e *Engine) deniedFault(ctx context.Context, wanted []object.Access) error {
	denied, err := e.Cluster.Denied(ctx, wanted)
	if err != nil {
		return fmt.Errorf("check permissions: %w", err)
	}
	if len(denied) == 0 {
		return nil
	}
	who := e.Cluster.Identity(ctx)
	if who == "" {
		who = "this identity"
	}
	f := fault.New(fault.Denied, "%s may not:\n  %s", who, strings.Join(lines(denied), "\n  "))
	f.Hint("ask for a Role (a ClusterRole for the cluster scope) that allows these verbs; nothing was changed")
	if slices.ContainsFunc(denied, func(a object.Access) bool { return a.Namespace == "" && a.Resource != "namespaces" }) {
		f.Hint("cluster-scoped objects that somebody else keeps as declared need no permission with --assume-cluster-objects")
	}
	return f
}

// lines groups accesses by resource and namespace: "create, patch
// deployments.apps in namespace shop".
func lines(denied []object.Access) []string {
	verbs := map[string][]string{}
	for _, a := range denied {
		where := a.Resource
		if a.Group != "" {
			where += "." + a.Group
		}
		if a.Namespace == "" {
			where += " at the cluster scope"
		} else {
			where += " in namespace " + a.Namespace
		}
		verbs[where] = append(verbs[where], a.Verb)
	}
	var out []string
	for _, where := range slices.Sorted(maps.Keys(verbs)) {
		out = append(out, strings.Join(verbs[where], ", ")+" "+where)
	}
	return out
}

// pluralsOf reads the resource names that CRDs in the set bring.
func pluralsOf(objects []*object.Object) map[schema.GroupKind]string {
	plurals := map[schema.GroupKind]string{}
	for _, o := range objects {
		if gvk := o.GVK(); gvk.Group != "apiextensions.k8s.io" || gvk.Kind != "CustomResourceDefinition" {
			continue
		}
		spec, _ := o.Fields["spec"].(map[string]any)
		names, _ := spec["names"].(map[string]any)
		group, _ := spec["group"].(string)
		kind, _ := names["kind"].(string)
		plural, _ := names["plural"].(string)
		if kind != "" && plural != "" {
			plurals[schema.GroupKind{Group: group, Kind: kind}] = plural
		}
	}
	return plurals
}
