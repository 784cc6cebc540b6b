package secret

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/getsops/sops/v3"
	"go.yaml.in/yaml/v3"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
)

// version is that of SOPS' file format, which files carry.
const version = "3.13.3"

// Opened is a SOPS file that was decrypted to be changed. A change gives the
// new content of the file: values that did not change keep their ciphertext,
// and where nothing changed at all the content is the old one to the byte.
type Opened struct {
	file   *file
	old    []byte
	layout layout
	ring   *ring
	tree   *sops.Tree // plain
	key    []byte
	kept   *keeper
	// now is the time of a change.
	now func() time.Time
}

// Text decrypts a file for a person: with its indentation, and with comments
// where they stood. (Decrypt gives what sops and Flux would.)
func Text(ctx context.Context, name string, data []byte, keys Keys) ([]byte, error) {
	f, err := parse(name, data)
	if err != nil || f == nil || len(f.parts) != 1 {
		plain, decryptErr := Decrypt(ctx, name, data, keys)
		return plain.Data, decryptErr
	}
	o, err := Open(ctx, name, data, keys)
	if err != nil {
		return nil, err
	}
	return o.Plain()
}

// Open decrypts a file to change it.
func Open(ctx context.Context, name string, data []byte, keys Keys) (*Opened, error) {
	f, err := parse(name, data)
	if err != nil {
		return nil, err
	}
	if f == nil {
		return nil, notEncrypted(name)
	}
	if len(f.parts) != 1 {
		return nil, fault.New(fault.Invalid, "%s: its documents were encrypted each for itself", name).
			Hint("split it into one file per document to change it; tug reads it as it is")
	}
	r := newRing(keys)
	o := &Opened{file: f, old: data, layout: layoutOf(f.format, data), ring: r, tree: f.parts[0].tree, now: time.Now}
	encrypted := copyBranches(o.tree.Branches)
	if o.kept, err = f.open(ctx, o.tree, r, ""); err != nil {
		return nil, err
	}
	for i, b := range o.tree.Branches {
		keepInline(encrypted[i], b)
	}
	o.key = o.tree.Metadata.DataKey
	return o, nil
}

// Plain is the text of the file in the clear.
func (o *Opened) Plain() ([]byte, error) {
	text, err := o.file.format.store(o.layout).EmitPlainFile(o.tree.Branches)
	if err != nil {
		return nil, fault.New(fault.Invalid, "%s: decrypted, but it cannot be written: %s", o.file.name, safeText(err))
	}
	return text, nil
}

// Values are the values that were encrypted, as text.
func (o *Opened) Values() []string { return o.kept.values }

// Replace gives the file with the content plain.
func (o *Opened) Replace(plain []byte) ([]byte, error) {
	branches, err := loadPlain(o.file.name, o.file.format, plain)
	if err != nil {
		return nil, err
	}
	return o.with(branches)
}

// with gives the file with other content.
func (o *Opened) with(branches sops.TreeBranches) ([]byte, error) {
	if equalBranches(o.tree.Branches, branches) {
		return o.old, nil
	}
	next := sops.Tree{Branches: branches, Metadata: o.tree.Metadata, FilePath: o.tree.FilePath}
	return o.seal(next, o.key, o.kept.again())
}

// seal encrypts a plain tree, which it changes, into the text of the file.
func (o *Opened) seal(next sops.Tree, key []byte, c sops.Cipher) ([]byte, error) {
	text, err := seal(o.file.name, o.file.format, o.layout, next, key, c, o.now())
	if err != nil {
		return nil, err
	}
	return splice(o.file, o.layout, o.old, text), nil
}

// seal encrypts a plain tree, which it changes, into the text of a file.
func seal(name string, format Format, l layout, next sops.Tree, key []byte, c sops.Cipher, now time.Time) (text []byte, err error) {
	defer recovered(name, &err)
	mac, err := next.Encrypt(key, c)
	if err != nil {
		return nil, fault.New(fault.Invalid, "%s: encrypt: %s", name, safeText(err)).
			Hint("SOPS takes maps with text as keys, lists, text, numbers, booleans and dates")
	}
	m := &next.Metadata
	m.LastModified, m.Version = now.UTC().Truncate(time.Second), version
	if m.MessageAuthenticationCode, err = newKeeper().Encrypt(mac, key, m.LastModified.Format(time.RFC3339)); err != nil {
		return nil, fault.New(fault.Invalid, "%s: encrypt the MAC: %s", name, safeText(err))
	}
	if text, err = format.store(l).EmitEncryptedFile(next); err != nil {
		return nil, fault.New(fault.Invalid, "%s: write: %s", name, safeText(err))
	}
	return text, nil
}

