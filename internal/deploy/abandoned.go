package deploy

import (
	"cmp"
	"context"
	"slices"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/inventory"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/plan"
)

// Declared is what a project says about its apps at one commit.
type Declared struct {
	Env string
	// Project is the path of its tug.yaml in the repository. Apps of another
	// one, or of none, are not looked for.
	Project string
	// Apps are the keys (object.AppKey) of all apps of the environment.
	Apps []string
	// Namespaces are those to look for records in.
	Namespaces []string
	// Clean says that the project loaded without an error and that nothing of
	// it is uncommitted: an app that is missing from it is missing on purpose.
	Clean bool
	// Ancestor says whether a commit is an ancestor of the one that is being
	// deployed; a commit that the repository does not know is none.
	Ancestor func(ctx context.Context, commit string) (bool, error)
}

// Abandoned is an app that was deployed to the environment, and that the
// project does not name any more.
type Abandoned struct {
	App       string `json:"app"`
	Env       string `json:"env,omitempty"`
	Namespace string `json:"namespace"`
	Commit    string `json:"commit,omitempty"` // it was deployed from last
	// Prune says that tug.yaml allowed, when it still named the app, to delete
	// it without consent.
	Prune bool `json:"prune"`
	// Keep says why the app must not be deleted; "" when it may be.
	Keep string `json:"keep,omitempty"`
}

// Abandoned lists the apps that are gone from the project
// (cluster-semantics.md 7.2). It deletes nothing.
func (e *Engine) Abandoned(ctx context.Context, d Declared) ([]Abandoned, error) {
	var out []Abandoned
	for _, ns := range d.Namespaces {
		heads, _, err := inventory.Heads(ctx, e.Cluster, ns)
		if err != nil {
			return nil, err
		}
		for _, h := range heads {
			if h.Env != d.Env || h.Project != d.Project || slices.Contains(d.Apps, object.AppKey(h.Namespace, h.App)) || gone(h) {
				continue
			}
			a, err := d.judge(ctx, h)
			if err != nil {
				return nil, err
			}
			out = append(out, a)
		}
	}
	slices.SortFunc(out, func(a, b Abandoned) int {
		return cmp.Compare(object.AppKey(a.Namespace, a.App), object.AppKey(b.Namespace, b.App))
	})
	return out, nil
}

// gone reports a record that only keeps the history of a deleted app.
func gone(h inventory.Head) bool {
	return h.Latest() != nil && h.Latest().Status == inventory.Deleted
}

// judge decides whether an app may be deleted.
func (d Declared) judge(ctx context.Context, h inventory.Head) (Abandoned, error) {
	a := Abandoned{App: h.App, Env: h.Env, Namespace: h.Namespace, Prune: h.Prune}
	if r := h.Latest(); r != nil {
		a.Commit = r.Commit
	}
	switch {
	case !d.Clean:
		a.Keep = "the project did not load cleanly"
	case a.Commit == "":
		a.Keep = "it was not deployed from a commit"
	default:
		known, err := d.Ancestor(ctx, a.Commit)
		if err != nil {
			return a, err
		}
		if !known {
			a.Keep = "it was deployed from commit " + a.Commit[:min(len(a.Commit), 12)] + ", which this commit does not follow"
		}
	}
	return a, nil
}

// PlanAbandoned plans the deletion of an app that is gone from the project.
// Execute carries it out with consent to the plan's hash, or without where
// tug.yaml said `prune: true`; what needs consent in any plan needs it here.
func (e *Engine) PlanAbandoned(ctx context.Context, a Abandoned, o Options) (*Prepared, error) {
	if a.Keep != "" {
		return nil, fault.New(fault.Denied, "%s is gone from the project, but it is not deleted: %s", object.AppKey(a.Namespace, a.App), a.Keep).
			Hint("delete it with `tug delete -a %s -n %s` if it is not needed", a.App, a.Namespace)
	}
	p, err := e.PlanDelete(ctx, a.App, a.Namespace, o)
	if err != nil {
		return nil, err
	}
	// What a person confirms by name was not confirmed here.
	if p.Record == nil {
		p.Plan.Brakes = append(p.Plan.Brakes, plan.Brake{Kind: plan.BrakeUnrecorded, Reason: "the record is missing"})
	}
	p.abandoned = &a
	return p, nil
}

func (a *Abandoned) needsConsent(hash string) error {
	return fault.New(fault.Denied, "%s is gone from the project; deleting it needs consent", object.AppKey(a.Namespace, a.App)).
		Hint("if this is what you want: --consent %s", hash).
		Hint("or set `prune: true` for an app before it is removed from tug.yaml")
}
