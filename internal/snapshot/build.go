package snapshot

import (
	"context"
	"fmt"
	"io/fs"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/imagelock"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/project"
	"github.com/tugops/tug/internal/render"
)

// Builder makes snapshots with the engines it is given.
type Builder struct {
	Helm, Kustomize, Plain, Flux render.Renderer
	// KRM and Ytt run steps over rendered objects, as Kustomize does.
	KRM, Ytt render.Renderer
	// KubeVersion is assumed where neither environment nor command line name
	// one: that of the libraries, "v1.37.1".
	KubeVersion string
}

// Input is everything that a snapshot depends on.
type Input struct {
	// Files is the repository at the revision, Spec an app of its project. Raw
	// is the same without decryption, for Cached; nil when it is Files.
	Files    fs.FS
	Raw      fs.FS
	Spec     project.Spec
	Revision Revision
	// Values, Set and Locks are given by hand (-f, --set, --lock), beside
	// what the Spec has. They win over its values; its locks must not
	// contradict them.
	Values []render.NamedValues
	Set    []string
	Locks  imagelock.Set
	// Sources gives what is outside of Files; nil for nothing. SourceLock is the
	// text of its lock, for the key of a cache.
	Sources    Sources
	SourceLock string
	// Hermetic refuses images that no lock covers and that have no digest.
	Hermetic bool
	// KeepImages leaves image references as they were rendered, for commands
	// that look for what is to be locked.
	KeepImages bool
	// Ciphertext says that Files leave encrypted files as they are, Private
	// that something given by hand was decrypted.
	Ciphertext, Private bool
	// Allow switches on what a repository cannot switch on by itself.
	Allow render.Allow
	// Upgrade says that a release of the app exists; Number is that of the
	// release to be, 1 when zero. Templates can ask for both.
	Upgrade bool
	Number  int
	// Sensitive is told what Files had encrypted, and masks it; may be nil.
	Sensitive *object.Sensitive
	// Random says what random template functions give. Recorded, for Record,
	// gives the values of the last release; it is called at most once and only
	// if a template has such a function, since it may have to ask a cluster.
	Random   Random
	Recorded func(context.Context) (map[string]string, error)
}

// Sources are render.Sources that say what no lock fixes of what they gave.
type Sources interface {
	render.Sources
	// Warnings are none when the next render will be given the same.
	Warnings() []string
}

// Build renders an app, pins its images and puts its objects in order. Errors
// begin with the app and its environment: "shop/prod: ".
func (b Builder) Build(ctx context.Context, in Input) (*Snapshot, error) {
	s, err := b.build(ctx, in)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", label(in.Spec), err)
	}
	return s, nil
}

// label names an app for people.
func label(s project.Spec) string {
	if s.Env == "" {
		return s.App
	}
	return s.App + "/" + s.Env
}

func (b Builder) build(ctx context.Context, in Input) (*Snapshot, error) {
	s := b.empty(in)
	s.Warnings = append([]string(nil), in.Spec.Warnings...)
	rendered, made, err := b.render(ctx, in, s)
	if err != nil {
		return nil, err
	}
	jobs, err := verifyJobs(in)
	if err != nil {
		return nil, err
	}
	rendered = append(rendered, jobs...)
	if in.Sources != nil {
		s.unlocked = in.Sources.Warnings()
		s.Warnings = append(s.Warnings, s.unlocked...)
	}
	if s.Objects, err = finish(in, s, rendered); err != nil {
		return nil, err
	}
	if err := b.markStable(ctx, in, s, s.Objects, made); err != nil {
		return nil, err
	}
	if err := s.order(); err != nil {
		return nil, err
	}
	s.dropSameStable()
	if len(s.Objects) == 0 {
		s.Warnings = append(s.Warnings, "nothing was rendered: there are no objects")
	}
	return s, nil
}

