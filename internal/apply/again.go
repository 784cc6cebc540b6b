package apply

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tugops/tug/internal/event"
	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/plan"
)

// Bounds of one object's retries.
const (
	maxReplans = 5
	maxRaces   = 20
	firstPause = 100 * time.Millisecond
	maxPause   = 5 * time.Second
	// settling bounds errors that only mean "not yet" shortly after something
	// else was created: a kind not served yet, a service account not there yet.
	settling = 30 * time.Second
	// patientTries is how often a passing error is waited for when another
	// object was refused already, so that the run fails anyway.
	patientTries = 4
)

// tries counts why one change was sent again.
type tries struct {
	replans, races, waits int
	since                 time.Time // of the first passing error
	told                  string
}

// again decides what follows a refused write: the change to send next, or the
// error that ends it.
func (r *run) again(ctx context.Context, c plan.Change, err error, t *tries) (plan.Change, error) {
	if closing(err) {
		return c, err
	}
	if fault.Is(err, fault.Conflict) {
		return r.raced(ctx, c, err, t)
	}
	why, limit := r.passing(c, err)
	if why == "" {
		return c, err
	}
	return c, r.pause(ctx, c.Ref, why, limit, err, t)
}

// raced re-reads an object after a 409. The change is sent again as it is when
// the object is still ours and our fields are as the plan saw them; it is
// decided again when more changed. The server finds conflicts with fields of
// other managers before it looks at preconditions, so these are final only
// when the object is the one that the plan saw.
func (r *run) raced(ctx context.Context, c plan.Change, cause error, t *tries) (plan.Change, error) {
	live, err := r.c.GetLive(ctx, gvkOf(c.Ref, c.Version), c.Ref.Namespace, c.Ref.Name)
	if ctx.Err() != nil {
		return c, errStopped
	}
	if fault.Is(err, fault.NotFound) && c.Action == plan.Create {
		// Not this object: a quota, say, that is updated by every create.
		return c, r.pause(ctx, c.Ref, "the server asks to try again", settling, cause, t)
	}
	if err != nil && !fault.Is(err, fault.NotFound) {
		why, limit := r.passing(c, err)
		if why == "" {
			return c, err
		}
		return c, r.pause(ctx, c.Ref, why, limit, err, t)
	}
	fields := fieldConflict(cause)
	if fields && live.UID == c.UID && live.ResourceVersion == c.ResourceVersion {
		return c, cause
	}
	if err == nil && !fields && r.sameAsPlanned(c, live) && t.races < maxRaces {
		t.races++
		c.UID, c.ResourceVersion = live.UID, live.ResourceVersion
		return c, nil
	}
	if r.o.Replan == nil && fields && c.UID != "" && r.foreign(live) == "" {
		return c, cause
	}
	if r.o.Replan == nil {
		return c, r.changed(c, live, cause)
	}
	if t.replans++; t.replans > maxReplans {
		return c, fault.New(fault.Conflict, "changed by others %d times while it was being applied: %w", t.replans, cause).
			Hint("find out what else writes it, then deploy again")
	}
	return r.o.Replan(ctx, c)
}

// sameAsPlanned reports whether live is the object the plan saw, ours, and
// with the same fields of ours; then only fields of others (a status, say)
// changed.
func (r *run) sameAsPlanned(c plan.Change, live object.Live) bool {
	if live.Labels[object.LabelApp] != r.hash || live.Deleting {
		return false
	}
	if c.Action == plan.Create && c.UID == "" {
		// Created by an earlier try whose answer was lost.
		return onlyOurs(live)
	}
	return live.UID == c.UID && c.Entry != "" && object.EntryHash(live.Managers) == c.Entry
}

// onlyOurs reports whether nobody but tug wrote to live, status aside.
func onlyOurs(live object.Live) bool {
	for _, m := range live.Managers {
		if m.Subresource == "" && (m.Manager != object.Manager || m.Operation != "Apply") {
			return false
		}
	}
	return len(live.Managers) > 0
}

