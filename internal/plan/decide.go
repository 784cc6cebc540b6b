package plan

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/inventory"
	"github.com/tugops/tug/internal/object"
)

// decide gives the verdict on one plain desired object. It is called from
// several goroutines and changes nothing in c.
func (c *computer) decide(d *desired) verdict {
	if err := goneFault(d.o, c.unserved[d.ref], c.in.ServerVersion); err != nil {
		return verdict{err: err}
	}
	live, exists := c.in.Live[d.ref]
	item := c.items[d.ref]
	if !exists {
		return verdict{change: c.create(d, item)}
	}
	if live.Deleting {
		return verdict{err: terminating(live)}
	}
	if err := c.mayWrite(live, item); err != nil {
		return verdict{err: err}
	}
	said, compared := c.in.Compared[d.ref]
	if !compared {
		if c.clean(d, live) {
			return verdict{change: Change{Action: Keep}}
		}
		return verdict{err: errors.New("exists but was not compared with the cluster")}
	}
	return c.compared(d, item, said)
}

// clean reports whether metadata alone shows that nothing is to do
// (cluster-semantics.md 3.1, 3.2, 3.4). Cheap questions come first.
func (c *computer) clean(d *desired, live object.Live) bool {
	item, recorded := c.items[d.ref]
	return recorded && item.Applied == d.applied() && Clean(item, Seen(live)) && !c.hasAdditions(live)
}

// Mark is what tells a clean object from one that needs a look: a small part of
// its metadata, so that many can be kept.
type Mark struct {
	UID string
	// Entry is the hash of our own managedFields entry.
	Entry      string
	Generation int64
	// Leftover says that there is an entry that stands for what was there before
	// the first apply.
	Leftover bool
}

// Seen is the mark of a live object.
func Seen(live object.Live) Mark {
	return Mark{
		UID: live.UID, Generation: live.Generation, Entry: object.EntryHash(live.Managers),
		Leftover: slices.ContainsFunc(live.Managers, isLeftover),
	}
}

// Clean reports whether metadata alone shows that a live object is as it was
// applied last (cluster-semantics.md 3.1, 3.2, 3.4).
func Clean(item inventory.Item, m Mark) bool {
	return item.UID != "" && item.UID == m.UID && item.Handed == "" && item.Entry != "" &&
		item.Generation == m.Generation && item.Entry == m.Entry && !m.Leftover
}

func isLeftover(e object.ManagerEntry) bool { return e.Manager == beforeFirstApply }

// change is what all changes of a desired object have in common.
func (c *computer) change(d *desired, action Action) Change {
	return Change{
		Action: action, Ref: d.ref, Version: d.o.GVK().GroupVersion().String(),
		Stage: StageOf(d.ref.GroupKind()), Group: GroupOf(d.o), Source: d.o.Source,
		Desired: d.o, Applied: d.applied(),
	}
}

func (c *computer) create(d *desired, item inventory.Item) Change {
	ch := c.change(d, Create)
	ch.Reason = "new"
	if item.UID != "" {
		ch.Reason = "gone from the cluster"
	}
	return ch
}

// compared decides by the dry run.
func (c *computer) compared(d *desired, item inventory.Item, said Comparison) verdict {
	if said.Err != nil {
		return c.refused(d, item, said.Err)
	}
	if said.Live == nil || said.Result == nil && said.NoDryRun == "" {
		return verdict{err: errors.New("comparison with the cluster has no result")}
	}
	now, err := object.LiveOf(said.Live)
	if err != nil {
		return verdict{err: err}
	}
	now.Ref = d.ref
	if said.Result != nil && said.Result.UID() != now.UID {
		return verdict{err: fault.New(fault.Conflict, "was deleted or made anew while it was compared").Hint("run the command again")}
	}
	if err := c.mayWrite(now, item); err != nil {
		return verdict{err: err}
	}
	m, err := c.match(d, now, said)
	if err != nil {
		return verdict{err: err}
	}
	ch := c.change(d, m.action(c.mustRecord(d, now, item)))
	ch.UID, ch.ResourceVersion, ch.Entry = now.UID, now.ResourceVersion, object.EntryHash(now.Managers)
	ch.Desired, ch.diffs, ch.Force, ch.Strip, ch.Absorb = m.desired, m.diffs, m.force, m.strip, m.absorb
	ch.Reason = c.reason(ch, now, item)
	v := verdict{change: ch, warnings: m.warnings}
	w := c.ownerOf(now, item)
	switch {
	case c.handed(d.ref, w):
		v.change.Action, v.change.From = Take, w.app
		v.change.Reason = "handed over by " + w.app
	case w.nobody():
		v.change.Reason = "exists already"
		v.warnings = append(v.warnings, fmt.Sprintf(
			"%s exists already and nobody owns it: the app takes it over, and deletes it when it is deleted", d.ref))
	}
	return v
}

// refused turns the server's refusal of a dry run into a verdict.
func (c *computer) refused(d *desired, item inventory.Item, err error) verdict {
	switch fault.KindOf(err) {
	case fault.NotFound:
		return verdict{change: c.create(d, item)}
	case fault.Gone:
		return verdict{err: goneFault(d.o, true, c.in.ServerVersion)}
	case fault.Immutable:
		if len(fault.HintsOf(err)) == 0 {
			err = fault.New(fault.Immutable, "%w", err).
				Hint("put the old value back, or give the object another name so that it is made anew; deleting %s by hand first works too", d.ref)
		}
		return verdict{err: err}
	default:
		return verdict{err: err}
	}
}

// mustRecord reports whether the record does not say what is true of a live
// object that needs no change, so that it is applied once more to be recorded.
func (c *computer) mustRecord(d *desired, live object.Live, item inventory.Item) bool {
	return item.UID != live.UID || item.Entry == "" || item.Handed != "" || item.Applied != d.applied()
}

// differs says why what was applied is not what is desired, and undeclared why
// an object is not declared.
func (c *computer) differs() string {
	if c.in.Release > 0 {
		return fmt.Sprintf("as it was in release %d", c.in.Release)
	}
	return "changed in the repository"
}

func (c *computer) undeclared() string {
	if c.in.Release > 0 {
		return fmt.Sprintf("not in release %d", c.in.Release)
	}
	return "no longer in the repository"
}

// reason says why an existing object is written.
func (c *computer) reason(ch Change, live object.Live, item inventory.Item) string {
	var parts []string
	switch {
	case item.UID == "":
		parts = append(parts, "not in the record")
	case item.UID != live.UID:
		parts = append(parts, "made anew by somebody else")
	case item.Applied != ch.Applied:
		parts = append(parts, c.differs())
	}
	drift := slices.ContainsFunc(ch.diffs, func(d difference) bool { return d.manager != "" })
	if drift || len(parts) == 0 {
		parts = append(parts, "drift")
	}
	return strings.Join(parts, ", ")
}

// terminating is the fault for a desired object that is on its way out: what
// is applied to it now would go with it.
func terminating(live object.Live) error {
	e := fault.New(fault.Conflict, "is being deleted")
	if len(live.Finalizers) > 0 {
		return e.Hint("it waits for %s; deploy again when it is gone", strings.Join(live.Finalizers, ", "))
	}
	return e.Hint("deploy again when it is gone")
}

func join(parts []string) string { return strings.Join(parts, ", ") }
