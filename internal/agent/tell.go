package agent

import (
	"fmt"
	"strings"
	"time"

	"github.com/tugops/tug/internal/deploy"
	"github.com/tugops/tug/internal/event"
	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/inventory"
	"github.com/tugops/tug/internal/plan"
)

// telling is what was told about an app, so that it is told once.
type telling struct {
	failure string // of what commit and why
	waiting string
	blocked string // hash of the plan
	gone    string
	bad     bool // something was told from which the app can recover
}

// fact is a fact about an app, with what every one has.
func (l *loop) fact(t *tracked, kind event.Kind, format string, args ...any) event.Fact {
	return event.Fact{
		Time: l.a.o.Clock.Now(), Kind: kind, By: event.ByAgent, Cluster: l.a.o.Cluster,
		App: t.app.Name, Env: t.app.Env, Namespace: t.app.Namespace,
		Repository: t.app.Revision.Repository, Ref: t.app.Revision.Ref, Commit: t.app.Revision.Commit, Subject: t.app.Revision.Message,
		Message: fmt.Sprintf(format, args...),
	}
}

func (l *loop) tell(f event.Fact) {
	l.a.o.Log.Info(f.Message, "kind", f.Kind, "app", f.App, "namespace", f.Namespace, "commit", short(f.Commit))
	l.a.o.Facts.Tell(f)
}

// name is an app as people write it.
func (t *tracked) name() string {
	if t.app.Env != "" {
		return t.app.Name + "/" + t.app.Env
	}
	return t.app.Name
}

// tellDone says what was deployed, and that the app is well again.
func (l *loop) tellDone(t *tracked, r result) {
	t.told.failure, t.told.blocked, t.told.waiting = "", "", ""
	t.failure = nil
	if !r.outcome.Unchanged {
		kind, text := event.KindDeployed, "%s: commit %s is deployed"
		if r.gone != nil {
			kind, text = event.KindPruned, "%s was deleted: it is gone from its repository (commit %s)"
		}
		f := l.fact(t, kind, text, t.name(), short(r.commit))
		f.Commit, f.Release, f.Changes = r.commit, r.outcome.Release.Number, r.outcome.Release.Changes
		f.Identity, f.Plan = r.outcome.Release.By, r.prepared.Plan.Hash
		f.Took = l.a.o.Clock.Now().Sub(r.began)
		f.Objects = touched(r.prepared.Plan.Changes)
		l.tell(f)
		l.tellPruned(t, r)
	}
	if t.told.bad && r.gone == nil {
		t.told.bad = false
		l.tell(l.fact(t, event.KindRecovered, "%s is as commit %s says again", t.name(), short(r.commit)))
	}
}

// tellPruned names what a deploy deleted.
func (l *loop) tellPruned(t *tracked, r result) {
	if r.gone != nil {
		return
	}
	var deleted []plan.Change
	for _, c := range r.prepared.Plan.Changes {
		if c.Action == plan.Delete {
			deleted = append(deleted, c)
		}
	}
	if len(deleted) == 0 {
		return
	}
	f := l.fact(t, event.KindPruned, "%s: %d objects were deleted, which the repository declares no more", t.name(), len(deleted))
	f.Objects = touched(deleted)
	l.tell(f)
}

// maxTouched bounds the objects that a fact names.
const maxTouched = 50

func touched(changes []plan.Change) []event.Touched {
	var list []event.Touched
	for _, c := range changes[:min(len(changes), maxTouched)] {
		o := event.Touched{Ref: c.Ref, Action: string(c.Action)}
		for _, f := range c.Fields {
			o.Fields = append(o.Fields, event.Altered{Path: f.Path, From: f.From, To: f.To, Manager: f.Manager})
		}
		list = append(list, o)
	}
	return list
}

// tellFailed says once why a commit could not be deployed.
func (l *loop) tellFailed(t *tracked, commit string, err error, r *result) {
	text := masked(r, err)
	t.failure = err
	if t.told.failure == commit+"\n"+firstLine(text) {
		return
	}
	t.told.failure, t.told.bad = commit+"\n"+firstLine(text), true
	f := l.fact(t, event.KindFailed, "%s: commit %s could not be deployed", t.name(), short(commit))
	f.Commit, f.Cause = commit, withHints(text, err)
	if r != nil {
		f.Release, f.Took = r.outcome.Release.Number, l.a.o.Clock.Now().Sub(r.began)
		if r.prepared != nil {
			f.Plan = r.prepared.Plan.Hash
		}
	}
	l.tell(f)
}

// masked is the text of an error. The engine masks what it says of objects.
func masked(r *result, err error) string {
	if r != nil && r.prepared != nil {
		return r.prepared.Scrub(err.Error())
	}
	return err.Error()
}

