package cli

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"sync"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/project"
	"github.com/tugops/tug/internal/secret"
	"github.com/tugops/tug/internal/snapshot"
)

// decryptOptions say how encrypted files are read for an environment. What
// comes out of them is noted in e.sensitive, and so masked in everything that
// this command shows.
func (e *Env) decryptOptions(ctx context.Context, in input, env string) secret.Options {
	o := secret.Options{Context: ctx, Keys: e.keys(keyFlags{}), Seen: e.sensitive, Environment: env}
	if in.noDecrypt {
		o.Mode = secret.Ciphertext
	}
	return o
}

// privateKeys are where this process finds private keys.
func (e *Env) privateKeys() secret.Keys { return secret.Keys{Getenv: e.Getenv} }

// clear is data, which is that of a file given by hand, decrypted if need be.
func (in *input) clear(ctx context.Context, e *Env, name string, data []byte) ([]byte, error) {
	if in.noDecrypt || !secret.Encrypted(name, data) {
		return data, nil
	}
	plain, err := secret.Decrypt(ctx, name, data, e.keys(keyFlags{}))
	if err != nil {
		return nil, err
	}
	for _, v := range plain.Values {
		e.sensitive.Value(v)
	}
	e.sensitive.File(name)
	in.decrypted = true
	return plain.Data, nil
}

// plainFiles are the files of s, those that are encrypted decrypted in memory.
// Equal content is decrypted once for all apps.
func (s *source) plainFiles(ctx context.Context, e *Env, in input, env string) fs.FS {
	s.plainOnce.Do(func() { s.plain = secret.Decrypting(s.files, e.decryptOptions(ctx, in, env)) })
	return s.plain
}

// withheld are the files of one app. A file of a chart that no key at hand
// decrypts, and that need not matter (charts are read whole, with the secrets
// of all environments), stays as it is: whether it matters is seen by the
// ciphertext in what is rendered.
type withheld struct {
	plain, raw fs.FS
	spec       project.Spec

	mu     sync.Mutex
	denied map[string]error // by file
	opened bool             // a file was decrypted
}

var (
	_ fs.ReadFileFS = (*withheld)(nil)
	_ fs.ReadDirFS  = (*withheld)(nil)
	_ fs.StatFS     = (*withheld)(nil)
	_ fs.ReadLinkFS = (*withheld)(nil)

	_ snapshot.Decrypter = (*withheld)(nil)
)

// optional reports whether an app may be rendered without what a file says: it
// lies in a chart, and is neither a template nor among the values that are
// given.
func (w *withheld) optional(name string) bool {
	if slices.Contains(w.spec.ValueFiles, name) || path.Base(name) == "values.yaml" {
		return false
	}
	for dir := path.Dir(name); ; dir = path.Dir(dir) {
		if _, err := fs.Stat(w.raw, path.Join(dir, "Chart.yaml")); err == nil {
			return true
		}
		if base := path.Base(dir); dir == "." || base == "templates" || base == "crds" {
			return false
		}
	}
}

// pass reports whether the ciphertext of a file is given instead of err.
func (w *withheld) pass(name string, err error) bool {
	if !fault.Is(err, fault.Denied) || !w.optional(name) {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.denied == nil {
		w.denied = map[string]error{}
	}
	w.denied[name] = err
	return true
}

// Decrypted implements snapshot.Decrypter. What was left encrypted for lack of
// a key counts: with the key, something else is rendered.
func (w *withheld) Decrypted() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.opened || len(w.denied) > 0
}

// note remembers that a file was encrypted.
func (w *withheld) note(name string) {
	if d, ok := w.plain.(interface{ WasEncrypted(name string) bool }); ok && d.WasEncrypted(name) {
		w.mu.Lock()
		w.opened = true
		w.mu.Unlock()
	}
}

// Open implements fs.FS.
func (w *withheld) Open(name string) (fs.File, error) {
	f, err := w.plain.Open(name)
	w.note(name)
	if err != nil && w.pass(name, err) {
		return w.raw.Open(name)
	}
	return f, err
}

// ReadFile implements fs.ReadFileFS.
func (w *withheld) ReadFile(name string) ([]byte, error) {
	data, err := fs.ReadFile(w.plain, name)
	w.note(name)
	if err != nil && w.pass(name, err) {
		return fs.ReadFile(w.raw, name)
	}
	return data, err
}

// ReadDir implements fs.ReadDirFS.
func (w *withheld) ReadDir(name string) ([]fs.DirEntry, error) { return fs.ReadDir(w.plain, name) }

// Stat implements fs.StatFS.
func (w *withheld) Stat(name string) (fs.FileInfo, error) { return fs.Stat(w.plain, name) }

// Lstat implements fs.ReadLinkFS.
func (w *withheld) Lstat(name string) (fs.FileInfo, error) { return fs.Lstat(w.plain, name) }

// ReadLink implements fs.ReadLinkFS.
func (w *withheld) ReadLink(name string) (string, error) { return fs.ReadLink(w.plain, name) }

// FolderName is that of the wrapped file system (see package git), or "".
func (w *withheld) FolderName() string {
	if named, ok := w.plain.(interface{ FolderName() string }); ok {
		return named.FolderName()
	}
	return ""
}

// ciphertext is how every encrypted value of SOPS begins.
const ciphertext = "ENC[AES256_GCM,data:"

// missed is the error of a file that could not be decrypted, if what it says
// got into objects.
func (w *withheld) missed(objects []*object.Object) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.denied) == 0 {
		return nil
	}
	encrypted := object.NewSensitive(ciphertext) // finds its base64, too
	for _, o := range objects {
		if encrypted.RevealsIn(o.Fields) {
			first := slices.Min(slices.Collect(maps.Keys(w.denied)))
			return fmt.Errorf("%s holds ciphertext: %w", o.Ref(), w.denied[first])
		}
	}
	return nil
}
