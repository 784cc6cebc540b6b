package agent

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tugops/tug/internal/deploy"
	"github.com/tugops/tug/internal/inventory"
	"github.com/tugops/tug/internal/object"
)

// loop owns all state. Only the goroutine of Run touches it.
type loop struct {
	a       *Agent
	ctx     context.Context
	apps    map[string]*tracked // by app key
	repos   map[string]*repo    // by name
	heads   map[string]*headWatch
	dirty   map[string]bool
	objects map[object.Ref]seenObject // labelled objects, as the watches show them
	owner   map[object.Ref]string     // app key, by object
	kinds   map[watchPlace]*kindWatch
	again   map[string]time.Time // when to decide about an app again
	workers sync.WaitGroup
}

// tracked is an app with what acts on it.
type tracked struct {
	State
	app      App
	repo     string
	gone     *deploy.Abandoned
	rendered Rendered
	head     *inventory.Head
	cancel   context.CancelCauseFunc // of the work under way
	why      string                  // as decided last
	failure  error                   // why it is not as the commit says
	told     telling

	// items are what it owns, as the head of version itemsOf says; loading says
	// that they are being read. suspects differ from it since a time; looked is
	// which additions of persons were found to be in order.
	items    map[object.Ref]inventory.Item
	itemsOf  string
	loading  bool
	suspects map[object.Ref]time.Time
	looked   map[object.Ref]string
	fights   map[object.Ref]*fight
	yield    time.Time // somebody else had it
}

// Run follows the repositories until ctx ends, and then waits until the work
// under way has let go of its locks.
func (a *Agent) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	l := &loop{
		a: a, ctx: ctx, apps: map[string]*tracked{}, repos: map[string]*repo{}, heads: map[string]*headWatch{},
		dirty: map[string]bool{}, again: map[string]time.Time{}, objects: map[object.Ref]seenObject{},
		owner: map[object.Ref]string{}, kinds: map[watchPlace]*kindWatch{},
	}
	for _, f := range a.o.Repositories {
		r := newRepo(a, f)
		l.repos[f.Name()] = r
		l.workers.Go(func() { r.follow(ctx) })
	}
	for ctx.Err() == nil {
		var timer <-chan time.Time
		if next := l.next(); !next.IsZero() {
			timer = a.o.Clock.After(next.Sub(a.o.Clock.Now()))
		}
		select {
		case <-ctx.Done():
		case f := <-a.inbox:
			f(l)
			l.drain()
		case <-timer:
			l.due(a.o.Clock.Now())
		}
		l.settle()
		if a.o.Once && l.quiet() {
			err := l.verdict()
			cancel()
			l.workers.Wait()
			return err
		}
	}
	l.workers.Wait()
	return nil
}

// drain takes what else has come, so that a burst is decided about once.
func (l *loop) drain() {
	for range cap(l.a.inbox) {
		select {
		case f := <-l.a.inbox:
			f(l)
		default:
			return
		}
	}
}

// next is when the first app wants a new decision.
func (l *loop) next() time.Time {
	var first time.Time
	for _, t := range l.again {
		if first.IsZero() || t.Before(first) {
			first = t
		}
	}
	return first
}

func (l *loop) due(now time.Time) {
	for key, t := range l.again {
		if !t.After(now) {
			l.dirty[key] = true
		}
	}
}

// settle decides about every app of which something is new.
func (l *loop) settle() {
	for len(l.dirty) > 0 && l.ctx.Err() == nil {
		keys := make([]string, 0, len(l.dirty))
		for key := range l.dirty {
			keys = append(keys, key)
		}
		slices.Sort(keys)
		clear(l.dirty)
		for _, key := range keys {
			if t := l.apps[key]; t != nil {
				l.decide(key, t)
			}
		}
	}
}

func (l *loop) decide(key string, t *tracked) {
	delete(l.again, key)
	around := Around{Now: l.a.o.Clock.Now(), Ready: l.ready(t)}
	around.Open, around.Opens = t.app.Windows.Open(around.Now)
	d := decide(t.State, around)
	t.why = d.Why
	if !d.Again.IsZero() {
		l.again[key] = d.Again
	}
	switch d.Action {
	case Look:
		l.look(key, t)
	case Adopt:
		t.Done, t.Failures, t.Failed, t.rendered = t.Commit, 0, "", Rendered{}
		l.wake(key)
	case Sync:
		l.sync(key, t)
	case Stop:
		t.RunToStop = true
		t.cancel(stopCause(t))
	case Nothing:
		l.tellWaiting(t)
	}
	l.loadItems(key, t)
	l.heal(key, t)
}

