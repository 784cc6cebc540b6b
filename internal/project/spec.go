package project

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/tugops/tug/internal/fault"
)

// Engine says what renders an app.
type Engine string

// The engines.
const (
	Helm      Engine = "helm"
	Kustomize Engine = "kustomize"
	Plain     Engine = "plain"
	Flux      Engine = "flux"
)

// Spec is one app in one environment with everything decided: names filled in,
// paths joined to the root and known to exist.
type Spec struct {
	App string
	Env string // empty without environments
	// Namespace is empty when neither the project nor the choice names one.
	Namespace string
	Cluster   string // kubeconfig context; empty for the current one
	// KubeVersion and APIVersions are what the render assumes; an empty
	// version is that of the libraries.
	KubeVersion string
	APIVersions []string
	Promotion   Promotion
	// Branch and Repository say where the files of the app come from, if not
	// from the commit that the project was read from.
	Branch, Repository string

	Engine Engine
	// Paths are folders or files in the project's file system; exactly one
	// for Helm, Kustomize and Flux.
	Paths []string
	// ValueFiles and then Set, later ones win.
	ValueFiles []string
	Set        []Inline
	// Then are the steps over the rendered objects; each has one path.
	Then  []Step
	Locks []string
	// NewLocks are folders for locks that do not exist yet.
	NewLocks []string

	// DependsOn names the apps of this environment that are deployed first.
	DependsOn []string
	Prune     bool
	History   int // releases to keep; 0 for the default
	RestartOn string
	Drift     string // DriftOwned when empty
	Ignore    []Ignore
	Humans    []string // nil for the usual ones
	Verify    []Check  // paths resolved, templates filled

	// Declared is where tug.yaml names the app; zero when it was detected.
	Declared Position
	// Warnings are things to know about the selection, one sentence each.
	Warnings []string
}

// Inline is one document of values from tug.yaml itself.
type Inline struct {
	Name string // where it stands
	Data []byte // JSON
}

// spec resolves one app. Paths that are missing or lead out of the repository
// are Problems.
func (p *Project) spec(name string, c Choice) (Spec, Problems) {
	app := p.Apps[name]
	if p.File == "" && c.App != "" {
		name = c.App
	}
	env, place := p.Environments[c.Env], app.Environments[c.Env]
	s := Spec{
		App: name, Env: c.Env, Cluster: env.Cluster, Promotion: env.Promotion,
		Namespace:   first(c.Namespace, place.Namespace, app.Namespace, env.Namespace),
		KubeVersion: first(c.KubeVersion, env.Kubernetes), APIVersions: env.APIs,
		Prune: app.Prune, History: app.History, Branch: env.Branch, Repository: env.Repository,
		RestartOn: app.RestartOn, Drift: app.Drift, Ignore: app.Ignore, Humans: app.Humans,
	}
	if p.source != nil {
		s.Declared = p.keyAt("apps", name)
	}
	if s.Promotion == "" {
		s.Promotion = Commit
	}
	for _, dep := range slices.Sorted(slices.Values(app.DependsOn)) {
		if p.inEnvironment(dep, c.Env) {
			s.DependsOn = append(s.DependsOn, dep)
		}
	}
	if c.NoFiles {
		return s, nil
	}
	r := resolver{p: p, s: &s}
	r.source(app, name)
	r.inputs(app.Values, app.Locks, app.Set, "apps", name)
	r.inputs(place.Values, place.Locks, place.Set, "apps", name, "environments", c.Env)
	r.verify(app.Verify, name)
	r.steps(app.Then, "apps", name, "then")
	r.steps(place.Then, "apps", name, "environments", c.Env, "then")
	return s, r.problems
}

// resolver fills paths into a Spec.
type resolver struct {
	p        *Project
	s        *Spec
	problems Problems
}

func (r *resolver) report(at Position, hint, format string, args ...any) {
	r.problems = append(r.problems, Problem{At: at, Text: fmt.Sprintf(format, args...), Hint: hint})
}

