package cli

import (
	"context"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/git"
	"github.com/tugops/tug/internal/preview"
	"github.com/tugops/tug/internal/project"
	"github.com/tugops/tug/internal/snapshot"
)

// diff compares two revisions of a config repository.
type diff struct {
	env        *Env
	in         input
	base, head diffSide
	cached     *snapshot.Cached
	// decrypt compares what is encrypted by its plain text, where a key is at
	// hand.
	decrypt bool
}

// diffSide is the repository at one revision.
type diffSide struct {
	name   string
	in     input
	source *source
	apps   map[place]bool
	open   *source // source for reads with keys
}

// short names a side in a few characters that stay true: its commit.
func (s diffSide) short() string {
	if s.in.Rev == "" {
		return s.name
	}
	commit := s.source.revision.Commit
	return commit[:min(len(commit), 12)]
}

func (e *Env) openDiff(o diffOptions) (*diff, error) {
	o.noDecrypt = true // whoever reviews has no key
	o.twice = true
	d := &diff{env: e, in: o.input, cached: e.cached(o.input), decrypt: o.decrypt}
	if o.fork {
		var err error
		if o.base, err = forkOf(o.Path, o.base, o.head); err != nil {
			return nil, err
		}
	}
	for _, s := range []struct {
		side *diffSide
		rev  string
	}{{&d.base, o.base}, {&d.head, o.head}} {
		in := o.input
		in.Rev = s.rev
		src, err := e.openProject(in)
		if err != nil {
			return nil, diffFault(s.rev, err)
		}
		if src.repo == nil {
			return nil, fault.New(fault.Usage, "tug diff compares commits, and %s is in no Git repository", o.Path).
				Hint("run it in a config repository, or give the folder with -C")
		}
		*s.side = diffSide{name: revisionName(s.rev), in: in, source: src, open: src.again()}
		s.side.apps = s.side.places()
	}
	return d, nil
}

// forkOf is the commit where head left base.
func forkOf(name, base, head string) (string, error) {
	there, _ := existing(name)
	repo, err := git.Open(there)
	if err != nil {
		return "", diffFault(base, err)
	}
	return repo.MergeBase(base, head)
}

