// Package chart packs a chart for publishing: with the version, the version of
// the application and the digests of its images written into the copy that is
// packed. The files in the repository stay as they are, and in the copy nothing
// changes but those values: comments, order and quotes are the author's.
//
// The same files and stamp give the same bytes on any machine.
package chart

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"path"
	"regexp"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/tugops/tug/internal/fault"
)

// Stamp is what is written into a chart when it is packed.
type Stamp struct {
	Version, AppVersion string
	// Values are written into values.yaml, by the path of each.
	Values map[string]any
	// Images are found in values.yaml by their repository.
	Images []Image
	// Time is that of all files in the archive.
	Time time.Time
}

// Image is an image that was built with the chart.
type Image struct {
	// Repository is what values.yaml calls it, without tag.
	Repository, Tag, Digest string
}

// Packed is a chart as an archive.
type Packed struct {
	Name, Version, AppVersion string
	// Data is the archive (.tgz).
	Data []byte
	// Metadata is Chart.yaml as JSON, as registries keep it.
	Metadata []byte
	// Stamped are the values that images were written to, by path.
	Stamped []string
}

// metadata is what packing has to know of Chart.yaml.
type metadata struct {
	APIVersion   string       `yaml:"apiVersion"`
	Name         string       `yaml:"name"`
	Version      string       `yaml:"version"`
	AppVersion   string       `yaml:"appVersion"`
	Dependencies []dependency `yaml:"dependencies"`
}

type dependency struct {
	Name string `yaml:"name"`
}

// maxChart bounds the files of a chart together, in bytes; Helm's is 100 MiB.
const maxChart = 100 << 20

var chartName = regexp.MustCompile(`\A[a-zA-Z0-9._-]+\z`)

// Pack packs the chart in the folder dir of files.
func Pack(files fs.FS, dir string, s Stamp) (Packed, error) {
	all, err := list(files, dir)
	if err != nil {
		return Packed{}, err
	}
	if _, ok := all["Chart.yaml"]; !ok {
		return Packed{}, fault.New(fault.NotFound, "%s has no Chart.yaml", dir).Hint("a chart is a folder with a Chart.yaml")
	}
	stamped, err := s.write(dir, all)
	if err != nil {
		return Packed{}, err
	}
	m, err := read(dir, all)
	if err != nil {
		return Packed{}, err
	}
	p := Packed{Name: m.Name, Version: m.Version, AppVersion: m.AppVersion, Stamped: stamped}
	if p.Metadata, err = asJSON(path.Join(dir, "Chart.yaml"), all["Chart.yaml"]); err != nil {
		return Packed{}, err
	}
	p.Data, err = archive(m.Name, all, s.Time)
	return p, err
}

// read reads what the archive says of itself, and refuses a chart that Helm
// would refuse.
func read(dir string, all map[string][]byte) (metadata, error) {
	var m metadata
	file := path.Join(dir, "Chart.yaml")
	if err := yaml.Unmarshal(all["Chart.yaml"], &m); err != nil {
		return m, fault.New(fault.Invalid, "%s: %w", file, err)
	}
	if m.APIVersion == "v1" || m.Dependencies == nil {
		var old metadata
		if err := yaml.Unmarshal(all["requirements.yaml"], &old); err != nil {
			return m, fault.New(fault.Invalid, "%s: %w", path.Join(dir, "requirements.yaml"), err)
		}
		m.Dependencies = append(m.Dependencies, old.Dependencies...)
	}
	switch {
	case m.APIVersion != "v1" && m.APIVersion != "v2":
		return m, fault.New(fault.Invalid, "%s: apiVersion %q is neither v1 nor v2", file, m.APIVersion)
	case !chartName.MatchString(m.Name):
		return m, fault.New(fault.Invalid, "%s: %q is no name of a chart", file, m.Name)
	}
	for _, d := range m.Dependencies {
		if !vendored(all, d.Name) {
			return m, fault.New(fault.Invalid, "%s: dependency %q is not in charts/, and a published chart carries its dependencies", file, d.Name).
				Hint("helm dependency build fetches it as Chart.lock says")
		}
	}
	return m, nil
}

func vendored(all map[string][]byte, name string) bool {
	for file := range all {
		rest, ok := strings.CutPrefix(file, "charts/")
		if ok && (strings.HasPrefix(rest, name+"/") || strings.HasPrefix(rest, name+"-") && strings.HasSuffix(rest, ".tgz")) {
			return true
		}
	}
	return false
}

func asJSON(file string, text []byte) ([]byte, error) {
	var fields map[string]any
	if err := yaml.Unmarshal(text, &fields); err != nil {
		return nil, fault.New(fault.Invalid, "%s: %w", file, err)
	}
	data, err := json.Marshal(fields)
	if err != nil {
		return nil, fault.New(fault.Invalid, "%s: a key is no text: %w", file, err)
	}
	return data, nil
}

// Digest is the SHA-256 of the archive ("sha256:…").
func (p Packed) Digest() string {
	sum := sha256.Sum256(p.Data)
	return "sha256:" + hex.EncodeToString(sum[:])
}
