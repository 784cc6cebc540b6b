// Package scaffold makes the files of new repositories: a config repository or
// the build of a code repository, each with the pipelines of a CI system that
// hold only the credentials of their row (design.md section 7). It writes
// nothing: cli does.
package scaffold

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"text/template"
)

// Templates have [[ and ]] where Helm, GitHub and tug.yaml have other braces.
// "APP" in a path is the app; names that begin with a dot are listed in dotted,
// since go:embed leaves such files out.
//
//go:embed templates
var templates embed.FS

// File is one file to write, with its path in the repository.
type File struct {
	Path string
	Data []byte
}

// Layout is the shape of a config repository.
type Layout string

// The layouts.
const (
	// Umbrella is one chart of charts, with a values file for each environment.
	Umbrella Layout = "umbrella"
	// Directories is a kustomization for each app and environment.
	Directories Layout = "directories"
)

// CI is a system that runs pipelines.
type CI string

// The systems; NoCI makes no pipeline.
const (
	NoCI    CI = ""
	Jenkins CI = "jenkins"
	GitHub  CI = "github"
	GitLab  CI = "gitlab"
)

// CIs are all systems.
func CIs() []CI { return []CI{Jenkins, GitHub, GitLab} }

// Layouts are all layouts.
func Layouts() []Layout { return []Layout{Umbrella, Directories} }

// Config is a config repository.
type Config struct {
	App          string
	Environments []string // in the order of promotion; the last one is reviewed
	Layout       Layout
	CI           CI
	// Image is what manifests name; app-locks/ holds its digest.
	Image      string
	Kubernetes string // minor version, "1.36"
	Branch     string // that is deployed
	Version    string // of tug, for pipelines
}

// Code is a code repository.
type Code struct {
	App          string
	Environments []string // the first one is where a build goes
	CI           CI
	Image        string // where the image goes
	Source       string // a line of tug.build.yaml: "go: ." or "dockerfile: Dockerfile"
	Test         string // command
	Branch       string
	Version      string
	// ConfigRepository is the URL that promotions go to.
	ConfigRepository string
}

// Files are those of a config repository, sorted by path.
func (c Config) Files() ([]File, error) {
	files, err := render(c, c.App, "config/any", "config/"+string(c.Layout), ciFolder("config", c.CI))
	if err != nil {
		return nil, err
	}
	for _, env := range c.Environments {
		files = append(files, File{"app-locks/" + env + "/.gitkeep", nil})
		switch c.Layout {
		case Umbrella:
			files = append(files, File{"values/" + env + ".yaml", fmt.Appendf(nil, "# Values of %s, by the name of the chart below umbrella-chart/charts/.\n%s:\n  replicas: %d\n", env, c.App, c.replicas(env))})
		case Directories:
			files = append(files, File{"apps/" + c.App + "/" + env + "/kustomization.yaml", fmt.Appendf(nil,
				"apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [../base]\nreplicas:\n  - {name: %s, count: %d}\n", c.App, c.replicas(env))})
		}
	}
	return sorted(files), nil
}

// Files are those of a code repository, sorted by path.
func (c Code) Files() ([]File, error) {
	files, err := render(c, c.App, "code/any", ciFolder("code", c.CI))
	return sorted(files), err
}

// replicas are two where people look.
func (c Config) replicas(env string) int {
	if env == c.Environments[len(c.Environments)-1] && len(c.Environments) > 1 {
		return 2
	}
	return 1
}

func ciFolder(kind string, ci CI) string {
	if ci == NoCI {
		return ""
	}
	return kind + "/" + string(ci)
}

// Namespace of an environment: the app's in the last one, with the name of the
// environment in the others.
func (c Config) Namespace(env string) string {
	if env == c.Environments[len(c.Environments)-1] {
		return c.App
	}
	return c.App + "-" + env
}

// Reviewed reports whether the ith environment is promoted to by pull request.
func (c Config) Reviewed(i int) bool { return i > 0 && i == len(c.Environments)-1 }

// Before is the environment before the ith.
func (c Config) Before(i int) string { return c.Environments[i-1] }

// Bracket is a YAML list of one text.
func (Config) Bracket(text string) string { return "['" + text + "']" }

// Bracket is a YAML list of one text.
func (Code) Bracket(text string) string { return "['" + text + "']" }

// GroovyList is a list of names in Groovy.
func (Config) GroovyList(names []string) string { return "['" + strings.Join(names, "', '") + "']" }

// RegistryHost is the host of Image.
func (c Code) RegistryHost() string {
	host, _, _ := strings.Cut(c.Image, "/")
	return host
}

// dotted are files and folders whose names begin with a dot in a repository.
func dotted() map[string]string {
	return map[string]string{"gitignore": ".gitignore", "github": ".github", "gitlab-ci.yml": ".gitlab-ci.yml"}
}

// render fills in every template of the folders.
func render(data any, app string, folders ...string) ([]File, error) {
	var files []File
	for _, folder := range folders {
		if folder == "" {
			continue
		}
		root := path.Join("templates", folder)
		err := fs.WalkDir(templates, root, func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			text, err := fs.ReadFile(templates, name)
			if err != nil {
				return err
			}
			t, err := template.New(name).Delims("[[", "]]").Option("missingkey=error").Parse(string(text))
			if err != nil {
				return err
			}
			var out bytes.Buffer
			if err := t.Execute(&out, data); err != nil {
				return err
			}
			files = append(files, File{target(strings.TrimPrefix(name, root+"/"), app), out.Bytes()})
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("template %s: %w", folder, err)
		}
	}
	return files, nil
}

// target is the path in the repository of a template.
func target(name, app string) string {
	parts := strings.Split(name, "/")
	for i, part := range parts {
		if part == "APP" {
			parts[i] = app
		}
		if dot := dotted()[part]; dot != "" && i == 0 {
			parts[i] = dot
		}
	}
	return strings.Join(parts, "/")
}

func sorted(files []File) []File {
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return files
}
