// Command soak kills tug at random moments on a real cluster and looks for
// what that leaves: every run ends a deploy (and some a rollback or a delete)
// with SIGKILL, deploys again, compares the cluster with what was declared,
// deletes, and wants nothing of the app left and nothing foreign touched.
// `make soak` runs it through hack/kill-test.sh.
package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

// settings come from the environment; the Makefile and the script set them.
type settings struct {
	tug, kubeconfig, logs string
	runs, only            int
	seed                  uint64
}

func readSettings() (settings, error) {
	s := settings{tug: os.Getenv("TUG"), kubeconfig: os.Getenv("TUG_LAB_KUBECONFIG"), logs: os.Getenv("SOAK_LOGS"), runs: 50}
	if s.tug == "" || s.kubeconfig == "" {
		return s, errors.New("TUG and TUG_LAB_KUBECONFIG have to be set: run `make soak`")
	}
	s.seed = uint64(time.Now().UnixNano())
	for name, set := range map[string]func(n uint64){
		"SOAK_RUNS": func(n uint64) { s.runs = int(n) },
		"SOAK_ONLY": func(n uint64) { s.only = int(n) },
		"SOAK_SEED": func(n uint64) { s.seed = n },
	} {
		text := os.Getenv(name)
		if text == "" {
			continue
		}
		n, err := strconv.ParseUint(text, 10, 63)
		if err != nil {
			return s, fmt.Errorf("%s=%s: not a number", name, text)
		}
		set(n)
	}
	for _, path := range []*string{&s.tug, &s.kubeconfig} {
		var err error
		if *path, err = filepath.Abs(*path); err != nil {
			return s, err
		}
	}
	var err error
	if s.logs == "" {
		s.logs, err = os.MkdirTemp("", "tug-soak-")
	}
	return s, errors.Join(err, os.MkdirAll(s.logs, 0o755))
}

// run measures how long everything takes unhurt, and then does the runs.
func run(ctx context.Context) error {
	s, err := readSettings()
	if err != nil {
		return err
	}
	c, err := connect(s.kubeconfig)
	if err != nil {
		return err
	}
	k := &soak{settings: s, cluster: c, pace: pace{}, hits: map[string]int{}, id: strconv.FormatInt(time.Now().Unix()%1e6, 36)}
	fmt.Printf("soak: %d runs, SOAK_SEED=%d (SOAK_ONLY=N repeats one run)\n", s.runs, s.seed)
	if err := k.measure(ctx); err != nil {
		return fmt.Errorf("the run without a kill: %w", err)
	}
	passed, failed := 0, 0
	for n := 1; n <= s.runs && ctx.Err() == nil; n++ {
		if s.only != 0 && n != s.only {
			continue
		}
		if k.one(ctx, n) {
			passed++
		} else {
			failed++
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	for _, phase := range slices.Sorted(maps.Keys(k.hits)) {
		fmt.Printf("%3d killed in %s\n", k.hits[phase], phase)
	}
	fmt.Printf("%d passed, %d failed\n", passed, failed)
	if failed > 0 {
		return fmt.Errorf("logs of failed runs are in %s", s.logs)
	}
	return os.Remove(s.logs)
}
