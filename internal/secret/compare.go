package secret

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/getsops/sops/v3"

	"github.com/tugops/tug/internal/fault"
)

// Kinds of a Change.
const (
	Added   = "added"
	Removed = "removed"
	Changed = "changed"
	// Reencrypted is another ciphertext of the same value; only who has the key
	// can tell it from Changed.
	Reencrypted = "re-encrypted"
	// Exposed is a value that was encrypted and is in the clear now.
	Exposed = "exposed"
	// Hidden is a value that was in the clear and is encrypted now.
	Hidden = "hidden"
)

// Change is one key of a file that differs between two versions of it.
type Change struct {
	// Path of the value; recipients of the file are "recipients", what it
	// encrypts "rules".
	Path string `json:"path"`
	Kind string `json:"change"`
	// Clear says that the value is not encrypted on either side.
	Clear bool `json:"clear,omitempty"`
	// Old and New are keyed hashes of values, equal for equal values within one
	// report and of no use outside of it; empty without a key. For recipients
	// they are names.
	Old string `json:"old,omitempty"`
	New string `json:"new,omitempty"`
}

// Comparison compares versions of encrypted files, for one report.
type Comparison struct {
	ring *ring // nil without keys
	key  []byte
}

// NewComparison makes a comparison. keys may be nil: then ciphertext is
// compared, and nothing is decrypted.
func NewComparison(keys *Keys) *Comparison {
	c := &Comparison{key: make([]byte, 32)}
	_, _ = rand.Read(c.key) // never fails
	if keys != nil {
		c.ring = newRing(*keys)
	}
	return c
}

// leaf is one value of a file.
type leaf struct {
	text      string // ciphertext, or the value where it is in the clear
	encrypted bool
	hash      string // of the value, where a key is at hand
}

// side is one version of a file as values by path.
type side struct {
	order      []string
	leaves     map[string]leaf
	recipients []string
	rules      string
	encrypted  bool
}

// Compare gives the changes between two versions of a file; nil is a version
// that does not exist. Values are never in the result. A version that is not
// encrypted is compared by its values, which count as in the clear.
func (c *Comparison) Compare(ctx context.Context, name string, before, after []byte) ([]Change, error) {
	old, err := c.read(ctx, name, before)
	if err != nil {
		return nil, err
	}
	next, err := c.read(ctx, name, after)
	if err != nil {
		return nil, err
	}
	var changes []Change
	for _, path := range old.order {
		was := old.leaves[path]
		if now, ok := next.leaves[path]; !ok {
			changes = append(changes, Change{Path: path, Kind: Removed, Clear: !was.encrypted, Old: was.hash})
		} else if ch, differs := compareLeaf(path, was, now); differs {
			changes = append(changes, ch)
		}
	}
	for _, path := range next.order {
		if _, ok := old.leaves[path]; !ok {
			now := next.leaves[path]
			changes = append(changes, Change{Path: path, Kind: Added, Clear: !now.encrypted, New: now.hash})
		}
	}
	return append(changes, compareMetadata(old, next)...), nil
}

func compareLeaf(path string, was, now leaf) (Change, bool) {
	ch := Change{Path: path, Kind: Changed, Clear: !was.encrypted && !now.encrypted, Old: was.hash, New: now.hash}
	switch {
	case was.encrypted && !now.encrypted && now.text != "":
		ch.Kind = Exposed
	case !was.encrypted && now.encrypted && was.text != "":
		ch.Kind = Hidden
	case was.text == now.text:
		return ch, false
	case was.encrypted && now.encrypted && was.hash != "" && was.hash == now.hash:
		ch.Kind = Reencrypted
	}
	return ch, true
}

func compareMetadata(old, next side) []Change {
	var changes []Change
	if !old.encrypted || !next.encrypted {
		return nil
	}
	for _, r := range old.recipients {
		if !slices.Contains(next.recipients, r) {
			changes = append(changes, Change{Path: "recipients", Kind: Removed, Clear: true, Old: r})
		}
	}
	for _, r := range next.recipients {
		if !slices.Contains(old.recipients, r) {
			changes = append(changes, Change{Path: "recipients", Kind: Added, Clear: true, New: r})
		}
	}
	if old.rules != next.rules {
		changes = append(changes, Change{Path: "rules", Kind: Changed, Clear: true, Old: old.rules, New: next.rules})
	}
	return changes
}

