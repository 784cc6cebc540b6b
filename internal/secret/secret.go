// Package secret reads and writes SOPS files: it decrypts them in memory where
// they are read, and edits them so that what did not change keeps its
// ciphertext. It is the only importer of sops and age.
//
// What the sops library keeps for itself: it reads the process environment for
// the cloud services (AWS, Google, Azure, Huawei) and starts gpg, age plugins
// and SOPS_AGE_KEY_CMD; everything else comes through Keys. Its loggers are
// silenced, because they print comments and paths to stderr.
package secret

import (
	"context"
	"io/fs"
)

// Mode says what happens to encrypted files.
type Mode int

// The modes.
const (
	// Require decrypts; a file that no key decrypts is an error that names the
	// keys that would do.
	Require Mode = iota
	// Ciphertext leaves every file as it is. No key is looked for.
	Ciphertext
)

// Seen is told what came out of encryption, so that the caller can mask it. It
// must be safe for concurrent use.
type Seen interface {
	// File is called with the name of every file that was decrypted, each time
	// it is read.
	File(name string)
	// Value is called with every value that was encrypted, as text, once per
	// content. Values in the clear are not among them.
	Value(plain string)
}

// Options of Decrypting.
type Options struct {
	Keys Keys
	Mode Mode
	// Seen may be nil.
	Seen Seen
	// Context bounds the calls to key services; it is required, because a read
	// of a file system has none of its own.
	Context context.Context
	// Environment names the environment in errors; may be empty.
	Environment string
}

// Decrypting gives a file system whose SOPS files (YAML, JSON, dotenv, INI and
// binary) come decrypted. Everything else is as in files: folders, symbolic
// links, information about files (so a decrypted file has the size of its
// ciphertext), FolderName. Only what is read is decrypted, and equal content
// once. The integrity (MAC) of a file is always verified.
func Decrypting(files fs.FS, o Options) fs.FS {
	return &decryptingFS{files: files, options: o, ring: newRing(o.Keys), done: map[contentKey]*decrypted{}, names: map[string]bool{}}
}

// Plaintext is a file that was decrypted.
type Plaintext struct {
	Data []byte
	// Values are the values that were encrypted, as text, comments included.
	Values []string
}

// Decrypt decrypts one file with keys. A file that is not encrypted is an
// Invalid fault, one that no key decrypts a Denied fault.
func Decrypt(ctx context.Context, name string, data []byte, keys Keys) (Plaintext, error) {
	f, err := parse(name, data)
	if err != nil {
		return Plaintext{}, err
	}
	if f == nil {
		return Plaintext{}, notEncrypted(name)
	}
	return f.decrypt(ctx, newRing(keys), "")
}
