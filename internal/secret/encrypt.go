package secret

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/getsops/sops/v3"
	"github.com/getsops/sops/v3/keys"
	"github.com/getsops/sops/v3/keyservice"

	"github.com/tugops/tug/internal/fault"
)

// Encryption is what Encrypt did.
type Encryption struct {
	Data []byte
	// Kept says that the old file was used: unchanged values have their old
	// ciphertext.
	Kept bool
	// Clear are warnings, a sentence each, about what is not as usual.
	Warnings []string
}

// Encrypt encrypts text. old, when not nil, is the file as it was encrypted
// before (another revision, say): where its key is at hand and its rule is the
// same, unchanged values keep their ciphertext, and unchanged text gives old
// to the byte.
func Encrypt(ctx context.Context, name string, plain []byte, rule Rule, old []byte, keys Keys) (Encryption, error) {
	format := FormatOf(name, nil)
	branches, err := loadPlain(name, format, plain)
	if err != nil {
		return Encryption{}, err
	}
	e := Encryption{Warnings: encryptWarnings(format, branches, rule)}
	if old != nil {
		if e.Data, err = encryptLike(ctx, name, branches, rule, old, keys); err != nil {
			return Encryption{}, err
		}
		if e.Kept = e.Data != nil; e.Kept {
			return e, nil
		}
	}
	r := newRing(keys)
	tree := sops.Tree{Branches: branches, Metadata: rule.metadata(), FilePath: name}
	key := newDataKey()
	if err := wrapKey(ctx, name, &tree.Metadata, key, r); err != nil {
		return Encryption{}, err
	}
	l := layoutOf(format, plain)
	switch {
	case format == YAML && rule.yamlIndent > 0:
		l.indent = rule.yamlIndent
	case format == JSON && rule.jsonIndent > 0:
		l.indent = rule.jsonIndent
	}
	e.Data, err = seal(name, format, l, tree, key, newKeeper(), time.Now())
	return e, err
}

// encryptLike encrypts on top of an old file; nil where that cannot be.
func encryptLike(ctx context.Context, name string, branches sops.TreeBranches, rule Rule, old []byte, keys Keys) ([]byte, error) {
	o, err := Open(ctx, name, old, keys)
	if err != nil {
		if ctx.Err() != nil {
			return nil, err
		}
		return nil, nil // a file that is not ours to read gives nothing to keep
	}
	m := &o.tree.Metadata
	if !rule.selects(m) || !sameGroups(m.KeyGroups, rule.groups) {
		return nil, nil
	}
	return o.with(branches)
}

// encryptWarnings are about Kubernetes objects that nobody can tell apart any
// more once everything in them is encrypted.
func encryptWarnings(format Format, branches sops.TreeBranches, rule Rule) []string {
	if format != YAML && format != JSON || rule.Selection != (Selection{UnencryptedSuffix: sops.DefaultUnencryptedSuffix}) {
		return nil
	}
	for _, b := range branches {
		if find(b, "apiVersion") >= 0 && find(b, "kind") >= 0 {
			return []string{"the whole object is encrypted, its kind and name too; reviewers see more with --encrypted-regex '^(data|stringData)$' or the same in .sops.yaml"}
		}
	}
	return nil
}

func newDataKey() []byte {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	return key
}

// wrapKey encrypts the key of a file for all its recipients.
func wrapKey(ctx context.Context, name string, m *sops.Metadata, key []byte, r *ring) (err error) {
	clients, local, done, err := r.clients(ctx)
	if err != nil {
		return err
	}
	defer done()
	defer recovered(name, &err)
	if errs := m.UpdateMasterKeysWithKeyServices(key, clients); len(errs) > 0 {
		if ctx.Err() != nil {
			return fault.New(fault.Interrupted, "%s: encrypt: %w", name, context.Cause(ctx))
		}
		fail := fault.New(fault.Denied, "%s: it cannot be encrypted for all its recipients: %w", name, joinErrors(errs))
		for _, reason := range local.failed {
			fail.Hint("tried %s", reason)
		}
		return fail
	}
	m.DataKey = key
	return nil
}

// masterName is how people know a key.
func masterName(k keys.MasterKey) string {
	key := keyservice.KeyFromMasterKey(k)
	return keyName(&key)
}
