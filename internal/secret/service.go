package secret

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	sopsage "github.com/getsops/sops/v3/age"
	"github.com/getsops/sops/v3/hcvault"
	"github.com/getsops/sops/v3/keyservice"
	"github.com/getsops/sops/v3/pgp"
	"google.golang.org/grpc"
)

// atHand is the key service of the keys at hand: age, SSH, PGP and Vault with
// what Keys says, the clouds through the library.
type atHand struct {
	ring *ring
	ctx  context.Context // the library gives none
	// failed are the reasons why keys did not do, in the order tried.
	failed []string
}

var _ keyservice.KeyServiceClient = (*atHand)(nil)

// Decrypt implements keyservice.KeyServiceClient.
func (s *atHand) Decrypt(_ context.Context, req *keyservice.DecryptRequest, _ ...grpc.CallOption) (*keyservice.DecryptResponse, error) {
	ctx, cancel := s.ring.limit(s.ctx)
	defer cancel()
	plain, err := s.decrypt(ctx, req)
	if err != nil {
		s.failed = append(s.failed, fmt.Sprintf("%s: %s", keyName(req.Key), firstLine(err)))
		return nil, err
	}
	return &keyservice.DecryptResponse{Plaintext: plain}, nil
}

func (s *atHand) decrypt(ctx context.Context, req *keyservice.DecryptRequest) ([]byte, error) {
	switch k := req.Key.GetKeyType().(type) {
	case *keyservice.Key_AgeKey:
		return s.decryptAge(k.AgeKey.Recipient, string(req.Ciphertext))
	case *keyservice.Key_PgpKey:
		plain, err := s.ring.decryptPGP(req.Ciphertext)
		if err == nil {
			return plain, nil
		}
		key := s.gpg(k.PgpKey.Fingerprint)
		key.EncryptedKey = string(req.Ciphertext)
		return key.DecryptContext(ctx)
	case *keyservice.Key_VaultKey:
		key, err := s.vault(k.VaultKey)
		if err != nil {
			return nil, err
		}
		key.EncryptedKey = string(req.Ciphertext)
		return key.DecryptContext(ctx)
	}
	return within(ctx, func() ([]byte, error) {
		resp, err := keyservice.Server{}.Decrypt(ctx, req)
		if err != nil {
			return nil, err
		}
		return resp.Plaintext, nil
	})
}

// decryptAge tries the keys at hand, then the commands that the environment
// names, which the library starts.
func (s *atHand) decryptAge(recipient, ciphertext string) ([]byte, error) {
	err := errors.New("no age key at hand")
	if ids := s.ring.ageIdentities(); len(ids) > 0 {
		key := sopsage.MasterKey{Recipient: recipient, EncryptedKey: ciphertext}
		sopsage.ParsedIdentities(ids).ApplyToMasterKey(&key)
		plain, ageErr := key.Decrypt()
		if ageErr == nil {
			return plain, nil
		}
		err = errors.New("none of the age keys at hand is its private key")
	}
	if s.ring.keys.env("SOPS_AGE_KEY_CMD") == "" && s.ring.keys.env("SOPS_AGE_SSH_PRIVATE_KEY_CMD") == "" {
		return nil, err
	}
	key := sopsage.MasterKey{Recipient: recipient, EncryptedKey: ciphertext}
	plain, cmdErr := key.Decrypt()
	if cmdErr != nil {
		return nil, fmt.Errorf("%w, nor what SOPS_AGE_KEY_CMD or SOPS_AGE_SSH_PRIVATE_KEY_CMD gave", err)
	}
	return plain, nil
}

// Encrypt implements keyservice.KeyServiceClient.
func (s *atHand) Encrypt(_ context.Context, req *keyservice.EncryptRequest, _ ...grpc.CallOption) (*keyservice.EncryptResponse, error) {
	ctx, cancel := s.ring.limit(s.ctx)
	defer cancel()
	ciphertext, err := s.encrypt(ctx, req)
	if err != nil {
		s.failed = append(s.failed, fmt.Sprintf("%s: %s", keyName(req.Key), firstLine(err)))
		return nil, err
	}
	return &keyservice.EncryptResponse{Ciphertext: ciphertext}, nil
}

func (s *atHand) encrypt(ctx context.Context, req *keyservice.EncryptRequest) ([]byte, error) {
	switch k := req.Key.GetKeyType().(type) {
	case *keyservice.Key_PgpKey:
		if out, err := s.ring.encryptPGP(k.PgpKey.Fingerprint, req.Plaintext); err == nil {
			return out, nil
		}
		key := s.gpg(k.PgpKey.Fingerprint)
		if err := key.EncryptContext(ctx, req.Plaintext); err != nil {
			return nil, err
		}
		return []byte(key.EncryptedKey), nil
	case *keyservice.Key_VaultKey:
		key, err := s.vault(k.VaultKey)
		if err != nil {
			return nil, err
		}
		if err = key.EncryptContext(ctx, req.Plaintext); err != nil {
			return nil, err
		}
		return []byte(key.EncryptedKey), nil
	}
	return within(ctx, func() ([]byte, error) {
		resp, err := keyservice.Server{}.Encrypt(ctx, req)
		if err != nil {
			return nil, err
		}
		return resp.Ciphertext, nil
	})
}

// gpg is a key whose work the gpg program does, where it is installed.
func (s *atHand) gpg(fingerprint string) *pgp.MasterKey {
	key := pgp.NewMasterKeyFromFingerprint(fingerprint)
	pgp.DisableOpenPGP{}.ApplyToMasterKey(key) // done here, without asking on stdout
	if home := s.ring.keys.env("GNUPGHOME"); home != "" {
		pgp.GnuPGHome(home).ApplyToMasterKey(key)
	}
	return key
}

// vault is a key in Vault. A file says which server to ask, and the library
// would send it the token: it is sent only to where the person's environment
// points.
func (s *atHand) vault(k *keyservice.VaultKey) (*hcvault.MasterKey, error) {
	if s.ring.keys.env("SOPS_HC_VAULT_ALLOWLIST") == "" && !sameServer(s.ring.keys.env("VAULT_ADDR"), k.VaultAddress) {
		return nil, fmt.Errorf("the Vault token is only sent to VAULT_ADDR or SOPS_HC_VAULT_ALLOWLIST, which are not %s", k.VaultAddress)
	}
	key := hcvault.NewMasterKey(k.VaultAddress, k.EnginePath, k.KeyName)
	if token := s.ring.keys.env("VAULT_TOKEN"); token != "" {
		hcvault.Token(token).ApplyToMasterKey(key)
	}
	return key, nil
}

func sameServer(a, b string) bool {
	x, errX := url.Parse(a)
	y, errY := url.Parse(b)
	return errX == nil && errY == nil && x.Host != "" && x.Scheme == y.Scheme && strings.EqualFold(x.Host, y.Host)
}

// within runs a call of the library, which does not listen to ctx, and stops
// waiting for it when ctx ends.
func within(ctx context.Context, call func() ([]byte, error)) ([]byte, error) {
	type answer struct {
		data []byte
		err  error
	}
	done := make(chan answer, 1)
	go func() {
		data, err := call()
		done <- answer{data, err}
	}()
	select {
	case a := <-done:
		return a.data, a.err
	case <-ctx.Done():
		return nil, fmt.Errorf("no answer: %w", ctx.Err())
	}
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(strings.TrimSpace(err.Error()), "\n")
	return fmt.Sprintf("%.300s", line)
}