// empty is the snapshot of in without what has to be rendered.
func (b Builder) empty(in Input) *Snapshot {
	s := &Snapshot{
		App: in.Spec.App, Env: in.Spec.Env, Namespace: in.Spec.Namespace,
		Revision: in.Revision, KubeVersion: in.Spec.KubeVersion, Sensitive: in.Sensitive,
		DependsOn: in.Spec.DependsOn, Prune: in.Spec.Prune, Project: in.Spec.Declared.File,
	}
	if s.KubeVersion == "" {
		s.KubeVersion = b.KubeVersion
	}
	if s.Revision.Path == "" && len(in.Spec.Paths) > 0 {
		s.Revision.Path = in.Spec.Paths[0]
	}
	return s
}

// render gives the objects of every path of the app, and the keys of random
// values that it made.
func (b Builder) render(ctx context.Context, in Input, s *Snapshot) ([]*object.Object, map[string]bool, error) {
	engine, what, err := b.engine(in.Spec.Engine)
	if err != nil {
		return nil, nil, err
	}
	random := in.random(ctx)
	request := in.request(s.KubeVersion, random)
	var objects []*object.Object
	for _, path := range in.Spec.Paths {
		request.Path = path
		result, err := engine.Render(ctx, request)
		if random.err != nil {
			// A template engine turns it into text.
			return nil, nil, random.err
		}
		if err != nil {
			return nil, nil, fmt.Errorf("render %s %q: %w", what, path, err)
		}
		objects = append(objects, result.Objects...)
		s.Warnings = append(s.Warnings, result.Warnings...)
		s.Notes += result.Notes
		s.noteRandom(result.Random)
		s.Random = append(s.Random, result.Random...)
		if in.Random == Placeholders {
			s.Warnings = append(s.Warnings, placeholderWarnings(result.Random)...)
		}
	}
	objects, err = b.then(ctx, in, s, request, objects)
	if random.err != nil {
		return nil, nil, random.err
	}
	s.Generated = random.generated
	return objects, random.made(), err
}

func (b Builder) engine(e project.Engine) (r render.Renderer, what string, err error) {
	switch e {
	case project.Helm:
		r, what = b.Helm, "chart"
	case project.Kustomize:
		r, what = b.Kustomize, "kustomization"
	case project.Flux:
		r, what = b.Flux, "Flux layout"
	case project.Plain:
		r, what = b.Plain, "manifests"
	}
	if r == nil {
		return nil, "", fmt.Errorf("no renderer for %q", e)
	}
	return r, what, nil
}

func (in Input) request(kubeVersion string, random *random) render.Request {
	r := render.Request{
		Files: in.Files, Repository: in.Revision.Repository,
		Release: in.Spec.App, Namespace: in.Spec.Namespace,
		ValueFiles: in.Spec.ValueFiles, Set: in.Set,
		KubeVersion: kubeVersion, APIVersions: in.Spec.APIVersions,
		Upgrade: in.Upgrade, Revision: in.Number,
		Time: in.Revision.Time, Generate: random.generate, Allow: in.Allow,
	}
	for _, inline := range in.Spec.Set {
		r.Values = append(r.Values, render.NamedValues{Name: inline.Name, Data: inline.Data})
	}
	r.Values = append(r.Values, in.Values...)
	if in.Sources != nil {
		r.Sources = in.Sources
	}
	return r
}

// order brings objects into normal form and apply order, each once.
func (s *Snapshot) order() error {
	for _, o := range s.Objects {
		if err := checkName(o); err != nil {
			return err
		}
		if err := o.Normalize(); err != nil {
			return err
		}
	}
	if err := s.checkOnce(); err != nil {
		return err
	}
	object.Sort(s.Objects)
	return nil
}

func checkName(o *object.Object) error {
	if o.Name() != "" {
		return nil
	}
	f := fault.New(fault.Invalid, "%s: a %s has no metadata.name", o.Source, o.GVK().Kind)
	if _, generated := o.Meta()["generateName"]; generated {
		return f.Hint("generateName gives another object with every apply; use a fixed name")
	}
	return f.Hint("add metadata.name")
}
