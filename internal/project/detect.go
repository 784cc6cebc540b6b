package project

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/tugops/tug/internal/fault"
)

const (
	chartFile  = "Chart.yaml"
	lockFolder = "app-locks"
)

func kustomizationFiles() []string {
	return []string{"kustomization.yaml", "kustomization.yml", "Kustomization"}
}

// Open reads the project at a path of files: tug.yaml where there is one, else
// what Detect finds. The path may name tug.yaml itself.
func Open(files fs.FS, name string) (*Project, error) {
	name = path.Clean(name)
	if path.Base(name) == FileName {
		return Load(files, path.Dir(name))
	}
	if isFile(files, path.Join(name, FileName)) {
		return Load(files, name)
	}
	if other := path.Join(name, "tug.yml"); isFile(files, other) {
		return nil, fault.New(fault.Invalid, "%s is not read", other).Hint("rename it to %s", FileName)
	}
	return Detect(files, name)
}

// Detect finds the one app at a path that has no tug.yaml: a chart (a folder
// or packed), a kustomization, a folder or file of YAML, or a folder with exactly one chart
// or kustomization in it. An app-locks folder in the folder looked at, or
// beside what is found, holds its locks; with one, other YAML in the folder
// (state.yaml and the like) is output of other tools and ignored.
//
// The app is called like the chart, folder or file, if that is a name.
func Detect(files fs.FS, name string) (*Project, error) {
	name = path.Clean(name)
	info, err := fs.Stat(files, name)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid) {
			return nil, fault.New(fault.NotFound, "%q does not exist", name).Hint("%s", first(siblingHint(files, name), "give a folder or file of this repository"))
		}
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	l := layout{files: files}
	if !info.IsDir() {
		return l.file(name)
	}
	return l.folder(name)
}

// layout looks at folders.
type layout struct{ files fs.FS }

func (l layout) file(name string) (*Project, error) {
	base := path.Base(name)
	switch {
	case base == chartFile || slices.Contains(kustomizationFiles(), base):
		return l.folder(path.Dir(name))
	case isYAML(name):
		return l.project(path.Dir(name), strings.TrimSuffix(base, path.Ext(base)), App{Manifests: Paths{base}}), nil
	case isPacked(name):
		return l.project(path.Dir(name), packedName(base), App{Chart: base}), nil
	}
	return nil, fault.New(fault.Invalid, "%q is neither a folder nor YAML", name).
		Hint("give a chart, a kustomization, or files that end in .yaml, .yml or .json")
}

func (l layout) folder(dir string) (*Project, error) {
	chart := isFile(l.files, path.Join(dir, chartFile))
	kustomization := markIn(l.files, dir, kustomizationFiles())
	switch {
	case chart && kustomization != "":
		return nil, fault.New(fault.Invalid, "%q holds both %s and %s", dir, chartFile, kustomization).
			Hint("say which one it is in %s: chart: %s or kustomize: %s", FileName, dir, dir)
	case chart:
		return l.chart(dir), nil
	case kustomization != "" && l.isFlux(dir), kustomization == "" && l.declaresFlux(dir):
		return l.project(dir, l.baseName(dir), App{Flux: "."}), nil
	case kustomization != "":
		return l.project(dir, l.baseName(dir), App{Kustomize: "."}), nil
	}
	inside, err := l.children(dir)
	if err != nil {
		return nil, err
	}
	hasLocks := isDir(l.files, path.Join(dir, lockFolder))
	switch {
	case len(inside.apps) > 1:
		return nil, ambiguous(dir, inside.apps)
	case len(inside.apps) == 1 && (hasLocks || !inside.yaml):
		// A base beside its overlays is not what is meant by their folder.
		if deep, _ := l.search(inside); len(deep) > 0 && !hasLocks {
			return nil, ambiguous(dir, append(inside.apps, deep...))
		}
		return l.folder(inside.apps[0])
	case len(inside.apps) == 1:
		return nil, fault.New(fault.Invalid, "%q holds YAML files beside the app %s", dir, inside.apps[0]).
			Hint("give %s as PATH", inside.apps[0]).Hint("or list both as apps in %s", FileName)
	}
	return l.plain(dir, inside, hasLocks)
}

// chart is a project of the chart in dir.
func (l layout) chart(dir string) *Project {
	name := chartName(l.files, dir)
	if name == "" {
		name = l.baseName(dir)
	}
	return l.project(dir, name, App{Chart: "."})
}

// project joins an app with the locks in or beside its folder.
func (l layout) project(dir, name string, a App) *Project {
	for _, locks := range []string{path.Join(dir, lockFolder), path.Join(path.Dir(dir), lockFolder)} {
		if isDir(l.files, locks) {
			a.Locks = []string{relative(dir, locks)}
			break
		}
	}
	return &Project{Root: dir, Apps: map[string]App{name: a}, files: l.files}
}

// relative is the way from a folder to one in it or in its parent.
func relative(dir, to string) string {
	if path.Dir(to) == dir {
		return path.Base(to)
	}
	return path.Join("..", path.Base(to))
}

func ambiguous(dir string, apps []string) error {
	return fault.New(fault.Invalid, "%q holds several apps: %s", dir, strings.Join(apps, ", ")).
		Hint("give one of them as PATH: %s", apps[0]).
		Hint("or list them as apps in %s, and choose with -a", FileName)
}

// isPacked reports whether a path names a packed chart.
func isPacked(name string) bool { return path.Ext(name) == ".tgz" }

var packedExp = regexp.MustCompile(`^(.+?)-v?[0-9]+\.[0-9].*\.tgz$`)

// packedName is the name of a chart in that of its archive.
func packedName(base string) string {
	if m := packedExp.FindStringSubmatch(base); m != nil {
		return m[1]
	}
	return strings.TrimSuffix(base, ".tgz")
}

// baseName is the name of a folder. That of the file system's root is not in
// its path: files say it, if they know it and it can be the name of an app.
func (l layout) baseName(dir string) string {
	if dir != "." {
		return path.Base(dir)
	}
	named, ok := l.files.(interface{ FolderName() string })
	if !ok {
		return ""
	}
	name := named.FolderName()
	if wrong, _ := nameRule.check(name); wrong != "" {
		return ""
	}
	return name
}
