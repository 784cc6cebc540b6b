package agent

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/tugops/tug/internal/deploy"
	"github.com/tugops/tug/internal/event"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/plan"
)

// yielding is how long the agent waits when somebody else has the app.
const yielding = time.Second

// heal looks at what drifted of an app, if it is time to.
func (l *loop) heal(key string, t *tracked) {
	if len(t.suspects) == 0 || !t.healable() {
		return
	}
	now := l.a.o.Clock.Now()
	refs, next := t.due(now)
	if len(refs) == 0 || now.Before(t.yield) {
		if now.Before(t.yield) && (next.IsZero() || t.yield.Before(next)) {
			next = t.yield
		}
		l.rouse(key, next)
		return
	}
	app, seen := t.app, map[object.Ref]string{}
	for _, ref := range refs {
		seen[ref] = l.objects[ref].additions
	}
	t.Healing = true
	l.workers.Go(func() {
		h, err := l.a.healOnce(l.ctx, app, refs)
		l.a.post(l.ctx, func(l *loop) { l.healed(key, refs, seen, h, err) })
	})
}

// rouse has an app decided about at a time, or before.
func (l *loop) rouse(key string, at time.Time) {
	if at.IsZero() {
		return
	}
	if before, set := l.again[key]; !set || at.Before(before) {
		l.again[key] = at
	}
}

func (a *Agent) healOnce(ctx context.Context, app App, refs []object.Ref) (*deploy.Healed, error) {
	select {
	case a.heals <- struct{}{}:
		defer func() { <-a.heals }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	o := app.Options
	if app.ReportOnly {
		o.Policy = plan.PolicyDetect
	}
	return a.o.Engine.Heal(ctx, app.Name, app.Namespace, refs, o)
}

// healed takes what came of a look.
func (l *loop) healed(key string, refs []object.Ref, seen map[object.Ref]string, h *deploy.Healed, err error) {
	t := l.apps[key]
	if t == nil {
		return
	}
	t.Healing = false
	l.dirty[key] = true
	now := l.a.o.Clock.Now()
	if err != nil {
		for _, ref := range refs {
			l.healFailed(t, ref, now)
		}
		l.a.o.Log.Warn("drift could not be looked at", "app", t.name(), "error", err)
		return
	}
	if h.Busy {
		t.yield = now.Add(yielding)
		return
	}
	for _, it := range h.Items {
		if _, owned := t.items[it.Ref]; owned {
			t.items[it.Ref] = it
		}
		t.looked[it.Ref] = seen[it.Ref]
	}
	for _, d := range h.Drifted {
		delete(t.looked, d.Ref)
	}
	healed, left := l.sortDrift(t, h, now)
	for _, ref := range refs {
		delete(t.suspects, ref)
		l.compare(key, t, ref)
	}
	for _, d := range h.Drifted {
		if d.Left {
			delete(t.suspects, d.Ref) // until it changes again
		}
	}
	l.tellHealed(t, h, healed)
	l.tellDrift(t, h, left)
}

// sortDrift notes what became of each object.
func (l *loop) sortDrift(t *tracked, h *deploy.Healed, now time.Time) (healed, left []deploy.Drifted) {
	for _, d := range h.Drifted {
		f := t.fights[d.Ref]
		if f == nil {
			f = &fight{}
			t.fights[d.Ref] = f
		}
		switch {
		case d.Left:
			if text := textOf(d); f.told != text {
				f.told = text
				left = append(left, d)
			}
		case d.Err != nil:
			l.healFailed(t, d.Ref, now)
			if f.told != d.Err.Error() {
				f.told = d.Err.Error()
				left = append(left, d)
			}
		default:
			l.a.count.heals.Add(1)
			gaveUp := f.putBack(now, d.Writer.Manager)
			if d.Action != plan.Reown {
				healed = append(healed, d)
			}
			if gaveUp {
				l.tellFighting(t, d, f)
			}
		}
	}
	return healed, left
}

func (l *loop) healFailed(t *tracked, ref object.Ref, now time.Time) {
	f := t.fights[ref]
	if f == nil {
		f = &fight{}
		t.fights[ref] = f
	}
	f.failures++
	f.after = now.Add(backoff(f.failures, l.a.o.Rand()))
	t.suspects[ref] = now
}

// textOf tells one drift from another.
func textOf(d deploy.Drifted) string {
	var b strings.Builder
	b.WriteString(d.Reason)
	for _, f := range d.Fields {
		b.WriteString("\n" + f.Path + " " + f.Manager)
	}
	return b.String()
}

// tellHealed says what was put back, and who had changed it.
func (l *loop) tellHealed(t *tracked, h *deploy.Healed, list []deploy.Drifted) {
	if len(list) == 0 {
		return
	}
	f := l.driftFact(t, event.KindDriftHealed, h, list)
	f.Message = t.name() + ": " + describe(list) + " and was put back"
	l.tell(f)
}

// tellDrift says what was found and is left, or could not be put back.
func (l *loop) tellDrift(t *tracked, h *deploy.Healed, list []deploy.Drifted) {
	if len(list) == 0 {
		return
	}
	f := l.driftFact(t, event.KindDriftDetected, h, list)
	f.Message = t.name() + ": " + describe(list)
	for _, d := range list {
		if d.Err != nil {
			f.Message = t.name() + ": " + describe(list) + ", and could not be put back"
			f.Cause = strings.TrimSpace(f.Cause + "\n" + withHints(d.Ref.String()+": "+d.Err.Error(), d.Err))
			f.Severity = event.SeverityError
		}
	}
	l.tell(f)
}

// tellFighting says that the agent gives up on an object.
func (l *loop) tellFighting(t *tracked, d deploy.Drifted, f *fight) {
	fact := l.driftFact(t, event.KindFighting, nil, []deploy.Drifted{d})
	who := "something that leaves no trace"
	if f.manager != "" {
		who = f.manager
	}
	fact.Message = t.name() + ": " + who + " keeps changing " + d.Ref.String() + "; it is left as it is until a new commit, or `tug reconcile`"
	fact.Cause = "remove the field from the repository or add an ignore rule (docs/drift.md), or make " + who + " stop"
	t.told.bad = true
	l.tell(fact)
}

func (l *loop) driftFact(t *tracked, kind event.Kind, h *deploy.Healed, list []deploy.Drifted) event.Fact {
	f := l.fact(t, kind, "")
	if h != nil {
		f.Release, f.Commit, f.Subject = h.Release.Number, h.Release.Commit, h.Release.Message
	}
	for _, d := range list[:min(len(list), maxTouched)] {
		o := event.Touched{
			Ref: d.Ref, Action: string(d.Action), Manager: d.Writer.Manager, Operation: d.Writer.Operation,
			Subresource: d.Writer.Subresource, At: d.Writer.Time,
		}
		if d.Left || d.Err != nil {
			o.Action = ""
		}
		for _, field := range d.Fields {
			o.Fields = append(o.Fields, event.Altered{Path: field.Path, From: field.From, To: field.To, Manager: field.Manager})
		}
		f.Objects = append(f.Objects, o)
	}
	return f
}

// describe says in a few words what happened to objects.
func describe(list []deploy.Drifted) string {
	d := list[0]
	text := d.Ref.String() + " was changed"
	if d.Action == plan.Create {
		text = d.Ref.String() + " was deleted"
	}
	if d.Writer.Manager != "" {
		text += " by " + d.Writer.Manager
	}
	if more := len(list) - 1; more > 0 {
		text += " (and " + plural(more, "other object") + ")"
	}
	return text
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return strconv.Itoa(n) + " " + word + "s"
}
