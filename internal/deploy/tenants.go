package deploy

import (
	"context"
	"strings"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/inventory"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/plan"
)

// computeDelete decides a plan that may delete Namespaces: when it does, other
// apps whose records stand in them are a reason to brake
// (cluster-semantics.md 6.3).
func (e *Engine) computeDelete(ctx context.Context, p *Prepared, o Options) error {
	var err error
	if p.Plan, err = plan.Compute(p.input); err != nil {
		return err
	}
	tenants, err := e.tenants(ctx, p.Plan, o)
	if err != nil || len(tenants) == 0 {
		return err
	}
	p.input.Tenants = tenants
	p.Plan, err = plan.Compute(p.input)
	return err
}

// tenants are the other apps in each Namespace that a plan deletes. A record
// that cannot be read counts as well; so do records that may not be looked
// for, since nobody can say that there are none.
func (e *Engine) tenants(ctx context.Context, p *plan.Plan, o Options) (map[string][]string, error) {
	self := object.AppKey(p.Namespace, p.App)
	found := map[string][]string{}
	for _, c := range p.Changes {
		if c.Action != plan.Delete || !isNamespace(c.Ref) || o.KeepHistory && isOwnNamespace(p, c) {
			continue
		}
		heads, unreadable, err := inventory.Heads(ctx, e.Cluster, c.Ref.Name)
		if fault.Is(err, fault.Denied) {
			found[c.Ref.Name] = []string{"any app (this identity may not list the Secrets of records)"}
			continue
		}
		if err != nil {
			return nil, err
		}
		var keys []string
		for _, h := range heads {
			key := object.AppKey(h.Namespace, h.App)
			if key == self {
				continue
			}
			if gone(h) {
				key += " (deleted, with its history)"
			}
			keys = append(keys, key)
		}
		for _, err := range unreadable {
			keys = append(keys, "an app with an unreadable record: "+err.Error())
		}
		if len(keys) > 0 {
			found[c.Ref.Name] = keys
		}
	}
	return found, nil
}

// needsTenantsConsent is what even a delete by name needs consent to: it was
// asked to remove one app, not the others in its Namespace.
func (p *Prepared) needsTenantsConsent() error {
	var reasons []string
	for _, b := range p.Plan.Brakes {
		if b.Kind == plan.BrakeTenants {
			reasons = append(reasons, b.Reason)
		}
	}
	if len(reasons) == 0 {
		return nil
	}
	return fault.New(fault.Denied, "this delete needs consent: %s", strings.Join(reasons, "; ")).
		Hint("delete those apps first, each with `tug delete`").
		Hint("or, if they are to go with the namespace: --consent %s", p.Plan.Hash)
}
