package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/tugops/tug/internal/object"
)

func newSuspendCommand(env *Env) *cobra.Command {
	return newControlCommand(env, "suspend", "Take an app from the agent",
		`Takes an app from the agent until tug resume: the agent stops what it does with
it, and neither deploys nor heals it. tug deploy and tug rollback then work as if
there were no agent.

Credentials: write on the app's record (Secrets) and its Lease.`,
		"  tug suspend -a shop -n shop",
		func(ctx context.Context, t target) (string, error) {
			changed, err := engine(t.Client).Suspend(ctx, t.App, t.Namespace)
			return said(changed, "suspended: the agent leaves it alone until `tug resume`", "was suspended already"), err
		})
}

func newResumeCommand(env *Env) *cobra.Command {
	return newControlCommand(env, "resume", "Give an app back to the agent",
		`Gives an app that was suspended, or taken over with tug deploy --take-over, back
to the agent. It then brings the app to what its repository says.

Credentials: write on the app's record (Secrets) and its Lease.`,
		"  tug resume -a shop -n shop",
		func(ctx context.Context, t target) (string, error) {
			changed, err := engine(t.Client).Resume(ctx, t.App, t.Namespace)
			return said(changed, "resumed: the agent has it again", "is the agent's already"), err
		})
}

func newReconcileCommand(env *Env) *cobra.Command {
	var consent string
	cmd := newControlCommand(env, "reconcile", "Have the agent look at an app now",
		`Asks the agent to go over an app now: what failed is tried again without waiting,
what it gave up on is healed again, and a version that was rolled back and
quarantined is deployed again. With --consent it agrees to a plan that the agent
waits with.

Credentials: write on the app's record (Secrets).`,
		"  tug reconcile -a shop -n shop\n  tug reconcile -a shop -n shop --consent 0123456789abcdef0123456789abcdef",
		func(ctx context.Context, t target) (string, error) {
			err := engine(t.Client).Reconcile(ctx, t.App, t.Namespace, consent, time.Now())
			return "the agent was asked to look at it", err
		})
	cmd.Flags().StringVar(&consent, "consent", "", "agree to the plan with this `HASH`, brakes and all")
	return cmd
}

func said(changed bool, yes, no string) string {
	if changed {
		return yes
	}
	return no
}

// newControlCommand is a command that says something to the agent about one
// app.
func newControlCommand(env *Env, name, short, long, example string, run func(context.Context, target) (string, error)) *cobra.Command {
	var in input
	cmd := &cobra.Command{
		Use: name + " [PATH]", GroupID: "deliver", Short: short, Long: long, Example: example,
		Args: maxOnePath,
		RunE: func(cmd *cobra.Command, args []string) error {
			in.take(args)
			t, err := env.target(in)
			if err != nil {
				return err
			}
			text, err := run(cmd.Context(), t)
			if err != nil {
				return err
			}
			if env.Global.JSON() {
				return env.writeJSON("", map[string]string{"app": t.App, "namespace": t.Namespace, "result": text})
			}
			fmt.Fprintf(env.Stdout, "%s %s\n", object.AppKey(t.Namespace, t.App), text)
			return nil
		},
	}
	in.chooseFlags(env, cmd)
	return cmd
}
