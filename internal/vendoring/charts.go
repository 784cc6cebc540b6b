package vendoring

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tugops/tug/internal/fault"
)

// Sums gives the hashes (64 hex digits) that locks hold for a packed chart;
// none when no lock knows it.
type Sums func(name, version string) []string

// chartLock is Helm's: versions, but no hash of any content.
type chartLock struct {
	Dependencies []chartDependency `yaml:"dependencies"`
}

type chartDependency struct {
	Name       string `yaml:"name"`
	Version    string `yaml:"version"`
	Repository string `yaml:"repository"`
}

// VerifyCharts looks at the charts that stand packed or unpacked in the charts
// folder of a chart, in and below a folder, outside of vendored packages: they
// must be those of its Chart.lock, and have the hashes that source locks hold.
func (v Vendor) VerifyCharts(dir string, sums Sums) ([]Verified, error) {
	packs, err := packages(dir)
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fault.New(fault.NotFound, "look for charts: %w", err)
	}
	defer root.Close()
	var list []Verified
	err = filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return fault.New(fault.NotFound, "look for charts: %w", err)
		case d.IsDir() && (d.Name() == ".git" || slices.Contains(packs, name)):
			return filepath.SkipDir
		case !d.Type().IsRegular() || d.Name() != "Chart.yaml":
			return nil
		}
		below, err := filepath.Rel(dir, filepath.Dir(name))
		if err != nil {
			return err
		}
		files, err := fs.Sub(root.FS(), filepath.ToSlash(below))
		if err != nil {
			return err
		}
		found, err := v.chartsOf(filepath.Dir(name), files, sums)
		list = append(list, found...)
		return err
	})
	return list, err
}

// chartsOf verifies the dependencies of one chart; files is its folder.
func (v Vendor) chartsOf(dir string, files fs.FS, sums Sums) ([]Verified, error) {
	lock, has, err := readChartLock(files, dir)
	if err != nil {
		return nil, err
	}
	entries, err := fs.ReadDir(files, "charts")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fault.New(fault.Invalid, "read charts of %s: %w", dir, err)
	}
	var list []Verified
	seen := map[string]bool{}
	for _, e := range entries {
		if !e.Type().IsRegular() || !strings.HasSuffix(e.Name(), ".tgz") {
			continue
		}
		data, err := readBounded(files, "charts/"+e.Name(), v.Limits.Total)
		if err != nil {
			return nil, fault.New(fault.Invalid, "%s: %w", filepath.Join(dir, "charts", e.Name()), err)
		}
		one, err := v.packedChart(filepath.Join(dir, "charts", e.Name()), data, sums)
		if err != nil {
			return nil, err
		}
		seen[one.Source.Name] = true
		if has && one.Problem == "" {
			one.locked(lock)
		}
		list = append(list, one)
	}
	if !has || len(entries) == 0 {
		return list, nil // what is not vendored is fetched
	}
	for _, d := range lock.Dependencies {
		if seen[d.Name] || isFolder(files, path.Join("charts", d.Name)) || strings.HasPrefix(d.Repository, "file://") {
			continue
		}
		list = append(list, Verified{
			Dir: filepath.Join(dir, "charts"), Source: Source{Type: Chart, URL: d.Repository, Name: d.Name}, Resolved: Resolved{Version: d.Version},
			State: Broken, Edits: []Change{}, Problem: fmt.Sprintf("Chart.lock has %s %s, which is not there", d.Name, d.Version),
		})
	}
	return list, nil
}

func isFolder(files fs.FS, name string) bool {
	info, err := fs.Stat(files, name)
	return err == nil && info.IsDir()
}

// maxChartLock bounds Chart.lock, in bytes.
const maxChartLock = 1 << 20

// readChartLock reads Chart.lock or requirements.lock.
func readChartLock(files fs.FS, dir string) (lock chartLock, has bool, err error) {
	for _, name := range []string{"Chart.lock", "requirements.lock"} {
		file := filepath.Join(dir, name)
		data, err := readBounded(files, name, maxChartLock)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = yaml.Unmarshal(data, &lock)
		}
		if err != nil {
			return lock, false, fault.New(fault.Invalid, "%s: %w", file, err).Hint("make it anew with: helm dependency update %s", dir)
		}
		return lock, true, nil
	}
	return lock, false, nil
}

// readBounded reads a file, but no link out of the folder, no device, and no
// more than there should be.
func readBounded(files fs.FS, name string, limit int64) ([]byte, error) {
	f, err := openRegular(files, name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("more than %d MiB", limit>>20)
	}
	return data, err
}

// openRegular opens what is known to be a file: opening a pipe may never end.
func openRegular(files fs.FS, name string) (fs.File, error) {
	info, err := fs.Stat(files, name)
	switch {
	case err != nil:
		return nil, cause(err)
	case !info.Mode().IsRegular():
		return nil, errors.New("is no file")
	}
	f, err := files.Open(name)
	return f, cause(err)
}

// cause is an error without the path, which the message around it has.
func cause(err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err
	}
	return err
}

// packedChart verifies one archive against the locks with hashes, and against
// its own name.
func (v Vendor) packedChart(file string, data []byte, sums Sums) (Verified, error) {
	out := Verified{Dir: file, Source: Source{Type: Chart}, State: Unproven, Edits: []Change{}}
	tree, err := Unpack(data, false, v.Limits)
	if err != nil {
		out.State, out.Problem = Broken, err.Error()
		return out, nil
	}
	var head chartDependency
	if err := yaml.Unmarshal(tree["Chart.yaml"].Data, &head); err != nil || head.Name == "" {
		out.State, out.Problem = Broken, "it has no Chart.yaml with a name"
		return out, nil
	}
	out.Source.Name, out.Resolved.Version = head.Name, head.Version
	h := sha256.Sum256(data)
	sum := hex.EncodeToString(h[:])
	switch known := sums(head.Name, head.Version); {
	case path.Base(filepath.ToSlash(file)) != head.Name+"-"+head.Version+".tgz":
		out.State, out.Problem = Broken, fmt.Sprintf("it is %s %s, which is not what its name says", head.Name, head.Version)
	case slices.Contains(known, sum):
		out.State = Pristine
	case len(known) > 0:
		out.State, out.Problem = Broken, "its hash is sha256:"+sum+", the source lock has sha256:"+known[0]
	}
	return out, nil
}

// locked compares a packed chart with Chart.lock.
func (one *Verified) locked(lock chartLock) {
	var versions []string
	for _, d := range lock.Dependencies {
		if d.Name != one.Source.Name {
			continue
		}
		if one.Source.URL = d.Repository; d.Version == one.Resolved.Version {
			return
		}
		versions = append(versions, d.Version)
	}
	one.State = Broken
	if len(versions) == 0 {
		one.Problem = "Chart.lock does not name it"
		return
	}
	one.Problem = fmt.Sprintf("it is version %s, Chart.lock has %s", one.Resolved.Version, strings.Join(versions, " and "))
}
