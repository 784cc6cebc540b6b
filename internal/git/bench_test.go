package git_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"testing"

	"github.com/tugops/tug/internal/gittest"
)

// large makes a repository of 1,000 apps of 10 files each, packed.
func large(b *testing.B) *gittest.Repo {
	b.Helper()
	var stream bytes.Buffer
	fmt.Fprintf(&stream, "commit refs/heads/main\ncommitter A <a@b> 1700000000 +0000\ndata 1\nx\n")
	for app := range 1000 {
		for file := range 10 {
			body := fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: app-%d-%d\ndata: {a: b}\n", app, file)
			fmt.Fprintf(&stream, "M 100644 inline apps/app-%d/templates/f%d.yaml\ndata %d\n%s\n", app, file, len(body), body)
		}
	}
	r := gittest.New(b)
	r.GitInput(stream.Bytes(), "fast-import", "--quiet")
	r.Git("gc", "--quiet")
	r.Git("reset", "--quiet", "--hard")
	return r
}

func readApp(b *testing.B, files fs.FS, app string) {
	b.Helper()
	n := 0
	err := fs.WalkDir(files, app, func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			n++
			_, err = fs.ReadFile(files, p)
		}
		return err
	})
	if err != nil || n != 10 {
		b.Fatalf("%d files, %v", n, err)
	}
}

// BenchmarkReadApp opens a repository of 10,000 files and reads one app of ten
// files: at a revision, and from the working tree with the question whether it
// is dirty.
func BenchmarkReadApp(b *testing.B) {
	r := large(b)
	b.Run("revision", func(b *testing.B) {
		for b.Loop() {
			files, _ := at(b, r.Dir, "main")
			readApp(b, files, "apps/app-500")
		}
	})
	b.Run("working", func(b *testing.B) {
		for b.Loop() {
			repo := open(b, r.Dir)
			files, _, err := repo.Working()
			if err != nil {
				b.Fatal(err)
			}
			readApp(b, files, "apps/app-500")
			if dirty, err := repo.Dirty("apps/app-500"); dirty || err != nil {
				b.Fatal(dirty, err)
			}
		}
	})
	b.Run("revision, all apps", func(b *testing.B) {
		for b.Loop() {
			files, _ := at(b, r.Dir, "main")
			for app := range 1000 {
				readApp(b, files, fmt.Sprintf("apps/app-%d", app))
			}
		}
	})
	b.Run("working, all apps", func(b *testing.B) {
		for b.Loop() {
			repo := open(b, r.Dir)
			files, _, err := repo.Working()
			if err != nil {
				b.Fatal(err)
			}
			for app := range 1000 {
				readApp(b, files, fmt.Sprintf("apps/app-%d", app))
			}
			if dirty, err := repo.Dirty("."); dirty || err != nil {
				b.Fatal(dirty, err)
			}
		}
	})
}