// loadPlain reads text in the clear. Its errors quote nothing of it.
func loadPlain(name string, format Format, plain []byte) (branches sops.TreeBranches, err error) {
	if len(plain) > maxFile {
		return nil, tooLarge(name, len(plain))
	}
	if format == YAML {
		if err := checkYAML(name, plain); err != nil {
			return nil, err
		}
	}
	defer recovered(name, &err)
	branches, err = format.store(layout{}).LoadPlainFile(plain)
	if err != nil || format == JSON && !json.Valid(plain) { // the store stops reading after the first value
		return nil, fault.New(fault.Invalid, "%s: not %s that SOPS can encrypt", name, format).
			Hint("the text is not shown here, because it may be secret")
	}
	if len(branches) == 0 || (format != Binary && !hasKeys(branches)) {
		return nil, fault.New(fault.Invalid, "%s: there is nothing in it to encrypt", name)
	}
	if format.store(layout{}).HasSopsTopLevelKey(branches[0]) {
		return nil, fault.New(fault.Exists, "%s: has SOPS metadata already", name).
			Hint("change an encrypted file with: tug secret edit %s", name)
	}
	return branches, nil
}

func hasKeys(branches sops.TreeBranches) bool {
	return slices.ContainsFunc(branches, func(b sops.TreeBranch) bool {
		return slices.ContainsFunc(b, func(i sops.TreeItem) bool { _, comment := i.Key.(sops.Comment); return !comment })
	})
}

// checkYAML says where text is no YAML, and refuses what expands without
// measure.
func checkYAML(name string, plain []byte) error {
	dec := yaml.NewDecoder(bytes.NewReader(plain))
	for {
		var n yaml.Node
		err := dec.Decode(&n)
		switch {
		case err != nil && err.Error() == "EOF":
			return nil
		case err != nil:
			line, _, _ := object.SyntaxError(plain, err)
			return fault.New(fault.Invalid, "%s: invalid YAML: %s", object.Source{File: name, Line: line}, safeText(unnumbered(err)))
		}
		if e := (expansion{budget: maxNodes}); !e.fits(&n) {
			return fault.New(fault.Invalid, "%s: the document is too large or too deep once its aliases are expanded", name)
		}
		if len(n.Content) == 1 && n.Content[0].Kind != yaml.MappingNode && n.Content[0].ShortTag() != "!!null" {
			return fault.New(fault.Invalid, "%s: a document is no map", object.Source{File: name, Line: n.Content[0].Line}).
				Hint("SOPS encrypts maps: put the list or text under a key")
		}
	}
}

// unnumbered is a YAML error without its line, which SyntaxError knows better.
func unnumbered(err error) error {
	_, _, text := object.SyntaxError(nil, err)
	return errors.New(text)
}

// equalBranches compares trees, comments included. Inline comments differ from
// others.
func equalBranches(a, b sops.TreeBranches) bool {
	return slices.EqualFunc(a, b, func(x, y sops.TreeBranch) bool { return equalValue(x, y) })
}

func equalValue(a, b any) bool {
	switch a := a.(type) {
	case sops.TreeBranch:
		b, ok := b.(sops.TreeBranch)
		return ok && slices.EqualFunc(a, b, func(x, y sops.TreeItem) bool {
			return equalValue(x.Key, y.Key) && equalValue(x.Value, y.Value)
		})
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, equalValue)
	case []byte:
		b, ok := b.([]byte)
		return ok && bytes.Equal(a, b)
	case time.Time:
		b, ok := b.(time.Time)
		return ok && a.Equal(b)
	}
	switch b.(type) {
	case sops.TreeBranch, []any, []byte:
		return false
	}
	return a == b
}

// keepInline marks the comments that stand at the end of a line, which the
// library forgets when it decrypts, and would put above the line.
func keepInline(before, after any) {
	switch before := before.(type) {
	case sops.TreeBranch:
		branch, _ := after.(sops.TreeBranch)
		for i := 0; i < len(before) && i < len(branch); i++ {
			old, wasComment := before[i].Key.(sops.Comment)
			now, isComment := branch[i].Key.(sops.Comment)
			if wasComment && isComment {
				now.Inline = old.Inline
				branch[i].Key = now
			}
			keepInline(before[i].Value, branch[i].Value)
		}
	case []any:
		list, _ := after.([]any)
		for i := 0; i < len(before) && i < len(list); i++ {
			keepInline(before[i], list[i])
		}
	}
}

// copyBranches is a deep copy: the library encrypts in place.
func copyBranches(in sops.TreeBranches) sops.TreeBranches {
	out := make(sops.TreeBranches, len(in))
	for i, b := range in {
		out[i], _ = copyValue(b).(sops.TreeBranch)
	}
	return out
}

func copyValue(v any) any {
	switch v := v.(type) {
	case sops.TreeBranch:
		out := make(sops.TreeBranch, len(v))
		for i, item := range v {
			out[i] = sops.TreeItem{Key: item.Key, Value: copyValue(item.Value)}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = copyValue(item)
		}
		return out
	}
	return v
}
