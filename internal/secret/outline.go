package secret

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/getsops/sops/v3"

	"github.com/tugops/tug/internal/fault"
)

// Outline is the file as a reviewer may see it: keys in order, and for every
// encrypted value a short hash of its ciphertext, which changes with the
// value. It needs no key. Text that is not encrypted comes as it is.
func Outline(name string, data []byte) ([]byte, error) {
	f, err := parse(name, data)
	if err != nil {
		return nil, err
	}
	if f == nil {
		return data, nil
	}
	var out []byte
	for i, p := range f.parts {
		if i > 0 {
			out = append(out, "---\n"...)
		}
		if p.tree == nil {
			out = append(out, p.raw...)
			continue
		}
		branches := copyBranches(p.tree.Branches)
		for j := range branches {
			branches[j], _ = outlined(branches[j]).(sops.TreeBranch)
		}
		store := f.format.store(layoutOf(f.format, p.raw))
		if f.format == Binary {
			store = JSON.store(layout{})
		}
		text, err := store.EmitPlainFile(branches)
		if err != nil {
			return nil, fault.New(fault.Invalid, "%s: outline: %s", name, safeText(err))
		}
		out = append(out, text...)
		for _, r := range flatRecipients(&p.tree.Metadata) {
			out = append(out, "# encrypted for "+r+"\n"...)
		}
		out = append(out, "# "+ruleText(&p.tree.Metadata)+"\n"...)
	}
	return out, nil
}

func outlined(v any) any {
	switch v := v.(type) {
	case sops.TreeBranch:
		for i := range v {
			if c, ok := v[i].Key.(sops.Comment); ok {
				v[i].Key = sops.Comment{Value: shortCipher(c.Value), Inline: c.Inline}
			}
			v[i].Value = outlined(v[i].Value)
		}
	case []any:
		for i := range v {
			v[i] = outlined(v[i])
		}
	case string:
		return shortCipher(v)
	case sops.Comment:
		return sops.Comment{Value: shortCipher(v.Value), Inline: v.Inline}
	}
	return v
}

func shortCipher(text string) string {
	if !strings.HasPrefix(text, "ENC[AES256_GCM,") {
		return text
	}
	sum := sha256.Sum256([]byte(text))
	return "(encrypted " + hex.EncodeToString(sum[:4]) + ")"
}
