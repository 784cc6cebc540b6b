package secret

import (
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/getsops/sops/v3"
	"github.com/getsops/sops/v3/aes"
)

// keeper is a cipher that remembers what it decrypted: a value that is
// encrypted again under the same path gets the ciphertext it had. The
// library's own cipher remembers one initialisation vector per path and value,
// so equal items of a list would change, and fails on type "bytes".
type keeper struct {
	kept   map[keptKey][]string // ciphertexts, in the order they were read
	values []string
	err    error // of the last value that could not be decrypted
}

// keptKey is a path (as additional data), and the type and text of a value.
type keptKey struct{ path, kind, text string }

var _ sops.Cipher = (*keeper)(nil)

func newKeeper() *keeper { return &keeper{kept: map[keptKey][]string{}} }

// again is a keeper that knows the same ciphertext, none of it used.
func (k *keeper) again() *keeper { return &keeper{kept: maps.Clone(k.kept)} }

// Decrypt implements sops.Cipher. Its errors name the path, never the input.
func (k *keeper) Decrypt(ciphertext string, key []byte, path string) (any, error) {
	if ciphertext == "" {
		return "", nil
	}
	text, isBytes := strings.CutSuffix(ciphertext, ",type:bytes]")
	if isBytes {
		ciphertext = text + ",type:str]" // the type is not authenticated
	}
	plain, err := aes.NewCipher().Decrypt(ciphertext, key, path)
	if err != nil {
		return nil, k.fail(ciphertext, path)
	}
	entry, err := keptFor(plain, path)
	if err != nil {
		return nil, err
	}
	if !isBytes {
		k.kept[entry] = append(k.kept[entry], ciphertext)
	}
	if entry.kind != "bool" {
		k.values = append(k.values, entry.text)
	}
	return plain, nil
}

// fail says why a value cannot be decrypted. Of a comment that cannot be, the
// library thinks that it was never encrypted, and goes on; it ends at anything
// else.
func (k *keeper) fail(ciphertext, path string) error {
	where := strings.TrimSuffix(path, ":")
	k.err = fmt.Errorf("%s does not decrypt with the key of the file: it was moved, copied from elsewhere or changed", where)
	if !strings.HasPrefix(ciphertext, "ENC[") {
		k.err = fmt.Errorf("%s is in the clear where the file's rules want it encrypted", where)
	}
	return k.err
}

// Encrypt implements sops.Cipher.
func (k *keeper) Encrypt(plain any, key []byte, path string) (string, error) {
	if text, ok := plain.(string); ok && text == "" {
		return "", nil
	}
	entry, err := keptFor(plain, path)
	if err != nil {
		return "", err
	}
	if list := k.kept[entry]; len(list) > 0 {
		k.kept[entry] = list[1:]
		return list[0], nil
	}
	return aes.NewCipher().Encrypt(plain, key, path)
}

func keptFor(plain any, path string) (keptKey, error) {
	text, err := sops.ToBytes(plain)
	if err != nil {
		return keptKey{}, errors.New("a value of an unknown type")
	}
	kind := fmt.Sprintf("%T", plain)
	return keptKey{path, kind, string(text)}, nil
}
