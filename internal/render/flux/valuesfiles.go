package flux

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/render"
)

// mergeFiles merges the values files that a chart is asked for with. Together
// they replace its values.yaml, which counts only if it is listed.
func mergeFiles(c chartRequest, read func(string) ([]byte, error)) ([]byte, error) {
	merged := map[string]any{}
	for i, file := range c.valuesFiles {
		data, err := read(file)
		if fault.Is(err, fault.NotFound) {
			if c.ignoreMissing {
				continue
			}
			return nil, fault.New(fault.NotFound, "valuesFiles.%d: %w", i, err).
				Hint("paths are relative to the root of the source (of the chart for a HelmRepository); ignoreMissingValuesFiles: true passes over absent ones")
		}
		if err != nil {
			return nil, fmt.Errorf("valuesFiles.%d: %w", i, err)
		}
		values, err := readValues(string(data))
		if err != nil {
			return nil, fault.New(fault.Invalid, "valuesFiles.%d: %s holds no map of values in YAML", i, file)
		}
		merged = mergeMaps(merged, values)
	}
	data, err := json.Marshal(merged)
	if err != nil {
		return nil, fmt.Errorf("write merged values: %w", err)
	}
	return data, nil
}

// unpacked gives a chart as a folder: a packed one is read into memory, within
// the limits of a render.
func unpacked(files fs.FS, name string) (fs.FS, string, error) {
	info, err := fs.Stat(files, name)
	if err != nil {
		return nil, "", fault.New(fault.NotFound, "%s does not exist", name)
	}
	if info.IsDir() {
		return files, name, nil
	}
	data, err := readFile(files, name)
	if err != nil {
		return nil, "", err
	}
	inside, err := untar(data)
	if err != nil {
		return nil, "", fmt.Errorf("unpack %s: %w", name, err)
	}
	folder := ""
	for file := range inside {
		if path.Base(file) == "Chart.yaml" && (folder == "" || len(path.Dir(file)) < len(folder)) {
			folder = path.Dir(file)
		}
	}
	if folder == "" {
		return nil, "", fault.New(fault.Invalid, "%s holds no Chart.yaml", name)
	}
	return overlay{files: inside}, folder, nil
}

// untar reads the files of a .tgz; links and what leads out of it are refused.
func untar(data []byte) (map[string]content, error) {
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, fault.New(fault.Invalid, "no gzip archive: %w", err)
	}
	defer func() { _ = z.Close() }() // it reads from memory
	files := map[string]content{}
	archive := tar.NewReader(io.LimitReader(z, render.MaxBytes+1))
	var size int64
	for {
		head, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, fault.New(fault.Invalid, "the archive is damaged, or has more than %d MiB: %w", render.MaxBytes>>20, err)
		}
		name := path.Clean(head.Name)
		switch {
		case head.Typeflag == tar.TypeDir || head.Typeflag == tar.TypeXGlobalHeader:
			continue
		case head.Typeflag != tar.TypeReg || !validPath(name):
			return nil, fault.New(fault.Invalid, "%q in the archive is a link, or leads out of it", head.Name)
		case len(files) >= render.MaxEntries:
			return nil, fault.New(fault.Invalid, "more than %d files", render.MaxEntries)
		}
		data, err := io.ReadAll(archive)
		if size += int64(len(data)); err != nil || size > render.MaxBytes {
			return nil, fault.New(fault.Invalid, "the archive is damaged, or has more than %d MiB", render.MaxBytes>>20)
		}
		files[name] = content{data: data}
	}
}