// elsewhere are the chosen environments whose files are not those of either
// revision.
func (d *diff) elsewhere() []string {
	found := map[string]bool{}
	for _, side := range []diffSide{d.base, d.head} {
		for env, e := range side.source.project.Environments {
			if isElsewhere(e) && (d.in.Env == "" || env == d.in.Env) {
				found[env] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// place is one app in one environment.
type place struct{ app, env string }

// places are the apps of both sides that the flags leave, in order.
func (d *diff) places() ([]place, error) {
	all := map[place]bool{}
	for _, side := range []diffSide{d.base, d.head} {
		for p := range side.apps {
			if (d.in.Env == "" || p.env == d.in.Env) && (d.in.App == "" || p.app == d.in.App) {
				all[p] = true
			}
		}
	}
	if len(all) == 0 && len(d.elsewhere()) == 0 {
		// The error says which choice is wrong, and what there is.
		if _, err := d.head.source.specs(d.in); err != nil {
			return nil, err
		}
		return nil, fault.New(fault.NotFound, "neither revision has such an app").Hint("leave out -e and -a to compare all")
	}
	return slices.SortedFunc(maps.Keys(all), func(a, b place) int {
		return slices.Compare([]string{a.env, a.app}, []string{b.env, b.app})
	}), nil
}

// places are all apps of a project; the app of a layout that was detected has
// the name that -a gives it.
func (s diffSide) places() map[place]bool {
	p := s.source.project
	all := map[place]bool{}
	for name, app := range p.Apps {
		if p.File == "" && s.in.App != "" {
			name = s.in.App
		}
		if len(p.Environments) == 0 {
			all[place{app: name}] = true
		}
		for env, e := range p.Environments {
			if isElsewhere(e) {
				continue
			}
			if app.Environments != nil {
				if _, here := app.Environments[env]; !here {
					continue
				}
			}
			all[place{name, env}] = true
		}
	}
	return all
}

// compare renders what has to be and gives the report.
func (d *diff) compare(ctx context.Context) (*preview.Report, error) {
	places, err := d.places()
	if err != nil {
		return nil, err
	}
	elsewhere := d.elsewhere()
	if len(places) == 0 && len(elsewhere) > 0 {
		return nil, fault.New(fault.Usage, "environment %s is rendered from a branch or repository of its own", strings.Join(elsewhere, ", ")).
			Hint("compare revisions there: check out its branch, or run tug diff in its repository")
	}
	r := &preview.Report{Elsewhere: elsewhere, Base: d.base.name, Head: d.head.name, Apps: []preview.App{}, Checked: len(places)}
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for _, p := range places {
		group.Go(func() error {
			app, differs, failures := d.app(ctx, p)
			mu.Lock()
			defer mu.Unlock()
			r.Failures = append(r.Failures, failures...)
			if differs && len(failures) == 0 {
				r.Apps = append(r.Apps, app)
			}
			return ctx.Err()
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	r.Rendered = d.cached.Rendered()
	r.Finish()
	return r, nil
}

// app compares one app. Failures of both sides are told.
func (d *diff) app(ctx context.Context, p place) (preview.App, bool, []preview.Failure) {
	var failures []preview.Failure
	find := func(s diffSide) diffFound {
		f, err := d.find(ctx, s, p)
		if err != nil {
			failures = append(failures, preview.Failure{
				App: p.app, Env: p.env, Revision: s.name, Error: err.Error(), Hints: fault.HintsOf(err),
			})
		}
		return f
	}
	base, head := find(d.base), find(d.head)
	if len(failures) > 0 || base.same(head) {
		return preview.App{}, false, failures
	}
	load := func(f diffFound, s diffSide) preview.Side {
		side, err := f.side(ctx)
		if err != nil {
			failures = append(failures, preview.Failure{
				App: p.app, Env: p.env, Revision: s.name, Error: err.Error(), Hints: fault.HintsOf(err),
			})
		}
		return side
	}
	before, after := load(base, d.base), load(head, d.head)
	if len(failures) > 0 {
		return preview.App{}, false, failures
	}
	if d.decrypt && (encryptedIn(before) || encryptedIn(after)) {
		before, after = d.decrypted(ctx, p, before, after)
	}
	app, differs := preview.Compare(p.app, p.env, before, after)
	return app, differs, nil
}

// diffFound is one app at one revision, rendered or known.
type diffFound struct {
	exists    bool
	namespace string
	found     snapshot.Found
}

// find renders an app at a revision, unless that is known.
func (d *diff) find(ctx context.Context, s diffSide, p place) (diffFound, error) {
	if !s.apps[p] {
		return diffFound{}, nil
	}
	specs, err := s.source.project.Select(project.Choice{Env: p.env, App: p.app, Namespace: d.in.Namespace, KubeVersion: d.in.KubeVersion})
	if err != nil {
		return diffFound{}, subjectError(project.Spec{App: p.app, Env: p.env}, err)
	}
	spec := specs[0]
	if spec.Namespace == "" {
		spec.Namespace = "default"
	}
	request, err := d.env.request(ctx, s.source, spec, s.in)
	if err != nil {
		return diffFound{}, err
	}
	found, err := d.env.find(ctx, d.cached, request)
	return diffFound{exists: true, namespace: spec.Namespace, found: found}, err
}

// same reports whether nothing can differ.
func (f diffFound) same(o diffFound) bool {
	return f.exists == o.exists && f.namespace == o.namespace && f.found.Name != "" && f.found.Name == o.found.Name
}

func (f diffFound) side(ctx context.Context) (preview.Side, error) {
	if !f.exists {
		return preview.Side{}, nil
	}
	s, err := f.found.Load(ctx)
	if err != nil {
		return preview.Side{}, err
	}
	return preview.Side{Exists: true, Namespace: f.namespace, Objects: s.Objects, Warnings: s.Warnings}, nil
}
