package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/tugops/tug/bench/internal/process"
	"github.com/tugops/tug/bench/internal/report"
)

// engineRuns is how often each benchmark of an engine runs.
const engineRuns = 5

// engines runs the product's own benchmarks of its engines, in a process that
// is started once for all: what a render costs beside the start of a program.
// The charts of BenchmarkHit are in the corpora (TUG_CORPORA).
func (b *bench) engines(ctx context.Context) error {
	if err := b.lab.Quiet(ctx); err != nil {
		return err
	}
	return steps(
		func() error {
			return b.engine(ctx, "./internal/render/helm", "BenchmarkUmbrella", map[string]string{
				"helm": report.EngineHelm, "tug": report.EngineTug,
			})
		},
		func() error {
			return b.engine(ctx, "./internal/snapshot", "BenchmarkHit", map[string]string{
				"cold": report.EngineCold, "hot": report.EngineHot,
			})
		},
	)
}

// engine runs one benchmark and adds what it measured: rows has the row of the
// last part of a benchmark's name. Several of the same row in one run, such as
// one for each chart, are added up.
func (b *bench) engine(ctx context.Context, pkg, name string, rows map[string]string) error {
	for range engineRuns {
		cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", "^"+name+"$", "-benchtime", "0.5s", pkg)
		cmd.Dir = ".."
		// This module's go.mod is not that of the product.
		cmd.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off")
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("%s in %s: %w\n%s", name, pkg, err, out.Bytes())
		}
		sums := map[string]process.Usage{}
		for _, m := range report.ParseBenchmarks(out.String()) {
			row := rows[m.Name[strings.LastIndex(m.Name, "/")+1:]]
			if row == "" {
				continue
			}
			u := sums[row]
			u.Wall += m.PerOp
			sums[row] = u
		}
		for row, u := range sums {
			say("%-40s %7.3f s", row, u.Wall.Seconds())
			b.results.Add(row, u, 0)
		}
	}
	return nil
}
