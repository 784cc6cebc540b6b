package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/tugops/tug/bench/internal/cluster"
	"github.com/tugops/tug/bench/internal/process"
	"github.com/tugops/tug/bench/internal/report"
)

// bench is one run.
type bench struct {
	tug, helm, kubectl string // programs
	rounds             int
	home               string // HOME of the programs
	charts             string // the repository
	lab                *cluster.Lab
	results            report.Results

	made int // namespaces
}

// command is a program with what it sees of the machine: a home of its own, so
// that no setting of the user takes part, and the cluster.
func (b *bench) command(program string, args ...string) process.Command {
	c := process.Command{Path: program, Args: args, Dir: b.charts, Watch: true, Env: []string{
		"HOME=" + b.home, "PATH=/usr/local/bin:/usr/bin:/bin",
	}}
	if b.lab != nil {
		c.Env = append(c.Env, "KUBECONFIG="+b.lab.Kubeconfig)
	}
	return c
}

// version is the first line of `tug version`.
func (b *bench) version(ctx context.Context) (string, error) {
	u, err := process.Run(ctx, b.command(b.tug, "version"))
	if err != nil {
		return "", err
	}
	line, _, _ := strings.Cut(string(u.Stdout), "\n")
	return line, nil
}

// timed runs a program on a quiet cluster and notes what it cost.
func (b *bench) timed(ctx context.Context, name, program string, args ...string) error {
	return b.onQuiet(ctx, name, func() (process.Usage, error) {
		return process.Run(ctx, b.command(program, args...))
	})
}

// floor times what the bench does itself on a quiet cluster.
func (b *bench) floor(ctx context.Context, name string, do func() error) error {
	return b.onQuiet(ctx, name, func() (process.Usage, error) {
		started := time.Now()
		err := do()
		return process.Usage{Wall: time.Since(started)}, err
	})
}

// onQuiet measures do when the cluster has become quiet.
func (b *bench) onQuiet(ctx context.Context, name string, do func() (process.Usage, error)) error {
	if err := b.lab.Quiet(ctx); err != nil {
		return err
	}
	before, err := b.lab.CPU(ctx)
	if err != nil {
		return err
	}
	u, err := do()
	if err != nil {
		return err
	}
	after, err := b.lab.CPU(ctx)
	if err != nil {
		return err
	}
	server := after - before
	say("%-40s %7.3f s  cpu %6.3f s  server %6.3f s  %4d MiB", name, u.Wall.Seconds(), u.CPU.Seconds(), server.Seconds(), u.Anon>>20)
	b.results.Add(name, u, server)
	return nil
}

// counted runs a program, not timed, and notes what it asks the API server.
func (b *bench) counted(ctx context.Context, name, program string, args ...string) error {
	if _, ok := b.results.Requests[name]; ok {
		return nil
	}
	if err := b.lab.Quiet(ctx); err != nil {
		return err
	}
	kubeconfig := filepath.Join(b.home, "proxy.kubeconfig")
	seen, err := b.lab.Counted(ctx, kubeconfig, func() error {
		c := b.command(program, args...)
		c.Env = append(c.Env, "KUBECONFIG="+kubeconfig)
		_, err := process.Run(ctx, c)
		return err
	})
	if err != nil {
		return err
	}
	if b.results.Requests == nil {
		b.results.Requests = map[string]cluster.Requests{}
	}
	b.results.Requests[name] = seen
	return nil
}

// inNamespace runs do in a new namespace, and removes that afterwards.
func (b *bench) inNamespace(ctx context.Context, do func(namespace string) error) error {
	b.made++
	name := fmt.Sprintf("bench-%d", b.made)
	if err := b.lab.CreateNamespace(ctx, name); err != nil {
		return err
	}
	if err := do(name); err != nil {
		return err
	}
	return b.lab.DeleteNamespace(ctx, name)
}

// holds makes sure that a measured program did its work.
func (b *bench) holds(ctx context.Context, namespace string, want int) error {
	n, err := b.lab.Count(ctx, namespace)
	if err == nil && n != want {
		err = fmt.Errorf("namespace %s holds %d objects of the chart, want %d", namespace, n, want)
	}
	return err
}
