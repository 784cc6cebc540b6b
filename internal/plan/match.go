package plan

import (
	"fmt"
	"slices"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
)

// match is what a comparison of live and result comes to.
type match struct {
	desired  *object.Object // as it is to be sent
	diffs    []difference   // in fields that are or were ours
	lost     bool           // our entry is not what an apply would make it
	force    bool
	strip    []string
	absorb   []string
	warnings []string
}

func (m match) action(mustRecord bool) Action {
	switch {
	case len(m.diffs) > 0:
		return Update
	case m.lost, len(m.strip) > 0, mustRecord:
		return Reown
	}
	return Keep
}

// match compares a live object with the result of a forced dry run
// (cluster-semantics.md 3.2 to 3.5 and 4.4).
func (c *computer) match(d *desired, live object.Live, said Comparison) (match, error) {
	m := match{desired: d.o}
	result, err := resultOf(d, said)
	if err != nil {
		return m, err
	}
	before, after := owners(live.Managers), owners(result.Managers)
	was, is := ours(before), ours(after)
	if said.NoDryRun != "" {
		m.warnings = append(m.warnings, fmt.Sprintf("%s cannot be previewed by the server: %s", d.ref, said.NoDryRun))
		is = was
	}
	left := c.leftAlone(before)
	m.desired, is = leave(m.desired, is, left)
	ignored := c.ignored(d.ref)
	m.desired, is = giveUp(m.desired, said.Live, is, before, ignored)
	if held := c.held(d, before, was); held {
		m.desired = hold(m.desired, said.Live)
		is = is.with(replicas)
		left = append(left, replicas)
	}
	m.diffs = counted(diffObjects(said.Live, result.object, sets(before, after)), was, is, left)
	m.diffs = slices.DeleteFunc(m.diffs, func(x difference) bool { return below(x.keys, ignored) })
	m.absorbAdditions(c, said.Live, is, before, ignored)
	sortDiffs(m.diffs)
	attribute(m.diffs, before)
	m.lost = !was.equal(is)
	taken := slices.DeleteFunc(c.taken(before, after), func(g grab) bool { return below(g.keys, ignored) })
	if said.NoDryRun != "" {
		taken = fromDiffs(m.diffs)
	}
	m.force = len(taken) > 0 || len(live.Managers) == 0
	if slices.ContainsFunc(live.Managers, isLeftover) || slices.ContainsFunc(result.Managers, isLeftover) {
		m.strip = []string{beforeFirstApply}
	}
	return m, c.foreign(taken)
}

// state is an object with its metadata read.
type state struct {
	object.Live
	object *object.Object
}

// resultOf is what an apply would make of the object: the server's answer or,
// where it gave none, the live object with the declared fields put over it.
func resultOf(d *desired, said Comparison) (state, error) {
	result := said.Result
	if said.NoDryRun != "" {
		result = overlay(said.Live, d.o)
	}
	live, err := object.LiveOf(result)
	return state{live, result}, err
}

func sets(lists ...[]owner) []fieldSet {
	var out []fieldSet
	for _, l := range lists {
		for _, o := range l {
			out = append(out, o.fields)
		}
	}
	return out
}

// counted keeps the differences in fields that our entry has or would have:
// the rest is what others do between two reads, and what admission adds. Where
// there is no entry at all, everything counts.
func counted(all []difference, was, is fieldSet, left [][]string) []difference {
	return slices.DeleteFunc(all, func(d difference) bool {
		if slices.ContainsFunc(left, func(l []string) bool { return slices.Equal(l, d.keys) }) {
			return true
		}
		return (was != nil || is != nil) && !was.has(d.keys) && !is.has(d.keys)
	})
}

// attribute names who set the live value of each difference, when it was not
// us: the one that wrote last of those that own it.
func attribute(diffs []difference, before []owner) {
	mine := ours(before)
	for i := range diffs {
		d := &diffs[i]
		if d.from == nil || mine.has(d.keys) {
			continue
		}
		var last owner
		for _, o := range before {
			if !o.mine() && o.fields.has(d.keys) && !o.Time.Before(last.Time) {
				last = o
			}
		}
		d.manager = last.Manager
	}
}

// grab is one field that an apply would take from another manager.
type grab struct {
	manager string
	path    path
	keys    []string // of the field set; nil where only the path is known
}

// taken are the fields that other managers own now and would not after the
// apply: exactly those a forced apply takes away.
func (c *computer) taken(before, after []owner) []grab {
	var out []grab
	for _, o := range before {
		if o.mine() || c.autoscaler(o) {
			continue
		}
		var kept fieldSet
		if i := slices.IndexFunc(after, o.same); i >= 0 {
			kept = after[i].fields
		}
		for _, keys := range o.fields.minus(kept) {
			out = append(out, grab{o.Manager, keysAsPath(keys), keys})
		}
	}
	return out
}

func fromDiffs(diffs []difference) []grab {
	var out []grab
	for _, d := range diffs {
		if d.manager != "" {
			out = append(out, grab{d.manager, d.path, d.keys})
		}
	}
	return out
}

// foreign is the fault for fields that belong to a manager that is no person
// (cluster-semantics.md 2.2), or nil.
func (c *computer) foreign(taken []grab) error {
	var fields []string
	var manager string
	for _, g := range taken {
		if c.human(g.manager) {
			continue
		}
		if manager == "" {
			manager = g.manager
		}
		if g.manager == manager {
			fields = append(fields, g.path.String())
		}
	}
	if manager == "" {
		return nil
	}
	shown := fields[:min(len(fields), 3)]
	more := ""
	if rest := len(fields) - len(shown); rest > 0 {
		more = fmt.Sprintf(" and %d more", rest)
	}
	return fault.New(fault.Conflict, "%q owns %s%s, which the repository declares with another value", manager, join(shown), more).
		Hint("remove the field from the repository, or make %q stop writing it", manager)
}
