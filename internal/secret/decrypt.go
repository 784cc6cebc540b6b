package secret

import (
	"bytes"
	"context"
	"regexp"
	"time"

	"github.com/getsops/sops/v3"

	"github.com/tugops/tug/internal/fault"
)

// quoted finds what error texts quote from their input, but for a character or
// two of punctuation.
var quoted = regexp.MustCompile("`[^`]*`|\"[^\"]*\"|'[^']{3,}'")

// decrypt decrypts all parts and verifies their MACs.
func (f *file) decrypt(ctx context.Context, r *ring, env string) (Plaintext, error) {
	var out bytes.Buffer
	var values []string
	for i, p := range f.parts {
		if p.tree == nil {
			out.Write(p.raw)
			continue
		}
		c, err := f.open(ctx, p.tree, r, env)
		if err != nil {
			return Plaintext{}, err
		}
		text, err := f.format.store(layout{}).EmitPlainFile(p.tree.Branches)
		if err != nil {
			return Plaintext{}, fault.New(fault.Invalid, "%s: decrypted, but it cannot be written: %s", f.name, safeText(err))
		}
		if i > 0 {
			out.WriteString("---\n")
		}
		out.Write(text)
		values = append(values, c.values...)
	}
	return Plaintext{Data: out.Bytes(), Values: values}, nil
}

// open decrypts a tree in place, verifies it, and gives the cipher that
// remembers its ciphertext.
func (f *file) open(ctx context.Context, tree *sops.Tree, r *ring, env string) (c *keeper, err error) {
	key, err := dataKey(ctx, f.name, tree, r, env)
	if err != nil {
		return nil, err
	}
	defer recovered(f.name, &err)
	c = newKeeper()
	mac, err := tree.Decrypt(key, c)
	if err != nil && c.err != nil {
		return nil, fault.New(fault.Invalid, "%s: %w", f.name, c.err).
			Hint("somebody edited the file without sops; take it from an earlier commit and use: tug secret edit %s", f.name)
	}
	if err != nil {
		return nil, fault.New(fault.Invalid, "%s: decrypt: %s", f.name, safeText(err))
	}
	values := c.values
	stored, err := c.Decrypt(tree.Metadata.MessageAuthenticationCode, key, tree.Metadata.LastModified.Format(time.RFC3339))
	c.values = values
	if err != nil || stored != mac || mac == "" {
		return nil, fault.New(fault.Invalid, "%s: its content does not match its MAC: it was changed after it was encrypted", f.name).
			Hint("see who changed it: git log -p -- %s", f.name).
			Hint("take it from a commit that you trust, then change it with: tug secret edit %s", f.name)
	}
	return c, nil
}
