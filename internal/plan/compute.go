package plan

import (
	"cmp"
	"slices"

	"github.com/tugops/tug/internal/inventory"
	"github.com/tugops/tug/internal/object"
)

// Unclear names the desired objects that exist but cannot be called clean from
// metadata alone (cluster-semantics.md 3.2), in order of Ref: the caller gets
// each and makes a forced dry-run apply of its desired form, and puts both
// into Input.Compared. Hooks are never among them, nor objects that Compute
// refuses to touch anyway.
func Unclear(in Input) []object.Ref {
	if in.Deleting {
		return nil
	}
	c := newComputer(in)
	var refs []object.Ref
	unclear := make([]bool, len(c.plain))
	parallel(len(c.plain), func(i int) {
		d := &c.plain[i]
		live, exists := in.Live[d.ref]
		unclear[i] = exists && !live.Deleting && c.mayWrite(live, c.items[d.ref]) == nil && !c.clean(d, live)
	})
	for i, d := range c.plain {
		if unclear[i] {
			refs = append(refs, d.ref)
		}
	}
	slices.SortFunc(refs, object.Ref.Compare)
	return refs
}

// Compute decides what has to change. It is a fault when something must not
// be touched or cannot be applied; one fault then tells everything that was
// found. Every ref of Unclear must have its Comparison.
func Compute(in Input) (*Plan, error) {
	c := newComputer(in)
	c.plan = &Plan{
		App: in.App, Env: in.Env, Namespace: in.Namespace,
		Unfinished: unfinished(in.Record),
	}
	if !in.Deleting {
		c.applies()
	}
	c.prunes()
	c.runHooks()
	if err := c.bad.fault(); err != nil {
		return nil, err
	}
	c.finish()
	return c.plan, nil
}

// computer is one decision under way.
type computer struct {
	in        Input
	key, hash string // the owner marks of the app
	humans    []string
	items     map[object.Ref]inventory.Item
	plain     []desired
	hooks     []desired
	declared  map[object.Ref]bool // by any desired object, hooks included
	scaled    map[object.Ref]bool // targets of desired autoscalers
	unserved  map[object.Ref]bool
	plan      *Plan
	bad       problems
}

// desired is one desired object with what is asked of it again and again.
type desired struct {
	ref  object.Ref
	o    *object.Object
	hook *Hook
	sum  string
}

// applied is the hash of the object, made once.
func (d *desired) applied() string {
	if d.sum == "" {
		d.sum = d.o.Hash()
	}
	return d.sum
}

func newComputer(in Input) *computer {
	c := &computer{
		in: in, key: object.AppKey(in.Namespace, in.App), humans: in.Humans,
		items: map[object.Ref]inventory.Item{}, unserved: make(map[object.Ref]bool, len(in.Unserved)),
		declared: make(map[object.Ref]bool, len(in.Desired)),
		plain:    make([]desired, 0, len(in.Desired)),
	}
	c.hash = object.AppHash(c.key)
	if c.humans == nil {
		c.humans = DefaultHumans()
	}
	if in.Record != nil {
		for _, it := range in.Record.Items {
			c.items[it.Ref] = it
		}
	}
	for _, ref := range in.Unserved {
		c.unserved[ref] = true
	}
	for _, o := range in.Desired {
		d := desired{ref: o.Ref(), o: o, hook: HookOf(o)}
		switch {
		case d.hook != nil:
			c.hooks = append(c.hooks, d)
		case !in.Deleting:
			c.plain = append(c.plain, d)
		}
		c.declared[d.ref] = !in.Deleting
	}
	c.scaled = scaleTargets(c.plain)
	return c
}

// applies decides about every plain desired object.
func (c *computer) applies() {
	found := make([]verdict, len(c.plain))
	parallel(len(c.plain), func(i int) { found[i] = c.decide(&c.plain[i]) })
	for i, v := range found {
		switch {
		case v.err != nil:
			c.bad.add(c.plain[i].ref, c.plain[i].o.Source, v.err)
			continue
		case v.change.Action == Keep:
			c.plan.Kept++
		case c.in.Policy == PolicyDetect && c.drifted(v.change):
			c.plan.Kept++
			c.plan.Drift = append(c.plan.Drift, v.change)
		default:
			c.plan.Changes = append(c.plan.Changes, v.change)
		}
		c.plan.Warnings = append(c.plan.Warnings, v.warnings...)
	}
}

// guarded reports whether values of this plan must not be guessed from its
// hash: there are Secrets among them, or values that were decrypted, now or for
// a release before.
func (c *computer) guarded() bool {
	if c.in.Record != nil && c.in.Record.Head.Sensitive {
		return true
	}
	for _, ch := range c.plan.Changes {
		if isSecret(ch.Ref) || ch.Desired != nil && (ch.Desired.Hidden || c.in.Sensitive.RevealsIn(ch.Desired.Fields)) {
			return true
		}
		for _, d := range ch.diffs {
			if c.in.Sensitive.RevealsIn(d.from) {
				return true
			}
		}
	}
	return false
}

// drifted reports whether a change is asked for by the cluster alone: what the
// repository declares is what was applied last.
func (c *computer) drifted(ch Change) bool {
	item, recorded := c.items[ch.Ref]
	return recorded && item.UID != "" && item.Applied == ch.Applied && ch.From == ""
}

// verdict is what was decided about one object.
type verdict struct {
	change   Change
	warnings []string
	err      error
}

func (c *computer) finish() {
	p := c.plan
	slices.SortStableFunc(p.Changes, compareChanges)
	slices.Sort(p.Warnings)
	p.Warnings = slices.Compact(p.Warnings)
	p.Hash = hashOf(p, c.guarded())
	p.Hide(Sensitive{Now: c.in.Sensitive})
}

// compareChanges is the order of execution: group, stage, wave, kind and name.
func compareChanges(a, b Change) int {
	return cmp.Or(
		CompareOrder(a, b),
		cmp.Compare(object.KindRank(a.Ref.Kind), object.KindRank(b.Ref.Kind)),
		a.Ref.Compare(b.Ref), cmp.Compare(a.Applied, b.Applied),
	)
}

// unfinished reports whether the newest release did not end well.
func unfinished(r *inventory.Record) bool {
	if r == nil || len(r.Head.Releases) == 0 {
		return false
	}
	switch r.Head.Releases[0].Status {
	case inventory.Pending, inventory.Failed, inventory.Interrupted:
		return true
	default:
		return false
	}
}
