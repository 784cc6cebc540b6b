package secret

import (
	"bytes"
	"context"
	"slices"

	"github.com/getsops/sops/v3"
)

// Merged is the outcome of Merge.
type Merged struct {
	// Data is an encrypted file that can be read. Where both sides changed the
	// same key it has our value.
	Data []byte
	// Conflicts are the paths that both sides changed, in different ways;
	// "recipients" and "rules" for those of the file.
	Conflicts []string
}

// Merge merges two changes of an encrypted file, key by key: what they changed
// since base. Values that neither changed keep their ciphertext, and so do those
// that one side changed, where that has the same data key. It needs the keys of
// all three files. base may be nil.
func Merge(ctx context.Context, name string, base, ours, theirs []byte, keys Keys) (Merged, error) {
	switch {
	case bytes.Equal(ours, theirs), bytes.Equal(base, theirs):
		return Merged{Data: ours}, nil
	case bytes.Equal(base, ours):
		return Merged{Data: theirs}, nil
	}
	a, err := Open(ctx, name, ours, keys)
	if err != nil {
		return Merged{}, err
	}
	b, err := Open(ctx, name, theirs, keys)
	if err != nil {
		return Merged{}, err
	}
	o := &Opened{tree: &sops.Tree{}}
	if len(bytes.TrimSpace(base)) > 0 && Encrypted(name, base) {
		if o, err = Open(ctx, name, base, keys); err != nil {
			return Merged{}, err
		}
	}
	return merge(ctx, name, o, a, b)
}

func merge(ctx context.Context, name string, o, a, b *Opened) (Merged, error) {
	m := merger{}
	branches := m.documents(o.tree.Branches, a.tree.Branches, b.tree.Branches)
	meta := a.tree.Metadata
	m.selection(&meta, o, b)
	groups := m.groups(o.tree.Metadata.KeyGroups, a.tree.Metadata.KeyGroups, b.tree.Metadata.KeyGroups)
	// A side that rotated the key did so to keep somebody out: its key counts.
	main, other := a, b
	if o.key != nil && bytes.Equal(o.key, a.key) && !bytes.Equal(o.key, b.key) {
		main, other = b, a
	}
	kept := main.kept.again()
	if bytes.Equal(main.key, other.key) {
		kept.add(other.kept)
	}
	meta.KeyGroups, meta.ShamirThreshold = main.tree.Metadata.KeyGroups, main.tree.Metadata.ShamirThreshold
	if !sameGroups(groups, meta.KeyGroups) {
		meta.KeyGroups = groups
		meta.ShamirThreshold = min(meta.ShamirThreshold, len(groups))
		wrap := wrapKey
		if len(groups) == 1 && len(main.tree.Metadata.KeyGroups) == 1 {
			wrap = main.wrapNew
		}
		if err := wrap(ctx, name, &meta, main.key, a.ring); err != nil {
			return Merged{}, err
		}
	}
	next := sops.Tree{Branches: branches, Metadata: meta, FilePath: name}
	text, err := main.seal(next, main.key, kept)
	return Merged{Data: text, Conflicts: m.conflicts}, err
}

// add takes over ciphertext that k does not have.
func (k *keeper) add(other *keeper) {
	for entry, list := range other.kept {
		if len(k.kept[entry]) < len(list) {
			k.kept[entry] = list
		}
	}
}

// merger merges trees and collects conflicts.
type merger struct{ conflicts []string }

// selection takes over what a file encrypts, where only they changed it.
func (m *merger) selection(ours *sops.Metadata, o, b *Opened) {
	base, theirs := &o.tree.Metadata, &b.tree.Metadata
	same := func(x, y *sops.Metadata) bool {
		return ruleText(x) == ruleText(y) && x.MACOnlyEncrypted == y.MACOnlyEncrypted
	}
	switch {
	case same(ours, theirs), o.key != nil && same(base, theirs):
	case o.key != nil && same(base, ours):
		ours.UnencryptedSuffix, ours.EncryptedSuffix = theirs.UnencryptedSuffix, theirs.EncryptedSuffix
		ours.UnencryptedRegex, ours.EncryptedRegex = theirs.UnencryptedRegex, theirs.EncryptedRegex
		ours.UnencryptedCommentRegex, ours.EncryptedCommentRegex = theirs.UnencryptedCommentRegex, theirs.EncryptedCommentRegex
		ours.MACOnlyEncrypted = theirs.MACOnlyEncrypted
	default:
		m.conflicts = append(m.conflicts, "rules")
	}
}

// groups merges recipients: of one group key by key, of several as a whole.
func (m *merger) groups(base, ours, theirs []sops.KeyGroup) []sops.KeyGroup {
	switch {
	case sameGroups(ours, theirs), len(base) > 0 && sameGroups(base, theirs):
		return ours
	case len(base) > 0 && sameGroups(base, ours):
		return theirs
	case len(ours) != 1 || len(theirs) != 1 || len(base) != 1:
		m.conflicts = append(m.conflicts, "recipients")
		return ours
	}
	_, removed := compareGroup(base[0], theirs[0])
	added, _ := compareGroup(base[0], theirs[0])
	var group sops.KeyGroup
	for _, k := range ours[0] {
		if !slices.Contains(removed, masterName(k)) {
			group = append(group, k)
		}
	}
	have, _ := compareGroup(nil, ours[0])
	for _, k := range theirs[0] {
		if n := masterName(k); slices.Contains(added, n) && !slices.Contains(have, n) {
			group = append(group, k)
		}
	}
	if len(group) == 0 {
		m.conflicts = append(m.conflicts, "recipients")
		return ours
	}
	return []sops.KeyGroup{group}
}

