// Package ytt runs Carvel's ytt over objects, as an external step: there is no
// ytt library. It needs the program, and a person's permission.
//
// ytt gets the objects on its input, as plain YAML that its overlays apply to,
// and copies of the files of the step. Nothing that was decrypted reaches its
// folder: the caller gives files as they are in the repository.
package ytt

import (
	"bytes"
	"context"
	"io/fs"
	"path"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/render"
)

// Renderer runs ytt over Request.Input with the file or folder at
// Request.Path.
type Renderer struct {
	Programs render.Programs
}

var _ render.Renderer = Renderer{}

// folder is where ytt finds the files of the step.
const folder = "step"

// Render runs ytt.
func (y Renderer) Render(ctx context.Context, r render.Request) (render.Result, error) {
	if err := r.RefuseValues("ytt"); err != nil {
		return render.Result{}, err
	}
	if !r.Allow.Ytt || y.Programs == nil {
		return render.Result{}, fault.New(fault.Denied, "%s: the step runs ytt, and that is switched off", r.Path).
			Hint("give --allow-ytt if you trust what ytt is to run")
	}
	program := y.Programs.Look("ytt")
	if program == "" {
		return render.Result{}, fault.New(fault.NotFound, "%s: the step runs ytt, and ytt is not installed", r.Path).
			Hint("install ytt (carvel.dev), or write the step as an overlay of kustomize or a function")
	}
	files, err := read(ctx, r)
	if err != nil {
		return render.Result{}, err
	}
	input, err := encode(r.Input)
	if err != nil {
		return render.Result{}, err
	}
	out, err := y.Programs.Run(ctx, render.Program{
		Name: "ytt", Path: program, Files: files, Input: input,
		// What comes in is data: only the files of the step are programs.
		Args: []string{"--file", "-", "--file", folder, "--file-mark", "stdin.yml:type=yaml-plain"},
	})
	if err != nil {
		return render.Result{}, fault.New(fault.Invalid, "%s: %w", r.Path, err)
	}
	objects, err := object.ReadYAML("output of ytt with "+r.Path, out)
	if err != nil {
		return render.Result{}, err
	}
	return render.Result{Objects: settle(objects, r)}, nil
}

// read gives the files of the step, below the folder that ytt is pointed at.
func read(ctx context.Context, r render.Request) ([]render.File, error) {
	root, err := render.CleanPath(r.Path)
	if err != nil {
		return nil, err
	}
	tree := &render.Tree{Files: r.Files}
	if info, err := fs.Stat(r.Files, root); err == nil && info.Mode().IsRegular() {
		data, err := tree.ReadFile(root)
		return []render.File{{Name: path.Join(folder, path.Base(root)), Data: data}}, err
	}
	files, err := tree.Read(ctx, root)
	for i := range files {
		files[i].Name = path.Join(folder, files[i].Name)
	}
	return files, err
}

// encode writes objects without comments, which ytt would take for its own.
func encode(objects []*object.Object) ([]byte, error) {
	bare := make([]*object.Object, len(objects))
	for i, o := range objects {
		bare[i] = &object.Object{Fields: o.Fields}
	}
	var buf bytes.Buffer
	err := object.WriteYAML(&buf, bare)
	return buf.Bytes(), err
}

// settle gives objects their sources back: that of the object of the same
// name, else the step.
func settle(objects []*object.Object, r render.Request) []*object.Object {
	before := map[object.Ref]*object.Object{}
	for _, o := range r.Input {
		before[o.Ref()] = o
	}
	for i, o := range objects {
		o.Source = object.Source{File: r.Path}
		objects[i] = render.Settle(o, before[o.Ref()])
	}
	return objects
}
