package secret

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// pgpKeys reads the PGP keys that need no gpg: TUG_PGP_KEY_FILE (armored or
// not) and the rings of GnuPG before 2.1. Newer rings are left to gpg.
func (r *ring) pgpKeys() openpgp.EntityList {
	r.pgpOnce.Do(func() {
		files := filepath.SplitList(r.keys.env("TUG_PGP_KEY_FILE"))
		home := r.keys.env("GNUPGHOME")
		if home == "" && r.keys.env("HOME") != "" {
			home = filepath.Join(r.keys.env("HOME"), ".gnupg")
		}
		if home != "" {
			files = append(files, filepath.Join(home, "secring.gpg"), filepath.Join(home, "pubring.gpg"))
		}
		for _, file := range files {
			data, err := readLimited(file)
			if err != nil {
				continue
			}
			list, err := readRing(data)
			if err != nil {
				r.problems = append(r.problems, file+": no PGP keys that can be read")
			}
			r.pgp = append(r.pgp, list...)
		}
	})
	return r.pgp
}

func readRing(data []byte) (openpgp.EntityList, error) {
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte("-----BEGIN PGP")) {
		return openpgp.ReadArmoredKeyRing(bytes.NewReader(data))
	}
	return openpgp.ReadKeyRing(bytes.NewReader(data))
}

// decryptPGP decrypts an armored message with the keys at hand.
func (r *ring) decryptPGP(message []byte) ([]byte, error) {
	block, err := armor.Decode(bytes.NewReader(message))
	if err != nil {
		return nil, errors.New("the encrypted data key is no PGP message")
	}
	asked := 0
	md, err := openpgp.ReadMessage(block.Body, r.pgpKeys(), func(keys []openpgp.Key, _ bool) ([]byte, error) {
		if asked++; asked > 3 || r.keys.Ask == nil || len(keys) == 0 {
			return nil, errors.New("the key has a passphrase")
		}
		pass, err := r.keys.Ask(fmt.Sprintf("Passphrase of PGP key %s: ", keys[0].PublicKey.KeyIdString()))
		if err != nil {
			return nil, err
		}
		for _, k := range keys {
			_ = k.PrivateKey.Decrypt(pass) // a wrong one is asked for again
		}
		return pass, nil
	}, &packet.Config{})
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(md.UnverifiedBody, 1<<16))
}

// encryptPGP encrypts a data key for a fingerprint that is at hand.
func (r *ring) encryptPGP(fingerprint string, plain []byte) ([]byte, error) {
	entity := r.findPGP(fingerprint)
	if entity == nil {
		return nil, fmt.Errorf("no key with fingerprint %s", fingerprint)
	}
	var out bytes.Buffer
	armored, err := armor.Encode(&out, "PGP MESSAGE", nil)
	if err != nil {
		return nil, err
	}
	w, err := openpgp.Encrypt(armored, []*openpgp.Entity{entity}, nil, &openpgp.FileHints{IsBinary: true}, nil)
	if err != nil {
		return nil, err
	}
	if _, err = w.Write(plain); err != nil {
		return nil, err
	}
	if err = w.Close(); err != nil {
		return nil, err
	}
	if err = armored.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// findPGP finds a key by the fingerprint of it or of one of its subkeys.
func (r *ring) findPGP(fingerprint string) *openpgp.Entity {
	want := strings.ToUpper(strings.TrimSuffix(fingerprint, "!"))
	is := func(k *packet.PublicKey) bool { return strings.ToUpper(hex.EncodeToString(k.Fingerprint)) == want }
	for _, e := range r.pgpKeys() {
		if is(e.PrimaryKey) {
			return e
		}
		for _, s := range e.Subkeys {
			if is(s.PublicKey) {
				return e
			}
		}
	}
	return nil
}
