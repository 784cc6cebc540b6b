package registrytest

import (
	"archive/tar"
	"bytes"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// PushBase pushes an image for linux/amd64 that others are built upon, with one
// file and nothing that could be run, and gives its digest.
func (r *Registry) PushBase(image string) string {
	r.t.Helper()
	var files bytes.Buffer
	out := tar.NewWriter(&files)
	const text = "base\n"
	if err := out.WriteHeader(&tar.Header{Name: "etc/base", Mode: 0o644, Size: int64(len(text))}); err != nil {
		r.t.Fatal(err)
	}
	if _, err := io.WriteString(out, text); err != nil {
		r.t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		r.t.Fatal(err)
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(files.Bytes())), nil }, tarball.WithMediaType(types.OCILayer))
	if err != nil {
		r.t.Fatal(err)
	}
	scratch := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	img, err := mutate.AppendLayers(scratch, layer)
	if err != nil {
		r.t.Fatal(err)
	}
	config, err := img.ConfigFile()
	if err != nil {
		r.t.Fatal(err)
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = "linux", "amd64"
	config.Config = v1.Config{Cmd: []string{"/bin/true"}}
	if img, err = mutate.ConfigFile(img, config); err != nil {
		r.t.Fatal(err)
	}
	if err := remote.Write(r.reference(image), img, remote.WithAuth(r.login())); err != nil {
		r.t.Fatal(err)
	}
	return r.digest(img.Digest())
}
