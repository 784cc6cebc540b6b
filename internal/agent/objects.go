package agent

import (
	"context"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/inventory"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/plan"
)

// seenObject is what is kept of one labelled object: some 200 bytes.
type seenObject struct {
	mark plan.Mark
	// additions tells apart what persons have entries for; strict looks at it.
	additions string
}

// kindWatch follows the labelled objects of one kind, in one namespace or in
// all.
type kindWatch struct {
	synced bool
}

// watchPlace is what one watch covers.
type watchPlace struct {
	gk        schema.GroupKind
	namespace string // "" for all
}

// itemsRead takes what an app owns, after a head that says so.
func (l *loop) itemsRead(key, version string, items []inventory.Item) {
	t := l.apps[key]
	if t == nil || t.head == nil {
		return
	}
	for ref := range t.items {
		if l.owner[ref] == key {
			delete(l.owner, ref)
		}
	}
	t.items = make(map[object.Ref]inventory.Item, len(items))
	t.itemsOf, t.loading = version, false
	for _, it := range items {
		if it.UID == "" || it.Handed != "" {
			continue
		}
		t.items[it.Ref] = it
		l.owner[it.Ref] = key
		l.watchKind(it.Ref)
	}
	t.suspects = map[object.Ref]time.Time{}
	for ref := range t.items {
		l.compare(key, t, ref)
	}
	l.dirty[key] = true
}

// watchKind makes sure that objects of a kind are followed where ref is.
func (l *loop) watchKind(ref object.Ref) {
	place := l.a.placeOf(ref)
	if l.kinds[place] != nil {
		return
	}
	l.kinds[place] = &kindWatch{}
	l.workers.Go(func() { l.a.watchKind(l.ctx, place) })
}

// placeOf is the watch that covers an object: of all namespaces where that is
// allowed.
func (a *Agent) placeOf(ref object.Ref) watchPlace {
	gk := ref.GroupKind()
	if allowed, ok := a.wide.Load(gk); ok && allowed == true {
		return watchPlace{gk: gk}
	}
	return watchPlace{gk, ref.Namespace}
}

// askWide finds out which kinds may be followed in all namespaces, each once.
func (a *Agent) askWide(ctx context.Context, items []inventory.Item) {
	for _, it := range items {
		gk := it.Ref.GroupKind()
		if _, known := a.wide.Load(gk); !known {
			a.wide.Store(gk, a.o.Wide == nil || a.o.Wide(ctx, gk))
		}
	}
}

// watchKind follows objects until ctx ends.
func (a *Agent) watchKind(ctx context.Context, place watchPlace) {
	for failures := 0; ; {
		began := a.o.Clock.Now()
		err := a.o.Observe(ctx, place.gk, place.namespace, func(c object.LiveChange) bool {
			if c.Synced {
				a.post(ctx, func(l *loop) { l.kindSynced(place) })
				return ctx.Err() == nil
			}
			now := seenObject{mark: plan.Seen(c.Live), additions: plan.Additions(c.Live, nil)}
			ref, gone := c.Live.Ref, c.Deleted
			a.post(ctx, func(l *loop) { l.objectChanged(ref, now, gone) })
			return ctx.Err() == nil
		})
		if ctx.Err() != nil {
			return
		}
		if a.o.Clock.Now().Sub(began) > lastBackoff {
			failures = 0
		}
		failures++
		a.o.Log.Warn("a kind cannot be followed: drift of it is not seen", "kind", place.gk, "namespace", place.namespace, "error", err)
		if fault.Is(err, fault.Gone) {
			a.post(ctx, func(l *loop) { l.kindGone(place) })
		}
		select {
		case <-ctx.Done():
			return
		case <-a.o.Clock.After(backoff(failures, a.o.Rand())):
		}
	}
}

// kindSynced says that every labelled object of a place was seen: what is owned
// and was not is missing, or lost its label.
func (l *loop) kindSynced(place watchPlace) {
	l.kinds[place].synced = true
	for ref, key := range l.owner {
		if place.gk == ref.GroupKind() && (place.namespace == "" || place.namespace == ref.Namespace) {
			if t := l.apps[key]; t != nil {
				l.compare(key, t, ref)
			}
		}
	}
}

// kindGone says that a kind is not served any more.
func (l *loop) kindGone(place watchPlace) {
	for ref := range l.objects {
		if ref.GroupKind() == place.gk {
			delete(l.objects, ref)
		}
	}
	l.kindSynced(place)
}

// objectChanged takes one change of a labelled object.
func (l *loop) objectChanged(ref object.Ref, now seenObject, gone bool) {
	if gone {
		delete(l.objects, ref)
	} else {
		l.objects[ref] = now
	}
	if key, owned := l.owner[ref]; owned {
		if t := l.apps[key]; t != nil {
			l.compare(key, t, ref)
		}
	}
}

// compare notes whether an owned object has to be looked at.
func (l *loop) compare(key string, t *tracked, ref object.Ref) {
	it, owned := t.items[ref]
	if !owned {
		return
	}
	now, there := l.objects[ref]
	switch {
	case !there && !l.kinds[l.a.placeOf(ref)].synced:
		return
	case there && plan.Clean(it, now.mark) && !(t.app.Options.Policy == plan.PolicyStrict && now.additions != "" && t.looked[ref] != now.additions):
		delete(t.suspects, ref)
		if f := t.fights[ref]; f != nil && f.told != "" {
			f.told = ""
		}
	default:
		if _, known := t.suspects[ref]; !known {
			t.suspects[ref] = l.a.o.Clock.Now()
		}
	}
	l.dirty[key] = true
}

// healable reports whether drift of an app is the agent's to put back: what was
// deployed last is what is to run.
func (t *tracked) healable() bool {
	if t.head == nil || t.Suspended || t.Running || t.Healing {
		return false
	}
	r := t.head.Latest()
	return r != nil && r.Status == inventory.Deployed && t.head.Controller == inventory.ControllerAgent
}

// due are the suspects to look at now, and when the next one is.
func (t *tracked) due(now time.Time) (refs []object.Ref, next time.Time) {
	for ref := range t.suspects {
		f := t.fights[ref]
		if f == nil {
			refs = append(refs, ref)
			continue
		}
		if f.stopped {
			continue
		}
		if at := f.drifted(now); at.After(now) {
			if next.IsZero() || at.Before(next) {
				next = at
			}
			continue
		}
		refs = append(refs, ref)
	}
	slices.SortFunc(refs, object.Ref.Compare)
	return refs, next
}
