// Package flux renders Flux layouts without Flux: it builds Kustomizations
// (kustomize.toolkit.fluxcd.io) and HelmReleases (helm.toolkit.fluxcd.io) the
// way Flux's controllers do, down to the objects that they would apply. It is
// the only importer of Flux's API types.
//
// The Flux objects themselves are definitions: they say what to render, and
// are not part of the result. Charts are rendered and kustomizations built by
// the renderers it is given; what lies outside the repository comes from
// Request.Sources. docs/adr/0007-flux-without-flux.md has the decisions.
package flux

import (
	"context"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/render"
)

// Renderer expands the Flux objects of a folder. Both engines must be set; it
// is safe for concurrent use as far as they are.
type Renderer struct {
	Helm, Kustomize render.Renderer
}

var _ render.Renderer = Renderer{}

// Render builds the folder at r.Path as the Kustomization that a cluster is
// bootstrapped with, and everything that its Flux objects ask for.
func (f Renderer) Render(ctx context.Context, r render.Request) (render.Result, error) {
	run, err := f.expand(ctx, r)
	if err != nil {
		return render.Result{}, err
	}
	if err := run.failure(); err != nil {
		return render.Result{}, err
	}
	return run.result()
}

// expand does all the work; what failed for single Flux objects is kept in the
// run, so that one fault can name all of it.
func (f Renderer) expand(ctx context.Context, r render.Request) (*run, error) {
	if err := r.RefuseValues("a Flux layout"); err != nil {
		return nil, err
	}
	folder, err := render.CleanPath(r.Path)
	if err != nil {
		return nil, err
	}
	run := newRun(f, r, folder)
	if err := run.start(ctx); err != nil {
		return nil, err
	}
	if err := run.work(ctx); err != nil {
		return nil, err
	}
	return run, run.order()
}

// result puts the objects together: those of the folder, then of every
// Kustomization and HelmRelease in the order in which they were expanded.
func (r *run) result() (render.Result, error) {
	result := render.Result{Warnings: r.warnings, Objects: r.namespaces()}
	for _, it := range r.items {
		for _, o := range it.objects {
			it.mark(o)
			result.Objects = append(result.Objects, o)
		}
		result.Random = append(result.Random, it.random...)
	}
	if result.Objects == nil && len(r.items) == 1 && !r.sawFlux {
		return result, fault.New(fault.Invalid, "%s holds neither objects nor Flux objects", r.folder)
	}
	result.Objects = render.CRDsFirst(result.Objects)
	return result, nil
}

// mark writes the group of deploy order into an object of a later group.
func (it *item) mark(o *object.Object) {
	if it.group > 0 {
		o.SetAnnotation(object.AnnotationGroup, groupText(it.group))
	}
}
