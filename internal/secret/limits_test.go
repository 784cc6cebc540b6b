package secret

import (
	"bytes"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"github.com/getsops/sops/v3"

	"github.com/tugops/tug/internal/fault"
)

// What a file that anybody wrote may not cost.
func TestLimits(t *testing.T) {
	t.Parallel()
	recipient, keys := newAge(t)
	data := string(sopsEncrypt(t, YAML, "a: one\n", sops.Metadata{EncryptedRegex: "^a$"}, recipient))
	entry := "        - recipient: " + recipient + "\n          enc: x\n"
	for name, c := range map[string]struct{ data, want string }{
		"size":           {data + "#" + strings.Repeat("x", maxFile), "more than the 16 MiB"},
		"alias bomb":     {"x: &a [1,1,1,1,1,1,1,1,1,1]\n" + strings.Replace(bomb(), "\nb:", "\ny:", 1) + data, "aliases are expanded"},
		"alias of self":  {"x: &x [*x]\n" + data, "aliases are expanded"},
		"depth":          {"x: " + strings.Repeat("[", 600) + strings.Repeat("]", 600) + "\n" + data, "aliases are expanded"},
		"many keys":      {strings.Replace(data, "    age:\n", "    age:\n"+strings.Repeat(entry, 300), 1), "301 keys"},
		"long rule":      {strings.Replace(data, "^a$", "^a"+strings.Repeat("x", 5000)+"$", 1), "5003 bytes"},
		"threshold":      {strings.Replace(data, "sops:\n", "sops:\n    shamir_threshold: 9\n", 1), "shamir_threshold is 9"},
		"bad date":       {strings.Replace(data, "lastmodified: \"2", "lastmodified: \"x2", 1), "damaged SOPS metadata"},
		"metadata":       {"sops: {mac: 'ENC[AES256_GCM,', lastmodified: [1]}\n", "damaged SOPS metadata"},
		"nobody":         {data[:strings.Index(data, "    age:")] + data[strings.Index(data, "    lastmodified"):], "damaged SOPS metadata"},
		"bad ciphertext": {strings.Replace(data, "a: ENC[AES256_GCM,data:", "a: ENC[AES256_GCM,data:!", 1), "does not decrypt"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Decrypt(t.Context(), "s.yaml", []byte(c.data), keys)
			if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// Documents that were encrypted each for itself, and others in the clear, as
// Flux takes them.
func TestDocumentsOfTheirOwn(t *testing.T) {
	t.Parallel()
	recipient, keys := newAge(t)
	one := sopsEncrypt(t, YAML, "a: secret-one\n", sops.Metadata{}, recipient)
	two := sopsEncrypt(t, YAML, "b: secret-two\n", sops.Metadata{}, recipient)
	pair := sopsEncrypt(t, YAML, "c: 1\n---\nd: secret-pair\n", sops.Metadata{}, recipient)
	data := bytes.Join([][]byte{one, []byte("# clear\nkind: ConfigMap\n"), two, pair}, []byte("---\n"))
	got, err := Decrypt(t.Context(), "s.yaml", data, keys)
	if err != nil {
		t.Fatal(err)
	}
	if want := "a: secret-one\n---\n# clear\nkind: ConfigMap\n---\nb: secret-two\n---\nc: 1\n---\nd: secret-pair\n"; string(got.Data) != want {
		t.Errorf("got:\n%s", got.Data)
	}
	if _, err := Open(t.Context(), "s.yaml", data, keys); !fault.Is(err, fault.Invalid) {
		t.Errorf("to change: %v", err)
	}
	// A document of a pair that is missing is a change that the MAC sees.
	first, _, _ := bytes.Cut(pair, []byte("\n---\n"))
	if _, err := Decrypt(t.Context(), "s.yaml", first, keys); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "MAC") {
		t.Errorf("half a file: %v", err)
	}
}

// countingSeen counts what it is told.
type countingSeen struct{ files, values atomic.Int64 }

func (c *countingSeen) File(string)  { c.files.Add(1) }
func (c *countingSeen) Value(string) { c.values.Add(1) }

func TestDecryptingOnceForManyReaders(t *testing.T) {
	t.Parallel()
	recipient, keys := newAge(t)
	files := fstest.MapFS{}
	data := sopsEncrypt(t, YAML, "a: one\nb: two\n", sops.Metadata{}, recipient)
	for i := range 5 {
		files[fmt.Sprintf("%d.yaml", i)] = &fstest.MapFile{Data: data}
	}
	seen := &countingSeen{}
	plain := Decrypting(files, Options{Keys: keys, Seen: seen, Context: t.Context()})
	var readers sync.WaitGroup
	for i := range 50 {
		readers.Go(func() {
			got, err := fs.ReadFile(plain, fmt.Sprintf("%d.yaml", i%5))
			if err != nil || string(got) != "a: one\nb: two\n" {
				t.Errorf("%q, %v", got, err)
			}
			got[0] = 'x' // a reader may change what is its own
		})
	}
	readers.Wait()
	if seen.files.Load() != 50 || seen.values.Load() != 2 {
		t.Errorf("files %d, values %d", seen.files.Load(), seen.values.Load())
	}
}

func TestFileSystem(t *testing.T) {
	t.Parallel()
	recipient, keys := newAge(t)
	files := fstest.MapFS{
		"a/plain.yaml": {Data: []byte("a: b\n")}, "b.txt": {Data: []byte("text")}, "a/secret.yaml": {Data: sopsEncrypt(t, YAML, "a: one\n", metaNone(), recipient)},
	}
	if err := fstest.TestFS(Decrypting(files, Options{Keys: keys, Context: t.Context(), Mode: Ciphertext}), "a/plain.yaml", "b.txt", "a/secret.yaml"); err != nil {
		t.Error(err)
	}
	delete(files, "a/secret.yaml") // its size is that of its ciphertext
	if err := fstest.TestFS(Decrypting(files, Options{Keys: keys, Context: t.Context()}), "a/plain.yaml", "b.txt"); err != nil {
		t.Error(err)
	}
}
