package git

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/pem"
	"fmt"
	"hash"
	"slices"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/go-git/go-git/v5/plumbing"
	"golang.org/x/crypto/ssh"

	"github.com/tugops/tug/internal/fault"
)

// gitNamespace is what Git's SSH signatures are made for.
const gitNamespace = "git"

// Signers are the keys that commits may be signed with.
type Signers struct {
	gpg openpgp.EntityList
	ssh []allowedSigner
}

// allowedSigner is one line of an allowed-signers file (ssh-keygen(1)).
type allowedSigner struct {
	principals    string
	key           ssh.PublicKey
	after, before time.Time
}

// NewSigners reads public keys of GPG, armored or not, and a file of allowed
// signers of SSH; either may be empty.
func NewSigners(gpg, allowed []byte) (*Signers, error) {
	s := &Signers{}
	if len(gpg) > 0 {
		keys, err := openpgp.ReadArmoredKeyRing(bytes.NewReader(gpg))
		if err != nil {
			if keys, err = openpgp.ReadKeyRing(bytes.NewReader(gpg)); err != nil {
				return nil, fault.New(fault.Invalid, "keys of GPG: %w", err).Hint("export them with: gpg --export --armor KEY")
			}
		}
		s.gpg = keys
	}
	for n, line := range strings.Split(string(allowed), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		signer, err := parseSigner(line)
		if err != nil {
			return nil, fault.New(fault.Invalid, "allowed signers: line %d: %w", n+1, err).
				Hint("a line is: PRINCIPALS [OPTIONS] KEYTYPE KEY, see ssh-keygen(1)")
		}
		if signer != nil {
			s.ssh = append(s.ssh, *signer)
		}
	}
	if len(s.gpg)+len(s.ssh) == 0 {
		return nil, fault.New(fault.Invalid, "there is no key that commits may be signed with")
	}
	return s, nil
}

// parseSigner is nil for a key that is not for Git.
func parseSigner(line string) (*allowedSigner, error) {
	principals, rest, ok := strings.Cut(line, " ")
	if !ok {
		return nil, fmt.Errorf("there is no key")
	}
	key, _, options, _, err := ssh.ParseAuthorizedKey([]byte(rest))
	if err != nil {
		return nil, err
	}
	s := &allowedSigner{principals: principals, key: key}
	for _, o := range options {
		name, value, _ := strings.Cut(o, "=")
		value = strings.Trim(value, `"`)
		switch strings.ToLower(name) {
		case "namespaces":
			if !slices.Contains(strings.Split(value, ","), gitNamespace) {
				return nil, nil
			}
		case "valid-after":
			s.after, err = signerTime(value)
		case "valid-before":
			s.before, err = signerTime(value)
		default:
			err = fmt.Errorf("option %q is not known", name)
		}
		if err != nil {
			return nil, err
		}
	}
	return s, nil
}

func signerTime(text string) (time.Time, error) {
	text = strings.TrimSuffix(text, "Z")
	for _, layout := range []string{"20060102", "200601021504", "20060102150405"} {
		if len(layout) == len(text) {
			return time.ParseInLocation(layout, text, time.UTC)
		}
	}
	return time.Time{}, fmt.Errorf("%q is no time", text)
}

// Verify refuses, as Denied, a commit that is not signed by one of the signers.
// A key must have been valid when the commit says it was made.
func (r *Repo) Verify(hash string, s *Signers) error {
	c, err := r.store.commit(plumbing.NewHash(hash))
	if err != nil {
		return err
	}
	data, _, err := r.store.read(c.Hash, maxMeta)
	if err != nil {
		return err
	}
	payload, signature := splitSignature(data)
	switch {
	case signature == "":
		return untrusted(hash, "it is not signed").Hint("sign commits with: git commit -S")
	case strings.Contains(signature, "BEGIN SSH SIGNATURE"):
		err = s.verifySSH(payload, signature, c.Committer.When)
	case strings.Contains(signature, "BEGIN PGP SIGNATURE"):
		err = s.verifyGPG(payload, signature)
	default:
		err = fmt.Errorf("its signature is of a kind that is not known")
	}
	if err != nil {
		return untrusted(hash, err.Error()).Hint("add the key of its author to the signers, or have it signed by one of them")
	}
	return nil
}

