package secret

import (
	"github.com/getsops/sops/v3"
	"go.yaml.in/yaml/v3"

	"github.com/tugops/tug/internal/fault"
)

// Limits of what is read from a file that anybody may have written.
const (
	// maxFile is the largest encrypted file, in bytes.
	maxFile = 16 << 20
	// maxNodes is what one document may expand to through YAML aliases, which
	// the library follows without measure.
	maxNodes = 2_000_000
	// maxDepth bounds nesting.
	maxDepth = 500
	// maxKeys bounds the master keys of a file: each may cost a call over the
	// network.
	maxKeys = 256
	// maxRule bounds the regular expression or suffix of a file, which the
	// library compiles again for every key.
	maxRule = 4096
)

func tooLarge(name string, size int) error {
	return fault.New(fault.Invalid, "%s: %d MiB, more than the %d MiB that an encrypted file may have", name, size>>20, maxFile>>20)
}

// checkMetadata refuses metadata that would cost without measure.
func checkMetadata(name string, m *sops.Metadata) error {
	if n := m.MasterKeyCount(); n > maxKeys {
		return fault.New(fault.Invalid, "%s: encrypted for %d keys, more than the %d that tug tries", name, n, maxKeys)
	}
	for _, rule := range []string{
		m.UnencryptedSuffix, m.EncryptedSuffix, m.UnencryptedRegex, m.EncryptedRegex,
		m.UnencryptedCommentRegex, m.EncryptedCommentRegex,
	} {
		if len(rule) > maxRule {
			return fault.New(fault.Invalid, "%s: an expression of %d bytes says what is encrypted; tug takes %d", name, len(rule), maxRule)
		}
	}
	if m.ShamirThreshold < 0 || m.ShamirThreshold > len(m.KeyGroups) {
		return fault.New(fault.Invalid, "%s: shamir_threshold is %d with %d key groups", name, m.ShamirThreshold, len(m.KeyGroups)).
			Hint("the threshold is between 1 and the number of groups")
	}
	return nil
}

// expansion counts the nodes of YAML documents once aliases are followed.
type expansion struct {
	budget int
	depth  int
}

// fits reports whether what n expands to is within the limits. A document
// whose alias stands inside its own anchor never is.
func (e *expansion) fits(n *yaml.Node) bool {
	e.budget--
	e.depth++
	defer func() { e.depth-- }()
	if e.budget < 0 || e.depth > maxDepth {
		return false
	}
	if n.Kind == yaml.AliasNode {
		return e.fits(n.Alias)
	}
	for _, c := range n.Content {
		if !e.fits(c) {
			return false
		}
	}
	return true
}
