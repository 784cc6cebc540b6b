package cli

import (
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/imagelock"
)

// maxStream bounds what is read for one stream, in bytes.
const maxStream = 512 << 20

// streamReader reads the files of a stream in the order of kbld: as they are
// given, those of a folder sorted by path.
type streamReader struct {
	stdin io.Reader
	files []imagelock.File
	left  int64
}

func (e *Env) readStream(paths []string, mapFile string) (imagelock.Stream, error) {
	r := &streamReader{stdin: e.Stdin, left: maxStream}
	for _, p := range paths {
		if err := r.path(p); err != nil {
			return imagelock.Stream{}, err
		}
	}
	s, err := imagelock.ReadStream(r.files)
	if err != nil || mapFile == "" {
		return s, err
	}
	data, err := readGiven(mapFile)
	if err != nil {
		return s, fault.New(fault.NotFound, "--image-map-file %s: %w", mapFile, reason(err)).Hint("give a JSON file like {\"nginx:1\": \"registry.example.com/nginx@sha256:…\"}")
	}
	mapped, err := imagelock.ReadImageMap(mapFile, data)
	if err != nil {
		return s, err
	}
	s.Set, err = imagelock.Join(s.Set, mapped)
	return s, err
}

func (r *streamReader) path(name string) error {
	if name == "-" {
		return r.add("<stdin>", r.stdin)
	}
	if isURL(name) {
		return fault.New(fault.Usage, "-f %s: tug reads no manifests from the web", name).
			Hint("fetch it once, look at it, and keep it in the repository")
	}
	info, err := os.Stat(name)
	if err != nil {
		return fault.New(fault.NotFound, "-f %s: %w", name, reason(err)).Hint("paths given with -f are relative to the current folder")
	}
	switch {
	case info.IsDir():
		return r.folder(name)
	case info.Mode().IsRegular(), info.Mode()&fs.ModeNamedPipe != 0:
		return r.open(name, func() (fs.File, error) { return os.Open(name) })
	}
	return fault.New(fault.Invalid, "-f %s: neither a file nor a folder", name)
}

// folder reads *.json, *.yaml and *.yml below a folder. Links that lead out of
// it are errors.
func (r *streamReader) folder(dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fault.New(fault.Invalid, "-f %s: %w", dir, reason(err))
	}
	defer root.Close()
	var names []string
	err = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if slices.Contains([]string{".json", ".yaml", ".yml"}, path.Ext(name)) {
			names = append(names, name)
		}
		return nil
	})
	if err != nil {
		return fault.New(fault.Invalid, "-f %s: %w", dir, reason(err))
	}
	slices.Sort(names)
	for _, name := range names {
		info, err := root.Stat(filepath.FromSlash(name))
		if err == nil && !info.Mode().IsRegular() {
			continue
		}
		if err := r.open(path.Join(filepath.ToSlash(dir), name), func() (fs.File, error) { return root.FS().Open(name) }); err != nil {
			return err
		}
	}
	return nil
}

func (r *streamReader) open(name string, open func() (fs.File, error)) error {
	f, err := open()
	if err != nil {
		return fault.New(fault.Invalid, "-f %s: %w", name, reason(err))
	}
	defer f.Close()
	return r.add(name, f)
}

func (r *streamReader) add(name string, from io.Reader) error {
	data, err := io.ReadAll(io.LimitReader(from, r.left+1))
	if err != nil {
		return fault.New(fault.Invalid, "-f %s: %w", name, reason(err))
	}
	if r.left -= int64(len(data)); r.left < 0 {
		return fault.New(fault.Invalid, "-f %s: more than %d MiB of manifests", name, maxStream>>20).Hint("pin them in parts")
	}
	r.files = append(r.files, imagelock.File{Name: name, Data: data})
	return nil
}
