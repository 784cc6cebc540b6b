package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/tugops/tug/internal/agent"
	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/inventory"
	"github.com/tugops/tug/internal/kube"
	"github.com/tugops/tug/internal/object"
)

func newAgentCommand(env *Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "agent COMMAND", GroupID: "deliver", Short: "Keep a cluster as its repositories say",
		Long: `The agent pulls: it follows config repositories, deploys what they say with the
same engine as tug deploy, and puts back what somebody changes in the cluster.

Credentials: read on the repositories, and in the cluster what tug deploy needs
for their apps.`,
		Example: `  tug agent run --repo https://git.example.com/shop/config.git`,
		Args:    unknownCommand,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newAgentRunCommand(env))
	return cmd
}

// agentOptions are the flags of tug agent run.
type agentOptions struct {
	config     string
	repository agent.RepositorySpec
	interval   time.Duration
	timeout    time.Duration
	cluster    string
	reportOnly bool
	once       bool
}

func newAgentRunCommand(env *Env) *cobra.Command {
	o := agentOptions{interval: time.Minute, timeout: 5 * time.Minute}
	cmd := &cobra.Command{
		Use: "run", Short: "Follow repositories and deploy what they say",
		Long: `Follows config repositories, renders the apps whose inputs changed with a commit,
and deploys them as tug deploy does: in order, waited for, recorded. A newer
commit ends a rollout that hangs; what fails is tried again, ever less often; one
app that fails delays no other. What happens is written to stdout, one line (with
--output json: one object) for each fact.

The agent takes the apps it deploys: tug deploy of one needs --take-over.

Credentials: read on the repositories (as for sources, docs/sources.md), and in
the cluster what tug deploy needs for these apps, with list and watch on records
(Secrets).`,
		Example: `  tug agent run --repo https://git.example.com/shop/config.git --branch main -e prod
  tug agent run --config agent.yaml`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runAgent(cmd.Context(), env, o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.config, "config", "", "read everything from `FILE` (docs/agent.md)")
	f.StringVar(&o.repository.URL, "repo", "", "follow the repository at `URL`")
	f.StringVar(&o.repository.Branch, "branch", "", "`BRANCH` to follow (default: that of the repository)")
	f.StringVar(&o.repository.Tag, "tag", "", "`TAG` to follow")
	f.StringVar(&o.repository.Semver, "semver", "", "follow the tag with the highest version in `RANGE`: \">=1.2 <2\"")
	f.StringVar(&o.repository.Path, "path", "", "folder of tug.yaml, or of the app, in the repository")
	f.StringSliceVarP(&o.repository.Environments, "env", "e", nil, "environment `ENV` of tug.yaml (repeatable)")
	f.StringVarP(&o.repository.App, "app", "a", "", "name of the one `APP` of a repository without tug.yaml")
	f.StringVarP(&o.repository.Namespace, "namespace", "n", "", "`NAMESPACE` of apps that name none (default: the context's)")
	f.StringSliceVar(&o.repository.Namespaces, "only-namespace", nil, "deploy only to `NAMESPACE` (repeatable)")
	f.BoolVar(&o.repository.CreateNamespace, "create-namespace", false, "create the namespaces of apps that are missing")
	f.Var(duration{&o.interval}, "interval", "how often to ask the repository")
	f.Var(duration{&o.timeout}, "wait-timeout", "how long one deploy may wait in all")
	f.StringVar(&o.cluster, "cluster-name", "", "what people call the cluster, in what is told (default: the context)")
	f.BoolVar(&o.reportOnly, "report-only", false, "say what would be done, and change nothing")
	f.BoolVar(&o.once, "once", false, "end when everything is as the repositories say, or waits for something")
	_ = cmd.MarkFlagFilename("config", "yaml", "yml")
	return cmd
}

// agentConfig is the configuration of a file, or the flags as one.
func (o agentOptions) agentConfig() (agent.Config, error) {
	if o.config == "" {
		if o.repository.URL == "" {
			return agent.Config{}, fault.New(fault.Usage, "there is no repository to follow").
				Hint("name one with --repo URL, or several in a file with --config")
		}
		r := o.repository
		r.Interval, r.Timeout = agent.Duration(o.interval), agent.Duration(o.timeout)
		return agent.Config{Repositories: []agent.RepositorySpec{r}, ReportOnly: o.reportOnly, Cluster: o.cluster}, nil
	}
	if o.repository.URL != "" {
		return agent.Config{}, fault.New(fault.Usage, "--config and --repo exclude each other").Hint("add the repository to the file")
	}
	data, err := readGiven(o.config)
	if err != nil {
		return agent.Config{}, fault.New(fault.NotFound, "configuration %s: %w", o.config, reason(err))
	}
	c, err := agent.ReadConfig(o.config, data)
	c.ReportOnly = c.ReportOnly || o.reportOnly
	if o.cluster != "" {
		c.Cluster = o.cluster
	}
	return c, err
}

func runAgent(ctx context.Context, env *Env, o agentOptions) error {
	config, err := o.agentConfig()
	if err != nil {
		return err
	}
	client, err := env.connect("")
	if err != nil {
		return err
	}
	if config.Cluster == "" {
		config.Cluster = client.Context()
	}
	repositories, err := env.followed(config, client)
	if err != nil {
		return err
	}
	eng := engine(client)
	// An agent waits for nobody: it comes again.
	facts := env.newFactView()
	a := agent.New(agent.Options{
		Engine: eng, Watch: watchHeads(client), Observe: client.WatchOwned, Wide: client.Everywhere, Repositories: repositories,
		Cluster: config.Cluster, Workers: config.Workers, Once: o.once, Facts: facts.tell, Log: env.newLog(),
	})
	return a.Run(ctx)
}

// watchHeads follows the heads of records in a namespace.
func watchHeads(c *kube.Client) func(ctx context.Context, namespace string, handle func(agent.HeadChange) bool) error {
	return func(ctx context.Context, namespace string, handle func(agent.HeadChange) bool) error {
		return c.Watch(ctx, inventory.SecretGVK(), namespace, inventory.HeadSelector, func(change object.Change) bool {
			switch {
			case change.Synced:
				return handle(agent.HeadChange{Synced: true})
			case change.Deleted:
				h := inventory.Head{App: inventory.AppOf(change.Object.Name()), Namespace: change.Object.Namespace()}
				return handle(agent.HeadChange{Head: h, Deleted: true})
			}
			h, err := inventory.HeadOf(change.Object)
			if err != nil {
				return true // a deploy of the app says what is wrong with it
			}
			return handle(agent.HeadChange{Head: h})
		})
	}
}
