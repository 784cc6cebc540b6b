package helm

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"path"
	"strings"

	chart "helm.sh/helm/v4/pkg/chart/v2"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"

	"github.com/tugops/tug/internal/fault"
)

const vendorHint = "a dependency without a repository must be vendored: run helm dependency build %s and commit charts/"

// checkInstallable refuses charts that Helm does not install by themselves.
func (s *source) checkInstallable() error {
	switch s.chart.Metadata.Type {
	case "", "application":
	default:
		return fault.New(fault.Invalid, "%s: a chart of type %q cannot be deployed by itself", s.file("Chart.yaml"), s.chart.Metadata.Type).
			Hint("make it a dependency of a chart with objects of its own")
	}
	if s.chart.Metadata.Deprecated {
		s.warn("%s: the chart is marked as deprecated", s.file("Chart.yaml"))
	}
	return nil
}

// checkDependencies demands that charts/ holds what Chart.yaml declares and
// the lock file says. Helm looks at the names alone; a vendored chart outside
// the declared range then loses its alias and conditions without a word.
func (s *source) checkDependencies() error {
	declared := s.chart.Metadata.Dependencies
	for _, d := range declared {
		if d == nil || s.off[d] {
			continue
		}
		if err := s.checkVendored(d); err != nil {
			return err
		}
	}
	if s.chart.Lock == nil {
		return nil
	}
	if err := s.checkLock(declared, s.chart.Lock.Dependencies); err != nil {
		return err
	}
	if s.chart.Lock.Digest != "" && !digestMatches(s.chart.Lock, declared) {
		s.warn("%s was made for other dependencies than %s declares; their versions still fit", s.lockFile(), s.declaringFile())
	}
	return nil
}

// checkVendored finds the chart of one declared dependency in charts/.
func (s *source) checkVendored(d *chart.Dependency) error {
	var other string
	for _, c := range s.chart.Dependencies() {
		if c.Name() != d.Name {
			continue
		}
		if inRange(d.Version, c.Metadata.Version) || s.fetched[c] == d {
			return nil
		}
		other = c.Metadata.Version
	}
	if other == "" {
		return fault.New(fault.Invalid, "%s: dependency %q is not in %s", s.declaringFile(), d.Name, s.file("charts")).
			Hint(vendorHint, s.root)
	}
	return fault.New(fault.Invalid, "%s: dependency %q must be %s, but %s has %s", s.declaringFile(), d.Name, d.Version, s.file("charts"), other).
		Hint(vendorHint, s.root)
}

func (s *source) checkLock(declared, locked []*chart.Dependency) error {
	for _, d := range declared {
		if s.off[d] {
			continue
		}
		l := find(locked, d)
		if l == nil {
			return s.lockFault("does not lock dependency %q", d.Name)
		}
		if !inRange(d.Version, l.Version) {
			return s.lockFault("locks %s at %s, but %s wants %s", d.Name, l.Version, s.declaringFile(), d.Version)
		}
		if !s.vendoredAt(l) {
			return s.lockFault("locks %s at %s, but %s has another version", d.Name, l.Version, s.file("charts"))
		}
	}
	for _, l := range locked {
		if l != nil && find(declared, l) == nil {
			return s.lockFault("locks %q, which %s does not declare", l.Name, s.declaringFile())
		}
	}
	return nil
}

func (s *source) lockFault(format string, args ...any) error {
	args = append([]any{s.lockFile()}, args...)
	return fault.New(fault.Invalid, "%s "+format, args...).
		Hint("bring them together: run helm dependency update %s and commit the lock and charts/", s.root)
}

func (s *source) vendoredAt(l *chart.Dependency) bool {
	for _, c := range s.chart.Dependencies() {
		if c.Name() == l.Name && strings.TrimPrefix(c.Metadata.Version, "v") == strings.TrimPrefix(l.Version, "v") {
			return true
		}
	}
	return false
}

// find gives the entry with d's name whose versions go together with d's, or
// else any with its name: a chart can stand in a list twice, under two aliases.
func find(list []*chart.Dependency, d *chart.Dependency) *chart.Dependency {
	var found *chart.Dependency
	for _, l := range list {
		if l == nil || l.Name != d.Name {
			continue
		}
		if inRange(d.Version, l.Version) || inRange(l.Version, d.Version) {
			return l
		}
		found = l
	}
	return found
}

func inRange(constraint, version string) bool {
	return constraint == "" || constraint == version || chartutil.IsCompatibleRange(constraint, version)
}

// digestMatches compares the digest of a lock file with what Helm computes
// (internal/resolver.HashReq, and Helm 2's form of it).
func digestMatches(lock *chart.Lock, declared []*chart.Dependency) bool {
	for _, shape := range []any{
		[2][]*chart.Dependency{declared, lock.Dependencies},
		map[string][]*chart.Dependency{"dependencies": declared},
	} {
		data, err := json.Marshal(shape)
		if err != nil {
			return false
		}
		sum := sha256.Sum256(data)
		if lock.Digest == "sha256:"+hex.EncodeToString(sum[:]) {
			return true
		}
	}
	return false
}

// checkSiblings refuses two subcharts of one name beside each other. Helm
// renders a mixture of both, at random.
func (s *source) checkSiblings(c *chart.Chart) error {
	seen := map[string]*chart.Chart{}
	for _, d := range c.Dependencies() {
		if first, ok := seen[d.Name()]; ok {
			return fault.New(fault.Invalid, "%s: charts/ of %s holds %q twice: %s and %s", s.root, c.ChartFullPath(), d.Name(), first.Metadata.Version, d.Metadata.Version).
				Hint("remove the one that is not needed, or give each an alias in Chart.yaml")
		}
		seen[d.Name()] = d
		if err := s.checkSiblings(d); err != nil {
			return err
		}
	}
	return nil
}

// declaringFile is the file that declares dependencies of the root chart.
func (s *source) declaringFile() string { return s.declaring(s.root) }

// declaring is the file of the chart at root that declares dependencies:
// requirements.yaml in charts of apiVersion v1.
func (s *source) declaring(root string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.has(root, "requirements.yaml") {
		return path.Join(root, "requirements.yaml")
	}
	return path.Join(root, "Chart.yaml")
}

func (s *source) lockFile() string {
	if s.has(s.root, "requirements.lock") {
		return s.file("requirements.lock")
	}
	return s.file("Chart.lock")
}
