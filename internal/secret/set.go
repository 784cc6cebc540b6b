package secret

import (
	"slices"
	"strings"

	"github.com/getsops/sops/v3"

	"github.com/tugops/tug/internal/fault"
)

// Set gives the file with one value changed or added. In a file with several
// documents it is the first that has the path, else the first. A value that
// the rules of the file leave in the clear is refused, unless clear is set.
func (o *Opened) Set(p Path, value any, clear bool) ([]byte, error) {
	branches := copyBranches(o.tree.Branches)
	at := o.document(p)
	next, err := p.put(branches[at], value)
	if err != nil {
		return nil, fault.New(fault.Invalid, "%s: %s: %w", o.file.name, p, err)
	}
	branch, ok := next.(sops.TreeBranch)
	if !ok {
		return nil, fault.New(fault.Invalid, "%s: %s: a file holds a map", o.file.name, p)
	}
	branches[at] = branch
	if !clear {
		if err := o.mustEncrypt(p, branches, at); err != nil {
			return nil, err
		}
	}
	return o.with(branches)
}

// mustEncrypt checks that the value at a path will be encrypted.
func (o *Opened) mustEncrypt(p Path, branches sops.TreeBranches, at int) error {
	probe := sops.Tree{Branches: copyBranches(branches), Metadata: o.tree.Metadata}
	if _, err := probe.Encrypt(o.key, newKeeper()); err != nil {
		return fault.New(fault.Invalid, "%s: encrypt: %s", o.file.name, safeText(err))
	}
	v, _ := p.get(probe.Branches[at])
	if clearLeaf(v) {
		return fault.New(fault.Invalid, "%s: the rules of the file leave %s in the clear; nothing was written", o.file.name, p).
			Hint("%s", ruleText(&o.tree.Metadata)).
			Hint("use a path that is encrypted, or --clear if the value is no secret")
	}
	return nil
}

// clearLeaf reports whether there is text in v that is not encrypted.
func clearLeaf(v any) bool {
	switch v := v.(type) {
	case sops.TreeBranch:
		return slices.ContainsFunc(v, func(item sops.TreeItem) bool { return clearLeaf(item.Value) })
	case []any:
		return slices.ContainsFunc(v, clearLeaf)
	case string:
		return v != "" && !strings.HasPrefix(v, "ENC[")
	case nil, sops.Comment:
		return false
	}
	return true
}

// ruleText says what a file encrypts.
func ruleText(m *sops.Metadata) string {
	for _, r := range []struct{ name, value string }{
		{"encrypted_regex", m.EncryptedRegex}, {"unencrypted_regex", m.UnencryptedRegex},
		{"encrypted_suffix", m.EncryptedSuffix}, {"unencrypted_suffix", m.UnencryptedSuffix},
		{"encrypted_comment_regex", m.EncryptedCommentRegex}, {"unencrypted_comment_regex", m.UnencryptedCommentRegex},
	} {
		if r.value != "" {
			return "the file says " + r.name + ": " + r.value
		}
	}
	return "the file encrypts everything"
}

// Unset gives the file without one value.
func (o *Opened) Unset(p Path) ([]byte, error) {
	branches := copyBranches(o.tree.Branches)
	at := o.document(p)
	next, ok := p.drop(branches[at])
	branch, isMap := next.(sops.TreeBranch)
	if !ok || !isMap {
		return nil, o.missing(p)
	}
	branches[at] = branch
	return o.with(branches)
}

// Value is one value in the clear: text, number, boolean, or a map or list in
// the form of the file.
func (o *Opened) Value(p Path) (any, error) {
	v, ok := p.get(o.tree.Branches[o.document(p)])
	if !ok {
		return nil, o.missing(p)
	}
	return copyValue(v), nil
}

// missing names the keys that are nearest to one that is not there.
func (o *Opened) missing(p Path) error {
	e := fault.New(fault.NotFound, "%s: there is no %s", o.file.name, p)
	for n := range slices.Backward(p) {
		v, ok := p[:n].get(o.tree.Branches[o.document(p)])
		if !ok {
			continue
		}
		switch v := v.(type) {
		case sops.TreeBranch:
			var keys []string
			for _, item := range v {
				if key, ok := item.Key.(string); ok {
					keys = append(keys, append(p[:n:n], key).String())
				}
			}
			if len(keys) > 0 {
				e.Hint("there is %s", strings.Join(keys[:min(len(keys), 20)], ", "))
			}
		case []any:
			e.Hint("%s is a list of %d", p[:n], count(v))
		}
		return e
	}
	return e
}

// ValueText is one value as text: a map or list in the form of the file.
func (o *Opened) ValueText(p Path) ([]byte, error) {
	v, err := o.Value(p)
	if err != nil {
		return nil, err
	}
	switch v.(type) {
	case sops.TreeBranch, []any:
		text, err := o.file.format.store(o.layout).EmitValue(v)
		if err != nil {
			return nil, fault.New(fault.Invalid, "%s: %s cannot be written alone", o.file.name, p)
		}
		return text, nil
	case nil:
		return nil, nil
	}
	return sops.ToBytes(v)
}

// document is the first document that has a path.
func (o *Opened) document(p Path) int {
	for i, b := range o.tree.Branches {
		if _, ok := p.get(b); ok {
			return i
		}
	}
	return 0
}

// ParseValue reads a value of a type other than text: JSON.
func ParseValue(data []byte) (any, error) {
	branches, err := loadPlain("the value", JSON, append(append([]byte(`{"v":`), data...), '}'))
	if err != nil || len(branches) != 1 || len(branches[0]) != 1 {
		return nil, fault.New(fault.Usage, "the value is not JSON").Hint("without --json it is taken as text")
	}
	return branches[0][0].Value, nil
}
