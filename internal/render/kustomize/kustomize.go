// Package kustomize renders kustomizations with kustomize's own library.
//
// Everything is read through the request's file system: any path inside the
// repository, nothing outside it but what Request.Sources gives, nothing from
// the network. The library can fetch URLs, and run git, helm and plugins by
// itself. It never gets the chance: all kustomizations of a build are read and
// checked first (visit.go), and what the library must not do itself is done
// then, and put before it as files. These are Git trees (remote.go), Helm
// charts (charts.go), KRM functions (functions.go, stage.go) and the objects
// that a build goes over (Request.Input).
package kustomize

import (
	"context"
	"io/fs"
	"path"

	"sigs.k8s.io/kustomize/api/konfig"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/render"
)

// Renderer renders kustomizations. The zero value is ready for use; it refuses
// charts and programs.
type Renderer struct {
	// Helm renders the charts in kustomizations.
	Helm render.Renderer
	// Programs runs functions that are programs or containers, where the
	// request allows them.
	Programs render.Programs
}

var _ render.Renderer = (*Renderer)(nil)

// Render builds the kustomization at r.Path in the way of `kustomize build`,
// its order included. With Request.Input it is an overlay: the objects given
// are its first resources, and those that it leaves alone stay as they are.
func (k *Renderer) Render(ctx context.Context, r render.Request) (render.Result, error) {
	if err := r.RefuseValues("a kustomization"); err != nil {
		return render.Result{}, err
	}
	root, err := render.CleanPath(r.Path)
	if err != nil {
		return render.Result{}, err
	}
	if !isKustomization(r.Files, root) {
		return render.Result{}, fault.New(fault.NotFound, "no kustomization at %s", root).
			Hint("a kustomization is a folder with a kustomization.yaml")
	}
	b := &build{
		ctx: ctx, request: r, helm: k.Helm, programs: k.Programs, tree: &render.Tree{Files: r.Files},
		loaded: map[fileKey][]byte{}, nodes: map[nodeKey]*node{}, resources: map[fileKey]bool{}, others: map[fileKey]bool{}, trees: map[render.TreeRef]*mount{},
	}
	objects, err := b.all(root)
	if ctx.Err() != nil {
		return render.Result{}, ctx.Err()
	}
	if err != nil {
		return render.Result{}, err
	}
	return render.Result{Objects: render.CRDsFirst(objects), Warnings: b.warnings, Random: b.random}, nil
}

// build is one render.
type build struct {
	ctx      context.Context // the library passes none
	request  render.Request
	helm     render.Renderer
	programs render.Programs
	tree     *render.Tree // counts what is read

	mounts    []*mount
	trees     map[render.TreeRef]*mount
	loaded    map[fileKey][]byte
	nodes     map[nodeKey]*node
	resources map[fileKey]bool // files of objects
	others    map[fileKey]bool // files that something else is made of, too
	read      []place          // YAML files in the order they were read
	files     int              // that were made

	openapi  map[string]string // of the root
	schemas  bool              // some kustomization has a schema of its own
	refused  error             // why a file was refused; the library forgets some errors
	warnings []string
	random   []render.RandomUse
}

// all visits the kustomization at root and builds it.
func (b *build) all(root string) ([]*object.Object, error) {
	at := place{b.add(b.request.Files, ""), root}
	var err error
	if at.path, err = resolve(b.request.Files, root); err != nil {
		return nil, b.explain(at, err)
	}
	n, err := b.visit(at, inherited{root: true})
	if err != nil {
		return nil, err
	}
	objects, marks, err := b.run(n.at, false)
	if err != nil {
		return nil, err
	}
	return b.overInput(objects, marks, n.k.SortOptions != nil), nil
}

// isKustomization reports whether folder has a kustomization file.
func isKustomization(fsys fs.FS, folder string) bool {
	for _, name := range konfig.RecognizedKustomizationFileNames() {
		if info, err := fs.Stat(fsys, path.Join(folder, name)); err == nil && !info.IsDir() {
			return true
		}
	}
	return false
}
