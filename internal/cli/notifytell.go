package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tugops/tug/internal/deploy"
	"github.com/tugops/tug/internal/event"
	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/kube"
	"github.com/tugops/tug/internal/notify"
	"github.com/tugops/tug/internal/project"
)

// tellingTakes is how long a command waits for its notifications at the end.
const tellingTakes = 15 * time.Second

// teller tells people what a command does, by the routes of its project. What
// goes wrong with that is a warning at the end, and never more.
type teller struct {
	env        *Env
	common     event.Fact // what all facts of the command have
	dispatcher *notify.Dispatcher

	mu       sync.Mutex
	problems []string
}

// newTeller starts telling. A project without routes has a teller that does
// nothing. It goes on when the command is interrupted: that is news, too.
func (e *Env) newTeller(ctx context.Context, p *project.Project, client *kube.Client, common event.Fact) *teller {
	t := &teller{env: e, common: common}
	if p == nil || len(p.Notify.Routes) == 0 {
		return t
	}
	t.common.By, t.common.Cluster = event.ByPush, client.Context()
	d, err := e.dispatcher(context.WithoutCancel(ctx), p.Notify, client, t.report)
	if err != nil {
		e.warn("notifications: " + err.Error())
		return t
	}
	t.dispatcher = d
	return t
}

// fact is what all facts about apps of a source have.
func (s *source) fact() event.Fact {
	r := s.revision
	return event.Fact{Repository: r.Repository, Ref: r.Ref, Commit: r.Commit, Subject: r.Message}
}

// report takes what became of a message.
func (t *teller) report(d notify.Delivery) {
	if d.Err == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if text := fmt.Sprintf("channel %s: %v", d.Channel, d.Err); !slices.Contains(t.problems, text) {
		t.problems = append(t.problems, text)
	}
}

// tell adds what all facts have, and passes one on.
func (t *teller) tell(f event.Fact) {
	if t == nil || t.dispatcher == nil {
		return
	}
	c := t.common
	f.By, f.Cluster = c.By, c.Cluster
	f.Repository, f.Ref = cmp.Or(f.Repository, c.Repository), cmp.Or(f.Ref, c.Ref)
	f.Commit, f.Subject = cmp.Or(f.Commit, c.Commit), cmp.Or(f.Subject, c.Subject)
	t.dispatcher.Tell(f)
}

// close waits for what is under way, and warns of what did not get through.
func (t *teller) close(ctx context.Context) {
	if t.dispatcher == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tellingTakes)
	defer cancel()
	t.dispatcher.Close(ctx)
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, text := range t.problems {
		t.env.warn("notification not sent: " + text)
	}
}

// carriedOut tells how the execution of a plan ended. Nothing is told of one
// that had nothing to do or was not confirmed.
func (t *teller) carriedOut(done event.Kind, p *deploy.Prepared, o deploy.Outcome, err error) {
	f := event.Fact{
		Kind: done, App: p.Plan.App, Env: p.Plan.Env, Namespace: p.Plan.Namespace, Plan: p.Plan.Hash,
		Release: o.Release.Number, Commit: o.Release.Commit, Subject: o.Release.Message,
		Identity: o.Release.By, Changes: o.Release.Changes, Took: o.Result.Took,
	}
	switch {
	case err == nil && o.Unchanged, fault.Is(err, fault.Usage):
		return
	case err == nil && done == event.KindRolledBack:
		f.Severity = event.SeverityWarning // a person wanted it
	case fault.Is(err, fault.Denied) && len(p.Plan.Brakes) > 0:
		f.Kind = event.KindBlocked
		f.Message = oneFault(err)
	case err != nil:
		f.Kind = event.KindFailed
		f.Message = oneFault(err)
	}
	if done == event.KindDeleted || done == event.KindPruned {
		f.Changes = cmp.Or(f.Changes, o.Result.String())
	}
	t.tell(f)
}

// notPlanned tells that an app could not be rendered or planned.
func (t *teller) notPlanned(app, env, namespace string, err error) {
	if err == nil || fault.Is(err, fault.Usage) || fault.Is(err, fault.Interrupted) {
		return
	}
	t.tell(event.Fact{Kind: event.KindFailed, App: app, Env: env, Namespace: namespace, Message: oneFault(err)})
}

// maxFault is how many lines of an error are told.
const maxFault = 15

// oneFault is the beginning of an error.
func oneFault(err error) string {
	lines := strings.Split(err.Error(), "\n")
	if len(lines) > maxFault {
		lines = append(lines[:maxFault], fmt.Sprintf("and %d more lines", len(lines)-maxFault))
	}
	return strings.Join(lines, "\n")
}