func (r *run) changed(c plan.Change, live object.Live, cause error) error {
	if live.UID == "" {
		return fault.New(fault.Conflict, "was deleted after the plan was made: %w", cause).
			Hint("deploy again")
	}
	if owner := r.foreign(live); owner != "" {
		return foreignFault(owner)
	}
	if c.Action == plan.Create {
		return fault.New(fault.Exists, "was created by somebody else after the plan was made: %w", cause).
			Hint("look at the object, then deploy again to take it into account")
	}
	return fault.New(fault.Conflict, "was changed after the plan was made: %w", cause).
		Hint("deploy again")
}

// foreign names the owner of live when that is another app of tug.
func (r *run) foreign(live object.Live) string {
	label := live.Labels[object.LabelApp]
	if label == "" || label == r.hash {
		return ""
	}
	if owner := live.Annotations[object.AnnotationOwner]; owner != "" && owner != r.key {
		return owner
	}
	return "the app with the mark " + label
}

func foreignFault(owner string) error {
	return fault.New(fault.Conflict, "%w: it belongs to %s", errForeign, owner).
		Hint("remove the object from one of the two apps, or hand it over: an app that no longer declares it lets the other take it")
}

// passing says why err may pass by itself, and for how long to believe that;
// "" when it will not.
func (r *run) passing(c plan.Change, err error) (why string, limit time.Duration) {
	text := err.Error()
	switch {
	case fault.Is(err, fault.Unavailable) && strings.Contains(text, "webhook"):
		return "a webhook cannot be reached yet", r.o.Timeout
	case fault.Is(err, fault.Unavailable):
		return "the API server does not answer", r.o.Timeout
	case fault.Is(err, fault.Gone) && r.kinds[c.Ref.GroupKind()]:
		r.o.Refresh()
		return "the kind is not served yet", settling
	case fault.Is(err, fault.NotFound) && r.kinds[namespaceKind(c.Ref.Namespace)]:
		return "the namespace is not there yet", settling
	case strings.Contains(text, "error looking up service account"), strings.Contains(text, "status unknown for quota"):
		return "the namespace is not set up yet", settling
	}
	return "", 0
}

// pause waits before the next try; it gives err back, with why, once limit or
// the run's deadline has passed.
func (r *run) pause(ctx context.Context, ref object.Ref, why string, limit time.Duration, err error, t *tries) error {
	if t.since.IsZero() {
		t.since = time.Now()
	}
	until := t.since.Add(limit)
	if r.deadline.Before(until) {
		until = r.deadline
	}
	wait := min(firstPause<<min(t.waits, 10), maxPause)
	wait = wait/2 + rand.N(wait)
	t.waits++
	hopeless := r.failing.Load() && t.waits > patientTries
	if hopeless || time.Now().Add(wait).After(until) {
		return fmt.Errorf("%s, after %d tries in %s: %w", why, t.waits, time.Since(t.since).Round(time.Second), err)
	}
	if t.told != why {
		t.told = why
		r.emit(event.Event{Type: event.Waiting, Ref: ref, Message: why + ", trying again: " + oneLine(err.Error())})
	}
	return sleep(ctx, wait)
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return errStopped
	case <-timer.C:
		return nil
	}
}

// fieldConflict tells a conflict with fields of other managers from one with
// the preconditions of the write, and closing one with a namespace that goes
// away. The adapter says so in these words.
func fieldConflict(err error) bool {
	return fault.Is(err, fault.Conflict) && strings.Contains(err.Error(), "other managers own ")
}

func closing(err error) bool {
	return fault.Is(err, fault.Conflict) && strings.Contains(err.Error(), "namespace is being deleted")
}

// broughtKinds lists the kinds whose definitions are part of the plan, and a
// mark for each of its namespaces.
func broughtKinds(changes []plan.Change) map[schema.GroupKind]bool {
	kinds := map[schema.GroupKind]bool{}
	for _, c := range changes {
		switch {
		case c.Desired == nil:
		case isDefinition(c.Ref):
			kinds[definedKind(c.Desired)] = true
		case isNamespace(c.Ref):
			kinds[namespaceKind(c.Ref.Name)] = true
		}
	}
	return kinds
}

func namespaceKind(name string) schema.GroupKind {
	return schema.GroupKind{Kind: "Namespace " + name}
}
