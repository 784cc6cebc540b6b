package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
)

// trial is one run: its place, its repository and what it remembers.
type trial struct {
	soak    *soak
	rand    *rand.Rand
	world   world
	repo    *repository
	dir     string // of logs
	steps   int
	names   map[id]bool       // of everything that the app ever declares
	foreign map[string]bool   // UIDs of what was there before
	before  map[string]string // how that was
	kills   []string
}

func (k *soak) newTrial(ctx context.Context, n int) (*trial, error) {
	t := &trial{
		soak: k, rand: rand.New(rand.NewPCG(k.seed, uint64(n))), dir: filepath.Join(k.logs, fmt.Sprintf("run-%03d", n)),
		names: map[id]bool{}, foreign: map[string]bool{},
	}
	t.world.namespace = fmt.Sprintf("soak-%s-%03d", k.id, n)
	t.world.beside = t.world.namespace
	// Namespaces take the server long to remove: some runs only.
	if n%8 == 5 {
		t.world.owns, t.world.beside = true, t.world.namespace+"-beside"
	}
	for _, v := range []version{versionA, versionB} {
		s := t.world.declared(v)
		for _, o := range append(s.lasting(), s.hooks...) {
			t.names[idOf(o)] = true
		}
	}
	if err := os.MkdirAll(t.dir, 0o755); err != nil {
		return nil, err
	}
	var err error
	t.repo, err = writeRepository(ctx, filepath.Join(t.dir, "repository"), t.world)
	return t, err
}

// succeed runs a command that has to end with exit code 0.
func (t *trial) succeed(ctx context.Context, name string, args ...string) error {
	_, err := t.want(ctx, name, 0, args...)
	return err
}

func (t *trial) want(ctx context.Context, name string, code int, args ...string) (ended, error) {
	e, err := t.tug(ctx, name, nil, args...)
	if err != nil {
		return e, err
	}
	if e.code != code {
		return e, fmt.Errorf("%s: exit code %d, want %d: %s", name, e.code, code, complaint(e.errs))
	}
	// The killed process was the last holder, and it is dead.
	if strings.Contains(e.errs, "locked by") {
		return e, fmt.Errorf("%s: waited for the lock of a dead process", name)
	}
	return e, nil
}

// complaint is the end of what a command wrote to stderr.
func complaint(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-3):], " | ")
}

func (t *trial) deployArgs(v version) []string {
	return []string{"deploy", "umbrella", "--rev", t.repo.commits[v], "-a", app, "-n", t.world.namespace, "--yes"}
}

func (t *trial) onApp(verb string) []string {
	return []string{verb, "-a", app, "-n", t.world.namespace, "--yes"}
}

// kill runs a command and kills it at a random moment. It reports whether the
// command was still running then.
func (t *trial) kill(ctx context.Context, what string, args ...string) (bool, error) {
	m := t.soak.pace.moment(t.rand, what)
	e, err := t.tug(ctx, "kill "+what, &m, args...)
	if err != nil {
		return false, err
	}
	if !e.killed && e.code != 0 {
		return false, fmt.Errorf("%s, before it was killed: exit code %d: %s", what, e.code, complaint(e.errs))
	}
	text := fmt.Sprintf("%s killed at %s in %s (%s)", what, m, e.phase, e.last)
	if !e.killed {
		text = fmt.Sprintf("%s ended before %s", what, m)
		t.soak.pace.learn(what, e)
	} else {
		t.soak.hits[what+": "+e.phase]++
	}
	t.kills = append(t.kills, text)
	return e.killed, nil
}

// deploy deploys a version and makes sure that all is as declared.
func (t *trial) deploy(ctx context.Context, name string, v version) (ended, error) {
	e, err := t.want(ctx, name, 0, t.deployArgs(v)...)
	if err != nil {
		return e, err
	}
	if err := t.compare(ctx, v); err != nil {
		return e, fmt.Errorf("after %s: %w", name, err)
	}
	plan := append([]string{"plan", "--exit-code"}, t.deployArgs(v)[1:]...)
	if err := t.succeed(ctx, "plan", plan[:len(plan)-1]...); err != nil {
		return e, fmt.Errorf("after %s: %w", name, err)
	}
	return e, t.recorded(ctx)
}

// recorded checks the newest release.
func (t *trial) recorded(ctx context.Context) error {
	e, err := t.want(ctx, "history", 0, "history", "-a", app, "-n", t.world.namespace)
	if err != nil {
		return err
	}
	var releases []struct{ Status string }
	if err := json.Unmarshal(e.out, &releases); err != nil {
		return fmt.Errorf("history: %w", err)
	}
	if len(releases) == 0 || releases[0].Status != "deployed" {
		return fmt.Errorf("the newest release is not deployed: %s", e.out)
	}
	for _, r := range releases[1:] {
		if r.Status == "pending" {
			return fmt.Errorf("a release of a dead process is still pending: %s", e.out)
		}
	}
	return nil
}

// remove deletes the app and looks for what is left. A delete that finds no
// app is fine after a kill that came before the first write or after the last.
func (t *trial) remove(ctx context.Context, afterKill bool) (ended, error) {
	e, err := t.tug(ctx, "delete", nil, t.onApp("delete")...)
	if err != nil {
		return e, err
	}
	none := afterKill && e.code == 1 && strings.Contains(e.errs, "no app \\\""+app)
	if e.code != 0 && !none {
		return e, fmt.Errorf("delete: exit code %d: %s", e.code, complaint(e.errs))
	}
	return e, errors.Join(t.left(ctx), t.untouched(ctx))
}
