package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tugops/tug/internal/deploy"
	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/inventory"
)

type statusOptions struct {
	input
	drift bool
	out   string
}

func newStatusCommand(env *Env) *cobra.Command {
	var o statusOptions
	cmd := &cobra.Command{
		Use: "status [PATH]", GroupID: "look", Short: "Show what runs, and whether it is healthy",
		Long: `Shows the last release of an app and the health of every object it owns. With
--drift, objects are compared with the last release by a dry run of the API
server, and the manager that changed a field is named. Without -a it is every
app of the environment; with --output json these are an array.

Credentials: read on the app's objects and its record; with --drift dry-run
(patch) as well.`,
		Example: "  tug status -a shop -n shop\n  tug status -e prod -a shop --drift",
		Args:    maxOnePath,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.take(args)
			return runStatus(cmd.Context(), env, o)
		},
	}
	o.chooseFlags(env, cmd)
	cmd.Flags().BoolVar(&o.drift, "drift", false, "compare live objects with the last release")
	cmd.Flags().StringVarP(&o.out, "out", "o", "", "write the result to `FILE`")
	return cmd
}

func runStatus(ctx context.Context, env *Env, o statusOptions) error {
	list, err := env.targets(o.input)
	if err != nil {
		return err
	}
	all, err := look(ctx, list, func(t target) (*deploy.Status, error) {
		return engine(t.Client).Status(ctx, t.App, t.Namespace, o.drift)
	})
	if err != nil {
		return err
	}
	result := make([]*deploy.Status, len(all))
	for i, l := range all {
		result[i] = l.found
		if !l.deployed {
			result[i] = &deploy.Status{App: l.App, Env: l.Env, Namespace: l.Namespace, Objects: []deploy.ObjectStatus{}}
		}
		env.warn(result[i].Warnings...)
	}
	if env.Global.JSON() {
		return env.writeJSON(o.out, oneOrAll(result))
	}
	var b strings.Builder
	st := env.style(env.OutTTY && o.out == "")
	writeAll(&b, st, all, func(l looked[*deploy.Status]) { writeStatus(&b, st, l.found, time.Now(), o.drift) })
	return env.write(o.out, []byte(b.String()))
}

func writeStatus(b *strings.Builder, st style, s *deploy.Status, now time.Time, drift bool) {
	fmt.Fprintf(b, "%s in namespace %s", st.head(s.App), s.Namespace)
	if s.Env != "" {
		fmt.Fprintf(b, ", environment %s", s.Env)
	}
	if s.Controller != "" {
		fmt.Fprintf(b, ", controlled by the %s", s.Controller)
	}
	b.WriteString("\n")
	if s.Release != nil {
		fmt.Fprintf(b, "release %s\n", releaseLine(*s.Release, now))
	}
	b.WriteString("\n")
	var rows [][]string
	for _, o := range s.Objects {
		state := healthWord(o.Health)
		if o.Handed != "" {
			state = "handed to " + o.Handed + ", which has not deployed yet"
		}
		row := []string{o.Ref.String(), state, age(o.Created, now)}
		if drift {
			row = append(row, driftWord(o.Drift))
		}
		rows = append(rows, row)
	}
	head := "OBJECT | HEALTH | AGE"
	if drift {
		head += " | DRIFT"
	}
	table(b, head, rows)
	for _, o := range s.Objects {
		if o.Why != "" && o.Why != o.Health.Reason {
			fmt.Fprintf(b, "\n%s\n  %s\n", st.bad(o.Ref.String()), strings.ReplaceAll(o.Why, "\n", "\n  "))
		}
	}
	for _, o := range s.Objects {
		if o.Drift == nil || len(o.Drift.Fields) == 0 {
			continue
		}
		fmt.Fprintf(b, "\n%s\n", st.note("~ "+o.Ref.String()))
		for _, f := range o.Drift.Fields {
			writeField(b, st, f)
		}
	}
	fmt.Fprintf(b, "\n%s\n", statusSummary(s, drift))
}

func statusSummary(s *deploy.Status, drift bool) string {
	text := fmt.Sprintf("%d objects, ", len(s.Objects))
	if len(s.Objects) == 1 {
		text = "1 object, "
	}
	if s.Ready() {
		text += "all ready"
	} else {
		text += "not all ready"
	}
	if drift {
		text += fmt.Sprintf(", %d drifted", s.Drifted())
	}
	return text
}

func driftWord(d *deploy.Drift) string {
	if d == nil {
		return "-"
	}
	return d.Reason
}

// releaseLine says what a release was in one line.
func releaseLine(r inventory.Release, now time.Time) string {
	text := fmt.Sprintf("%d %s %s ago", r.Number, r.Status, age(r.Started, now))
	if r.Commit != "" {
		text += ", commit " + shortCommit(r)
	}
	if r.Message != "" {
		text += fmt.Sprintf(" (%s)", r.Message)
	}
	if r.Error != "" {
		text += "\n  " + strings.ReplaceAll(r.Error, "\n", "\n  ")
	}
	return text
}

func shortCommit(r inventory.Release) string {
	if r.Commit == "" {
		return "-"
	}
	c := r.Commit[:min(12, len(r.Commit))]
	if r.Dirty {
		c += "+changes"
	}
	return c
}

// needApp is the error of commands that work on one app without a name.
func needApp(cmd string) error {
	return fault.New(fault.Usage, "%s needs an app", cmd).Hint("name it with -a, or give a PATH that is one app")
}
