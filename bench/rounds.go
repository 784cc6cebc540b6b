package main

import (
	"context"

	"github.com/tugops/tug/bench/internal/process"
	"github.com/tugops/tug/bench/internal/report"
	"github.com/tugops/tug/bench/internal/workload"
)

// startups is how often programs are only started and rendered with: these are
// short, so more runs are needed for a good median.
const startups = 20

// measure takes all measurements.
func (b *bench) measure(ctx context.Context) error {
	if err := b.warm(ctx); err != nil {
		return err
	}
	parts := []func(context.Context) error{b.bare, b.withHelm, b.withTug, b.withTugUntilReady, b.withKubectl}
	for round := range b.rounds {
		say("round %d of %d", round+1, b.rounds)
		// Each round starts with another part: none is always the first on a
		// fresh database, or the last on a used one.
		for i := range parts {
			if err := parts[(round+i)%len(parts)](ctx); err != nil {
				return err
			}
		}
	}
	return steps(
		func() error { return b.requests(ctx) },
		func() error { return b.starts(ctx) },
		func() error { return b.renders(ctx) },
		func() error { return b.engines(ctx) },
		func() error { return b.revisions(ctx) },
		func() error { return b.dependencies(ctx) },
	)
}

// warm fills the caches of discovery that kubectl and helm keep on disk, and
// the pages of the programs; and the API server, whose first writes of a kind
// are slow.
func (b *bench) warm(ctx context.Context) error {
	err := b.inNamespace(ctx, func(ns string) error { return b.lab.ApplyAll(ctx, ns, workload.All()) })
	if err != nil {
		return err
	}
	for _, c := range []process.Command{
		b.command(b.kubectl, "get", "all"), b.command(b.helm, "list"),
		b.command(b.tug, "history", "-a", "none", "-n", "default"),
	} {
		if _, err := process.Run(ctx, c); err != nil && ctx.Err() != nil {
			return err
		}
	}
	return nil
}

func (b *bench) bare(ctx context.Context) error {
	return b.inNamespace(ctx, func(ns string) error {
		objects := workload.All()
		apply := func() error { return b.lab.ApplyAll(ctx, ns, objects) }
		list := func() error { return b.lab.ListAll(ctx, ns) }
		return steps(
			func() error { return b.floor(ctx, report.FloorApply, apply) },
			func() error { return b.holds(ctx, ns, workload.Objects) },
			func() error { return b.floor(ctx, report.FloorLists, list) },
		)
	})
}

func (b *bench) withHelm(ctx context.Context) error {
	return b.inNamespace(ctx, func(ns string) error {
		upgrade := []string{"upgrade", "big", workload.Chart, "-n", ns}
		return steps(
			func() error {
				return b.timed(ctx, report.HelmInstall, b.helm, "install", "big", workload.Chart, "-n", ns)
			},
			func() error { return b.holds(ctx, ns, workload.Objects) },
			func() error { return b.timed(ctx, report.HelmUpgrade, b.helm, upgrade...) },
			func() error { return b.counted(ctx, report.HelmUpgrade, b.helm, upgrade...) },
			func() error { return b.timed(ctx, report.HelmUninstall, b.helm, "uninstall", "big", "-n", ns) },
		)
	})
}

func (b *bench) withTug(ctx context.Context) error {
	return b.inNamespace(ctx, func(ns string) error {
		app := []string{workload.Chart, "-a", "big", "-n", ns}
		deploy := append([]string{"deploy", "--yes"}, app...)
		return steps(
			func() error { return b.timed(ctx, report.TugFirst, b.tug, append(deploy, "--no-wait")...) },
			func() error { return b.holds(ctx, ns, workload.Objects) },
			func() error { return b.timed(ctx, report.TugPlan, b.tug, append([]string{"plan"}, app...)...) },
			func() error { return b.timed(ctx, report.TugSame, b.tug, deploy...) },
			func() error { return b.counted(ctx, report.TugSame, b.tug, deploy...) },
			func() error { return b.timed(ctx, report.TugDelete, b.tug, "delete", "--yes", "-a", "big", "-n", ns) },
			func() error { return b.holds(ctx, ns, 0) },
		)
	})
}

func (b *bench) withTugUntilReady(ctx context.Context) error {
	return b.inNamespace(ctx, func(ns string) error {
		return steps(
			func() error {
				return b.timed(ctx, report.TugReady, b.tug, "deploy", "--yes", workload.Chart, "-a", "big", "-n", ns)
			},
			func() error { return b.holds(ctx, ns, workload.Objects) },
		)
	})
}

// requests counts what first deploys ask for; once, because it is not timed.
func (b *bench) requests(ctx context.Context) error {
	return steps(
		func() error {
			return b.inNamespace(ctx, func(ns string) error {
				return b.counted(ctx, report.HelmInstall, b.helm, "install", "big", workload.Chart, "-n", ns)
			})
		},
		func() error {
			return b.inNamespace(ctx, func(ns string) error {
				return b.counted(ctx, report.TugReady, b.tug, "deploy", "--yes", workload.Chart, "-a", "big", "-n", ns)
			})
		},
	)
}

// withKubectl deletes in the first round only: that takes minutes.
func (b *bench) withKubectl(ctx context.Context) error {
	return b.inNamespace(ctx, func(ns string) error {
		on := []string{"-n", ns, "-f", workload.Stream}
		return steps(
			func() error {
				return b.timed(ctx, report.KubectlApply, b.kubectl, append([]string{"apply", "--server-side"}, on...)...)
			},
			func() error { return b.holds(ctx, ns, workload.Objects) },
			func() error {
				return b.timed(ctx, report.KubectlDiff, b.kubectl, append([]string{"diff", "--server-side"}, on...)...)
			},
			func() error {
				if b.results.Row(report.KubectlDelete) != nil {
					return nil
				}
				return b.timed(ctx, report.KubectlDelete, b.kubectl, append([]string{"delete"}, on...)...)
			},
		)
	})
}

// renders compares how long an umbrella chart takes, no cluster involved.
func (b *bench) renders(ctx context.Context) error {
	return b.turns(ctx, map[string]process.Command{
		report.TugRender:    b.command(b.tug, "render", "--no-cache", workload.Umbrella, "-a", "umbrella", "-n", "default"),
		report.HelmTemplate: b.command(b.helm, "template", "umbrella", workload.Umbrella, "-n", "default"),
	}, report.TugRender, report.HelmTemplate)
}

// starts compares how long programs take to start.
func (b *bench) starts(ctx context.Context) error {
	tug, kubectl := b.command(b.tug, "version"), b.command(b.kubectl, "version", "--client")
	tug.Watch, kubectl.Watch = false, false // looking on would slow them down
	return b.turns(ctx, map[string]process.Command{
		report.TugVersion: tug, report.KubectlClient: kubectl,
	}, report.TugVersion, report.KubectlClient)
}

// turns runs short programs in turn, on a quiet cluster.
func (b *bench) turns(ctx context.Context, commands map[string]process.Command, order ...string) error {
	if err := b.lab.Quiet(ctx); err != nil {
		return err
	}
	for range startups {
		for _, name := range order {
			u, err := process.Run(ctx, commands[name])
			if err != nil {
				return err
			}
			b.results.Add(name, u, 0)
		}
	}
	return nil
}

// steps runs steps in order up to the first error.
func steps(list ...func() error) error {
	for _, step := range list {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}
