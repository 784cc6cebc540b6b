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

// fetchRounds is how often the dependencies are fetched by each program.
const fetchRounds = 5

// dependencies compares a render that fetches what Chart.yaml names with the
// step that helm needs before one, from the same repositories, each time
// without any cache (helm has its helm repo add behind it); and a render with the lock and the content cache.
func (b *bench) dependencies(ctx context.Context) error {
	url, stop, err := workload.ChartServer()
	if err != nil {
		return err
	}
	defer func() { _ = stop() }()
	dir := filepath.Join(filepath.Dir(b.charts), "dependencies")
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	chart := filepath.Join(dir, "umbrella")
	if err := workload.WriteDependencies(chart, url); err != nil {
		return err
	}
	// helm dependency build goes by Chart.lock.
	if _, err := process.Run(ctx, b.fresh(dir, "first", b.helm, "dependency", "update", chart)); err != nil {
		return err
	}
	for n := range fetchRounds {
		err := steps(
			func() error {
				return workload.WriteHelmRepositories(filepath.Join(dir, fmt.Sprintf("home-helm-%d", n)), url)
			},
			func() error { return b.buildsDependencies(ctx, dir, chart, n) },
			func() error { return b.rendersDependencies(ctx, dir, chart, n) },
		)
		if err != nil {
			return err
		}
	}
	return b.rendersLocked(ctx, dir, chart)
}

// fresh is a program with empty caches of its own.
func (b *bench) fresh(dir, name, program string, args ...string) process.Command {
	c := b.command(program, args...)
	c.Dir = dir
	home := filepath.Join(dir, "home-"+name)
	c.Env = append(c.Env, "HOME="+home, "TUG_CACHE_DIR="+filepath.Join(home, "tug"))
	return c
}

func (b *bench) buildsDependencies(ctx context.Context, dir, chart string, n int) error {
	if err := os.RemoveAll(filepath.Join(chart, "charts")); err != nil {
		return err
	}
	if err := b.once(ctx, report.HelmDependencies, b.fresh(dir, fmt.Sprintf("helm-%d", n), b.helm, "dependency", "build", chart)); err != nil {
		return err
	}
	found, err := filepath.Glob(filepath.Join(chart, "charts", "*.tgz"))
	if err == nil && len(found) != workload.Dependencies {
		err = fmt.Errorf("helm dependency build left %d charts, want %d", len(found), workload.Dependencies)
	}
	if err != nil {
		return err
	}
	return os.RemoveAll(filepath.Join(chart, "charts"))
}

func (b *bench) rendersDependencies(ctx context.Context, dir, chart string, n int) error {
	out := filepath.Join(dir, "out.yaml")
	render := b.fresh(dir, fmt.Sprintf("tug-%d", n), b.tug, "render", chart, "-a", "umbrella", "-n", "default", "-q", "--no-cache", "-o", out)
	if err := b.once(ctx, report.TugDependencies, render); err != nil {
		return err
	}
	if info, err := os.Stat(out); err != nil || info.Size() == 0 {
		return fmt.Errorf("tug render wrote nothing: %w", err)
	}
	return os.Remove(out)
}

func (b *bench) rendersLocked(ctx context.Context, dir, chart string) error {
	if _, err := process.Run(ctx, b.fresh(dir, "lock", b.tug, "vendor", "lock", chart, "-a", "umbrella")); err != nil {
		return err
	}
	for range fetchRounds {
		err := b.once(ctx, report.TugDependenciesLocked, b.fresh(dir, "lock", b.tug, "render", chart, "-a", "umbrella", "-n", "default", "-q", "--no-cache", "-o", filepath.Join(dir, "out.yaml")))
		if err != nil {
			return err
		}
	}
	return nil
}
