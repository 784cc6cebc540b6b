package secret

import (
	"testing"
	"time"

	"filippo.io/age"
	"github.com/getsops/sops/v3"
	"github.com/getsops/sops/v3/aes"
	sopsage "github.com/getsops/sops/v3/age"
	"github.com/getsops/sops/v3/keys"
)

// newAge makes an age key: the recipient, and an environment that has it.
func newAge(t testing.TB) (recipient string, k Keys) {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return id.Recipient().String(), Keys{Getenv: env(map[string]string{"SOPS_AGE_KEY": id.String()})}
}

// env is an environment of its own.
func env(vars map[string]string) func(string) string {
	return func(name string) string { return vars[name] }
}

// sopsEncrypt encrypts with the library alone, as the sops program does.
func sopsEncrypt(t testing.TB, format Format, plain string, meta sops.Metadata, recipients ...string) []byte {
	t.Helper()
	store := format.store(layout{})
	branches, err := store.LoadPlainFile([]byte(plain))
	if err != nil {
		t.Fatal(err)
	}
	var group sops.KeyGroup
	for _, r := range recipients {
		key, err := sopsage.MasterKeyFromRecipient(r)
		if err != nil {
			t.Fatal(err)
		}
		group = append(group, keys.MasterKey(key))
	}
	if meta.KeyGroups == nil {
		meta.KeyGroups = []sops.KeyGroup{group}
	}
	meta.Version = "3.13.3"
	if meta.EncryptedRegex == "" && meta.UnencryptedRegex == "" && meta.EncryptedSuffix == "" {
		meta.UnencryptedSuffix = sops.DefaultUnencryptedSuffix
	}
	tree := sops.Tree{Branches: branches, Metadata: meta}
	key, errs := tree.GenerateDataKey()
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	cipher := aes.NewCipher()
	mac, err := tree.Encrypt(key, cipher)
	if err != nil {
		t.Fatal(err)
	}
	tree.Metadata.LastModified = time.Now().UTC().Truncate(time.Second)
	tree.Metadata.MessageAuthenticationCode, err = cipher.Encrypt(mac, key, tree.Metadata.LastModified.Format(time.RFC3339))
	if err != nil {
		t.Fatal(err)
	}
	out, err := store.EmitEncryptedFile(tree)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// later is a time that no test ran at.
func later() time.Time { return time.Date(2099, 1, 2, 3, 4, 5, 0, time.UTC) }

// metaNone are the default rules.
func metaNone() sops.Metadata { return sops.Metadata{} }
