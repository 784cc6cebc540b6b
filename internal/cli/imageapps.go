package cli

import (
	"context"

	"github.com/tugops/tug/internal/imagelock"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/project"
)

// imageApp is one app as it is rendered, with its images as they stand.
type imageApp struct {
	spec    project.Spec
	objects []*object.Object
	locks   imagelock.Set
}

// imageApps renders all chosen apps without pinning their images.
func (e *Env) imageApps(ctx context.Context, in input) (*source, []imageApp, error) {
	in.keepImages = true
	src, err := e.open(ctx, in)
	if err != nil {
		return nil, nil, err
	}
	specs, err := src.specs(in)
	if err != nil {
		return nil, nil, err
	}
	byHand, err := in.readLocks(ctx, e)
	if err != nil {
		return nil, nil, err
	}
	var apps []imageApp
	for _, spec := range specs {
		a := imageApp{spec: spec}
		if spec.Namespace == "" {
			spec.Namespace = "default"
		}
		snap, err := e.build(ctx, src, spec, in, nil)
		if err != nil {
			return nil, nil, err
		}
		if a.locks, err = imagelock.Load(src.files, spec.Locks); err == nil {
			a.locks, err = imagelock.Join(a.locks, byHand)
		}
		if err != nil {
			return nil, nil, subjectError(spec, err)
		}
		a.objects, a.locks = snap.Objects, a.locks.For(spec.App, spec.Env)
		e.warn(named(spec.App, spec.Env, append(snap.Warnings, a.locks.Warnings...))...)
		apps = append(apps, a)
	}
	return src, apps, nil
}
