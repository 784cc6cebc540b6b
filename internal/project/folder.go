package project

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tugops/tug/internal/fault"
)

// contents is what a folder without a mark of its own holds.
type contents struct {
	apps    []string // folders in it that are charts or kustomizations
	folders []string // other folders
	files   []string // YAML files
	yaml    bool
}

// children looks at the entries of a folder; hidden ones and locks are left
// out.
func (l layout) children(dir string) (contents, error) {
	entries, err := fs.ReadDir(l.files, dir)
	if err != nil {
		return contents{}, fmt.Errorf("read folder %s: %w", dir, err)
	}
	var c contents
	for _, e := range entries {
		name := path.Join(dir, e.Name())
		switch {
		case strings.HasPrefix(e.Name(), ".") || e.Name() == lockFolder:
		case isDir(l.files, name) && l.isApp(name):
			c.apps = append(c.apps, name)
		case isDir(l.files, name):
			c.folders = append(c.folders, name)
		case isYAML(name):
			c.files = append(c.files, name)
		}
	}
	c.yaml = len(c.files) > 0
	return c, nil
}

func (l layout) isApp(dir string) bool {
	return markIn(l.files, dir, append(kustomizationFiles(), chartFile)) != ""
}

// plain is a project of the YAML in a folder and below it. Charts and
// kustomizations further down make it unclear what is meant.
func (l layout) plain(dir string, c contents, hasLocks bool) (*Project, error) {
	deep, hasYAML := l.search(c)
	if !hasYAML || (len(deep) > 0 && !c.yaml) {
		return nil, l.nothing(dir, deep)
	}
	if len(deep) > 0 {
		return nil, fault.New(fault.Invalid, "%q holds YAML files and, further down, %s", dir, strings.Join(deep, ", ")).
			Hint("give one folder or file as PATH: %s", deep[0]).
			Hint("or list the apps in %s", FileName)
	}
	a := App{Manifests: Paths{"."}}
	if hasLocks {
		a.Manifests = nil
		for _, name := range slices.Concat(c.files, c.folders) {
			a.Manifests = append(a.Manifests, strings.TrimPrefix(name, dir+"/"))
		}
	}
	return l.project(dir, l.baseName(dir), a), nil
}

// nothing is the error that says what was looked for.
func (l layout) nothing(dir string, deep []string) error {
	f := fault.New(fault.NotFound, "nothing to deploy in %q", dir).
		Hint("looked for %s, %s, kustomization.yaml, one folder with either, and files that end in .yaml, .yml or .json", FileName, chartFile)
	if len(deep) > 0 {
		f = f.Hint("further down there is: %s", strings.Join(deep, ", "))
	}
	if file := projectAbove(l.files, dir); file != "" {
		f = f.Hint("the project file is %s: run there, or with -C", file)
	}
	return f
}

// projectAbove is the nearest tug.yaml in a folder above dir, or "".
func projectAbove(files fs.FS, dir string) string {
	for dir != "." {
		dir = path.Dir(dir)
		if file := path.Join(dir, FileName); isFile(files, file) {
			return file
		}
	}
	return ""
}

// Bounds of the search below a folder.
const (
	maxVisited = 10_000
	maxFound   = 5
)

// search looks for charts, kustomizations and YAML below a folder.
func (l layout) search(c contents) (apps []string, hasYAML bool) {
	hasYAML = c.yaml
	visited := 0
	for _, folder := range c.folders {
		// An unreadable folder shows when it is rendered.
		_ = fs.WalkDir(l.files, folder, func(name string, e fs.DirEntry, err error) error {
			if visited++; visited > maxVisited || len(apps) == maxFound {
				return fs.SkipAll
			}
			switch {
			case err != nil || (e.IsDir() && strings.HasPrefix(e.Name(), ".")):
				return fs.SkipDir
			case e.IsDir() && l.isApp(name):
				apps = append(apps, name)
				return fs.SkipDir
			case !e.IsDir() && isYAML(name):
				hasYAML = true
			}
			return nil
		})
	}
	return apps, hasYAML
}

func isYAML(name string) bool {
	return slices.Contains([]string{".yaml", ".yml", ".json"}, path.Ext(name))
}

func isFile(files fs.FS, name string) bool {
	info, err := fs.Stat(files, name)
	return err == nil && !info.IsDir()
}

func isDir(files fs.FS, name string) bool {
	info, err := fs.Stat(files, name)
	return err == nil && info.IsDir()
}

// markIn is the first of the marks that is a file in dir, or "".
func markIn(files fs.FS, dir string, marks []string) string {
	for _, mark := range marks {
		if isFile(files, path.Join(dir, mark)) {
			return mark
		}
	}
	return ""
}

// chartName reads the name out of Chart.yaml; "" when it cannot be read, which
// the render reports.
func chartName(files fs.FS, dir string) string {
	data, err := readFile(files, path.Join(dir, chartFile))
	if err != nil {
		return ""
	}
	var chart struct {
		Name string `yaml:"name"`
	}
	if yaml.Unmarshal(data, &chart) != nil {
		return ""
	}
	return chart.Name
}
