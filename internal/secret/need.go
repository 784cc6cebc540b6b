package secret

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/getsops/sops/v3"
	"github.com/getsops/sops/v3/keyservice"

	"github.com/tugops/tug/internal/fault"
)

// dataKey asks the keys at hand and the key services for the key of a file.
func dataKey(ctx context.Context, name string, tree *sops.Tree, r *ring, env string) (key []byte, err error) {
	clients, local, done, err := r.clients(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	defer recovered(name, &err)
	order := r.order()
	if order == nil {
		order = sops.DefaultDecryptionOrder
	}
	key, err = tree.Metadata.GetDataKeyWithKeyServices(clients, order)
	if err == nil && len(key) == 32 {
		return key, nil
	}
	if ctx.Err() != nil {
		return nil, fault.New(fault.Interrupted, "%s: decrypt: %w", name, context.Cause(ctx))
	}
	if err == nil {
		return nil, fault.New(fault.Invalid, "%s: its data key has %d bytes where 32 are needed", name, len(key))
	}
	return nil, noKey(name, env, tree, r, local.failed)
}

// noKey is the error of a file that no key decrypts.
func noKey(name, env string, tree *sops.Tree, r *ring, failed []string) error {
	of := ""
	if env != "" {
		of = " of environment " + env
	}
	wanted := recipients(&tree.Metadata)
	if len(wanted) == 0 {
		return fault.New(fault.Invalid, "%s: encrypted for no key at all", name)
	}
	err := fault.New(fault.Denied, "%s: no key at hand decrypts it; the secrets%s need %s", name, of, wantedText(tree, wanted))
	for _, reason := range failed {
		err.Hint("tried %s", reason)
	}
	for _, problem := range r.problems {
		err.Hint("%s", problem)
	}
	if hasAge(wanted) {
		err.Hint("looked for age keys in %s", strings.Join(r.places, ", "))
		err.Hint("give the private key: export SOPS_AGE_KEY_FILE=FILE (or SOPS_AGE_KEY, SOPS_AGE_SSH_PRIVATE_KEY_FILE)")
	}
	return err
}

func wantedText(tree *sops.Tree, wanted []string) string {
	if groups := len(tree.Metadata.KeyGroups); groups > 1 {
		threshold := tree.Metadata.ShamirThreshold
		if threshold == 0 {
			threshold = groups
		}
		return fmt.Sprintf("a key of each of %d of these %d groups: %s", threshold, groups, strings.Join(wanted, "; "))
	}
	if len(wanted) == 1 {
		return wanted[0]
	}
	return "one of " + strings.Join(wanted, ", ")
}

// recipients names the keys that a file is encrypted for; with several key
// groups, one text per group.
func recipients(m *sops.Metadata) []string {
	var all []string
	for _, group := range m.KeyGroups {
		var names []string
		for _, key := range group {
			k := keyservice.KeyFromMasterKey(key)
			names = append(names, keyName(&k))
		}
		if len(m.KeyGroups) == 1 {
			return names
		}
		all = append(all, strings.Join(names, ", "))
	}
	return all
}

func hasAge(names []string) bool {
	return strings.Contains(strings.Join(names, " "), "age ")
}

// keyName is how people know a key.
func keyName(key *keyservice.Key) string {
	switch k := key.GetKeyType().(type) {
	case *keyservice.Key_AgeKey:
		return "age " + k.AgeKey.Recipient
	case *keyservice.Key_PgpKey:
		return "PGP " + k.PgpKey.Fingerprint
	case *keyservice.Key_KmsKey:
		return "AWS KMS " + k.KmsKey.Arn
	case *keyservice.Key_GcpKmsKey:
		return "Google Cloud KMS " + k.GcpKmsKey.ResourceId
	case *keyservice.Key_AzureKeyvaultKey:
		return fmt.Sprintf("Azure Key Vault %s/keys/%s/%s", k.AzureKeyvaultKey.VaultUrl, k.AzureKeyvaultKey.Name, k.AzureKeyvaultKey.Version)
	case *keyservice.Key_VaultKey:
		return fmt.Sprintf("Vault %s/v1/%s/keys/%s", strings.TrimSuffix(k.VaultKey.VaultAddress, "/"), k.VaultKey.EnginePath, k.VaultKey.KeyName)
	case *keyservice.Key_HckmsKey:
		return "HuaweiCloud KMS " + k.HckmsKey.KeyId
	}
	return "an unknown kind of key"
}

// RecipientsOf names the keys that a file is encrypted for, as errors do.
func RecipientsOf(name string, data []byte) ([]string, error) {
	f, err := parse(name, data)
	if err != nil {
		return nil, err
	}
	if f == nil {
		return nil, notEncrypted(name)
	}
	var names []string
	for _, p := range f.parts {
		if p.tree != nil {
			names = append(names, recipients(&p.tree.Metadata)...)
		}
	}
	return names, nil
}

// joinErrors gives the errors of the library in one, without quoted input.
func joinErrors(list []error) error {
	texts := make([]string, len(list))
	for i, err := range list {
		texts[i] = firstLine(err)
	}
	return errors.New(strings.Join(texts, "; "))
}
