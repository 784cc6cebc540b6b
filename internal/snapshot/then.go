package snapshot

import (
	"context"
	"fmt"

	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/project"
	"github.com/tugops/tug/internal/render"
)

// then runs the steps of an app over its rendered objects, each over the
// result of the one before. They come before images are pinned, so that what
// a step adds is pinned as well.
func (b Builder) then(ctx context.Context, in Input, s *Snapshot, request render.Request, objects []*object.Object) ([]*object.Object, error) {
	for _, step := range in.Spec.Then {
		engine, what, path := b.step(step)
		if engine == nil {
			return nil, fmt.Errorf("no renderer for the step %q", path)
		}
		r := render.Request{
			Files: in.Files, Path: path, Namespace: request.Namespace,
			KubeVersion: request.KubeVersion, APIVersions: request.APIVersions,
			Time: request.Time, Generate: request.Generate, Sources: request.Sources, Allow: request.Allow,
			Input: objects,
		}
		if r.Input == nil {
			r.Input = []*object.Object{}
		}
		if step.Ytt != "" {
			r.Files = in.raw() // the program's files lie on the disk while it runs
		}
		result, err := engine.Render(ctx, r)
		if err != nil {
			return nil, fmt.Errorf("%s %q: %w", what, path, err)
		}
		objects = result.Objects
		s.Warnings = append(s.Warnings, result.Warnings...)
		s.noteRandom(result.Random)
		s.Random = append(s.Random, result.Random...)
		if in.Random == Placeholders {
			s.Warnings = append(s.Warnings, placeholderWarnings(result.Random)...)
		}
	}
	return objects, nil
}

// step gives what runs a step.
func (b Builder) step(s project.Step) (r render.Renderer, what, path string) {
	switch {
	case s.Kustomize != "":
		return b.Kustomize, "step kustomize", s.Kustomize
	case s.KRM != "":
		return b.KRM, "step krm", s.KRM
	}
	return b.Ytt, "step ytt", s.Ytt
}
