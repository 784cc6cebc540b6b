package image

import (
	"archive/tar"
	"bytes"
	"encoding/pem"
	"io"
	"os"
	"path"
	"path/filepath"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"golang.org/x/crypto/x509roots/fallback/bundle"

	"github.com/tugops/tug/internal/fault"
)

// entry is one file or folder of a layer. It belongs to root and dates from
// 1970: what a layer is called depends on its content alone.
type entry struct {
	name string
	mode int64
	size int64
	data io.Reader // nil for a folder
}

func writeLayer(w io.Writer, entries []entry) error {
	out := tar.NewWriter(w)
	for _, e := range entries {
		head := &tar.Header{Name: e.name, Mode: e.mode, Size: e.size, ModTime: time.Unix(0, 0).UTC(), Format: tar.FormatPAX}
		if e.data == nil {
			head.Typeflag = tar.TypeDir
		}
		if err := out.WriteHeader(head); err != nil {
			return err
		}
		if e.data == nil {
			continue
		}
		if _, err := io.Copy(out, e.data); err != nil {
			return err
		}
	}
	return out.Close()
}

// programLayer writes the layer of a binary into the folder work.
func programLayer(b Binary, work string) (tarball.Opener, error) {
	binary, err := os.Open(b.File)
	if err != nil {
		return nil, fault.New(fault.Internal, "program %s: %w", b.Name, err)
	}
	defer binary.Close()
	info, err := binary.Stat()
	if err != nil {
		return nil, fault.New(fault.Internal, "program %s: %w", b.Name, err)
	}
	layer, err := os.CreateTemp(work, "layer-*.tar")
	if err != nil {
		return nil, fault.New(fault.Unavailable, "folder for layers: %w", err)
	}
	err = writeLayer(layer, []entry{
		{name: folder + "/", mode: 0o755},
		{name: path.Join(folder, b.Name), mode: 0o755, size: info.Size(), data: binary},
	})
	if closed := layer.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return nil, fault.New(fault.Unavailable, "layer of %s: %w", b.Name, err).Hint("is there room on the disk?")
	}
	name := filepath.Clean(layer.Name())
	return func() (io.ReadCloser, error) { return os.Open(name) }, nil
}

// The users of an image without a base.
const (
	passwd = "root:x:0:0:root:/:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/:/sbin/nologin\n"
	group  = "root:x:0:\nnonroot:x:65532:\n"
)

// systemLayer is what a program without a base needs: users, a folder for
// temporary files, and the certificates of public authorities. These come with
// this version of tug and not from the machine, so that all give the same.
func systemLayer() (tarball.Opener, error) {
	roots := authorities()
	file := func(name, text string) entry {
		return entry{name: name, mode: 0o644, size: int64(len(text)), data: bytes.NewReader([]byte(text))}
	}
	var layer bytes.Buffer
	err := writeLayer(&layer, []entry{
		{name: "etc/", mode: 0o755},
		file("etc/group", group),
		file("etc/passwd", passwd),
		{name: "etc/ssl/", mode: 0o755},
		{name: "etc/ssl/certs/", mode: 0o755},
		file("etc/ssl/certs/ca-certificates.crt", string(roots)),
		{name: "tmp/", mode: 0o1777},
	})
	if err != nil {
		return nil, fault.New(fault.Internal, "layer of certificates: %w", err)
	}
	data := layer.Bytes()
	return func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }, nil
}

// authorities are the certificates in PEM form. Those that are trusted under
// conditions only are left out: a file cannot say the conditions.
func authorities() []byte {
	var out bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint == nil {
			pem.Encode(&out, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}) //nolint:errcheck // a buffer takes everything
		}
	}
	return out.Bytes()
}
