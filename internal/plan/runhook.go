package plan

import (
	"fmt"
	"slices"

	"github.com/tugops/tug/internal/object"
)

// runHooks adds the hooks of this deploy or delete. They run only around a
// plan that changes something in the cluster, or goes on with a release that
// was not completed (cluster-semantics.md 8.2).
func (c *computer) runHooks() {
	for _, d := range c.hooks {
		if !d.hook.known() {
			c.plan.Warnings = append(c.plan.Warnings, fmt.Sprintf(
				"%s is skipped: %s: %q is no hook that Helm knows", d.ref, object.AnnotationHook, join(d.hook.Events)))
		}
	}
	if !c.plan.Unfinished && !slices.ContainsFunc(c.plan.Changes, startsHooks) {
		return
	}
	phase := hookPhase(c.in)
	for i := range c.hooks {
		d := &c.hooks[i]
		if !d.hook.known() {
			continue
		}
		if d.hook.on("pre-" + phase) {
			c.runHook(d, StagePreHooks)
		}
		if d.hook.on("post-" + phase) {
			c.runHook(d, postStage(c.in.Deleting))
		}
	}
}

func postStage(deleting bool) Stage {
	if deleting {
		return StagePostDelete
	}
	return StagePostHooks
}

// startsHooks leaves out what changes no value in the cluster.
func startsHooks(ch Change) bool { return ch.Action != Drop && ch.Action != Reown }

func (c *computer) runHook(d *desired, stage Stage) {
	if err := goneFault(d.o, c.unserved[d.ref], c.in.ServerVersion); err != nil {
		c.bad.add(d.ref, d.o.Source, err)
		return
	}
	live, exists := c.in.Live[d.ref]
	if exists {
		if err := c.mayWrite(live, c.items[d.ref]); err != nil {
			c.bad.add(d.ref, d.o.Source, err)
			return
		}
	}
	ch := c.change(d, Run)
	ch.Stage, ch.Wave, ch.Hook = stage, d.hook.Weight, c.hookFor(d.hook)
	if c.in.Deleting {
		ch.Group = 0 // hooks of a delete are not ordered by groups
	}
	ch.Reason = stage.String()
	ch.UID, ch.ResourceVersion, ch.Entry = live.UID, live.ResourceVersion, object.EntryHash(live.Managers)
	c.plan.Changes = append(c.plan.Changes, ch)
}

// hookFor is the hook as it is run: those of a delete are removed after they
// succeeded, so that nothing of the app stays.
func (c *computer) hookFor(h *Hook) *Hook {
	if !c.in.Deleting || slices.Contains(h.Delete, hookSucceeded) {
		return h
	}
	done := *h
	done.Delete = append(slices.Clone(h.Delete), hookSucceeded)
	return &done
}
