package promote

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"path"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/yamledit"
)

// dependency is one of a chart, with the fields that Helm's digest of a lock
// covers, in its order (helm/helm internal/resolver, HashReq).
type dependency struct {
	Name         string   `yaml:"name" json:"name"`
	Version      string   `yaml:"version" json:"version,omitempty"`
	Repository   string   `yaml:"repository" json:"repository"`
	Condition    string   `yaml:"condition" json:"condition,omitempty"`
	Tags         []string `yaml:"tags" json:"tags,omitempty"`
	Enabled      bool     `yaml:"enabled" json:"enabled,omitempty"`
	ImportValues []any    `yaml:"import-values" json:"import-values,omitempty"`
	Alias        string   `yaml:"alias" json:"alias,omitempty"`
}

type dependencies struct {
	Dependencies []*dependency `yaml:"dependencies"`
}

// chartLocks brings Chart.lock and requirements.lock along with the versions of
// dependencies, as helm dependency update would: version and digest. When it
// was written stays, since that is no fact about the content.
func (a *application) chartLocks() error {
	if a.target.Chart == "" {
		return nil
	}
	for _, pair := range [][2]string{{"Chart.yaml", "Chart.lock"}, {"requirements.yaml", "requirements.lock"}} {
		file, lock := path.Join(a.target.Chart, pair[0]), path.Join(a.target.Chart, pair[1])
		if _, changed := a.out.Files[file]; !changed {
			continue
		}
		if err := a.chartLock(file, lock); err != nil {
			return err
		}
		a.vendored(file)
	}
	return nil
}

func (a *application) chartLock(file, lock string) error {
	text, err := a.read(lock)
	if err != nil || text == nil {
		return err
	}
	var wants, locked dependencies
	data, err := a.read(file)
	if err != nil {
		return err
	}
	if err := yaml.Unmarshal(data, &wants); err != nil {
		return fault.New(fault.Invalid, "%s: %w", file, err)
	}
	if err := yaml.Unmarshal(text, &locked); err != nil {
		return fault.New(fault.Invalid, "%s: %w", lock, err)
	}
	for i, l := range locked.Dependencies {
		for _, w := range wants.Dependencies {
			exact := w.Name == l.Name && w.Version != l.Version && (w.Name == a.in.PartName() || w.Alias == a.in.PartName())
			if !exact || w.Version != a.in.Version {
				continue
			}
			e := yamledit.Edit{Path: yamledit.Keys("dependencies").At(i).Child("version"), Value: yamledit.String(w.Version), Existing: true}
			if err := a.set(lock, l.Version, e); err != nil {
				return err
			}
			l.Version = w.Version
		}
	}
	digest, err := hashDependencies(wants.Dependencies, locked.Dependencies)
	if err != nil {
		return err
	}
	return a.set(lock, "", yamledit.Edit{Path: yamledit.Keys("digest"), Value: yamledit.String(digest)})
}

// hashDependencies is Helm's digest over what is wanted and what is locked.
func hashDependencies(wants, locked []*dependency) (string, error) {
	data, err := json.Marshal([2][]*dependency{wants, locked})
	if err != nil {
		return "", fault.New(fault.Invalid, "digest of dependencies: %w", err)
	}
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:]), nil
}

// vendored warns of packed charts of another version beside a chart.
func (a *application) vendored(file string) {
	packed := path.Join(path.Dir(file), "charts")
	for _, p := range a.places {
		if p.file != file || !p.is(a.in.PartName()) || p.old == a.in.Version {
			continue
		}
		for _, name := range p.names {
			old := path.Join(packed, name+"-"+p.old+".tgz")
			warning := old + " is the version from before: put the new one in its place with helm dependency update"
			if exists(a.files, old) && !slices.Contains(a.out.Warnings, warning) {
				a.out.Warnings = append(a.out.Warnings, warning)
			}
		}
	}
}
