package vendoring

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/tugops/tug/internal/fault"
)

// Unpack reads a tar, tar.gz or zip archive into memory. One folder around
// everything, as release archives have it, is left out unless keep is set.
func Unpack(data []byte, keep bool, limits Limits) (Tree, error) {
	c := newCollector(limits)
	c.limits.Total = min(limits.Total, max(int64(len(data))*limits.Ratio, 1<<20))
	var err error
	switch {
	case bytes.HasPrefix(data, []byte("PK\x03\x04")):
		err = c.zip(data)
	case bytes.HasPrefix(data, []byte{0x1f, 0x8b}):
		var z *gzip.Reader
		if z, err = gzip.NewReader(bytes.NewReader(data)); err == nil {
			err = c.tar(z)
		}
	default:
		err = c.tar(bytes.NewReader(data))
	}
	if err != nil {
		var f *fault.Error
		if errors.As(err, &f) {
			return nil, err
		}
		return nil, fault.New(fault.Invalid, "unpack the archive: %w", err).Hint("archives are .tar.gz, .tgz, .tar or .zip")
	}
	if len(c.tree) == 0 {
		return nil, fault.New(fault.Invalid, "the archive has no files").Hint("archives are .tar.gz, .tgz, .tar or .zip")
	}
	if keep {
		return c.tree, nil
	}
	return withoutTop(c.tree), nil
}

func (c *collector) tar(r io.Reader) error {
	t := tar.NewReader(r)
	for entries := 0; ; entries++ {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if entries > 4*c.limits.Files {
			return fault.New(fault.Invalid, "the archive has more than %d entries", 4*c.limits.Files)
		}
		switch h.Typeflag {
		case tar.TypeReg:
			if err := c.entry(h.Name, h.FileInfo().Mode(), t); err != nil {
				return err
			}
		case tar.TypeDir, tar.TypeXGlobalHeader:
		default:
			return special(h.Name, h.Linkname)
		}
	}
}

func special(name, target string) error {
	if target != "" {
		return fault.New(fault.Denied, "%q of the archive is a link to %q", name, target).Hint("packages are plain files")
	}
	return fault.New(fault.Denied, "%q of the archive is a special file", name).Hint("packages are plain files")
}

func (c *collector) zip(data []byte) error {
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return err
	}
	for _, f := range z.File {
		if strings.HasSuffix(f.Name, "/") {
			continue
		}
		if !f.Mode().IsRegular() {
			return special(f.Name, "")
		}
		r, err := f.Open()
		if err != nil {
			return err
		}
		err = c.entry(f.Name, f.Mode(), r)
		if closeErr := r.Close(); err == nil {
			err = closeErr
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *collector) entry(name string, mode fs.FileMode, r io.Reader) error {
	clean := strings.TrimPrefix(name, "./")
	if clean != path.Clean(clean) || !fs.ValidPath(clean) {
		return fault.New(fault.Denied, "the archive has a file with the path %q, which leads out of it", name)
	}
	return c.add(clean, mode&0o111 != 0, r)
}

// withoutTop leaves out the one folder that everything is in.
func withoutTop(t Tree) Tree {
	top := ""
	for p := range t {
		first, _, inside := strings.Cut(p, "/")
		if !inside || top != "" && first != top {
			return t
		}
		top = first
	}
	return t.Below(top)
}
