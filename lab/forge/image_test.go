package main

import (
	"archive/tar"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

func testImage(t *testing.T, l *testLab) {
	shell := filepath.Join(filepath.Dir(l.self), "labsh")
	first, _ := l.must(t, "image", "base/shell:1", "--program", shell)
	if second, _ := l.must(t, "image", "base/shell:1", "--program", shell); second != first {
		t.Errorf("the image is %s and then %s", first, second)
	}
	reference, err := name.NewDigest(strings.TrimSpace(first))
	if err != nil {
		t.Fatal(err)
	}
	img, err := remote.Image(reference, remote.WithContext(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	layers, err := img.Layers()
	if err != nil || len(layers) != 1 {
		t.Fatalf("layers: %v, %v", layers, err)
	}
	testRoot(t, layers[0])
	for _, args := range [][]string{{"base/shell:1", "--program", "/bin/bash"}, {"base/shell:1", "--program", "testdata/spec.yaml"}} {
		if code, _, stderr := l.command(append([]string{"image"}, args...)...); code != 1 || !strings.Contains(stderr, "program of the base image") {
			t.Errorf("labforge image %v: exit code %d, %s", args, code, stderr)
		}
	}
	if code, _, stderr := l.command("image", "shell:1"); code != 2 {
		t.Errorf("image without an owner: exit code %d, %s", code, stderr)
	}
	l.must(t, "image", "base/default:1")
}

// testRoot unpacks the image and runs its shell.
func testRoot(t *testing.T, layer v1.Layer) {
	t.Helper()
	files, err := layer.Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = files.Close() }()
	root := t.TempDir()
	for r := tar.NewReader(files); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		unpack(t, filepath.Join(root, header.Name), header, r)
	}
	out, err := exec.Command(filepath.Join(root, "bin", "sh"), "-c", "echo made in $1", "sh", "lab").CombinedOutput()
	if err != nil || string(out) != "made in lab\n" {
		t.Errorf("shell: %v: %s", err, out)
	}
	out, err = exec.Command(filepath.Join(root, "bin", "cat"), filepath.Join(root, "etc", "passwd")).CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), "root:x:0:0:") {
		t.Errorf("cat: %v: %s", err, out)
	}
}

func unpack(t *testing.T, path string, header *tar.Header, content io.Reader) {
	t.Helper()
	var err error
	switch header.Typeflag {
	case tar.TypeDir:
		err = os.MkdirAll(path, 0o755)
	case tar.TypeSymlink:
		err = os.Symlink(header.Linkname, path)
	default:
		var data []byte
		if data, err = io.ReadAll(content); err == nil {
			err = os.WriteFile(path, data, header.FileInfo().Mode())
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}
