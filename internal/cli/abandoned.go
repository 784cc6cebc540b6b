package cli

import (
	"context"
	"slices"

	"github.com/tugops/tug/internal/deploy"
	"github.com/tugops/tug/internal/event"
	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/project"
)

// gone is an app that runs, and that tug.yaml does not name any more.
type gone struct {
	deploy.Abandoned
	// Hash of the plan that deletes it; "" when it may not be deleted.
	Hash string `json:"hash,omitempty"`

	prepared *deploy.Prepared
}

// gone plans the deletion of apps that left the project, and warns of each
// that is not deleted without consent (cluster-semantics.md 7.2). A run of one
// app, and a folder without tug.yaml, say nothing about other apps.
func (r *run) gone(ctx context.Context) ([]gone, error) {
	if r.in.App != "" || r.source.project.File == "" {
		return nil, nil
	}
	declared, err := r.declared(r.specs)
	if err != nil {
		return nil, err
	}
	all, err := r.engine.Abandoned(ctx, declared)
	if fault.Is(err, fault.Denied) {
		r.env.warn("apps that are gone from tug.yaml could not be looked for: " + err.Error())
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list []gone
	for _, a := range all {
		g := gone{Abandoned: a}
		if a.Keep != "" {
			r.env.warn(object.AppKey(a.Namespace, a.App) + " is gone from tug.yaml, but stays: " + a.Keep)
		} else {
			o := r.flags.options()
			o.Others = func(context.Context) (map[object.Ref]string, error) { return r.taken, nil }
			if g.prepared, err = r.engine.PlanAbandoned(ctx, a, o); err != nil {
				return nil, err
			}
			g.Hash = g.prepared.Plan.Hash
			if !r.deletes(g) {
				r.env.warn(object.AppKey(a.Namespace, a.App) + " is gone from tug.yaml, but stays until you agree: --consent " + g.Hash)
			}
		}
		list = append(list, g)
	}
	return list, nil
}

// left says which apps the project does not name any more, and of which it is
// sure: another app takes over what it declares of theirs. It looks at all apps
// of the environment also in a run of one.
func (r *run) left(ctx context.Context) (map[string]bool, error) {
	if r.source.project.File == "" {
		return nil, nil
	}
	in := r.in
	in.App = ""
	specs, err := r.source.specs(in)
	if err != nil {
		return nil, err
	}
	declared, err := r.declared(specs)
	if err != nil {
		return nil, err
	}
	return leftBy(ctx, r.engine, declared)
}

// leftBy says which apps are gone from what a project declares, and whether
// they may be deleted.
func leftBy(ctx context.Context, e *deploy.Engine, declared deploy.Declared) (map[string]bool, error) {
	all, err := e.Abandoned(ctx, declared)
	if fault.Is(err, fault.Denied) {
		return nil, nil // its owner stays
	}
	left := map[string]bool{}
	for _, a := range all {
		left[object.AppKey(a.Namespace, a.App)] = a.Keep == ""
	}
	return left, err
}

// deletes reports whether a deploy with these flags deletes the app.
func (r *run) deletes(g gone) bool {
	return g.Keep == "" && (g.Prune || slices.Contains(r.flags.consent, g.Hash))
}

// declared is what the project says of its apps, which are all of the
// environment.
func (r *run) declared(specs []project.Spec) (deploy.Declared, error) {
	s := r.source
	d := deploy.Declared{Env: specs[0].Env, Project: s.project.File}
	// With -n this run is about that namespace: an app in the environment's
	// own is another deployment of it, which nothing is said about.
	if ns := s.project.Environments[d.Env].Namespace; ns != "" && r.in.Namespace == "" {
		d.Namespaces = append(d.Namespaces, ns)
	}
	for _, spec := range specs {
		ns := spec.Namespace
		if ns == "" {
			ns = r.namespace
		}
		d.Apps = append(d.Apps, object.AppKey(ns, spec.App))
		if !slices.Contains(d.Namespaces, ns) {
			d.Namespaces = append(d.Namespaces, ns)
		}
	}
	if s.repo == nil || s.revision.Commit == "" {
		return d, nil
	}
	d.Clean = true
	if s.working {
		dirty, err := s.repo.Dirty(s.project.File)
		if err != nil {
			return d, err
		}
		d.Clean = !dirty
	}
	if s.elsewhere {
		// The commit that an app was deployed from says nothing about the
		// tug.yaml that named it.
		d.Ancestor = func(context.Context, string) (bool, error) { return false, nil }
		return d, nil
	}
	d.Ancestor = func(_ context.Context, commit string) (bool, error) {
		return s.repo.Ancestor(commit, s.revision.Commit)
	}
	return d, nil
}

// deleteGone deletes the apps that left the project, as far as that was agreed
// to, after all others are deployed.
func (r *run) deleteGone(ctx context.Context) ([]deployed, error) {
	list, err := r.gone(ctx)
	if err != nil {
		return nil, err
	}
	var results []deployed
	for _, g := range list {
		if !r.deletes(g) {
			continue
		}
		done, err := r.env.execute(ctx, r.engine, g.prepared, r.flags.options(), r.flags, undertaking{"This app is gone from tug.yaml. Delete it?", event.KindPruned, r.tell})
		if err != nil {
			done.Error = r.env.sensitive.Mask(err.Error())
			return append(results, done), err
		}
		results = append(results, done)
	}
	return results, nil
}
