package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tugops/tug/internal/inventory"
	"github.com/tugops/tug/internal/object"
)

// prunes decides about everything the app owns and no longer declares
// (cluster-semantics.md 2.3 and 7).
func (c *computer) prunes() {
	owned := 0
	for ref, item := range c.items {
		if item.Handed == "" {
			owned++
		}
		if !c.declared[ref] {
			c.pruneRecorded(ref, item)
		}
	}
	for ref, live := range c.in.Live {
		if _, recorded := c.items[ref]; recorded || c.declared[ref] {
			continue
		}
		if c.pruneLabelled(live) {
			owned++
		}
	}
	c.brakes(owned)
}

// pruneRecorded decides about an inventory item that is not declared.
func (c *computer) pruneRecorded(ref object.Ref, item inventory.Item) {
	live, exists := c.in.Live[ref]
	w := c.ownerOf(live, item)
	switch {
	case c.unserved[ref]:
		c.drop(ref, item, live, "its API is gone")
	case !exists:
		c.drop(ref, item, live, "gone already")
	case w.app != "" && item.Handed != "":
		c.drop(ref, item, live, "taken by "+w.app)
	case w.app != "":
		c.drop(ref, item, live, "belongs to "+w.app+" now")
	case w.nobody():
		c.drop(ref, item, live, "is no longer the object that was deployed")
	case item.Handed != "":
		c.waiting(ref, item, live)
	case live.Annotations[object.AnnotationResourcePolicy] == "keep":
		c.drop(ref, item, live, object.AnnotationResourcePolicy+": keep")
	case c.hookLeft(live):
		// It became a hook, or always was one: it is left as hooks are.
	case c.hand(ref, item, live):
	default:
		c.delete(live, c.undeclared())
	}
}

// waiting keeps an object that was handed over until the other app took it.
func (c *computer) waiting(ref object.Ref, item inventory.Item, live object.Live) {
	if c.in.Deleting {
		c.drop(ref, item, live, "handed to "+item.Handed)
		return
	}
	if c.in.Others != nil && c.in.Others[ref] != item.Handed {
		c.plan.Warnings = append(c.plan.Warnings,
			fmt.Sprintf("%s was handed to %s, which does not declare it", ref, item.Handed))
	}
}

// pruneLabelled decides about a live object that carries our marks but that
// the inventory does not name. It reports whether the object is ours.
func (c *computer) pruneLabelled(live object.Live) bool {
	item := inventory.Item{}
	w := c.ownerOf(live, item)
	if !w.mine {
		return false
	}
	if !c.provenMine(live) {
		return false
	}
	if live.Annotations[object.AnnotationResourcePolicy] == "keep" || c.hookLeft(live) {
		return false
	}
	if !c.hand(live.Ref, item, live) {
		c.delete(live, "not in the record")
	}
	return true
}

// hookLeft reports whether a live object is what a hook left behind. Such
// objects stay until the app is deleted.
func (c *computer) hookLeft(live object.Live) bool {
	return !c.in.Deleting && live.Annotations[object.AnnotationHook] != "" &&
		live.Annotations[object.AnnotationHook] != "crd-install"
}

// hand hands an object to the app of the environment that declares it at the
// same commit, instead of deleting it (cluster-semantics.md 7.3).
func (c *computer) hand(ref object.Ref, item inventory.Item, live object.Live) bool {
	to := c.in.Others[ref]
	if to == "" || to == c.key {
		return false
	}
	if c.in.Deleting {
		// By the time of the delete that app has taken it.
		c.drop(ref, item, live, "taken by "+to)
		return true
	}
	c.drop(ref, item, live, "handed to "+to)
	c.plan.Changes[len(c.plan.Changes)-1].HandedTo = to
	return true
}

func (c *computer) drop(ref object.Ref, item inventory.Item, live object.Live, reason string) {
	version := live.Version
	if version == "" {
		version = item.Version
	}
	version = apiVersion(ref, version)
	c.plan.Changes = append(c.plan.Changes, Change{
		Action: Drop, Ref: ref, Version: version, Stage: StagePrune, Wave: c.pruneWave(ref), Reason: reason,
		UID: live.UID, ResourceVersion: live.ResourceVersion, Entry: object.EntryHash(live.Managers),
	})
}

