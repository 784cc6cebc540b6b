package chart

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"helm.sh/helm/v4/pkg/ignore"

	"github.com/tugops/tug/internal/fault"
)

// list reads the files of a chart that .helmignore leaves in, by their names
// inside the chart.
func list(files fs.FS, dir string) (map[string][]byte, error) {
	rules := ignore.Empty()
	text, err := fs.ReadFile(files, path.Join(dir, ignore.HelmIgnore))
	switch {
	case err == nil:
		if rules, err = ignore.Parse(bytes.NewReader(text)); err != nil {
			return nil, fault.New(fault.Invalid, "%s: %w", path.Join(dir, ignore.HelmIgnore), err)
		}
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	rules.AddDefaults()
	all := map[string][]byte{}
	total := 0
	err = fs.WalkDir(files, dir, func(name string, _ fs.DirEntry, err error) error {
		if err != nil || name == dir {
			return err
		}
		// Stat follows links: an archive holds files.
		info, err := fs.Stat(files, name)
		if err != nil {
			return err
		}
		rel := name
		if dir != "." {
			rel = strings.TrimPrefix(name, dir+"/")
		}
		ignored := rules.Ignore(rel, info)
		switch {
		case info.IsDir() && ignored:
			return fs.SkipDir
		case info.IsDir() || ignored:
			return nil
		}
		data, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		if total += len(data); total > maxChart {
			return fault.New(fault.Invalid, "%s: the files of the chart are larger than %d MiB", dir, maxChart>>20).
				Hint("list what does not belong into the chart in .helmignore")
		}
		all[rel] = data
		return nil
	})
	return all, err
}

// archive packs files below the name of their chart: Chart.yaml first, where
// readers look for it, then the others by name.
func archive(name string, all map[string][]byte, at time.Time) ([]byte, error) {
	names := slices.SortedFunc(maps.Keys(all), func(a, b string) int {
		if a == "Chart.yaml" || b == "Chart.yaml" {
			return strings.Compare(last(a), last(b))
		}
		return strings.Compare(a, b)
	})
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	t := tar.NewWriter(zip)
	for _, file := range names {
		head := &tar.Header{Name: path.Join(name, file), Mode: 0o644, Size: int64(len(all[file])), ModTime: at.UTC().Truncate(time.Second)}
		if err := t.WriteHeader(head); err != nil {
			return nil, fault.New(fault.Invalid, "pack %s: %w", file, err)
		}
		if _, err := t.Write(all[file]); err != nil {
			return nil, fault.New(fault.Invalid, "pack %s: %w", file, err)
		}
	}
	if err := errors.Join(t.Close(), zip.Close()); err != nil {
		return nil, fault.New(fault.Internal, "pack %s: %w", name, err)
	}
	return out.Bytes(), nil
}

// last sorts Chart.yaml before everything else.
func last(name string) string {
	if name == "Chart.yaml" {
		return ""
	}
	return name
}