// ready reports whether the apps that t depends on are as the same state of
// the repository says. One that a person took over is that person's business.
func (l *loop) ready(t *tracked) bool {
	for _, key := range t.app.DependsOn {
		other := l.apps[key]
		if other == nil || !other.Wanted || other.Suspended {
			continue
		}
		if other.Running || other.Done != other.Commit || other.Forced {
			return false
		}
	}
	return true
}

// wake has the app, and those that depend on it, decided about.
func (l *loop) wake(key string) {
	l.dirty[key] = true
	for other, t := range l.apps {
		if slices.Contains(t.app.DependsOn, key) {
			l.dirty[other] = true
		}
	}
}

// checkedOut takes what a repository says at a new state.
func (l *loop) checkedOut(r *repo, state string, c Checkout) {
	if r.checkout != nil {
		r.checkout.Close()
	}
	r.checkout, r.state = c, state
	declared := map[string]bool{}
	for _, app := range c.Apps() {
		key := app.Key()
		t := l.apps[key]
		if t != nil && t.Wanted && t.repo != r.name {
			l.tellTwice(app, t.repo, r.name)
			continue
		}
		if t == nil {
			t = newTracked(app)
			l.apps[key] = t
		}
		declared[key] = true
		t.app, t.repo, t.gone = app, r.name, nil
		t.Wanted, t.Gone, t.Commit = true, false, app.Revision.Commit
		if t.LookFailed {
			t.Looked = "" // another commit may be better
		}
		l.watchHead(key, t)
		l.dirty[key] = true
	}
	removed := false
	for key, t := range l.apps {
		if t.repo == r.name && !declared[key] && t.Wanted {
			t.Wanted, removed = false, true
			l.dirty[key] = true
		}
	}
	if removed || !r.searched {
		r.searched = true
		l.findGone(r, c)
	}
}

func newTracked(app App) *tracked {
	return &tracked{
		app: app, suspects: map[object.Ref]time.Time{}, looked: map[object.Ref]string{}, fights: map[object.Ref]*fight{},
	}
}

// loadItems reads what an app owns when its record changed, but not while it is
// being written.
func (l *loop) loadItems(key string, t *tracked) {
	if l.a.o.Observe == nil || t.head == nil || t.Running || t.loading || t.itemsOf == strings.Join(t.head.Items, " ") {
		return
	}
	app, version := t.app, strings.Join(t.head.Items, " ")
	t.loading = true
	l.workers.Go(func() {
		rec, err := l.a.o.Engine.Record(l.ctx, app.Name, app.Namespace)
		if err == nil && rec != nil {
			l.a.askWide(l.ctx, rec.Items)
		}
		l.a.post(l.ctx, func(l *loop) {
			switch {
			case err == nil && rec != nil:
				l.itemsRead(key, strings.Join(rec.Head.Items, " "), rec.Items)
			case l.apps[key] != nil:
				// A head that changes asks again; what cannot be read is said by
				// the next deploy.
				l.apps[key].loading, l.apps[key].itemsOf = false, version
			}
		})
	})
}

// headChanged takes what the record of an app says.
func (l *loop) headChanged(h inventory.Head, deleted bool) {
	key := App{Name: h.App, Namespace: h.Namespace}.Key()
	t := l.apps[key]
	if t == nil {
		return
	}
	before := t.head
	if deleted {
		t.head, t.Suspended = nil, false
		t.afresh()
		l.dirty[key] = true
		return
	}
	t.head = &h
	_, asked := h.Annotations[inventory.AnnotationSuspend]
	was := t.Suspended
	t.Suspended = asked || h.Controller == inventory.ControllerSuspended
	if was && !t.Suspended {
		t.afresh() // whatever the person did
	}
	if before != nil {
		l.tellControl(t, before.Controller, h.Controller)
		if t.asked(before, &h) {
			t.afresh()
			t.Forced = true
			clear(t.fights)
		}
	}
	l.dirty[key] = true
}

// afresh forgets what the cluster is thought to be at.
func (t *tracked) afresh() {
	t.Done, t.DoneName, t.Looked, t.Retry = "", "", "", time.Time{}
}

// asked reports whether somebody asked for something between two heads.
func (t *tracked) asked(before, now *inventory.Head) bool {
	for _, name := range []string{inventory.AnnotationReconcile, inventory.AnnotationConsent} {
		if v := now.Annotations[name]; v != "" && v != before.Annotations[name] {
			return true
		}
	}
	return false
}