func withHints(text string, err error) string {
	for _, h := range fault.HintsOf(err) {
		text += "\nhint: " + h
	}
	return text
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// tellRolledBack says which release runs again, and what is kept away.
func (l *loop) tellRolledBack(t *tracked, r result) {
	f := l.fact(t, event.KindRolledBack, "%s: commit %s failed and was rolled back (%s); it is not deployed again until the app changes or somebody asks for it",
		t.name(), short(r.commit), r.rolledBack.Release.Message)
	f.Commit, f.Release, f.Cause = r.commit, r.rolledBack.Release.Number, masked(&r, r.err)
	f.Changes = r.rolledBack.Release.Changes
	l.tell(f)
}

// tellBlocked says once per plan that it needs consent.
func (l *loop) tellBlocked(t *tracked, r result) {
	t.failure = r.err
	if t.told.blocked == r.prepared.Plan.Hash {
		return
	}
	t.told.blocked, t.told.bad = r.prepared.Plan.Hash, true
	f := l.fact(t, event.KindBlocked, "%s: commit %s waits for consent", t.name(), short(r.commit))
	f.Plan, f.Cause = r.prepared.Plan.Hash, fmt.Sprintf("%s\nhint: `tug reconcile -a %s -n %s --consent %s`",
		withHints(masked(&r, r.err), r.err), t.app.Name, t.app.Namespace, r.prepared.Plan.Hash)
	f.Objects = touched(r.prepared.Plan.Changes)
	l.tell(f)
}

// tellReport says what would be changed, where nothing is to be.
func (l *loop) tellReport(t *tracked, r result) {
	if !changed(r.prepared) || t.told.blocked == r.prepared.Plan.Hash {
		return
	}
	t.told.blocked = r.prepared.Plan.Hash
	kind := event.KindBlocked
	if len(r.prepared.Plan.Drift) > 0 {
		kind = event.KindDriftDetected
	}
	f := l.fact(t, kind, "%s: commit %s would change: %s; this agent only reports", t.name(), short(r.commit), r.prepared.Plan.Summary())
	f.Plan, f.Objects = r.prepared.Plan.Hash, touched(r.prepared.Plan.Changes)
	l.tell(f)
}

// tellWaiting says once that a commit waits for a window.
func (l *loop) tellWaiting(t *tracked) {
	if t.why != closed || t.told.waiting == t.Commit {
		return
	}
	t.told.waiting = t.Commit
	f := l.fact(t, event.KindBlocked, "%s: commit %s waits for a window", t.name(), short(t.Commit))
	if opens := l.again[t.app.Key()]; !opens.IsZero() {
		f.Message += ", which opens " + opens.UTC().Format(time.RFC3339)
	}
	f.Severity = event.SeverityInfo
	l.tell(f)
}

// tellControl says who has the app now.
func (l *loop) tellControl(t *tracked, before, now string) {
	switch {
	case before == now:
	case now == inventory.ControllerSuspended:
		l.tell(l.fact(t, event.KindSuspended, "%s: a person took over from the agent", t.name()))
	case before == inventory.ControllerSuspended:
		l.tell(l.fact(t, event.KindResumed, "%s: the agent has it again", t.name()))
	}
}

// tellGone says once that an app left the project, unless it goes at once.
func (l *loop) tellGone(t *tracked, a deploy.Abandoned) {
	if a.Keep == "" || t.told.gone == a.Keep {
		return
	}
	t.told.gone = a.Keep
	f := l.fact(t, event.KindBlocked, "%s is gone from its repository, but stays: %s", t.name(), a.Keep)
	f.Commit = a.Commit
	l.tell(f)
}

// tellTwice says that two repositories declare one app.
func (l *loop) tellTwice(app App, first, second string) {
	t := &tracked{app: app}
	f := l.fact(t, event.KindFailed, "%s is declared by two repositories: %s has it, %s is left out", t.name(), first, second)
	l.tell(f)
}

// tellSource says once that a repository cannot be read, and once that it can.
func (l *loop) tellSource(r *repo, err error, failures int) {
	f := event.Fact{
		Time: l.a.o.Clock.Now(), Kind: event.KindSourceReady, By: event.ByAgent, Cluster: l.a.o.Cluster, Repository: r.name,
		Message: r.name + " can be read again",
	}
	r.broken = err
	if failures > 1 {
		return
	}
	if err != nil {
		f.Kind, f.Cause = event.KindSourceFailed, withHints(err.Error(), err)
		f.Message = r.name + " cannot be read; what it said last stands"
	}
	l.tell(f)
}
