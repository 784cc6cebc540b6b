// Command bench measures tug against helm, kubectl and what the API server can
// do at best, holds the results against the budgets of the project, and writes
// RESULTS.md. `make bench` runs it.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/tugops/tug/bench/internal/cluster"
	"github.com/tugops/tug/bench/internal/peer"
	"github.com/tugops/tug/bench/internal/report"
	"github.com/tugops/tug/bench/internal/workload"
)

const defaultRounds = 3

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// settings come from the environment; the Makefile sets them.
type settings struct {
	tug, labcluster, cache string
	rounds                 int
}

func readSettings() (settings, error) {
	s := settings{tug: os.Getenv("TUG"), labcluster: os.Getenv("LABCLUSTER"), cache: os.Getenv("CACHE"), rounds: defaultRounds}
	if s.tug == "" || s.labcluster == "" || s.cache == "" {
		return s, errors.New("TUG, LABCLUSTER and CACHE have to be set: run `make bench`")
	}
	for _, path := range []*string{&s.tug, &s.labcluster, &s.cache} {
		var err error
		if *path, err = filepath.Abs(*path); err != nil {
			return s, err
		}
	}
	if text := os.Getenv("BENCH_ROUNDS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return s, fmt.Errorf("BENCH_ROUNDS=%s: not a number of rounds", text)
		}
		s.rounds = n
	}
	return s, nil
}

func say(format string, args ...any) { fmt.Fprintf(os.Stderr, "bench: "+format+"\n", args...) }

func run(ctx context.Context) error {
	set, err := readSettings()
	if err != nil {
		return err
	}
	peers, err := peer.Build(ctx, filepath.Join(set.cache, "peers"), say)
	if err != nil {
		return err
	}
	b := &bench{
		tug: set.tug, helm: peers["helm"].Path, kubectl: peers["kubectl"].Path, rounds: set.rounds,
		home: filepath.Join(set.cache, "home"), charts: filepath.Join(set.cache, "repository"),
	}
	b.results = report.Results{Machine: report.ThisMachine(), Started: time.Now(), Rounds: set.rounds, Command: command(set.rounds)}
	if err := b.prepare(ctx, peers); err != nil {
		return err
	}
	say("starting a cluster")
	if b.lab, err = cluster.Up(ctx, set.labcluster, filepath.Join(set.cache, "cluster")); err != nil {
		return err
	}
	err = b.measure(ctx)
	if downErr := b.lab.Down(context.WithoutCancel(ctx)); err == nil {
		err = downErr
	}
	if err != nil {
		return err
	}
	return b.finish()
}

func command(rounds int) string {
	if rounds == defaultRounds {
		return "make bench"
	}
	return fmt.Sprintf("make bench BENCH_ROUNDS=%d", rounds)
}

// prepare generates what is deployed and says which programs take part.
func (b *bench) prepare(ctx context.Context, peers map[string]peer.Peer) error {
	if err := os.MkdirAll(b.home, 0o755); err != nil {
		return err
	}
	if err := workload.WriteRepository(ctx, b.charts); err != nil {
		return err
	}
	version, err := b.version(ctx)
	if err != nil {
		return err
	}
	b.results.Programs = []string{version, "helm " + peers["helm"].Version, "kubectl " + peers["kubectl"].Version}
	return nil
}

// finish says how the budgets fared and writes RESULTS.md.
func (b *bench) finish() error {
	b.results.Machine.NoteLoad()
	over := 0
	for _, budget := range b.results.Budgets() {
		fmt.Println(budget)
		if !budget.Pass() {
			over++
		}
	}
	if over > 0 {
		fmt.Printf("%d budgets are OVER\n", over)
	}
	return os.WriteFile("RESULTS.md", []byte(b.results.Markdown()), 0o644)
}
