package cli

import (
	"cmp"
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/tugops/tug/internal/deploy"
	"github.com/tugops/tug/internal/event"
	"github.com/tugops/tug/internal/project"
)

type deployOptions struct {
	input
	deployFlags
}

func newDeployCommand(env *Env) *cobra.Command {
	var o deployOptions
	cmd := &cobra.Command{
		Use: "deploy [PATH]", GroupID: "deliver", Short: "Bring the cluster to what a commit says",
		Long: `Renders apps, shows what would change, asks, and applies it in order: Namespaces
and definitions, hooks, configuration, workloads, custom resources, webhooks. It
waits until everything is ready, removes what is no longer declared, and records
the release. Several apps of an environment are deployed in dependsOn order. A
second deploy without a change writes nothing.

An interrupted deploy loses nothing: run it again, or delete the app.

Credentials: write in the app's namespace, including its record (Secrets) and
Lease.`,
		Example: `  tug deploy ./umbrella-chart -a shop -n shop
  tug deploy -e prod --rev v1.4.0 --yes
  tug deploy -e prod --plan plan.json --yes`,
		Args: maxOnePath,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.take(args)
			return runDeploy(cmd.Context(), env, o)
		},
	}
	o.input.flags(env, cmd)
	o.deployFlags.planning(cmd)
	o.deployFlags.executing(cmd)
	cmd.Flags().StringVar(&o.planFile, "plan", "", "deploy only if the plan is still that of `FILE` (from plan -o)")
	_ = cmd.MarkFlagFilename("plan", "json")
	return cmd
}

func runDeploy(ctx context.Context, env *Env, o deployOptions) error {
	r, err := env.newRun(ctx, o.input, o.deployFlags)
	if err != nil {
		return err
	}
	r.tell = env.newTeller(ctx, r.source.project, r.client, r.source.fact())
	defer r.tell.close(ctx)
	var results []deployed
	for i, spec := range r.specs {
		var done deployed
		if done, err = r.deploy(ctx, spec); err != nil {
			done.Error = env.sensitive.Mask(err.Error())
			if rest := joinApps(r.specs[i+1:]); rest != "" {
				env.warn("not deployed after this error: " + rest)
			}
		}
		results = append(results, done)
		if err != nil {
			break
		}
	}
	if err == nil {
		var removed []deployed
		removed, err = r.deleteGone(ctx)
		results = append(results, removed...)
	}
	env.warn(r.client.Warnings()...)
	if env.Global.JSON() {
		if jsonErr := env.writeJSON("", results); jsonErr != nil {
			return jsonErr
		}
	}
	return err
}

// deploy plans one app, asks, and executes.
func (r *run) deploy(ctx context.Context, spec project.Spec) (deployed, error) {
	p, err := r.prepare(ctx, spec)
	if err != nil {
		r.tell.notPlanned(spec.App, spec.Env, cmp.Or(spec.Namespace, r.namespace), err)
		return deployed{App: spec.App, Env: spec.Env}, err
	}
	done, err := r.env.execute(ctx, r.engine, p, r.options(spec), r.flags, undertaking{"Deploy this?", event.KindDeployed, r.tell})
	return done, subjectError(spec, err)
}

// undertaking is what a person is asked before a plan is carried out, and what
// is told when it was.
type undertaking struct {
	question string
	done     event.Kind
	tell     *teller
}

// execute shows a prepared plan, asks, carries it out with progress and says
// what was done.
func (e *Env) execute(ctx context.Context, eng *deploy.Engine, p *deploy.Prepared, o deploy.Options, flags deployFlags, u undertaking) (deployed, error) {
	done := deployed{App: p.Plan.App, Env: p.Plan.Env, Namespace: p.Plan.Namespace}
	o.Consent = flags.agreed(p.Plan.Hash)
	if !p.Unchanged() {
		if !e.Global.Quiet && !e.Global.JSON() {
			if err := writePlan(e.Stderr, e.style(e.ErrTTY), p.Plan, p.ByName()); err != nil {
				return done, err
			}
		}
		if err := e.confirm(ctx, flags.yes, u.question); err != nil {
			return done, err
		}
	}
	progress := e.newProgress()
	o.Sink = progress.Event
	outcome, err := eng.Execute(ctx, p, o)
	progress.Close()
	u.tell.carriedOut(u.done, p, outcome, err)
	done.take(outcome)
	if err != nil {
		return done, err
	}
	if !outcome.Unchanged {
		done.Notes = p.Notes()
	}
	if !e.Global.JSON() {
		fmt.Fprintln(e.Stdout, outcomeLine(p, outcome))
		if done.Notes != "" && !e.Global.Quiet {
			fmt.Fprintf(e.Stderr, "\n%s\n", e.sensitive.Mask(done.Notes))
		}
	}
	return done, nil
}

// subjectError puts app and environment in front of an error, once.
func subjectError(spec project.Spec, err error) error {
	if err == nil {
		return nil
	}
	name := spec.App
	if spec.Env != "" {
		name += "/" + spec.Env
	}
	return fmt.Errorf("%s: %w", name, err)
}