func (r *resolver) source(a App, name string) {
	switch {
	case a.Chart != "":
		r.s.Engine = Helm
		r.folder(a.Chart, r.p.at("apps", name, "chart"), "chart", chartFile)
	case a.Kustomize != "":
		r.s.Engine = Kustomize
		r.folder(a.Kustomize, r.p.at("apps", name, "kustomize"), "kustomization", kustomizationFiles()...)
	case a.Flux != "":
		r.s.Engine = Flux
		r.fluxFolder(a.Flux, r.p.at("apps", name, "flux"))
	default:
		r.s.Engine = Plain
		for i, m := range a.Manifests {
			at := r.p.at("apps", name, "manifests", i)
			if file, ok := r.resolve(m, at); ok && r.exists(file, at, "manifests") {
				r.s.Paths = append(r.s.Paths, file)
			}
		}
	}
}

// folder resolves a folder that must hold one of the marks, or a packed chart.
func (r *resolver) folder(text string, at Position, what string, marks ...string) {
	dir, ok := r.resolve(text, at)
	if !ok {
		return
	}
	packed := what == "chart" && isPacked(dir) && isFile(r.p.files, dir)
	switch {
	case packed || markIn(r.p.files, dir, marks) != "":
		r.s.Paths = []string{dir}
	case r.exists(dir, at, what):
		r.report(at, "", "%s %q has no %s", what, dir, marks[0])
	}
}

func (r *resolver) inputs(values, locks []string, set Values, trail ...any) {
	place := func(steps ...any) Position { return r.p.at(append(slices.Clone(trail), steps...)...) }
	for i, v := range values {
		at := place("values", i)
		if file, ok := r.resolve(v, at); ok && r.exists(file, at, "values file") {
			r.s.ValueFiles = append(r.s.ValueFiles, file)
		}
	}
	for i, l := range locks {
		r.lock(l, place("locks", i))
	}
	if len(set) == 0 {
		return
	}
	at := place("set")
	data, err := json.Marshal(set)
	if err != nil {
		r.report(at, "", "set: %v", err)
		return
	}
	r.s.Set = append(r.s.Set, Inline{Name: at.String(), Data: data})
}

// lock resolves a lock file or folder. Git keeps no empty folders, so one
// that is not there yet holds no locks; a file must exist.
func (r *resolver) lock(text string, at Position) {
	file, ok := r.resolve(text, at)
	if !ok {
		return
	}
	if _, err := fs.Stat(r.p.files, file); errors.Is(err, fs.ErrNotExist) && !isYAML(file) {
		r.s.NewLocks = append(r.s.NewLocks, file)
		r.s.Warnings = append(r.s.Warnings, Problem{At: at, Text: fmt.Sprintf("there are no locks in %q yet", file)}.Error())
		return
	}
	if r.exists(file, at, "lock file") && !slices.Contains(r.s.Locks, file) {
		r.s.Locks = append(r.s.Locks, file)
	}
}

// resolve fills templates and joins a path to the root of the project.
func (r *resolver) resolve(text string, at Position) (string, bool) {
	filled, missing := r.s.fill(text)
	if missing != "" {
		hint := "give it to the environment"
		if missing == "namespace" {
			hint = "name one with -n, or give it to the environment"
		}
		r.report(at, hint, "{{.%s}} has no value for app %q", missing, r.s.App)
		return "", false
	}
	joined := path.Join(r.p.Root, filled)
	if path.IsAbs(filled) || strings.Contains(filled, `\`) || !fs.ValidPath(joined) {
		r.report(at, "paths are relative to the folder of "+FileName+", with / between names", "path %q leads out of the repository", filled)
		return "", false
	}
	return joined, true
}

func (r *resolver) exists(file string, at Position, what string) bool {
	_, err := fs.Stat(r.p.files, file)
	switch {
	case err == nil:
		return true
	case errors.Is(err, fs.ErrNotExist):
		r.report(at, siblingHint(r.p.files, file), "%s %q does not exist", what, file)
	default: // a symbolic link that leads out, say
		if pe, ok := errors.AsType[*fs.PathError](err); ok {
			err = pe.Err
		}
		r.report(at, strings.Join(fault.HintsOf(err), "; "), "%s %q: %v", what, file, err)
	}
	return false
}

// siblingHint looks for a file with nearly the same name.
func siblingHint(files fs.FS, file string) string {
	entries, err := fs.ReadDir(files, path.Dir(file))
	if err != nil {
		return ""
	}
	var there []string
	for _, e := range entries {
		there = append(there, e.Name())
	}
	if n := nearest(path.Base(file), there); n != "" {
		return fmt.Sprintf("did you mean %q?", path.Join(path.Dir(file), n))
	}
	return ""
}

func first(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}
