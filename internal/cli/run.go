package cli

import (
	"context"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/tugops/tug/internal/deploy"
	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/kube"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/plan"
	"github.com/tugops/tug/internal/project"
	"github.com/tugops/tug/internal/snapshot"
)

// deployFlags are the flags of commands that plan and change.
type deployFlags struct {
	yes, noWait          bool
	timeout              time.Duration
	createNamespace      bool
	takeOver             bool
	assumeClusterObjects bool
	consent              []string
	planFile             string
}

// planning adds the flags that change what a plan says.
func (d *deployFlags) planning(cmd *cobra.Command) {
	f := cmd.Flags()
	f.BoolVar(&d.createNamespace, "create-namespace", false, "create the app's namespace when it is missing")
	f.BoolVar(&d.assumeClusterObjects, "assume-cluster-objects", false, "cluster-scoped objects need no permission when they exist as declared")
}

// executing adds the flags of execution.
func (d *deployFlags) executing(cmd *cobra.Command) {
	f := cmd.Flags()
	f.BoolVarP(&d.yes, "yes", "y", false, "do not ask before changing anything")
	f.BoolVar(&d.noWait, "no-wait", false, "do not wait until objects are ready (delete: gone)")
	d.timeout = 5 * time.Minute
	f.Var(duration{&d.timeout}, "wait-timeout", "how long to wait in all")
	f.StringArrayVar(&d.consent, "consent", nil, "agree to the plan with this `HASH`, brakes and all (repeatable)")
	f.BoolVar(&d.takeOver, "take-over", false, "suspend the agent that controls the app, and go ahead")
}

// run is one use of the deploy engine over the apps of one environment.
type run struct {
	env    *Env
	in     input
	flags  deployFlags
	source *source
	specs  []project.Spec
	client *kube.Client
	engine *deploy.Engine
	tell   *teller
	hashes map[string]string // agreed on in a plan file, by app
	// namespace is the context's, for apps that name none.
	namespace string
	// planned are the objects of the apps that were only planned so far.
	planned []*object.Object
	// handed are the objects that those apps hand over, and the app they had.
	handed map[object.Ref]string
	// taken are the objects that those apps take over, and their keys.
	taken map[object.Ref]string
}

func (e *Env) newRun(ctx context.Context, in input, flags deployFlags) (*run, error) {
	r := &run{env: e, in: in, flags: flags, handed: map[object.Ref]string{}, taken: map[object.Ref]string{}}
	var err error
	if r.source, err = e.open(ctx, in); err != nil {
		return nil, err
	}
	if r.specs, err = r.source.specs(in); err != nil {
		return nil, err
	}
	if flags.planFile != "" {
		if r.hashes, err = readPlanFile(flags.planFile, r.specs); err != nil {
			return nil, err
		}
	}
	// All apps of an environment share its cluster.
	if r.client, err = e.connect(r.specs[0].Cluster); err != nil {
		return nil, err
	}
	r.engine, r.namespace = engine(r.client), r.client.Namespace()
	return r, nil
}

// options are what the flags say to the engine.
func (d *deployFlags) options() deploy.Options {
	return deploy.Options{
		NoWait: d.noWait, Timeout: d.timeout, CreateNamespace: d.createNamespace, TakeOver: d.takeOver,
		AssumeClusterObjects: d.assumeClusterObjects,
	}
}

// options are the engine's options for one app of the run.
func (r *run) options(spec project.Spec) deploy.Options {
	o := r.flags.options()
	declaredOptions(&o, spec)
	o.ExpectHash, o.Others, o.Left = r.hashes[spec.App], r.others(spec), r.left
	o.Verify = r.env.verifier(spec)
	return o
}

// declaredOptions are the engine's options that tug.yaml has for an app.
func declaredOptions(o *deploy.Options, spec project.Spec) {
	o.History, o.Humans = spec.History, spec.Humans
	switch spec.Drift {
	case project.DriftDetect:
		o.Policy = plan.PolicyDetect
	case project.DriftStrict:
		o.Policy = plan.PolicyStrict
	}
	for _, i := range spec.Ignore {
		o.Ignore = append(o.Ignore, plan.Ignore(i))
	}
}

// prepare renders and plans one app.
func (r *run) prepare(ctx context.Context, spec project.Spec) (*deploy.Prepared, error) {
	snap, err := r.snapshot(ctx, spec)
	if err != nil {
		return nil, err
	}
	o := r.options(spec)
	o.Before, o.Handed = r.planned, r.handed
	p, err := r.engine.Plan(ctx, snap, o)
	if err != nil {
		return nil, subjectError(spec, err)
	}
	p.Plan.From = r.source.from()
	r.env.warn(named(snap.App, snap.Env, p.Plan.Warnings)...)
	return p, nil
}

// snapshot renders one app with the random values of its last release.
func (r *run) snapshot(ctx context.Context, spec project.Spec) (*snapshot.Snapshot, error) {
	if spec.Namespace == "" {
		spec.Namespace = r.namespace
	}
	snap, err := r.env.build(ctx, r.source, spec, r.in, func(ctx context.Context) (map[string]string, error) {
		return r.engine.Generated(ctx, spec.Namespace, spec.App)
	})
	if err == nil {
		r.env.warn(named(snap.App, snap.Env, snap.Warnings)...)
	}
	return snap, err
}

// others renders the other apps of the environment, and says which of them
// declares what: a prune asks, so that an object that moved is handed over.
func (r *run) others(spec project.Spec) func(context.Context) (map[object.Ref]string, error) {
	if r.source.project.File == "" {
		return nil // one app stands alone
	}
	return func(ctx context.Context) (map[object.Ref]string, error) {
		in := r.in
		in.App = ""
		specs, err := r.source.specs(in)
		if err != nil {
			return nil, err
		}
		for i := range specs {
			if specs[i].Namespace == "" {
				specs[i].Namespace = r.namespace
			}
		}
		return r.env.declaredBy(ctx, r.source, specs, spec.App, r.in)
	}
}

// declaredBy renders the apps of an environment, but for one, and says which
// of them (by app key) declares what.
func (e *Env) declaredBy(ctx context.Context, s *source, specs []project.Spec, except string, in input) (map[object.Ref]string, error) {
	declared := map[object.Ref]string{}
	for _, other := range specs {
		if other.App == except {
			continue
		}
		snap, err := e.build(ctx, s, other, in, nil)
		if err != nil {
			return nil, fault.New(fault.Invalid, "look for objects that moved to another app: %w", err).
				Hint("nothing is pruned while an app of the environment cannot be rendered")
		}
		for _, o := range snap.Objects {
			ref := o.Ref()
			declared[ref] = object.AppKey(other.Namespace, other.App)
			if ref.Namespace == "" {
				ref.Namespace = other.Namespace
				declared[ref] = object.AppKey(other.Namespace, other.App)
			}
		}
	}
	return declared, nil
}

// agreed is the consent that fits a plan. One that fits none is passed on, so
// that the refusal can say which hash was wanted.
func (d *deployFlags) agreed(hash string) string {
	if slices.Contains(d.consent, hash) {
		return hash
	}
	if len(d.consent) > 0 {
		return d.consent[0]
	}
	return ""
}
