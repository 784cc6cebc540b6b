package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/tugops/tug/bench/internal/process"
	"github.com/tugops/tug/bench/internal/report"
	"github.com/tugops/tug/bench/internal/workload"
)

// comparisons is how many commits are compared with the one before, once cold
// and once warm each.
const comparisons = 5

// revisions measures comparing two revisions of many apps, with and without
// what is known from before, and rendering all of them. No cluster is involved.
func (b *bench) revisions(ctx context.Context) error {
	dir := filepath.Join(filepath.Dir(b.charts), "revisions")
	if err := workload.WriteRevisions(ctx, dir, comparisons+2); err != nil {
		return err
	}
	if err := b.lab.Quiet(ctx); err != nil {
		return err
	}
	return steps(
		func() error { return b.compares(ctx, dir) },
		func() error { return b.rendersAll(ctx, dir) },
		func() error { return b.rendersAllAsPeers(ctx, dir) },
		func() error { return b.rendersMany(ctx, dir) },
	)
}

// in is a program that works in another folder, with a cache of its own.
func (b *bench) in(dir, cache, program string, args ...string) process.Command {
	c := b.command(program, args...)
	c.Dir = dir
	c.Env = append(c.Env, "TUG_CACHE_DIR="+cache)
	return c
}

// once runs a program and notes what it cost.
func (b *bench) once(ctx context.Context, name string, c process.Command) error {
	u, err := process.Run(ctx, c)
	if err != nil {
		return err
	}
	say("%-40s %7.3f s  cpu %6.3f s  %4d MiB", name, u.Wall.Seconds(), u.CPU.Seconds(), u.Anon>>20)
	b.results.Add(name, u, 0)
	return nil
}

func (b *bench) compares(ctx context.Context, dir string) error {
	warm, err := os.MkdirTemp("", "bench-cache-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(warm)
	// The first comparison fills the cache; each later one meets one app that
	// it does not know.
	if _, err := process.Run(ctx, b.in(dir, warm, b.tug, "diff", b.revision(1), b.revision(0))); err != nil {
		return err
	}
	for n := range comparisons {
		base, head := b.revision(n+1), b.revision(n+2)
		cold, err := os.MkdirTemp("", "bench-cache-")
		if err != nil {
			return err
		}
		err = steps(
			func() error { return b.once(ctx, report.TugDiffCold, b.in(dir, cold, b.tug, "diff", base, head)) },
			func() error { return b.once(ctx, report.TugDiffWarm, b.in(dir, warm, b.tug, "diff", base, head)) },
			func() error { return os.RemoveAll(cold) },
		)
		if err != nil {
			return err
		}
	}
	return nil
}

// revision names the nth commit.
func (b *bench) revision(n int) string { return fmt.Sprintf("main~%d", comparisons+1-n) }

func (b *bench) rendersAll(ctx context.Context, dir string) error {
	cache, err := os.MkdirTemp("", "bench-cache-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(cache)
	out := []string{"-q", "-o", filepath.Join(cache, "out.yaml")}
	hot := b.in(dir, cache, b.tug, append([]string{"render"}, out...)...)
	if _, err := process.Run(ctx, hot); err != nil {
		return err
	}
	cold := b.in(dir, cache, b.tug, append([]string{"render", "--no-cache"}, out...)...)
	for range comparisons {
		err := steps(
			func() error { return b.once(ctx, report.TugRenderAll, cold) },
			func() error { return b.once(ctx, report.TugRenderAllHot, hot) },
		)
		if err != nil {
			return err
		}
	}
	return nil
}

// rendersAllAsPeers renders the same apps with a run of helm or kubectl
// kustomize each, one after the other, as scripts do. Once: it takes long.
func (b *bench) rendersAllAsPeers(ctx context.Context, dir string) error {
	var sum process.Usage
	for i := range workload.Apps {
		name := workload.AppName(i)
		c := b.in(dir, "", b.kubectl, "kustomize", "apps/"+name)
		if i%2 == 1 {
			c = b.in(dir, "", b.helm, "template", name, "charts/web", "-n", "shop", "-f", "apps/"+name+"/values.yaml")
		}
		c.Watch = false
		u, err := process.Run(ctx, c)
		if err != nil {
			return err
		}
		sum.Wall += u.Wall
		sum.CPU += u.CPU
	}
	say("%-40s %7.3f s  cpu %6.3f s", report.PeersRenderAll, sum.Wall.Seconds(), sum.CPU.Seconds())
	b.results.Add(report.PeersRenderAll, sum, 0)
	return nil
}

func (b *bench) rendersMany(ctx context.Context, dir string) error {
	cache, err := os.MkdirTemp("", "bench-cache-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(cache)
	out := filepath.Join(cache, "out.yaml")
	return b.once(ctx, report.TugRenderMany, b.in(filepath.Join(dir, workload.ManyApp), cache, b.tug,
		"render", "objects.yaml", "-a", workload.ManyApp, "-n", "default", "-q", "--no-cache", "-o", out))
}
