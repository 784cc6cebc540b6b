package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/tugops/tug/internal/deploy"
	"github.com/tugops/tug/internal/fault"
)

type logsOptions struct {
	input
	request deploy.LogRequest
}

func newLogsCommand(env *Env) *cobra.Command {
	var o logsOptions
	cmd := &cobra.Command{
		Use: "logs [PATH]", GroupID: "look", Short: "Show the logs of an app's pods",
		Long: `Shows the logs of all containers of the pods that belong to an app, each line
with its pod and container. With --output json, a line is a JSON object. Without
-a it is every app of the environment, and each line names its app.

Credentials: read on the app's objects, its record, pods and pod logs.`,
		Example: "  tug logs -a shop -n shop --tail 20\n  tug logs -a shop -n shop -f --container web",
		Args:    maxOnePath,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.take(args)
			return runLogs(cmd.Context(), env, o)
		},
	}
	o.chooseFlags(env, cmd)
	f := cmd.Flags()
	f.BoolVarP(&o.request.Follow, "follow", "f", false, "go on with new lines, also of pods that come later")
	f.BoolVar(&o.request.Previous, "previous", false, "logs of the instance before the last restart")
	f.Var(count{&o.request.Tail}, "tail", "the last `N` lines of each container only")
	f.StringVar(&o.request.Container, "container", "", "containers of this name only")
	return cmd
}

func runLogs(ctx context.Context, env *Env, o logsOptions) error {
	list, err := env.targets(o.input)
	if err != nil {
		return err
	}
	p := logPrinter{env: env, style: env.style(env.OutTTY), several: len(list) > 1}
	if p.several {
		if list, err = env.onlyDeployed(ctx, list); err != nil {
			return err
		}
	}
	if o.request.Follow {
		err = p.follow(ctx, list, o.request)
	} else {
		err = p.copy(ctx, list, o.request)
	}
	if o.request.Follow && ctx.Err() != nil {
		return nil
	}
	return err
}

// onlyDeployed leaves out the apps that are not deployed, with a warning. When
// none is, the first stays: its error says so.
func (e *Env) onlyDeployed(ctx context.Context, list []target) ([]target, error) {
	var there []target
	for _, t := range list {
		ok, err := t.deployed(ctx, len(list))
		if err != nil {
			return nil, t.wrap(err, len(list))
		}
		if ok {
			there = append(there, t)
		} else {
			e.warn(t.App + " is not deployed")
		}
	}
	if len(there) == 0 {
		there = list[:1]
	}
	return there, nil
}

// logPrinter writes log lines, each as a whole.
type logPrinter struct {
	env     *Env
	style   style
	several bool // lines name their app
	mu      sync.Mutex
}

// appLine is the JSON form of a line of one app among several.
type appLine struct {
	App string `json:"app"`
	deploy.LogLine
}

func (p *logPrinter) of(t target) func(deploy.LogLine) {
	return func(l deploy.LogLine) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if !p.env.Global.JSON() {
			name := l.Pod
			if p.several {
				name = t.App + "/" + name
			}
			fmt.Fprintf(p.env.Stdout, "%s %s\n", p.style.dim(name+" > "+l.Container+" |"), l.Text)
			return
		}
		var v any = l
		if p.several {
			v = appLine{t.App, l}
		}
		if data, err := json.Marshal(v); err == nil {
			fmt.Fprintf(p.env.Stdout, "%s\n", data)
		}
	}
}

// copy writes the logs of one app after the other. An app without pods, or
// without the container that is asked for, is an error only if all are.
func (p *logPrinter) copy(ctx context.Context, list []target, r deploy.LogRequest) error {
	var none error
	shown := false
	for _, t := range list {
		err := engine(t.Client).Logs(ctx, t.App, t.Namespace, r, p.of(t))
		switch {
		case err == nil:
			shown = true
		case !p.several || !fault.Is(err, fault.NotFound):
			return err
		case none == nil:
			none = err
		}
	}
	if shown {
		return nil
	}
	return none
}

// follow writes the logs of all apps as they come.
func (p *logPrinter) follow(ctx context.Context, list []target, r deploy.LogRequest) error {
	g, gctx := errgroup.WithContext(ctx)
	for _, t := range list {
		g.Go(func() error { return engine(t.Client).Logs(gctx, t.App, t.Namespace, r, p.of(t)) })
	}
	return g.Wait()
}