// read gives one version as values by path.
func (c *Comparison) read(ctx context.Context, name string, data []byte) (side, error) {
	s := side{leaves: map[string]leaf{}}
	if len(data) == 0 {
		return s, nil
	}
	f, err := parse(name, data)
	if err != nil {
		return side{}, err
	}
	if f == nil {
		branches, err := loadPlain(name, FormatOf(name, data), data)
		if err != nil {
			return side{}, err
		}
		s.add(c, prefixOf(0, len(branches)), branches, nil)
		return s, nil
	}
	s.encrypted = true
	for i, p := range f.parts {
		if p.tree == nil {
			branches, err := loadPlain(name, f.format, p.raw)
			if err == nil {
				s.add(c, prefixOf(i, len(f.parts)), branches, nil)
			}
			continue
		}
		s.recipients = append(s.recipients, flatRecipients(&p.tree.Metadata)...)
		s.rules += ruleText(&p.tree.Metadata)
		shown := copyBranches(p.tree.Branches)
		if c.ring != nil {
			if _, err := f.open(ctx, p.tree, c.ring, ""); err == nil {
				s.add(c, prefixOf(i, len(f.parts)), shown, p.tree.Branches)
				continue
			} else if !fault.Is(err, fault.Denied) {
				return side{}, err
			}
		}
		s.add(c, prefixOf(i, len(f.parts)), shown, nil)
	}
	return s, nil
}

// add lists the values of documents. plain are the same documents decrypted.
func (s *side) add(c *Comparison, prefix string, shown, plain sops.TreeBranches) {
	for i, b := range shown {
		at := prefix
		if len(shown) > 1 {
			at += fmt.Sprintf("document %d: ", i+1)
		}
		var clear any
		if plain != nil {
			clear = plain[i]
		}
		s.walk(c, at, nil, b, clear)
	}
}

func prefixOf(i, n int) string {
	if n < 2 {
		return ""
	}
	return fmt.Sprintf("part %d: ", i+1)
}

func (s *side) walk(c *Comparison, prefix string, at Path, shown, plain any) {
	switch v := shown.(type) {
	case sops.TreeBranch:
		clear, _ := plain.(sops.TreeBranch)
		for i, item := range v {
			key, ok := item.Key.(string)
			if !ok {
				continue // a comment
			}
			var next any
			if i < len(clear) {
				next = clear[i].Value
			}
			s.walk(c, prefix, append(at[:len(at):len(at)], key), item.Value, next)
		}
		return
	case []any:
		clear, _ := plain.([]any)
		n := 0
		for i, item := range v {
			if isComment(item) {
				continue
			}
			var next any
			if i < len(clear) {
				next = clear[i]
			}
			s.walk(c, prefix, append(at[:len(at):len(at)], n), item, next)
			n++
		}
		return
	}
	s.leaf(c, prefix+at.String(), shown, plain)
}

func (s *side) leaf(c *Comparison, path string, shown, plain any) {
	l := leaf{text: fmt.Sprint(shown)}
	if text, ok := shown.(string); ok && strings.HasPrefix(text, "ENC[AES256_GCM,") {
		l.encrypted = true
		if plain != nil {
			l.hash = c.hash(plain)
		}
	} else if shown != nil {
		l.hash = c.hash(shown)
	}
	s.order = append(s.order, path)
	s.leaves[path] = l
}

// isComment also knows an encrypted comment in a list, which is a text there.
func isComment(v any) bool {
	if _, ok := v.(sops.Comment); ok {
		return true
	}
	text, ok := v.(string)
	return ok && strings.HasPrefix(text, "ENC[AES256_GCM,") && strings.HasSuffix(text, ",type:comment]")
}

// hash is short: it says whether values are equal, among those of one report.
func (c *Comparison) hash(v any) string {
	text, err := sops.ToBytes(v)
	if err != nil {
		return ""
	}
	h := hmac.New(sha256.New, c.key)
	h.Write(text)
	return hex.EncodeToString(h.Sum(nil)[:6])
}

// flatRecipients names the keys of a file, with the number of the group where
// there are several.
func flatRecipients(m *sops.Metadata) []string {
	var names []string
	for i, g := range m.KeyGroups {
		for _, k := range g {
			name := masterName(k)
			if len(m.KeyGroups) > 1 {
				name += fmt.Sprintf(" (group %d)", i+1)
			}
			names = append(names, name)
		}
	}
	return names
}
