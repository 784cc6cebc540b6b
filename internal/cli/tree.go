package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tugops/tug/internal/deploy"
	"github.com/tugops/tug/internal/health"
)

func newTreeCommand(env *Env) *cobra.Command {
	var in input
	cmd := &cobra.Command{
		Use: "tree [PATH]", GroupID: "look", Short: "Show what an app owns, and what controllers made of it",
		Long: `Shows every object an app owns with its health, and below it what controllers
made of it: ReplicaSets, Pods, Jobs, EndpointSlices and so on.

Credentials: read on the app's objects, its record, and what stands below them.`,
		Example: "  tug tree -a shop -n shop",
		Args:    maxOnePath,
		RunE: func(cmd *cobra.Command, args []string) error {
			in.take(args)
			return runTree(cmd.Context(), env, in)
		},
	}
	in.chooseFlags(env, cmd)
	return cmd
}

// appTree is the JSON form of the tree of one app among several.
type appTree struct {
	App       string         `json:"app"`
	Env       string         `json:"env,omitempty"`
	Namespace string         `json:"namespace"`
	Deployed  bool           `json:"deployed"`
	Objects   []*deploy.Node `json:"objects"`
}

func runTree(ctx context.Context, env *Env, in input) error {
	list, err := env.targets(in)
	if err != nil {
		return err
	}
	all, err := look(ctx, list, func(t target) ([]*deploy.Node, error) {
		return engine(t.Client).Tree(ctx, t.App, t.Namespace)
	})
	if err != nil {
		return err
	}
	if env.Global.JSON() {
		if len(all) == 1 {
			return env.writeJSON("", all[0].found)
		}
		result := make([]appTree, len(all))
		for i, l := range all {
			result[i] = appTree{l.App, l.Env, l.Namespace, l.deployed, append([]*deploy.Node{}, l.found...)}
		}
		return env.writeJSON("", result)
	}
	var b strings.Builder
	st := env.style(env.OutTTY)
	writeAll(&b, st, all, func(l looked[[]*deploy.Node]) {
		fmt.Fprintf(&b, "%s in namespace %s\n", st.head(l.App), l.Namespace)
		for i, n := range l.found {
			writeNode(&b, st, n, "", i == len(l.found)-1)
		}
	})
	return env.write("", []byte(b.String()))
}

func writeNode(b *strings.Builder, st style, n *deploy.Node, indent string, last bool) {
	branch, below := "├─ ", "│  "
	if last {
		branch, below = "└─ ", "   "
	}
	fmt.Fprintf(b, "%s%s%s%s\n", indent, branch, n.Ref, nodeState(st, n))
	for i, c := range n.Children {
		writeNode(b, st, c, indent+below, i == len(n.Children)-1)
	}
}

func nodeState(st style, n *deploy.Node) string {
	switch {
	case n.Handed != "":
		return "  " + st.note("handed to "+n.Handed)
	case n.Health == nil:
		return ""
	case n.Health.State == health.Ready:
		return "  " + st.good(healthWord(*n.Health))
	case n.Health.State == health.Failed:
		return "  " + st.bad(healthWord(*n.Health))
	}
	return "  " + st.note(healthWord(*n.Health))
}