func (c *computer) delete(live object.Live, reason string) {
	if c.in.Deleting {
		reason = "the app is deleted"
	}
	c.plan.Changes = append(c.plan.Changes, Change{
		Action: Delete, Ref: live.Ref, Version: apiVersion(live.Ref, live.Version), Stage: StagePrune, Wave: c.pruneWave(live.Ref),
		Reason: reason, UID: live.UID, ResourceVersion: live.ResourceVersion,
	})
}

// pruneWave orders deletions: the stages in reverse, and last of all the
// Namespace that holds the record (cluster-semantics.md 6.3 and 8.1).
func (c *computer) pruneWave(ref object.Ref) int {
	if ref.GroupKind() == namespaceKind && ref.Name == c.in.Namespace {
		return int(StageLate-StageDefinitions) + 1
	}
	return int(StageLate - StageOf(ref.GroupKind()))
}

// brakes finds what needs consent (cluster-semantics.md 6.3 and 7.1). owned is
// the number of objects before the plan.
func (c *computer) brakes(owned int) {
	var gone, held []object.Ref
	for _, ch := range c.plan.Changes {
		if ch.Action != Delete {
			continue
		}
		gone = append(gone, ch.Ref)
		if holds(ch.Ref.GroupKind()) {
			held = append(held, ch.Ref)
		}
	}
	slices.SortFunc(gone, object.Ref.Compare)
	slices.SortFunc(held, object.Ref.Compare)
	if len(held) > 0 {
		c.brake(BrakeDefinitions, held, fmt.Sprintf("%s would be deleted with everything in %s", count(len(held), "namespace, definition or volume claim", "namespaces, definitions or volume claims"), itOrThem(len(held))))
	}
	c.brakeTenants(held)
	if c.in.Deleting {
		if c.in.Record == nil && len(gone) > 0 {
			c.brake(BrakeUnrecorded, gone, fmt.Sprintf("the record of the app is missing: only their labels say that %s", count(len(gone), "object is its own", "objects are its own")))
		}
		return
	}
	if len(c.plain) == 0 && owned > 0 {
		c.brake(BrakeEmpty, gone, "the repository declares no object at all")
	}
	if len(gone) > 5 && len(gone)*10 > owned*3 {
		c.brake(BrakeShrink, gone, fmt.Sprintf("%d of %d objects would be deleted", len(gone), owned))
	}
}

// brakeTenants asks for consent to what goes with a Namespace of other apps.
func (c *computer) brakeTenants(held []object.Ref) {
	for _, ref := range held {
		apps := c.in.Tenants[ref.Name]
		if ref.GroupKind() != namespaceKind || len(apps) == 0 {
			continue
		}
		reason := fmt.Sprintf("%s would go with namespace %s: %s", count(len(apps), "other app", "other apps"), ref.Name, strings.Join(apps, ", "))
		c.plan.Brakes = append(c.plan.Brakes, Brake{Kind: BrakeTenants, Reason: reason, Refs: []object.Ref{ref}, Apps: apps})
	}
}

func (c *computer) brake(kind BrakeKind, refs []object.Ref, reason string) {
	c.plan.Brakes = append(c.plan.Brakes, Brake{Kind: kind, Reason: reason, Refs: refs})
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func itOrThem(n int) string {
	if n == 1 {
		return "it"
	}
	return "them"
}

// PruneCandidates are the refs that a plan of in may delete: those for which
// the other apps have to be asked (Input.Others), in order.
func PruneCandidates(in Input) []object.Ref {
	if in.Deleting {
		return nil
	}
	in.Others = nil
	c := newComputer(in)
	c.plan = &Plan{}
	c.prunes()
	refs := map[object.Ref]bool{}
	for _, ch := range c.plan.Changes {
		if ch.Action == Delete {
			refs[ch.Ref] = true
		}
	}
	for ref, item := range c.items {
		if item.Handed != "" && !c.declared[ref] {
			refs[ref] = true
		}
	}
	return slices.SortedFunc(maps.Keys(refs), object.Ref.Compare)
}
