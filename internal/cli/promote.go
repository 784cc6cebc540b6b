package cli

import (
	"cmp"
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/tugops/tug/internal/fault"
)

type promoteOptions struct {
	registryFlags
	app, env                    string
	version                     string
	locks                       []string
	images                      []string
	from, to                    string
	part, group                 string
	set                         []string
	intents                     string
	sequence                    int64
	key                         string
	sourceRepository, sourceRev string
	repository, branch          string
	pr, rollback, dryRun        bool
	timeout                     time.Duration
}

func newPromoteCommand(env *Env) *cobra.Command {
	o := promoteOptions{timeout: 5 * time.Minute}
	cmd := &cobra.Command{
		Use: "promote [VERSION]", GroupID: "deliver", Short: "Move a built version into an environment, by commit or pull request",
		Long: `Applies an intent (this build of this app) to the tip of the config repository
and pushes the result: a commit, or the one pull request of the environment and
app where tug.yaml says promotion: pull-request, or with --pr. There is nothing
to check out, and no conflict with others who write at the same time.

Images (--lock, --image) go into the lock file of the app that tug keeps. VERSION
is put where files say it: dependencies of charts, kustomizations, HelmReleases,
values with a marker of Flux or Renovate; nothing else in these files changes.

The build with the higher --sequence wins, whatever comes first; an older one
never takes its place, unless it says --rollback. The same intent twice is
nothing to do.

Credentials: write access to the config repository, a token of its forge for
pull requests, read access to the registries of images when VERSION is a tag.`,
		Example: `  tug promote -a shop --env dev --lock shop.lock.yaml --sequence "$BUILD_NUMBER"
  tug promote -a shop --env prod 1.4.2 --set-value replicas=3 --pr
  tug promote -a shop --from dev --to prod
  tug promote --intents intents.json`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return fault.New(fault.Usage, "tug promote takes one VERSION, got %d", len(args)).Hint("several apps go through --intents FILE")
			}
			if len(args) == 1 {
				o.version = args[0]
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return runPromote(cmd.Context(), env, o) },
	}
	o.flags(env, cmd)
	return cmd
}

func (o *promoteOptions) flags(env *Env, cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVarP(&o.app, "app", "a", "", "the `APP` of tug.yaml; names its lock file where there is no tug.yaml")
	f.StringVarP(&o.env, "env", "e", "", "environment `ENV` that it moves into")
	f.StringVar(&o.to, "to", "", "the same as --env")
	f.StringVar(&o.from, "from", "", "move what environment `ENV` has, as its lock file says")
	f.StringArrayVar(&o.locks, "lock", nil, "images of the lock `FILE` that tug build or kbld wrote (repeatable)")
	f.StringArrayVar(&o.images, "image", nil, "an image: `NAME=REFERENCE@DIGEST`, NAME as manifests have it (repeatable)")
	f.StringVar(&o.part, "part", "", "chart or image `NAME` of the app that VERSION is of (default: that of the app's name)")
	f.StringArrayVar(&o.set, "set-value", nil, "set a value as well, `K=V`, in the values file of the environment or with FILE.yaml:K=V there (repeatable)")
	f.StringVar(&o.intents, "intents", "", "intents from `FILE` of JSON (- for stdin), which share one push")
	f.Int64Var(&o.sequence, "sequence", 0, "number `N` of the build: a later one is higher (default in a code repository: the time of its commit)")
	f.StringVar(&o.key, "key", "", "`KEY` of the intent, which is carried out once (default: made of all the rest)")
	f.StringVar(&o.sourceRepository, "source-repository", "", "`URL` of what was built (default: the repository here, if it is not the config repository)")
	f.StringVar(&o.sourceRev, "source-commit", "", "`COMMIT` of what was built")
	f.StringVar(&o.repository, "repository", "", "`URL` of the config repository (default: TUG_CONFIG_REPOSITORY, else the remote of the repository here)")
	f.StringVar(&o.branch, "branch", "", "`BRANCH` of the config repository (default: its default branch)")
	f.BoolVar(&o.pr, "pr", false, "open or update a pull request, also where a commit is allowed")
	f.StringVar(&o.group, "group", "", "pull request of `NAME` instead of one per app")
	f.BoolVar(&o.rollback, "rollback", false, "go to an older build on purpose")
	f.BoolVar(&o.dryRun, "dry-run", false, "show what would change, and push nothing")
	f.Var(duration{&o.timeout}, "wait-timeout", "how long to try when others write at the same time")
	_ = cmd.MarkFlagFilename("lock")
	_ = cmd.MarkFlagFilename("intents")
	env.completeChoice(cmd, &input{})
	_ = cmd.RegisterFlagCompletionFunc("from", cobra.NoFileCompletions)
	o.registryFlags.flags(cmd)
}

func (o *promoteOptions) check() error {
	if o.to != "" && o.env != "" && o.to != o.env {
		return fault.New(fault.Usage, "--to %s and --env %s are two environments", o.to, o.env).Hint("they mean the same: give one")
	}
	o.env = cmp.Or(o.env, o.to)
	given := o.app != "" || o.version != "" || len(o.locks)+len(o.images)+len(o.set) > 0 || o.from != "" || o.key != "" || o.part != "" || o.rollback
	switch {
	case o.intents != "" && given:
		return fault.New(fault.Usage, "--intents FILE has everything, and other flags of an intent are given").Hint("put them into the file")
	case o.intents == "" && o.app == "":
		return fault.New(fault.Usage, "tug promote needs an app").Hint("name it with -a, or give several with --intents FILE")
	case o.from != "" && (o.version != "" || len(o.locks)+len(o.images) > 0):
		return fault.New(fault.Usage, "--from %s says what to move, and so does VERSION, --lock or --image", o.from).Hint("give one of them")
	case o.from != "" && o.from == o.env:
		return fault.New(fault.Usage, "--from and --to are the same environment")
	case o.from != "" && o.env == "":
		return fault.New(fault.Usage, "--from %s needs an environment to move into", o.from).Hint("name it with --to")
	case o.sequence < 0:
		return fault.New(fault.Usage, "--sequence %d is negative", o.sequence).Hint("give the number of the build")
	case o.group != "" && !groupName.MatchString(o.group):
		return fault.New(fault.Usage, "--group %q is no name", o.group).Hint("use letters, digits, dots and dashes")
	}
	return nil
}

func runPromote(ctx context.Context, env *Env, o promoteOptions) error {
	if err := o.check(); err != nil {
		return err
	}
	p, err := env.newPromotion(ctx, o)
	if err != nil {
		return err
	}
	intents, err := p.intents(ctx)
	if err != nil {
		return err
	}
	groups, err := p.groups(ctx, intents)
	if err != nil {
		return err
	}
	results := make([]promoted, 0, len(groups))
	for _, g := range groups {
		r, err := p.write(ctx, g)
		if err != nil {
			if reportErr := p.report(results); reportErr != nil {
				return reportErr
			}
			return err
		}
		results = append(results, r)
	}
	return p.report(results)
}
