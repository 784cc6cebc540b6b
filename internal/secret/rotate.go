package secret

import (
	"bytes"
	"context"

	"github.com/getsops/sops/v3"
	"github.com/getsops/sops/v3/keys"
)

// Rotation is what Rotate did.
type Rotation struct {
	Data []byte
	// Added and Removed name recipients.
	Added, Removed []string
}

// Rotate gives the file with a new data key, so that every value gets a new
// ciphertext, for the recipients of rule (those of the file when nil). With
// recipientsOnly the data key and all values stay, and a file whose recipients
// are right stays as it is: who was removed can still read what they could
// read before.
func (o *Opened) Rotate(ctx context.Context, rule *Rule, recipientsOnly bool) (Rotation, error) {
	next := sops.Tree{Branches: copyBranches(o.tree.Branches), Metadata: o.tree.Metadata, FilePath: o.tree.FilePath}
	var r Rotation
	if rule != nil {
		r.Added, r.Removed = compareGroups(o.tree.Metadata.KeyGroups, rule.groups)
		if recipientsOnly && sameGroups(o.tree.Metadata.KeyGroups, rule.groups) && o.tree.Metadata.ShamirThreshold == rule.threshold {
			r.Data = o.old
			return r, nil
		}
		next.Metadata.KeyGroups, next.Metadata.ShamirThreshold = rule.groups, rule.threshold
	} else if recipientsOnly {
		r.Data = o.old
		return r, nil
	}
	key, kept, wrap := newDataKey(), newKeeper(), wrapKey
	if recipientsOnly {
		key, kept = bytes.Clone(o.key), o.kept.again()
		if len(o.tree.Metadata.KeyGroups) == 1 && len(next.Metadata.KeyGroups) == 1 {
			wrap = o.wrapNew
		}
	}
	if err := wrap(ctx, o.file.name, &next.Metadata, key, o.ring); err != nil {
		return Rotation{}, err
	}
	var err error
	r.Data, err = o.seal(next, key, kept)
	return r, err
}

// wrapNew encrypts the key of the file for those who do not have it yet. It
// is for files with one group of keys: in several each has another share.
func (o *Opened) wrapNew(ctx context.Context, name string, m *sops.Metadata, key []byte, r *ring) error {
	have := map[string]keys.MasterKey{}
	for _, k := range o.tree.Metadata.KeyGroups[0] {
		have[masterName(k)] = k
	}
	group := make(sops.KeyGroup, len(m.KeyGroups[0]))
	var missing sops.KeyGroup
	for i, k := range m.KeyGroups[0] {
		if old := have[masterName(k)]; old != nil {
			k = old
		} else {
			missing = append(missing, k)
		}
		group[i] = k
	}
	m.KeyGroups = []sops.KeyGroup{group}
	if len(missing) == 0 {
		return nil
	}
	return wrapKey(ctx, name, &sops.Metadata{KeyGroups: []sops.KeyGroup{missing}}, key, r)
}

// compareGroups gives the names of keys that only b, and only a has.
func compareGroups(a, b []sops.KeyGroup) (added, removed []string) {
	var x, y sops.KeyGroup
	for _, g := range a {
		x = append(x, g...)
	}
	for _, g := range b {
		y = append(y, g...)
	}
	return compareGroup(x, y)
}
