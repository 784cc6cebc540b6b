package agent

import (
	"context"
	"time"

	"github.com/tugops/tug/internal/deploy"
)

// pollDefault is how often a repository is asked.
const pollDefault = time.Minute

// repo is one repository that is followed. The loop owns checkout, state and
// searched; follow owns the rest.
type repo struct {
	a        *Agent
	source   Repository
	name     string
	interval time.Duration

	checkout Checkout
	state    string
	searched bool // apps that are gone were looked for
	// searching says that they are being looked for now, broken why the
	// repository cannot be read.
	searching bool
	broken    error

	opened   string // state that was handed to the loop last
	failures int
}

func newRepo(a *Agent, f Followed) *repo {
	interval := f.Interval
	if interval <= 0 {
		interval = pollDefault
	}
	return &repo{a: a, source: f.Repository, name: f.Name(), interval: interval}
}

// follow asks the repository at intervals and at hints, until ctx ends.
func (r *repo) follow(ctx context.Context) {
	for {
		pause := r.poll(ctx)
		select {
		case <-ctx.Done():
			return
		case <-r.a.hints[r.name]:
		case <-r.a.o.Clock.After(pause):
		}
	}
}

// poll asks once, and says how long to wait until the next time. What the
// repository said last stands while it cannot be read.
func (r *repo) poll(ctx context.Context) time.Duration {
	state, c, err := r.look(ctx)
	switch {
	case ctx.Err() != nil:
		return r.interval
	case err != nil:
		r.failures++
		r.a.count.sourceFailures.Add(1)
		failures := r.failures
		r.a.post(ctx, func(l *loop) { l.tellSource(r, err, failures) })
		return min(backoff(failures, r.a.o.Rand()), r.interval)
	}
	if r.failures > 0 {
		r.failures = 0
		r.a.post(ctx, func(l *loop) { l.tellSource(r, nil, 0) })
	}
	if c != nil {
		r.opened = state
		r.a.post(ctx, func(l *loop) { l.checkedOut(r, state, c) })
	}
	return spread(r.interval, r.a.o.Rand())
}

// look gives a checkout only of a state that is new.
func (r *repo) look(ctx context.Context) (string, Checkout, error) {
	r.a.count.polls.Add(1)
	state, err := r.source.State(ctx)
	if err != nil || state == r.opened {
		return state, nil, err
	}
	c, err := r.source.Open(ctx, state)
	return state, c, err
}

// findGone looks for apps that were deployed from the repository and that it
// does not name any more (cluster-semantics.md 7.2).
func (l *loop) findGone(r *repo, c Checkout) {
	state := r.state
	r.searching = true
	l.workers.Go(func() {
		var all []deploy.Abandoned
		for _, d := range c.Declared() {
			found, err := l.a.o.Engine.Abandoned(l.ctx, d)
			if err != nil {
				l.a.o.Log.Warn("apps that are gone from the project could not be looked for", "repository", r.name, "error", err)
				l.a.post(l.ctx, func(*loop) { r.searched, r.searching = false, false })
				return
			}
			all = append(all, found...)
		}
		l.a.post(l.ctx, func(l *loop) { l.foundGone(r, state, all) })
	})
}

func (l *loop) foundGone(r *repo, state string, all []deploy.Abandoned) {
	r.searching = false
	if r.state != state {
		r.searched = false // a newer state asks again
		return
	}
	for _, a := range all {
		key := App{Name: a.App, Namespace: a.Namespace}.Key()
		t := l.apps[key]
		if t == nil {
			t = newTracked(App{Name: a.App, Env: a.Env, Namespace: a.Namespace})
			l.apps[key] = t
		}
		if t.Wanted {
			continue
		}
		t.repo, t.gone, t.Gone = r.name, &a, a.Keep == ""
		t.Retry = time.Time{}
		l.watchHead(key, t)
		l.tellGone(t, a)
		l.dirty[key] = true
	}
}