// documents merges the documents of a file. Files with other numbers of
// documents are merged as a whole.
func (m *merger) documents(base, ours, theirs sops.TreeBranches) sops.TreeBranches {
	if len(ours) != len(theirs) {
		switch {
		case len(base) > 0 && equalBranches(base, theirs):
			return copyBranches(ours)
		case len(base) > 0 && equalBranches(base, ours):
			return copyBranches(theirs)
		}
		m.conflicts = append(m.conflicts, "(the number of documents)")
		return copyBranches(ours)
	}
	out := make(sops.TreeBranches, len(ours))
	for i := range ours {
		var b any
		if i < len(base) {
			b = base[i]
		}
		merged, _ := m.value(nil, b, ours[i], theirs[i]).(sops.TreeBranch)
		out[i] = merged
	}
	return out
}

// value merges one value; nil is one that is not there.
func (m *merger) value(at Path, base, ours, theirs any) any {
	switch {
	case equalOrGone(ours, theirs), equalOrGone(base, theirs):
		return copyValue(ours)
	case equalOrGone(base, ours):
		return copyValue(theirs)
	}
	a, isMap := ours.(sops.TreeBranch)
	b, isMapToo := theirs.(sops.TreeBranch)
	if isMap && isMapToo {
		o, _ := base.(sops.TreeBranch)
		return m.branch(at, o, a, b)
	}
	m.conflicts = append(m.conflicts, at.String())
	return copyValue(ours)
}

// gone stands for a key that is not there; nil is the value null.
type gone struct{}

func equalOrGone(a, b any) bool {
	_, goneA := a.(gone)
	_, goneB := b.(gone)
	if goneA || goneB {
		return goneA && goneB
	}
	return equalValue(a, b)
}

// branch merges maps in our order; keys that only they have follow the key
// that they follow there. Comments go with the key below them.
func (m *merger) branch(at Path, base, ours, theirs sops.TreeBranch) sops.TreeBranch {
	o, a, b := entries(base), entries(ours), entries(theirs)
	var out []entry
	for _, e := range a {
		merged, there := m.entry(at, e.key, o, a, b)
		if there {
			out = append(out, merged)
		}
	}
	for i, e := range b {
		if slices.ContainsFunc(a, func(x entry) bool { return x.key == e.key }) {
			continue
		}
		merged, there := m.entry(at, e.key, o, a, b)
		if !there {
			continue
		}
		place := len(out)
		for j := i - 1; j >= 0 && place == len(out); j-- {
			if k := slices.IndexFunc(out, func(x entry) bool { return x.key == b[j].key }); k >= 0 {
				place = k + 1
				break
			}
		}
		out = slices.Insert(out, place, merged)
	}
	var result sops.TreeBranch
	for _, e := range out {
		result = append(result, e.items...)
	}
	return result
}

// entry is a key of a map with the comments above it. The key "" with no item
// of its own holds comments at the end.
type entry struct {
	key   string
	items sops.TreeBranch
	value any
	place int // of the key in items, or -1
}

func entries(b sops.TreeBranch) []entry {
	var list []entry
	var pending sops.TreeBranch
	for _, item := range b {
		pending = append(pending, item)
		if key, ok := item.Key.(string); ok {
			list = append(list, entry{key, pending, item.Value, len(pending) - 1})
			pending = nil
		}
	}
	if len(pending) > 0 {
		list = append(list, entry{"\x00comments", pending, nil, -1})
	}
	return list
}

// entry merges one key of a map.
func (m *merger) entry(at Path, key string, o, a, b []entry) (entry, bool) {
	base, ours, theirs := pick(o, key), pick(a, key), pick(b, key)
	if ours == nil && theirs == nil {
		return entry{}, false
	}
	if key == "\x00comments" {
		if ours == nil {
			return *theirs, true
		}
		return *ours, true
	}
	conflicts := len(m.conflicts)
	value := m.value(append(at[:len(at):len(at)], key), valueOf(base), valueOf(ours), valueOf(theirs))
	if _, isGone := value.(gone); isGone {
		if len(m.conflicts) == conflicts {
			return entry{}, false
		}
		value, ours = theirs.value, theirs // removed here, changed there: keep it
	}
	from := ours
	if from == nil || theirs != nil && base != nil && equalValue(base.items[:base.place], ours.items[:ours.place]) {
		if theirs != nil {
			from = theirs // comments that only they changed
		}
	}
	items := slices.Clone(from.items)
	items[from.place].Value = value
	return entry{key, items, value, from.place}, true
}

func pick(list []entry, key string) *entry {
	for i := range list {
		if list[i].key == key {
			return &list[i]
		}
	}
	return nil
}

func valueOf(e *entry) any {
	if e == nil {
		return gone{}
	}
	return e.value
}
