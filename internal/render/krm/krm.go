// Package krm runs KRM functions: transformers, generators and validators that
// take a ResourceList and give one back (the KRM Functions Specification of
// Kustomize). Starlark is built in and needs no permission, since it can reach
// nothing; programs and containers run only where Request.Allow says so.
//
// A function gets objects and its configuration, and nothing else: no files,
// no network, no environment, no time of day. The same input gives the same
// output.
package krm

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"strings"

	sigsyaml "sigs.k8s.io/yaml"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/render"
)

// Annotation is the annotation of an object that makes it a function, with its
// older name.
const (
	Annotation    = "config.kubernetes.io/function"
	oldAnnotation = "config.k8s.io/function"
)

// Function is one function with its configuration.
type Function struct {
	// Config is the object that configures the function and carries the
	// annotation.
	Config *object.Object
	spec   spec
}

// spec is the content of the annotation.
type spec struct {
	DeferFailure bool           `json:"deferFailure"`
	Starlark     *starlarkSpec  `json:"starlark"`
	Exec         *execSpec      `json:"exec"`
	Container    *containerSpec `json:"container"`
}

type starlarkSpec struct {
	Name   string `json:"name"`
	Path   string `json:"path"`
	URL    string `json:"url"`
	Source string `json:"source"`
}

type execSpec struct {
	Path string   `json:"path"`
	Args []string `json:"args"`
	Env  []string `json:"envs"`
}

type containerSpec struct {
	Image   string   `json:"image"`
	Network bool     `json:"network"`
	Mounts  []any    `json:"mounts"`
	Env     []string `json:"envs"`
}

// Find gives the function that an object configures, nil when it is none.
func Find(o *object.Object) (*Function, error) {
	text := o.Annotation(Annotation)
	if text == "" {
		text = o.Annotation(oldAnnotation)
	}
	if text == "" {
		return nil, nil
	}
	f := &Function{Config: o}
	if err := sigsyaml.UnmarshalStrict([]byte(text), &f.spec); err != nil {
		return nil, fault.New(fault.Invalid, "%s: annotation %s: %w", o.Source, Annotation, err).
			Hint("write starlark: {path: FILE}, exec: {path: FILE} or container: {image: IMAGE}")
	}
	kinds := 0
	for _, set := range []bool{f.spec.Starlark != nil, f.spec.Exec != nil, f.spec.Container != nil} {
		if set {
			kinds++
		}
	}
	if kinds != 1 {
		return nil, fault.New(fault.Invalid, "%s: annotation %s names %d ways to run the function, and one is needed", o.Source, Annotation, kinds).
			Hint("write starlark: {path: FILE}, exec: {path: FILE} or container: {image: IMAGE}")
	}
	return f, nil
}

// Runner runs functions for one render.
type Runner struct {
	// Files is the repository; paths in a function are relative to Folder
	// and stay inside it.
	Files  fs.FS
	Folder string
	Allow  render.Allow
	// Programs runs programs and containers; nil where there is no way to.
	Programs render.Programs
}

// Result is what a function gives.
type Result struct {
	// Objects after the function, in its order. Those that it left alone are
	// those that were passed in.
	Objects []*object.Object
	// From has, for each of them, the index of the object it was before; -1
	// for those that the function made.
	From []int
	// Warnings are its results of severity warning and info.
	Warnings []string
}

// Run runs one function over objects. Results of severity error are a fault
// that lists them.
func (r Runner) Run(ctx context.Context, f *Function, objects []*object.Object) (Result, error) {
	var out output
	var err error
	switch {
	case f.spec.Starlark != nil:
		out, err = r.starlark(ctx, f, objects)
	case f.spec.Exec != nil:
		out, err = r.exec(ctx, f, objects)
	default:
		out, err = r.container(ctx, f, objects)
	}
	if ctx.Err() != nil {
		return Result{}, ctx.Err()
	}
	if err != nil {
		return Result{}, err
	}
	return out.result(f)
}

// title names a function for messages.
func (f *Function) title() string {
	at := f.Config.Source.String()
	name := f.Config.GVK().Kind
	if n := f.Config.Name(); n != "" {
		name += " " + n
	}
	if at == "" {
		return "function " + name
	}
	return fmt.Sprintf("%s: function %s", at, name)
}

// inside finds a path of a function in the repository.
func (r Runner) inside(f *Function, name string) (string, error) {
	joined := path.Join(r.Folder, name)
	if name == "" || path.IsAbs(name) || strings.Contains(name, `\`) || !fs.ValidPath(joined) {
		return "", fault.New(fault.Invalid, "%s: %q leads out of the repository", f.title(), name).
			Hint("paths of functions are relative to %s", r.Folder)
	}
	return joined, nil
}

// read gives a file of the repository that a function names.
func (r Runner) read(f *Function, name string) (file string, data []byte, err error) {
	if file, err = r.inside(f, name); err != nil {
		return "", nil, err
	}
	data, err = readFile(r.Files, file)
	if err != nil {
		return "", nil, fmt.Errorf("%s: %w", f.title(), err)
	}
	return file, data, nil
}

// maxSource bounds the text of a function.
const maxSource = 64 << 20

func readFile(files fs.FS, name string) ([]byte, error) {
	if info, err := fs.Stat(files, name); err == nil && (!info.Mode().IsRegular() || info.Size() > maxSource) {
		return nil, fault.New(fault.Invalid, "%s is no file, or larger than %d MiB", name, maxSource>>20)
	}
	return (&render.Tree{Files: files}).ReadFile(name)
}
