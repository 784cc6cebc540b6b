package source

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"path"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tugops/tug/internal/fault"
)

// Limits of a packed chart; those for size are Helm's own.
const (
	maxUnpacked = 100 << 20 // bytes in all
	maxFile     = 5 << 20   // bytes of one file
	maxFiles    = 20_000
	maxName     = 1024 // bytes
)

// Head is what Chart.yaml says of a chart's identity.
type Head struct {
	Name    string `yaml:"name"`
	Version string `yaml:"version"`
}

// CheckArchive looks through a packed chart and gives its name and version.
// Nothing is unpacked. Refused are links and devices, names that lead out of
// the archive's one folder, and more data than a chart can have (Helm
// CVE-2026-35206, the traversal and bomb cases of reconcilers.md section 4).
func CheckArchive(data []byte) (Head, error) {
	zip, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return Head{}, fault.New(fault.Invalid, "the archive is no gzip: %w", err)
	}
	c := archiveCheck{left: maxUnpacked}
	in := tar.NewReader(&cappedReader{zip, maxUnpacked + maxFiles*2048})
	for {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return Head{}, fault.New(fault.Invalid, "the archive is damaged: %w", err)
		}
		if err := c.entry(h, in); err != nil {
			return Head{}, err
		}
	}
	return c.result()
}

type archiveCheck struct {
	left  int64
	files int
	root  string
	head  []byte
}

func (c *archiveCheck) entry(h *tar.Header, in io.Reader) error {
	switch h.Typeflag {
	case tar.TypeReg, tar.TypeDir, tar.TypeXGlobalHeader:
	default:
		return fault.New(fault.Invalid, "the archive holds %q, which is neither a file nor a folder", h.Name).
			Hint("links and devices have no place in a chart")
	}
	if h.Typeflag == tar.TypeXGlobalHeader {
		return nil
	}
	if c.files++; c.files > maxFiles {
		return fault.New(fault.Invalid, "the archive holds more than %d files", maxFiles)
	}
	if err := c.name(h); err != nil {
		return err
	}
	if h.Typeflag == tar.TypeDir {
		return nil
	}
	if h.Size > maxFile {
		return fault.New(fault.Invalid, "the archive holds %q with more than %d MiB", h.Name, maxFile>>20)
	}
	if c.left -= h.Size; c.left < 0 {
		return fault.New(fault.Invalid, "the archive holds more than %d MiB", maxUnpacked>>20)
	}
	if path.Clean(h.Name) == c.root+"/Chart.yaml" {
		data, err := io.ReadAll(in)
		c.head = data
		if err != nil {
			return fault.New(fault.Invalid, "the archive is damaged: %w", err)
		}
	}
	return nil
}

// name demands that everything lies in one folder.
func (c *archiveCheck) name(h *tar.Header) error {
	name := h.Name
	bad := len(name) > maxName || name == "" || strings.ContainsAny(name, "\\\x00") || path.IsAbs(name) || strings.Contains(name, ":/")
	for part := range strings.SplitSeq(name, "/") {
		bad = bad || part == ".."
	}
	if bad {
		return fault.New(fault.Invalid, "the archive holds a file with the forbidden name %.80q", name).
			Hint("somebody may have made it to harm its readers")
	}
	root, _, below := strings.Cut(path.Clean(name), "/")
	if root == "." || !below && h.Typeflag != tar.TypeDir {
		if h.Typeflag == tar.TypeDir {
			return nil
		}
		return fault.New(fault.Invalid, "the archive holds %q outside of the chart's folder", name)
	}
	if c.root == "" {
		c.root = root
	}
	if root != c.root {
		return fault.New(fault.Invalid, "the archive holds two folders, %q and %q, where a chart has one", c.root, root)
	}
	return nil
}

func (c *archiveCheck) result() (Head, error) {
	if c.head == nil {
		return Head{}, fault.New(fault.Invalid, "the archive has no Chart.yaml")
	}
	var head Head
	if err := yaml.Unmarshal(c.head, &head); err != nil {
		return Head{}, fault.New(fault.Invalid, "Chart.yaml of the archive: %w", err)
	}
	// The name becomes part of paths.
	if head.Name == "" || head.Name == "." || head.Name == ".." || strings.ContainsAny(head.Name, "/\\\x00") {
		return Head{}, fault.New(fault.Invalid, "the archive calls its chart %q", head.Name)
	}
	if head.Version == "" || strings.ContainsAny(head.Version, "/\\\x00") {
		return Head{}, fault.New(fault.Invalid, "the archive calls its version %q", head.Version)
	}
	return head, nil
}

// cappedReader ends a gzip bomb, headers of the archive included.
type cappedReader struct {
	io.Reader
	left int64
}

// Read implements io.Reader.
func (c *cappedReader) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	if c.left -= int64(n); c.left < 0 {
		return 0, fault.New(fault.Invalid, "it unpacks to more than %d MiB", maxUnpacked>>20)
	}
	return n, err
}
