package image_test

import (
	"archive/tar"
	"crypto/x509"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/tugops/tug/internal/build/image"
	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/program"
)

var created = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func binary(t *testing.T, text string, platform string) image.Binary {
	t.Helper()
	file := filepath.Join(t.TempDir(), "shop")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := image.ParsePlatform(platform)
	if err != nil {
		t.Fatal(err)
	}
	return image.Binary{File: file, Name: "shop", Platform: p}
}

func assemble(t *testing.T, o image.Options, list ...image.Binary) image.Content {
	t.Helper()
	o.Created, o.Work = created, t.TempDir()
	c, err := image.Assemble(list, o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func digest(t *testing.T, c image.Content) string {
	t.Helper()
	d, err := c.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return d.String()
}

// valid looks at what was written to a folder and read again.
func valid(t *testing.T, c image.Content) {
	t.Helper()
	dir := t.TempDir()
	if err := image.WriteLayout(dir, c); err != nil {
		t.Fatal(err)
	}
	read, err := image.ReadLayout(dir)
	if err != nil {
		t.Fatal(err)
	}
	if digest(t, read) != digest(t, c) {
		t.Error("the digest changed on the way")
	}
	if img, ok := read.(v1.Image); ok {
		err = validate.Image(img)
	} else {
		err = validate.Index(read.(v1.ImageIndex))
	}
	if err != nil {
		t.Error(err)
	}
}

func TestSameInputSameDigest(t *testing.T) {
	t.Parallel()
	o := image.Options{Labels: map[string]string{"org.opencontainers.image.version": "1.2.3"}}
	first := assemble(t, o, binary(t, "program", "linux/amd64"))
	if again := assemble(t, o, binary(t, "program", "linux/amd64")); digest(t, first) != digest(t, again) {
		t.Error("two builds of the same differ")
	}
	if other := assemble(t, o, binary(t, "changed", "linux/amd64")); digest(t, first) == digest(t, other) {
		t.Error("another program has the same digest")
	}
}

func TestScratch(t *testing.T) {
	t.Parallel()
	labels := map[string]string{"org.opencontainers.image.revision": "abc"}
	img := assemble(t, image.Options{Labels: labels}, binary(t, "program", "linux/arm/v7")).(v1.Image)
	valid(t, img)
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if config.OS != "linux" || config.Architecture != "arm" || config.Variant != "v7" || config.Config.User != "65532:65532" || !config.Created.Equal(created) {
		t.Errorf("configuration %+v", config)
	}
	if diff := cmp.Diff([]string{"/app/shop"}, config.Config.Entrypoint); diff != "" {
		t.Error(diff)
	}
	manifest, err := img.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(labels, config.Config.Labels); diff != "" || manifest.Annotations["org.opencontainers.image.revision"] != "abc" {
		t.Errorf("labels %s, annotations %v", diff, manifest.Annotations)
	}
	files := contents(t, img)
	if files["app/shop"] != "program" || !strings.Contains(files["etc/passwd"], ":65532:") {
		t.Errorf("files %q", files["etc/passwd"])
	}
	if pool := x509.NewCertPool(); !pool.AppendCertsFromPEM([]byte(files["etc/ssl/certs/ca-certificates.crt"])) || strings.Count(files["etc/ssl/certs/ca-certificates.crt"], "BEGIN") < 50 {
		t.Error("the authorities are missing")
	}
}

func contents(t *testing.T, img v1.Image) map[string]string {
	t.Helper()
	r := mutate.Extract(img)
	defer r.Close()
	files := map[string]string{}
	for in := tar.NewReader(r); ; {
		head, err := in.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		files[head.Name] = string(data)
	}
}

func TestIndexOverBase(t *testing.T) {
	t.Parallel()
	base, err := random.Image(64, 1)
	if err != nil {
		t.Fatal(err)
	}
	var asked []string
	o := image.Options{Labels: map[string]string{"a": "b"}, User: "7", Base: func(p v1.Platform) (v1.Image, error) {
		asked = append(asked, p.String())
		return base, nil
	}}
	index := assemble(t, o, binary(t, "amd", "linux/amd64"), binary(t, "arm", "linux/arm64")).(v1.ImageIndex)
	valid(t, index)
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	if len(manifest.Manifests) != 2 || manifest.Manifests[1].Platform.Architecture != "arm64" || manifest.Annotations["a"] != "b" {
		t.Errorf("index %+v", manifest)
	}
	if strings.Join(asked, " ") != "linux/amd64 linux/arm64" {
		t.Errorf("bases asked for: %q", asked)
	}
	img, err := index.Image(manifest.Manifests[1].Digest)
	if err != nil {
		t.Fatal(err)
	}
	if layers, err := img.Layers(); err != nil || len(layers) != 2 {
		t.Errorf("%d layers, %v", len(layers), err)
	}
}

func TestParsePlatform(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "linux", "linux/", "/amd64", "a/b/c/d"} {
		if _, err := image.ParsePlatform(bad); !fault.Is(err, fault.Usage) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// module writes a Go module with a main package.
func module(t *testing.T, main string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"go.mod": "module example.com/shop\n\ngo 1.24\n", "cmd/shop/main.go": main} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func environment() []string {
	var env []string
	for _, name := range []string{"HOME", "PATH", "GOCACHE", "GOMODCACHE", "GOPATH", "GOTOOLCHAIN"} {
		if v := os.Getenv(name); v != "" {
			env = append(env, name+"="+v)
		}
	}
	return env
}

func TestCompile(t *testing.T) {
	t.Parallel()
	const text = "package main\n\nvar version string\n\nfunc main() { println(version) }\n"
	compile := func(dir string) []byte {
		out := filepath.Join(t.TempDir(), "shop")
		p := image.Program{Dir: dir, Package: "cmd/shop", Ldflags: "-X main.version=9.8.7", Env: environment()}
		if err := p.Compile(t.Context(), program.Runner{}, v1.Platform{OS: "linux", Architecture: "amd64"}, out, nil); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	first, second := compile(module(t, text)), compile(module(t, text))
	if string(first) != string(second) {
		t.Error("the same source in two folders gives two programs")
	}
	if !strings.Contains(string(first), "9.8.7") {
		t.Error("the linker's flags are missing")
	}
}

func TestCompileFails(t *testing.T) {
	t.Parallel()
	p := image.Program{Dir: module(t, "package main\n\nfunc main() { nothing() }\n"), Package: "./cmd/shop", Env: environment()}
	err := p.Compile(t.Context(), program.Runner{}, v1.Platform{OS: "linux", Architecture: "amd64"}, filepath.Join(t.TempDir(), "shop"), nil)
	if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "cmd/shop/main.go:3:15: undefined: nothing") {
		t.Errorf("error %v", err)
	}
}
