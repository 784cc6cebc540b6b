package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"
)

// soak is all runs together.
type soak struct {
	settings
	cluster *cluster
	pace    pace
	id      string
	hits    map[string]int // kills by command and phase
}

// Commands that are killed.
const (
	first    = "first deploy"
	upgrade  = "upgrade"
	rollback = "rollback"
	remove   = "delete"
)

// measure does everything once without a kill: it gives the pace, and shows
// that the checks hold of a healthy app, and see one.
func (k *soak) measure(ctx context.Context) error {
	t, err := k.newTrial(ctx, 0)
	if err != nil {
		return err
	}
	if err := t.settle(ctx); err != nil {
		return err
	}
	for _, step := range []struct {
		what string
		do   func() (ended, error)
	}{
		{first, func() (ended, error) { return t.deploy(ctx, first, versionA) }},
		{upgrade, func() (ended, error) { return t.deploy(ctx, upgrade, versionB) }},
		{rollback, func() (ended, error) { return t.want(ctx, rollback, 0, t.onApp("rollback")...) }},
		{"", func() (ended, error) { return ended{}, t.sees(ctx) }},
		{remove, func() (ended, error) { return t.remove(ctx, false) }},
	} {
		e, err := step.do()
		if err != nil {
			return err
		}
		if step.what != "" {
			k.pace.learn(step.what, e)
			fmt.Printf("%s takes %d ms and tells of %d events\n", step.what, e.took.Milliseconds(), e.events)
		}
	}
	return t.clear(ctx)
}

// sees makes sure that a deployed app is noticed: by the state compared with
// (the rollback brought version A back), and by what is left.
func (t *trial) sees(ctx context.Context) error {
	if err := t.compare(ctx, versionA); err != nil {
		return fmt.Errorf("after the rollback: %w", err)
	}
	if err := t.compare(ctx, versionB); err == nil {
		return fmt.Errorf("the comparison takes version a for version b")
	}
	err := t.left(ctx)
	for _, want := range []string{"ConfigMap/settings-00", "Secret/tug." + app, "Job.batch/migrate", "Anchor." + t.world.group() + "/anchor-0", "ClusterRole"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			return fmt.Errorf("the search for what is left does not see %s: %w", want, err)
		}
	}
	return nil
}

// learn keeps how long a command takes, as the mean of what it took.
func (p pace) learn(what string, e ended) {
	usual := p[what]
	if usual.took == 0 {
		usual.took = e.took
	}
	usual.took, usual.events = (usual.took+e.took)/2, e.events
	p[what] = usual
}

// one does run n and says how it went.
func (k *soak) one(ctx context.Context, n int) bool {
	begun := time.Now()
	t, err := k.newTrial(ctx, n)
	if err == nil {
		err = t.run(ctx, n)
	}
	if t == nil {
		fmt.Printf("run %2d FAILED: %v\n", n, err)
		return false
	}
	took := time.Since(begun).Seconds()
	if err != nil {
		fmt.Printf("run %2d FAILED in %.1f s: %s\n  namespace %s, logs %s\n  %s\n",
			n, took, strings.Join(t.kills, "; "), t.world.namespace, t.dir, strings.ReplaceAll(err.Error(), "\n", "\n  "))
		return false
	}
	fmt.Printf("run %2d passed in %.1f s: %s\n", n, took, strings.Join(t.kills, "; "))
	if err := t.clear(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "soak: clean up:", err)
	}
	return true
}

// clear removes the logs and namespaces of a run that passed.
func (t *trial) clear(ctx context.Context) error {
	if err := t.soak.cluster.drop(ctx, t.world); err != nil {
		return err
	}
	return os.RemoveAll(t.dir)
}

// run is one run: a killed deploy, then all the rest.
func (t *trial) run(ctx context.Context, n int) error {
	if err := t.settle(ctx); err != nil {
		return fmt.Errorf("set up: %w", err)
	}
	what, v := first, versionA
	if n%2 == 0 {
		what, v = upgrade, versionB
	}
	if err := t.killDeploy(ctx, what, v); err != nil {
		return err
	}
	if n%6 == 1 {
		// A delete instead of a deploy has to cope as well.
		if _, err := t.remove(ctx, true); err != nil {
			return fmt.Errorf("right after the kill: %w", err)
		}
	}
	if n%7 == 2 {
		if _, err := t.kill(ctx, what, t.deployArgs(v)...); err != nil {
			return err
		}
	}
	if n%3 == 0 && what == upgrade {
		v = versionA // somebody reverted the commit meanwhile
	}
	if _, err := t.deploy(ctx, "deploy", v); err != nil {
		return err
	}
	if err := t.killMore(ctx, n, v); err != nil {
		return err
	}
	_, err := t.remove(ctx, n%4 == 3)
	return err
}

// killDeploy kills the deploy this run is about. A deploy that ended before
// its moment is undone and tried again.
func (t *trial) killDeploy(ctx context.Context, what string, v version) error {
	for range 5 {
		if what == upgrade {
			if err := t.succeed(ctx, "deploy before", t.deployArgs(versionA)...); err != nil {
				return err
			}
		}
		killed, err := t.kill(ctx, what, t.deployArgs(v)...)
		if err != nil || killed {
			return err
		}
		if what == first {
			if err := t.succeed(ctx, "undo", t.onApp("delete")...); err != nil {
				return err
			}
		}
	}
	return fmt.Errorf("the %s ended before its moment five times", what)
}

// killMore kills a rollback or a delete in some runs.
func (t *trial) killMore(ctx context.Context, n int, v version) error {
	switch n % 4 {
	case 0:
		next := versionA
		if v == versionA {
			next = versionB
		}
		if err := t.succeed(ctx, "deploy next", t.deployArgs(next)...); err != nil {
			return err
		}
		if _, err := t.kill(ctx, rollback, t.onApp("rollback")...); err != nil {
			return err
		}
		_, err := t.deploy(ctx, "deploy after rollback", next)
		return err
	case 3:
		_, err := t.kill(ctx, remove, t.onApp("delete")...)
		return err
	}
	return nil
}
