// Command promote measures many promotions at once against one branch of the
// lab forge, and holds them against the budgets of the project: nothing lost,
// 50 processes of different apps in 30 s, 200 intents of one call in 10 s, and
// 10 builds of one app that end at the newest. It replaces its section of
// RESULTS.md. `make bench` runs it.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	processes = 50
	intents   = 200
	builds    = 10
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench promote:", err)
		os.Exit(1)
	}
}

// row is one experiment.
type row struct {
	work   string
	took   time.Duration
	budget time.Duration
	// slowest is the longest process, cpu what all of them used.
	slowest, cpu time.Duration
	commits      int
	wrong        []string
}

func run(ctx context.Context) error {
	tug, labforge := os.Getenv("TUG"), os.Getenv("LABFORGE")
	if tug == "" || labforge == "" {
		return errors.New("TUG and LABFORGE have to be set: run `make bench`")
	}
	dir, err := os.MkdirTemp("", "bench-promote")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	f, err := startForge(ctx, labforge, dir)
	if err != nil {
		return err
	}
	defer f.stop()
	var rows []row
	for _, experiment := range []func(context.Context, *forge, string) (row, error){manyApps, sharedCache, oneCall, oneApp} {
		r, err := experiment(ctx, f, tug)
		if err != nil {
			return err
		}
		fmt.Fprintf(os.Stderr, "bench promote: %s: %.1f s, %d commits, wrong: %q\n", r.work, r.took.Seconds(), r.commits, r.wrong)
		rows = append(rows, r)
	}
	if err := write("RESULTS.md", section(rows)); err != nil {
		return err
	}
	for _, r := range rows {
		if len(r.wrong) > 0 {
			return fmt.Errorf("%s: %s", r.work, strings.Join(r.wrong, "; "))
		}
	}
	return nil
}

// manyApps are independent processes, each with a cache of its own as on a
// machine of its own.
func manyApps(ctx context.Context, f *forge, tug string) (row, error) {
	return different(ctx, f, tug, fmt.Sprintf("%d processes, an app each, no shared cache", processes), false)
}

// sharedCache are processes of one user on one machine.
func sharedCache(ctx context.Context, f *forge, tug string) (row, error) {
	return different(ctx, f, tug, fmt.Sprintf("%d processes, an app each, of one user", processes), true)
}

func different(ctx context.Context, f *forge, tug, work string, shared bool) (row, error) {
	repo, err := f.repository(ctx, processes)
	if err != nil {
		return row{}, err
	}
	var calls []call
	for i := range processes {
		calls = append(calls, call{repo: repo, home: f.home(i, shared), args: promotion(i, 1)})
	}
	r, err := measure(ctx, f, tug, calls)
	r.work, r.budget = work, 30*time.Second
	if err != nil {
		return r, err
	}
	return r, repo.check(ctx, &r, processes, func(int) int { return 1 })
}

// oneCall moves many apps with one push.
func oneCall(ctx context.Context, f *forge, tug string) (row, error) {
	repo, err := f.repository(ctx, intents)
	if err != nil {
		return row{}, err
	}
	file := filepath.Join(f.dir, "intents.json")
	if err := writeIntents(file, intents); err != nil {
		return row{}, err
	}
	r, err := measure(ctx, f, tug, []call{{repo: repo, home: f.home(0, true), args: []string{"promote", "--intents", file}}})
	r.work, r.budget = fmt.Sprintf("%d intents in one call", intents), 10*time.Second
	if err != nil {
		return r, err
	}
	return r, repo.check(ctx, &r, intents, func(int) int { return 1 })
}

// oneApp are builds of one app at once: the newest must stay.
func oneApp(ctx context.Context, f *forge, tug string) (row, error) {
	repo, err := f.repository(ctx, 1)
	if err != nil {
		return row{}, err
	}
	var calls []call
	for i := range builds {
		calls = append(calls, call{repo: repo, home: f.home(i, false), args: promotion(0, i+1)})
	}
	r, err := measure(ctx, f, tug, calls)
	r.work, r.budget = fmt.Sprintf("%d builds of one app at once", builds), 30*time.Second
	if err != nil {
		return r, err
	}
	return r, repo.check(ctx, &r, 1, func(int) int { return builds })
}

func section(rows []row) string {
	var b strings.Builder
	b.WriteString("## Promotions at once\n\nOn the lab forge (Gitea, on the same machine), each against one branch. A loop of fetch, rebase\nand push took 83 s and 340 pushes for 30 apps on an idle machine, and lost 17 of 30 in a shared file.\n")
	fmt.Fprintf(&b, "Measured %s, load average before %s.\n\n", time.Now().UTC().Format("2006-01-02 15:04 UTC"), load())
	b.WriteString("| work | time in s | budget in s | slowest process in s | CPU of tug in s | commits | lost or wrong |\n|---|---|---|---|---|---|---|\n")
	for _, r := range rows {
		fmt.Fprintf(&b, "| %s | %.1f | %.0f | %.1f | %.1f | %d | %d |\n", r.work, r.took.Seconds(), r.budget.Seconds(), r.slowest.Seconds(), r.cpu.Seconds(), r.commits, len(r.wrong))
	}
	return b.String()
}

// load is the load average of the machine.
func load() string {
	data, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	first, _, _ := strings.Cut(string(data), " ")
	return first
}

const heading = "## Promotions at once\n"

// write replaces the section in the results, or adds it.
func write(name, text string) error {
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	old := string(data)
	if i := strings.Index(old, heading); i >= 0 {
		rest := old[i+len(heading):]
		old = old[:i]
		if j := strings.Index(rest, "\n## "); j >= 0 {
			old += rest[j+1:] + "\n"
		}
	}
	return os.WriteFile(name, []byte(strings.TrimRight(old, "\n")+"\n\n"+text), 0o644)
}