func untrusted(hash, why string) *fault.Error {
	return fault.New(fault.Denied, "commit %s is not trusted: %s", hash[:12], why)
}

// splitSignature takes the header gpgsig out of a commit: what was signed, and
// the signature.
func splitSignature(commit []byte) (payload []byte, signature string) {
	var sig strings.Builder
	inside, header := false, true
	for line := range bytes.Lines(commit) {
		text := string(line)
		switch {
		case header && text == "\n":
			header, inside = false, false
		case header && inside && strings.HasPrefix(text, " "):
			sig.WriteString(text[1:])
			continue
		case header && strings.HasPrefix(text, "gpgsig "):
			inside = true
			sig.WriteString(strings.TrimPrefix(text, "gpgsig "))
			continue
		default:
			inside = false
		}
		payload = append(payload, line...)
	}
	return payload, sig.String()
}

func (s *Signers) verifyGPG(payload []byte, signature string) error {
	if len(s.gpg) == 0 {
		return fmt.Errorf("it is signed with GPG, and no key of GPG is trusted")
	}
	_, err := openpgp.CheckArmoredDetachedSignature(s.gpg, bytes.NewReader(payload), strings.NewReader(signature), nil)
	return err
}

// sshSignature is the blob of an SSH signature (PROTOCOL.sshsig).
type sshSignature struct {
	Version   uint32
	PublicKey []byte
	Namespace string
	Reserved  string
	Hash      string
	Signature []byte
}

const sshMagic = "SSHSIG"

func (s *Signers) verifySSH(payload []byte, armored string, made time.Time) error {
	block, _ := pem.Decode([]byte(armored))
	if block == nil || block.Type != "SSH SIGNATURE" || !bytes.HasPrefix(block.Bytes, []byte(sshMagic)) {
		return fmt.Errorf("its SSH signature is damaged")
	}
	var blob sshSignature
	if err := ssh.Unmarshal(block.Bytes[len(sshMagic):], &blob); err != nil || blob.Version != 1 {
		return fmt.Errorf("its SSH signature is damaged")
	}
	if blob.Namespace != gitNamespace {
		return fmt.Errorf("its SSH signature is made for %q, not for Git", blob.Namespace)
	}
	key, err := ssh.ParsePublicKey(blob.PublicKey)
	if err != nil {
		return fmt.Errorf("its SSH signature is damaged: %w", err)
	}
	if !s.allowed(key, made) {
		return fmt.Errorf("its SSH key %s is not among the allowed signers", ssh.FingerprintSHA256(key))
	}
	var h hash.Hash
	switch blob.Hash {
	case "sha256":
		h = sha256.New()
	case "sha512":
		h = sha512.New()
	default:
		return fmt.Errorf("its SSH signature uses the unknown hash %q", blob.Hash)
	}
	h.Write(payload)
	var sig ssh.Signature
	if err := ssh.Unmarshal(blob.Signature, &sig); err != nil {
		return fmt.Errorf("its SSH signature is damaged")
	}
	signed := ssh.Marshal(struct {
		Namespace, Reserved, Hash string
		Sum                       []byte
	}{blob.Namespace, blob.Reserved, blob.Hash, h.Sum(nil)})
	if key.Type() == ssh.KeyAlgoRSA && sig.Format == ssh.KeyAlgoRSA {
		return fmt.Errorf("its SSH signature uses SHA-1")
	}
	if err := key.Verify(append([]byte(sshMagic), signed...), &sig); err != nil {
		return fmt.Errorf("its SSH signature does not fit: %w", err)
	}
	return nil
}

func (s *Signers) allowed(key ssh.PublicKey, at time.Time) bool {
	return slices.ContainsFunc(s.ssh, func(a allowedSigner) bool {
		return bytes.Equal(a.key.Marshal(), key.Marshal()) &&
			(a.after.IsZero() || !at.Before(a.after)) && (a.before.IsZero() || at.Before(a.before))
	})
}
