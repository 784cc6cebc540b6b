package secret

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"filippo.io/age/armor"
	sopsage "github.com/getsops/sops/v3/age"
	"golang.org/x/crypto/ssh"
)

// maxKeyFile is the largest file of keys, in bytes.
const maxKeyFile = 1 << 20

// ageIdentities reads all age and SSH keys at hand, in the order of sops.
func (r *ring) ageIdentities() []age.Identity {
	r.ageOnce.Do(func() {
		r.readSSH("SOPS_AGE_SSH_PRIVATE_KEY_FILE", r.keys.env("SOPS_AGE_SSH_PRIVATE_KEY_FILE"), true)
		if home := r.keys.env("HOME"); home != "" {
			r.readSSH("", filepath.Join(home, ".ssh", "id_ed25519"), false)
			r.readSSH("", filepath.Join(home, ".ssh", "id_rsa"), false)
		}
		if text := r.keys.env("SOPS_AGE_KEY"); text != "" {
			r.addAge("SOPS_AGE_KEY", []byte(strings.Join(strings.Fields(text), "\n")))
		} else {
			r.places = append(r.places, "SOPS_AGE_KEY")
		}
		r.readAge("SOPS_AGE_KEY_FILE", r.keys.env("SOPS_AGE_KEY_FILE"), true)
		if dir := r.keys.configFolder(); dir != "" {
			r.readAge("", filepath.Join(dir, "sops", "age", "keys.txt"), false)
		}
	})
	return r.identities
}

// readAge reads a file of age keys. named files must be there.
func (r *ring) readAge(variable, file string, named bool) {
	if data := r.readKeyFile(variable, file, named); data != nil {
		r.addAge(place(variable, file), data)
	}
}

func (r *ring) readKeyFile(variable, file string, named bool) []byte {
	if file == "" {
		r.places = append(r.places, variable)
		return nil
	}
	data, err := readLimited(file)
	switch {
	case err == nil:
		return data
	case !named && errors.Is(err, fs.ErrNotExist):
		r.places = append(r.places, file)
	default:
		r.problems = append(r.problems, fmt.Sprintf("%s: %v", place(variable, file), cause(err)))
	}
	return nil
}

// addAge adds the keys of a file: one per line, or an encrypted file of them.
// The problem names the line, never its text.
func (r *ring) addAge(where string, data []byte) {
	if bytes.HasPrefix(data, []byte("age-encryption")) || bytes.HasPrefix(data, []byte("-----BEGIN AGE")) {
		r.addEncrypted(where, data)
		return
	}
	n := 0
	for line := range strings.Lines(string(data)) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		var ids sopsage.ParsedIdentities
		if err := ids.Import(line); err != nil || len(ids) == 0 {
			r.problems = append(r.problems, fmt.Sprintf("%s: line %d is no age key", where, n))
			continue
		}
		r.identities = append(r.identities, ids...)
	}
}

// addEncrypted adds the keys of a file that is encrypted with a passphrase.
func (r *ring) addEncrypted(where string, data []byte) {
	if r.keys.Ask == nil {
		r.problems = append(r.problems, where+": has a passphrase, and nobody is there to ask")
		return
	}
	var in io.Reader = bytes.NewReader(data)
	if bytes.HasPrefix(data, []byte("-----BEGIN AGE")) {
		in = armor.NewReader(in)
	}
	r.identities = append(r.identities, &sopsage.EncryptedIdentity{
		Contents: readAll(in),
		Passphrase: func() (string, error) {
			pass, err := r.keys.Ask(fmt.Sprintf("Passphrase of the age keys in %s: ", where))
			return string(pass), err
		},
		NoMatchWarning: func() {}, IncorrectPassphrase: func() {},
	})
}

// readSSH reads an SSH private key, which age takes as an identity.
func (r *ring) readSSH(variable, file string, named bool) {
	data := r.readKeyFile(variable, file, named)
	if data == nil {
		return
	}
	where := place(variable, file)
	id, err := agessh.ParseIdentity(data)
	if missing, ok := errors.AsType[*ssh.PassphraseMissingError](err); ok {
		id, err = r.lockedSSH(file, data, missing.PublicKey)
	}
	if err != nil {
		r.problems = append(r.problems, where+": no SSH key that age can use (ed25519 or rsa, without passphrase or with somebody to ask)")
		return
	}
	r.identities = append(r.identities, id)
}

// lockedSSH is an SSH key with a passphrase, which is asked for when a file is
// encrypted for that key.
func (r *ring) lockedSSH(file string, data []byte, public ssh.PublicKey) (age.Identity, error) {
	if r.keys.Ask == nil {
		return nil, errors.New("nobody to ask")
	}
	if public == nil {
		text, err := readLimited(file + ".pub")
		if err != nil {
			return nil, err
		}
		if public, _, _, _, err = ssh.ParseAuthorizedKey(text); err != nil {
			return nil, err
		}
	}
	return agessh.NewEncryptedSSHIdentity(public, data, func() ([]byte, error) {
		return r.keys.Ask(fmt.Sprintf("Passphrase of %s: ", file))
	})
}

// place names where a key was looked for.
func place(variable, file string) string {
	if variable == "" {
		return file
	}
	return fmt.Sprintf("%s (%s)", variable, file)
}

func readLimited(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "read", Path: file, Err: errors.New("not a regular file")}
	}
	data, err := io.ReadAll(io.LimitReader(f, maxKeyFile+1))
	if err == nil && len(data) > maxKeyFile {
		return nil, &fs.PathError{Op: "read", Path: file, Err: errors.New("larger than 1 MiB")}
	}
	return data, err
}

func readAll(r io.Reader) []byte {
	data, err := io.ReadAll(io.LimitReader(r, maxKeyFile))
	if err != nil {
		return nil
	}
	return data
}

// cause is an error without the operation and path of the file system.
func cause(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	return err
}
