package secret

import (
	"bytes"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/getsops/sops/v3"

	"github.com/tugops/tug/internal/fault"
)

// log is a Seen that remembers.
type seenLog struct {
	mu            sync.Mutex
	files, values []string
}

func (l *seenLog) File(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.files = append(l.files, name)
}

func (l *seenLog) Value(v string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.values = append(l.values, v)
}

func TestDecryptingReadsEveryFormat(t *testing.T) {
	t.Parallel()
	recipient, keys := newAge(t)
	for _, c := range []struct{ name, plain, value string }{
		{"a.yaml", "# about\napiVersion: v1\ndata:\n    password: hunter22\n    port: 12\n", "hunter22"},
		{"two.yaml", "a: secretone\n---\nb: secrettwo\n", "secrettwo"},
		{"a.json", "{\n\t\"password\": \"hunter22\"\n}\n", "hunter22"},
		{"a.env", "PASSWORD=hunter22\n", "hunter22"},
		{"a.ini", "[db]\npassword = hunter22\n", "hunter22"},
		{"tls.key", "-----BEGIN X-----\nhunter22\n", "-----BEGIN X-----\nhunter22\n"},
		{"values.enc", "just text\n", "just text\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			data := sopsEncrypt(t, FormatOf(c.name, nil), c.plain, sops.Metadata{UnencryptedSuffix: "_unencrypted"}, recipient)
			if bytes.Contains(data, []byte(c.value)) || !Encrypted(c.name, data) {
				t.Fatalf("not encrypted:\n%s", data)
			}
			seen := &seenLog{}
			files := Decrypting(fstest.MapFS{c.name: {Data: data}}, Options{Keys: keys, Seen: seen, Context: t.Context()})
			got, err := fs.ReadFile(files, c.name)
			if err != nil {
				t.Fatal(err)
			}
			if strings.TrimSpace(string(got)) != strings.TrimSpace(c.plain) {
				t.Errorf("got:\n%s\nwant:\n%s", got, c.plain)
			}
			if !slices.Equal(seen.files, []string{c.name}) || !slices.Contains(seen.values, c.value) {
				t.Errorf("seen: %v, %q", seen.files, seen.values)
			}
		})
	}
}

func TestDecryptingLeavesTheRest(t *testing.T) {
	t.Parallel()
	recipient, keys := newAge(t)
	cipher := sopsEncrypt(t, YAML, "a: b\n", sops.Metadata{}, recipient)
	dir := t.TempDir()
	for name, data := range map[string]string{"enc.yaml": string(cipher), "plain.yaml": "a: b\n", "README.md": "SOPS writes\n\n" + string(cipher)} {
		if err := os.WriteFile(dir+"/"+name, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("enc.yaml", dir+"/link.yaml"); err != nil {
		t.Fatal(err)
	}
	files := Decrypting(os.DirFS(dir), Options{Keys: keys, Context: t.Context()})
	if got, err := fs.ReadFile(files, "plain.yaml"); err != nil || string(got) != "a: b\n" {
		t.Errorf("plain file: %q, %v", got, err)
	}
	if target, err := fs.ReadLink(files, "link.yaml"); err != nil || target != "enc.yaml" {
		t.Errorf("link: %q, %v", target, err)
	}
	if got, err := fs.ReadFile(files, "link.yaml"); err != nil || string(got) != "a: b\n" {
		t.Errorf("through the link: %q, %v", got, err)
	}
	if entries, err := fs.ReadDir(files, "."); err != nil || len(entries) != 4 {
		t.Errorf("folder: %v, %v", entries, err)
	}
	if _, err := fs.ReadFile(files, "nothing"); !os.IsNotExist(err) {
		t.Errorf("missing file: %v", err)
	}
	if got, err := fs.ReadFile(Decrypting(os.DirFS(dir), Options{Mode: Ciphertext}), "enc.yaml"); err != nil || !bytes.Equal(got, cipher) {
		t.Errorf("ciphertext mode: %q, %v", got, err)
	}
	file, err := files.Open("enc.yaml")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || info.Size() != 5 {
		t.Errorf("size of the open file: %v, %v", info, err)
	}
}

func TestDecryptingSaysWhichKeysWouldDo(t *testing.T) {
	t.Parallel()
	recipient, _ := newAge(t)
	_, other := newAge(t)
	data := sopsEncrypt(t, YAML, "password: canary-value\n", sops.Metadata{}, recipient)
	files := Decrypting(fstest.MapFS{"s.yaml": {Data: data}}, Options{Keys: other, Context: t.Context(), Environment: "prod"})
	_, err := fs.ReadFile(files, "s.yaml")
	if !fault.Is(err, fault.Denied) {
		t.Fatalf("got %v", err)
	}
	for _, want := range []string{"s.yaml", "environment prod", "age " + recipient} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q lacks %q", err, want)
		}
	}
}

func TestTamperedFilesAreRefused(t *testing.T) {
	t.Parallel()
	recipient, keys := newAge(t)
	data := string(sopsEncrypt(t, YAML, "clear_unencrypted: one\npassword: canary-value\nnote: other\n", sops.Metadata{UnencryptedSuffix: "_unencrypted"}, recipient))
	for name, c := range map[string]struct{ tampered, want string }{
		"clear value changed": {strings.Replace(data, ": one", ": two", 1), "MAC"},
		"value in the clear":  {strings.Replace(data, "password: ENC[", "password: canary-oops #", 1), "password is in the clear"},
		"value moved":         {strings.Replace(strings.Replace(strings.Replace(data, "password:", "x:", 1), "note:", "password:", 1), "x:", "note:", 1), "does not decrypt"},
		"date changed":        {strings.Replace(data, "lastmodified: \"20", "lastmodified: \"19", 1), "MAC"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.tampered == data {
				t.Fatal("the test changed nothing")
			}
			_, err := Decrypt(t.Context(), "s.yaml", []byte(c.tampered), keys)
			if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "canary") {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}
