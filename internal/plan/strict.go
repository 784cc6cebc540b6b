package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"github.com/tugops/tug/internal/object"
)

// keptAdditions are fields that a person's addition to is never taken back:
// what belongs to the life cycle of an object, and the mark of a restart, whose
// removal would restart again (cluster-semantics.md 4.2).
func keptAdditions() [][]string {
	return [][]string{
		{"f:status"}, {"f:metadata", "f:finalizers"}, {"f:metadata", "f:ownerReferences"},
		{"f:spec", "f:template", "f:metadata", "f:annotations", "f:kubectl.kubernetes.io/restartedAt"},
	}
}

// addition reports whether an entry may hold what strict removes: a person's,
// written by an ordinary update.
func (c *computer) addition(o object.ManagerEntry) bool {
	return o.Operation == "Update" && o.Subresource == "" && o.Manager != beforeFirstApply &&
		o.Manager != object.Manager && c.human(o.Manager)
}

// hasAdditions reports, under strict, that a person has an entry, so that a
// look is needed.
func (c *computer) hasAdditions(live object.Live) bool {
	return c.in.Policy == PolicyStrict && slices.ContainsFunc(live.Managers, c.addition)
}

// Additions tells apart what persons (by the names of managers, DefaultHumans
// when nil) have entries of ordinary updates for; "" when none has.
func Additions(live object.Live, humans []string) string {
	c := newComputer(Input{Humans: humans, Policy: PolicyStrict})
	if !c.hasAdditions(live) {
		return ""
	}
	h := sha256.New()
	for _, e := range live.Managers {
		if c.addition(e) {
			h.Write([]byte(e.Manager + "\n"))
			h.Write(e.FieldsV1)
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// absorbAdditions adds, under strict, what persons added and nobody else owns
// to the differences, and names the managers whose entries have to be moved.
func (m *match) absorbAdditions(c *computer, live *object.Object, is fieldSet, before []owner, ignored [][]string) {
	if c.in.Policy != PolicyStrict {
		return
	}
	kept := append(keptAdditions(), ignored...)
	for _, o := range before {
		if !c.addition(o.ManagerEntry) {
			continue
		}
		found := false
		for _, keys := range o.fields.minus(is) {
			from, there := valueAt(live.Fields, keys)
			if !there || below(keys, kept) || namesItem(keys) || c.sharedWith(before, keys) {
				continue
			}
			found = true
			if !slices.ContainsFunc(m.diffs, func(d difference) bool { return slices.Equal(d.keys, keys) }) {
				m.diffs = append(m.diffs, difference{path: keysAsPath(keys), keys: keys, from: from, manager: o.Manager})
			}
		}
		if found && !slices.Contains(m.absorb, o.Manager) {
			m.absorb = append(m.absorb, o.Manager)
		}
	}
}

// sharedWith reports whether somebody who is no person owns a field as well:
// then it stays.
func (c *computer) sharedWith(before []owner, keys []string) bool {
	return slices.ContainsFunc(before, func(o owner) bool {
		return !o.mine() && !c.addition(o.ManagerEntry) && o.fields.has(keys)
	})
}

// valueAt is what stands at the keys of a field set.
func valueAt(fields map[string]any, keys []string) (any, bool) {
	parent := follow(fields, keys[:len(keys)-1])
	name := keys[len(keys)-1]
	if parent == nil || len(name) < 2 {
		return nil, false
	}
	if name[:2] == "f:" {
		v, ok := parent[name[2:]]
		return v, ok
	}
	return nil, false
}
