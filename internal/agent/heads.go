package agent

import (
	"context"
	"time"

	"github.com/tugops/tug/internal/inventory"
)

// headWatch follows the heads of records in one namespace.
type headWatch struct {
	synced bool
}

// watchHead makes sure that the record of an app is followed.
func (l *loop) watchHead(key string, t *tracked) {
	namespace := t.app.Namespace
	w := l.heads[namespace]
	if w == nil {
		w = &headWatch{}
		l.heads[namespace] = w
		l.workers.Go(func() { l.a.watchHeads(l.ctx, namespace) })
	}
	t.Known = w.synced
	if w.synced {
		l.dirty[key] = true
	}
}

// watchHeads follows the heads of a namespace until ctx ends.
func (a *Agent) watchHeads(ctx context.Context, namespace string) {
	for failures := 0; ; {
		began := a.o.Clock.Now()
		err := a.o.Watch(ctx, namespace, func(c HeadChange) bool {
			a.post(ctx, func(l *loop) {
				if c.Synced {
					l.headsSynced(namespace)
					return
				}
				l.headChanged(c.Head, c.Deleted)
			})
			return ctx.Err() == nil
		})
		if ctx.Err() != nil {
			return
		}
		if a.o.Clock.Now().Sub(began) > lastBackoff {
			failures = 0
		}
		failures++
		a.o.Log.Warn("the records of a namespace cannot be followed", "namespace", namespace, "error", err)
		// What a person asks for through a record is then seen only when the
		// app is deployed.
		a.post(ctx, func(l *loop) { l.headsSynced(namespace) })
		select {
		case <-ctx.Done():
			return
		case <-a.o.Clock.After(backoff(failures, a.o.Rand())):
		}
	}
}

// headsSynced says that every record of a namespace was seen.
func (l *loop) headsSynced(namespace string) {
	l.heads[namespace].synced = true
	for key, t := range l.apps {
		if t.app.Namespace == namespace && !t.Known {
			t.Known = true
			l.dirty[key] = true
		}
	}
}

// since is when the state of an app last changed by a deploy.
func since(h *inventory.Head) time.Time {
	if h == nil || h.Latest() == nil {
		return time.Time{}
	}
	return h.Latest().Finished
}
