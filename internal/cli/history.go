package cli

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tugops/tug/internal/inventory"
)

func newHistoryCommand(env *Env) *cobra.Command {
	var in input
	cmd := &cobra.Command{
		Use: "history [PATH]", GroupID: "look", Short: "List the releases of an app, newest first",
		Long: `Lists the recorded releases of an app, newest first: what was deployed when, from
which commit, and how it went. The numbers are those of tug rollback.

Credentials: read on the app's record (Secrets).`,
		Example: "  tug history -a shop -n shop",
		Args:    maxOnePath,
		RunE: func(cmd *cobra.Command, args []string) error {
			in.take(args)
			return runHistory(cmd.Context(), env, in)
		},
	}
	in.chooseFlags(env, cmd)
	return cmd
}

// appHistory is the JSON form of the releases of one app among several.
type appHistory struct {
	App       string              `json:"app"`
	Env       string              `json:"env,omitempty"`
	Namespace string              `json:"namespace"`
	Deployed  bool                `json:"deployed"`
	Releases  []inventory.Release `json:"releases"`
}

func runHistory(ctx context.Context, env *Env, in input) error {
	list, err := env.targets(in)
	if err != nil {
		return err
	}
	all, err := look(ctx, list, func(t target) ([]inventory.Release, error) {
		head, err := engine(t.Client).History(ctx, t.App, t.Namespace)
		if err != nil {
			return nil, err
		}
		return head.Releases, nil
	})
	if err != nil {
		return err
	}
	if env.Global.JSON() {
		if len(all) == 1 {
			return env.writeJSON("", all[0].found)
		}
		result := make([]appHistory, len(all))
		for i, l := range all {
			result[i] = appHistory{l.App, l.Env, l.Namespace, l.deployed, append([]inventory.Release{}, l.found...)}
		}
		return env.writeJSON("", result)
	}
	var b strings.Builder
	st := env.style(env.OutTTY)
	writeAll(&b, st, all, func(l looked[[]inventory.Release]) {
		if len(all) > 1 {
			b.WriteString(l.title(st) + "\n")
		}
		writeHistory(&b, l.found, time.Now())
	})
	return env.write("", []byte(b.String()))
}

func writeHistory(b *strings.Builder, releases []inventory.Release, now time.Time) {
	var rows [][]string
	for _, r := range releases {
		took := "-"
		if !r.Finished.IsZero() {
			took = r.Finished.Sub(r.Started).Round(100 * time.Millisecond).String()
		}
		rows = append(rows, []string{
			strconv.Itoa(r.Number), string(r.Status), age(r.Started, now) + " ago", took, shortCommit(r), r.Changes, r.Message,
		})
	}
	table(b, "RELEASE | STATUS | STARTED | TOOK | COMMIT | CHANGES | MESSAGE", rows)
}
