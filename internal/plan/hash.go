package plan

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"hash"
	"slices"

	"github.com/tugops/tug/internal/object"
)

// rounds makes guessing a weak password from a published plan hash dear; it
// costs some milliseconds, and only plans with secrets.
const rounds = 20_000

// hashOf is the identity of what a sorted plan does: app, actions, objects,
// what is applied and every field difference with its values. UIDs, resource
// versions, reasons and times are left out: they change while the plan stays
// the same.
//
// The hash is shown where secret values are not. When it is guarded, values go
// into it only through one slow key derivation over all of them. It is made of
// the values themselves, never of their masks, so that a change of nothing but
// a secret is another plan.
func hashOf(p *Plan, guarded bool) string {
	open, closed := sha256.New(), sha256.New()
	write(open, "tug plan 2", p.App, p.Env, p.Namespace)
	for _, b := range p.Brakes {
		if b.Kind == BrakeTenants {
			// Consent is to these apps, not to any that come later.
			write(open, b.Kind, b.Refs, b.Apps)
		}
	}
	for _, ch := range p.Changes {
		write(open, ch.Action, ch.Ref, ch.Version, int(ch.Stage), ch.Wave, ch.Hook, ch.Force, ch.HandedTo, ch.From, ch.Strip)
		if ch.Group > 0 {
			write(open, "group", ch.Group)
		}
		if len(ch.Absorb) > 0 {
			write(open, "absorb", ch.Absorb)
		}
		if ch.Desired != nil && ch.Desired.Stable != "" {
			// Another render makes other values at these paths.
			write(closed, ch.Desired.Stable)
			for _, d := range ch.diffs {
				write(open, d.path)
				write(closed, d.from)
			}
			continue
		}
		write(closed, ch.Applied)
		for _, d := range ch.diffs {
			write(open, d.path, d.from == nil, d.to == nil)
			write(closed, d.from, d.to)
		}
	}
	if !guarded {
		write(open, hex.EncodeToString(closed.Sum(nil)))
	} else {
		salt := sha256.Sum256([]byte(object.AppKey(p.Namespace, p.App)))
		key, err := pbkdf2.Key(sha256.New, string(closed.Sum(nil)), salt[:], rounds, sha256.Size)
		if err != nil {
			// Only FIPS mode refuses, and only shorter keys and salts than these.
			key = []byte(err.Error())
		}
		write(open, hex.EncodeToString(key))
	}
	return hex.EncodeToString(open.Sum(nil)[:16])
}

// write adds values in a form in which no two lists of values look alike.
func write(h hash.Hash, values ...any) {
	data, err := json.Marshal(values)
	if err != nil {
		data = []byte("unhashable: " + err.Error())
	}
	h.Write(append(data, '\n'))
}

func isSecret(ref object.Ref) bool { return ref.Group == "" && ref.Kind == "Secret" }

// sortDiffs brings differences into the order of their paths.
func sortDiffs(diffs []difference) {
	slices.SortStableFunc(diffs, func(a, b difference) int { return slices.Compare(a.path, b.path) })
}
