package cli

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"github.com/spf13/cobra"

	"github.com/tugops/tug/internal/deploy"
	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/plan"
	"github.com/tugops/tug/internal/project"
)

type planOptions struct {
	input
	deployFlags
	out      string
	exitCode bool
	release  bool
}

func newPlanCommand(env *Env) *cobra.Command {
	var o planOptions
	cmd := &cobra.Command{
		Use: "plan [PATH]", GroupID: "deliver", Short: "Show what a deploy would change",
		Long: `Renders apps and compares them with the cluster: the ordered changes with
per-field differences as the API server itself computes them. It writes nothing.

Credentials: read and dry-run (patch) on the app's objects, read on its record
(Secrets). With --last-release, read on the record alone.`,
		Example: `  tug plan ./umbrella-chart -a shop -n shop
  tug plan -e prod --exit-code
  tug plan -e prod -o plan.json && tug deploy -e prod --plan plan.json`,
		Args: maxOnePath,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.take(args)
			return runPlan(cmd.Context(), env, o)
		},
	}
	o.input.flags(env, cmd)
	o.deployFlags.planning(cmd)
	cmd.Flags().StringVarP(&o.out, "out", "o", "", "write the plan as JSON to `FILE`, for deploy --plan")
	cmd.Flags().BoolVar(&o.exitCode, "exit-code", false, "exit with 3 when there are changes")
	cmd.Flags().BoolVar(&o.release, "last-release", false, "compare with the last release instead of the cluster: needs no right to deploy, shows no drift")
	return cmd
}

// planReport is the JSON form of plans. Hash is that of the only plan, or one
// over all.
type planReport struct {
	Hash  string       `json:"hash"`
	Plans []*plan.Plan `json:"plans"`
	// Gone are apps that tug.yaml does not name any more.
	Gone []gone `json:"gone,omitempty"`

	changes bool
}

// add plans one app.
func (r *planReport) add(ctx context.Context, run *run, spec project.Spec, release bool) error {
	p, changes, err := run.planOf(ctx, spec, release)
	if err != nil {
		return err
	}
	r.Plans = append(r.Plans, p)
	r.changes = r.changes || changes
	return nil
}

// addGone plans the deletion of apps that left the project.
func (r *planReport) addGone(ctx context.Context, run *run) (err error) {
	r.Gone, err = run.gone(ctx)
	for _, g := range r.Gone {
		r.changes = r.changes || run.deletes(g)
	}
	return err
}

// text shows the plans to a person.
func (r *planReport) text(s style) ([]byte, error) {
	var b bytes.Buffer
	for i, p := range r.Plans {
		if i > 0 {
			b.WriteString("\n")
		}
		if err := writePlan(&b, s, p, false); err != nil {
			return nil, err
		}
	}
	for _, g := range r.Gone {
		if g.prepared == nil {
			continue
		}
		b.WriteString("\ngone from tug.yaml: ")
		if err := writePlan(&b, s, g.prepared.Plan, false); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), nil
}

// planOf plans one app, and says whether a deploy would write anything.
func (r *run) planOf(ctx context.Context, spec project.Spec, release bool) (*plan.Plan, bool, error) {
	if release {
		snap, err := r.snapshot(ctx, spec)
		if err != nil {
			return nil, false, err
		}
		p, err := r.engine.Preview(ctx, snap)
		if err != nil {
			return nil, false, subjectError(spec, err)
		}
		p.From = r.source.from()
		return p, !p.Empty(), nil
	}
	p, err := r.prepare(ctx, spec)
	if fault.Is(err, fault.Denied) {
		return nil, false, fault.New(fault.Denied, "%w", err).Hint("without the right to deploy, compare with the last release: --last-release")
	}
	if err != nil {
		return nil, false, err
	}
	r.notePlanned(p)
	return p.Plan, !p.Unchanged(), nil
}

func runPlan(ctx context.Context, env *Env, o planOptions) error {
	run, err := env.newRun(ctx, o.input, o.deployFlags)
	if err != nil {
		return err
	}
	report := planReport{}
	for _, spec := range run.specs {
		if err := report.add(ctx, run, spec, o.release); err != nil {
			return err
		}
	}
	if err := report.addGone(ctx, run); err != nil {
		return err
	}
	env.warn(run.client.Warnings()...)
	report.Hash = planHash(report.Plans)
	if err := report.write(env, o.out); err != nil {
		return err
	}
	if report.changes && o.exitCode {
		return fault.New(fault.Pending, "there are changes")
	}
	return nil
}

// write gives the plan as a file, and to the person who asked or the program.
func (r *planReport) write(env *Env, file string) error {
	if file != "" {
		if err := env.writeJSON(file, r); err != nil {
			return err
		}
	}
	if env.Global.JSON() {
		if file != "" {
			return nil
		}
		return env.writeJSON("", r)
	}
	text, err := r.text(env.style(env.OutTTY))
	if err != nil {
		return err
	}
	return env.write("", text)
}

// notePlanned remembers what later apps of the run can count on.
func (r *run) notePlanned(p *deploy.Prepared) {
	r.planned = append(r.planned, p.Snapshot.Objects...)
	key := object.AppKey(p.Plan.Namespace, p.Plan.App)
	for _, c := range p.Plan.Changes {
		switch {
		case c.Action == plan.Drop && c.HandedTo != "":
			r.handed[c.Ref] = key
		case c.Action == plan.Take:
			r.taken[c.Ref] = key
		}
	}
}

func planHash(plans []*plan.Plan) string {
	if len(plans) == 1 {
		return plans[0].Hash
	}
	h := sha256.New()
	for _, p := range plans {
		h.Write([]byte(p.Hash + "\n"))
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// readPlanFile gives the hashes that a plan file agreed on, by app. It is a
// fault when the file says nothing about one of the apps to deploy: nobody
// reviewed what would happen to that one.
func readPlanFile(file string, specs []project.Spec) (map[string]string, error) {
	data, err := readGiven(file)
	if err != nil {
		return nil, fault.New(fault.NotFound, "plan file %s: %w", file, reason(err)).Hint("make one with: tug plan -o %s", file)
	}
	var report planReport
	if err := json.Unmarshal(data, &report); err != nil || len(report.Plans) == 0 {
		return nil, fault.New(fault.Invalid, "plan file %s is not a plan", file).Hint("make one with: tug plan -o %s", file)
	}
	hashes := map[string]string{}
	for _, p := range report.Plans {
		hashes[p.App] = p.Hash
	}
	for _, s := range specs {
		if hashes[s.App] == "" {
			return nil, fault.New(fault.Conflict, "plan file %s has no plan for %s", file, s.App).
				Hint("choose the apps that it has with -a, or plan again without -a")
		}
	}
	return hashes, nil
}
