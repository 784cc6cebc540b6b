package deploy

import (
	"context"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tugops/tug/internal/event"
	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/inventory"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/plan"
)

func namespaceKind() schema.GroupVersionKind {
	return schema.GroupVersionKind{Version: "v1", Kind: "Namespace"}
}

// checkNamespaces makes sure that every namespace the app writes to exists, is
// in the set, or may be created. Namespaces in which the lists showed an
// object, and that of a record, need no look.
func (e *Engine) checkNamespaces(ctx context.Context, p *Prepared, o Options) error {
	open := map[string]bool{p.input.Namespace: true}
	for _, d := range p.input.Desired {
		if ns := d.Namespace(); ns != "" {
			open[ns] = true
		}
	}
	if p.Record != nil {
		delete(open, p.input.Namespace)
	}
	for ref := range p.input.Live {
		delete(open, ref.Namespace)
	}
	return each(ctx, slices.Sorted(maps.Keys(open)), func(ctx context.Context, ns string) error {
		exists, err := e.namespaceExists(ctx, ns)
		if err != nil || exists {
			return err
		}
		return p.noteMissing(ns, o)
	})
}

// namespaceExists also reports true when the identity may not read
// Namespaces: the first write will tell.
func (e *Engine) namespaceExists(ctx context.Context, ns string) (bool, error) {
	live, err := e.Cluster.GetLive(ctx, namespaceKind(), "", ns)
	switch {
	case fault.Is(err, fault.Denied):
		return true, nil
	case fault.Is(err, fault.NotFound):
		return false, nil
	case err == nil && live.Deleting:
		return false, fault.New(fault.Conflict, "namespace %q is being deleted", ns).
			Hint("wait until it is gone, then try again")
	}
	return err == nil, err
}

// noteMissing decides about a namespace that does not exist. Only the goroutine
// of the app's own namespace writes to p.
func (p *Prepared) noteMissing(ns string, o Options) error {
	own := ns == p.input.Namespace
	brings := func(d *object.Object) bool {
		return isNamespace(d.Ref()) && d.Name() == ns && plan.HookOf(d) == nil
	}
	brought := slices.ContainsFunc(p.input.Desired, brings)
	switch {
	case !brought && slices.ContainsFunc(o.Before, brings):
	case brought && own:
		p.missing = true
	case brought:
	case own && o.CreateNamespace:
		p.missing, p.createNamespace = true, true
	case own:
		return fault.New(fault.NotFound, "namespace %q does not exist", ns).
			Hint("let tug create it with --create-namespace, or add it to the repository")
	default:
		return fault.New(fault.NotFound, "namespace %q does not exist, but objects of the app belong into it", ns).
			Hint("add the namespace to the repository, or create it")
	}
	return nil
}

// ensureNamespace creates the app's namespace before the record, which stands
// in it (cluster-semantics.md 6.3). One that is in the set is applied as it
// stands there and so is ours from the start; --create-namespace makes one
// that nobody owns.
func (s *session) ensureNamespace(ctx context.Context) error {
	p := s.p
	if !p.missing {
		return nil
	}
	if p.createNamespace {
		o := &object.Object{Fields: map[string]any{
			"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": p.Plan.Namespace},
		}}
		_, err := s.e.Cluster.Create(ctx, o)
		if err != nil && !fault.Is(err, fault.Exists) {
			return err
		}
		if err == nil {
			s.tell.say(event.Applied, o.Ref(), "created, as --create-namespace says")
		}
		return nil
	}
	for i := range p.Plan.Changes {
		c := &p.Plan.Changes[i]
		if c.Action == plan.Create && isNamespace(c.Ref) && c.Ref.Name == p.Plan.Namespace {
			return s.bootstrap(ctx, c)
		}
	}
	return nil
}

// bootstrap applies the app's own namespace, and lets the change know so that
// the run applies it again under preconditions instead of creating it.
func (s *session) bootstrap(ctx context.Context, c *plan.Change) error {
	// No object has this resource version: an existing namespace is a conflict.
	got, err := s.e.Cluster.Apply(ctx, c.Desired, object.Write{ResourceVersion: "1"})
	if fault.Is(err, fault.Conflict) || fault.Is(err, fault.Exists) {
		got, err = s.e.Cluster.Get(ctx, namespaceKind(), "", c.Ref.Name)
		if err == nil && got.Label(object.LabelApp) != object.AppHash(s.p.key()) {
			return fault.New(fault.Conflict, "%s was created by somebody else after the plan was made", c.Ref).Hint("run it again")
		}
	}
	if err != nil {
		return err
	}
	live, err := object.LiveOf(got)
	if err != nil {
		return err
	}
	c.UID, c.ResourceVersion = live.UID, live.ResourceVersion
	s.journal.early = append(s.journal.early, inventory.Item{
		Ref: c.Ref, Version: c.Version, UID: live.UID, Applied: c.Applied,
		Entry: object.EntryHash(live.Managers), Generation: live.Generation,
	})
	return nil
}

// cutKey splits an app key; neither part may be empty.
func cutKey(key string) (namespace, app string, ok bool) {
	namespace, app, ok = strings.Cut(key, "/")
	return namespace, app, ok && namespace != "" && app != ""
}
