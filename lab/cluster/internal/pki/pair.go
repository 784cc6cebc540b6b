package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"

	"k8s.io/client-go/util/keyutil"
)

const (
	certSuffix = ".crt"
	keySuffix  = ".key"
	pubSuffix  = ".pub"
)

// Pair is a certificate with its private key, both PEM.
type Pair struct {
	Cert, Key []byte
}

// Save writes base.crt and base.key; the key is readable by the owner only.
func (p Pair) Save(base string) error {
	if err := os.WriteFile(base+certSuffix, p.Cert, 0o600); err != nil {
		return fmt.Errorf("certificate file: %w", err)
	}
	if err := os.WriteFile(base+keySuffix, p.Key, 0o600); err != nil {
		return fmt.Errorf("key file: %w", err)
	}
	return nil
}

// SaveTokenKey makes the key that signs service-account tokens: base.key signs,
// base.pub verifies.
func SaveTokenKey(base string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("token key: %w", err)
	}
	private, err := keyutil.MarshalPrivateKeyToPEM(key)
	if err != nil {
		return fmt.Errorf("token key: %w", err)
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return fmt.Errorf("token key: %w", err)
	}
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	return errors.Join(
		os.WriteFile(base+keySuffix, private, 0o600),
		os.WriteFile(base+pubSuffix, public, 0o600),
	)
}

func encode(der []byte, key crypto.PrivateKey) (Pair, error) {
	private, err := keyutil.MarshalPrivateKeyToPEM(key)
	if err != nil {
		return Pair{}, fmt.Errorf("private key: %w", err)
	}
	return Pair{Cert: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), Key: private}, nil
}

func (p Pair) certificate() (*x509.Certificate, error) {
	block, _ := pem.Decode(p.Cert)
	if block == nil {
		return nil, errors.New("certificate: no PEM block")
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	return cert, nil
}
