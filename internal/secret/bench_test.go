package secret

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/getsops/sops/v3"
)

// repository is 200 encrypted files of 20 values, and as many that are not.
func repository(b *testing.B) (fstest.MapFS, Keys) {
	b.Helper()
	recipient, keys := newAge(b)
	files := fstest.MapFS{}
	for i := range 200 {
		var plain strings.Builder
		plain.WriteString("apiVersion: v1\nkind: Secret\nmetadata:\n    name: s\nstringData:\n")
		for j := range 20 {
			fmt.Fprintf(&plain, "    key%d: value-%d-%d\n", j, i, j)
		}
		files[fmt.Sprintf("%d/secret.yaml", i)] = &fstest.MapFile{Data: sopsEncrypt(b, YAML, plain.String(), sops.Metadata{EncryptedRegex: "^stringData$"}, recipient)}
		files[fmt.Sprintf("%d/plain.yaml", i)] = &fstest.MapFile{Data: []byte(plain.String())}
	}
	return files, keys
}

func readAllFiles(b *testing.B, files fs.FS) {
	b.Helper()
	for i := range 200 {
		for _, name := range []string{"secret", "plain"} {
			if _, err := fs.ReadFile(files, fmt.Sprintf("%d/%s.yaml", i, name)); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkDecrypt200Files(b *testing.B) {
	files, keys := repository(b)
	for b.Loop() {
		readAllFiles(b, Decrypting(files, Options{Keys: keys, Context: b.Context()}))
	}
}

func BenchmarkDecrypt200FilesAgain(b *testing.B) {
	files, keys := repository(b)
	plain := Decrypting(files, Options{Keys: keys, Context: b.Context()})
	for b.Loop() {
		readAllFiles(b, plain)
	}
}

func BenchmarkPlain(b *testing.B) {
	files, _ := repository(b)
	for b.Loop() {
		for name, f := range files {
			Plain(name, f.Data)
		}
	}
}
