package krm

import (
	"context"
	"io/fs"
	"path"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/render"
)

// Renderer runs the functions in a file or folder of YAML over Request.Input,
// in the order of the files and of the documents in them. Paths in a function
// are relative to its file.
type Renderer struct {
	// Programs runs programs and containers, where the request allows them.
	Programs render.Programs
}

var _ render.Renderer = Renderer{}

// Render runs the functions at r.Path.
func (k Renderer) Render(ctx context.Context, r render.Request) (render.Result, error) {
	if err := r.RefuseValues("a function"); err != nil {
		return render.Result{}, err
	}
	found, err := functions(ctx, r)
	if err != nil {
		return render.Result{}, err
	}
	result := render.Result{Objects: r.Input}
	for _, f := range found {
		runner := Runner{Files: r.Files, Folder: path.Dir(f.Config.Source.File), Allow: r.Allow, Programs: k.Programs}
		step, err := runner.Run(ctx, f, result.Objects)
		if err != nil {
			return render.Result{}, err
		}
		result.Objects = step.Objects
		result.Warnings = append(result.Warnings, step.Warnings...)
	}
	return result, nil
}

// functions reads the functions of a file or folder. Other files may lie
// beside them; in the YAML there is nothing else.
func functions(ctx context.Context, r render.Request) ([]*Function, error) {
	root, err := render.CleanPath(r.Path)
	if err != nil {
		return nil, err
	}
	files, err := sources(ctx, r.Files, root)
	if err != nil {
		return nil, err
	}
	var list []*Function
	for _, file := range files {
		docs, err := object.ReadDocuments(file.Name, file.Data)
		if err != nil {
			return nil, err
		}
		for _, d := range docs {
			f, err := Find(&object.Object{Fields: d.Fields, Source: d.Source})
			if err != nil {
				return nil, err
			}
			if f == nil {
				return nil, fault.New(fault.Invalid, "%s: not a function", d.Source).
					Hint("a function has the annotation %s", Annotation)
			}
			list = append(list, f)
		}
	}
	if len(list) == 0 {
		return nil, fault.New(fault.NotFound, "%s holds no functions", root).
			Hint("a function is an object with the annotation %s, in a file that ends in .yaml", Annotation)
	}
	return list, nil
}

func sources(ctx context.Context, fsys fs.FS, root string) ([]render.File, error) {
	if info, err := fs.Stat(fsys, root); err == nil && !info.IsDir() {
		data, err := readFile(fsys, root)
		return []render.File{{Name: root, Data: data}}, err
	}
	tree := &render.Tree{Files: fsys, Skip: func(name string, folder bool) bool {
		return !folder && path.Ext(name) != ".yaml" && path.Ext(name) != ".yml"
	}}
	files, err := tree.Read(ctx, root)
	for i := range files {
		files[i].Name = path.Join(root, files[i].Name)
	}
	return files, err
}
