package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/tugops/tug/internal/check"
	"github.com/tugops/tug/internal/check/schema"
	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/git"
	"github.com/tugops/tug/internal/imagelock"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/project"
	"github.com/tugops/tug/internal/render"
	"github.com/tugops/tug/internal/secret"
)

// encryptedFile reports whether SOPS encrypted a file.
func encryptedFile(name string, data []byte) bool { return secret.Encrypted(name, data) }

// plainSecrets joins the search for secrets with the checks.
func plainSecrets(file string, data []byte) []check.PlainSecret {
	var found []check.PlainSecret
	for _, leak := range secret.Plain(file, data) {
		found = append(found, check.PlainSecret{Line: leak.Source.Line, What: leak.What, File: leak.File})
	}
	return found
}

// readIfThere reads a file of a repository that need not be there.
func readIfThere(files fs.FS, name string) (data []byte, there bool, err error) {
	data, err = fs.ReadFile(files, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("%s: %w", name, reason(err))
	}
	return data, true, nil
}

// checkProgress counts apps on a terminal; nil elsewhere.
func (e *Env) checkProgress() func(done, total int) {
	if !e.ErrTTY || e.Global.Quiet || e.Global.JSON() || e.Getenv("CI") != "" {
		return nil
	}
	return func(done, total int) {
		fmt.Fprintf(e.Stderr, "\r\x1b[Kchecked %d of %s", done, plural(total, "app"))
		if done == total {
			fmt.Fprint(e.Stderr, "\r\x1b[K")
		}
	}
}

// checkApps renders everything that is to be checked. What cannot be rendered
// becomes an app with an error, so that the others are checked all the same.
func (e *Env) checkApps(ctx context.Context, o checkOptions, main *source, in *check.Input) error {
	environments := []string{o.Env}
	if o.Env == "" && len(main.project.Environments) > 0 {
		environments = slices.Sorted(maps.Keys(main.project.Environments))
	}
	in.All = o.App == ""
	shared := &check.Repository{Files: main.files, Root: main.project.Root}
	var jobs []func(context.Context) check.App
	for _, name := range environments {
		one := o.input
		one.Env = name
		src, err := e.open(ctx, one)
		if err != nil {
			if len(environments) == 1 {
				return err
			}
			in.Apps = append(in.Apps, check.App{Env: name, Repository: shared, Err: err})
			continue
		}
		repository := shared
		if src.elsewhere {
			repository = &check.Repository{Files: src.files, Root: src.project.Root}
		}
		if err := e.moreCRDs(ctx, o, src, name, in); err != nil {
			return err
		}
		specs, failed, err := src.eachSpec(one)
		if err != nil {
			return err
		}
		for _, app := range failed {
			app.Repository = repository
			in.Apps = append(in.Apps, app)
		}
		for _, spec := range specs {
			jobs = append(jobs, func(ctx context.Context) check.App { return e.checkApp(ctx, src, spec, one, repository) })
		}
	}
	if len(jobs)+len(in.Apps) == 0 {
		return fault.New(fault.NotFound, "app %q is in no environment", o.App).Hint("its environments are listed in %s", main.project.File)
	}
	if err := readConfiguredCRDs(main, in); err != nil {
		return err
	}
	return renderAll(ctx, jobs, in)
}

// renderAll runs renders on all processors, and keeps their order. One that
// goes on after it was given up ends them all.
func renderAll(ctx context.Context, jobs []func(context.Context) check.App, in *check.Input) error {
	apps := make([]check.App, len(jobs))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, job := range jobs {
		group.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			apps[i] = job(ctx)
			if errors.Is(apps[i].Err, render.ErrRunaway) {
				return apps[i].Err
			}
			return ctx.Err()
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	in.Apps = append(in.Apps, apps...)
	return nil
}

// eachSpec selects the apps of an environment one by one when they cannot be
// selected together: failed are those that cannot be selected at all.
func (s *source) eachSpec(in input) (specs []project.Spec, failed []check.App, err error) {
	specs, err = s.specs(in)
	if err == nil {
		return specs, nil, nil
	}
	if in.App != "" && fault.Is(err, fault.NotFound) && s.project.Apps[in.App].Environments != nil {
		return nil, nil, nil // in other environments only
	}
	if !fault.Is(err, fault.Invalid) || s.project.File == "" {
		return nil, nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(s.project.Apps)) {
		if in.App != "" && in.App != name {
			continue
		}
		one := in
		one.App = name
		spec, err := s.specs(one)
		switch {
		case err == nil:
			specs = append(specs, spec...)
		case !fault.Is(err, fault.NotFound):
			failed = append(failed, check.App{Name: name, Env: in.Env, Err: err})
		}
	}
	return specs, failed, nil
}

func (e *Env) checkApp(ctx context.Context, src *source, spec project.Spec, in input, r *check.Repository) check.App {
	if spec.Namespace == "" {
		spec.Namespace = "default"
	}
	app := check.App{
		Name: spec.App, Env: spec.Env, Repository: r, Namespace: spec.Namespace,
		KubeVersion: spec.KubeVersion, Paths: spec.Paths,
	}
	snap, err := e.build(ctx, src, spec, in, nil)
	locks, lockErr := imagelock.Load(src.files, spec.Locks)
	if err != nil {
		app.Err, app.Locked = err, lockErr
		return app
	}
	app.Objects, app.Locks = snap.Objects, locks.For(spec.App, spec.Env)
	if snap.KubeVersion != "" {
		app.KubeVersion = snap.KubeVersion
	}
	for _, use := range snap.Random {
		app.Random = append(app.Random, check.Random{Function: use.Function, Templates: use.Templates})
	}
	return app
}

// moreCRDs reads --crds once, and the cluster of an environment with --cluster.
func (e *Env) moreCRDs(ctx context.Context, o checkOptions, src *source, env string, in *check.Input) error {
	if in.CRDs == nil {
		in.CRDs = []*schema.CRD{}
		for _, name := range o.crds {
			objects, err := readManifests(name)
			if err != nil {
				return err
			}
			in.CRDs = append(in.CRDs, check.ReadCRDs(objects)...)
		}
	}
	if !o.cluster {
		return nil
	}
	client, err := e.connect(src.project.Environments[env].Cluster)
	if err != nil {
		return err
	}
	objects, err := client.List(ctx, schema.CRDKind(), "", "")
	if err != nil {
		return fmt.Errorf("definitions of the cluster: %w", err)
	}
	in.CRDs = append(in.CRDs, check.ReadCRDs(objects)...)
	return nil
}

// readConfiguredCRDs reads the crds of the configuration, which are paths of
// the project.
func readConfiguredCRDs(src *source, in *check.Input) error {
	for _, name := range in.Config.CRDs {
		objects, err := manifestsIn(src.files, joinPath(src.project.Root, name))
		if err != nil {
			return fmt.Errorf("crds of %s: %w", check.ConfigFile, err)
		}
		in.CRDs = append(in.CRDs, check.ReadCRDs(objects)...)
	}
	return nil
}

// readManifests reads a file or folder of YAML from disk.
func readManifests(name string) ([]*object.Object, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, fault.New(fault.NotFound, "--crds %s: %w", name, reason(err)).Hint("paths given with --crds are relative to the current folder")
	}
	dir, below := name, "."
	if !info.IsDir() {
		dir, below = filepath.Split(filepath.Clean(name))
		if dir == "" {
			dir = "."
		}
	}
	files, err := git.Folder(dir)
	if err != nil {
		return nil, err
	}
	return manifestsIn(files, below)
}

func manifestsIn(files fs.FS, root string) ([]*object.Object, error) {
	var all []*object.Object
	err := fs.WalkDir(files, root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return fault.New(fault.NotFound, "%s: %w", name, reason(err)).Hint("name a file or folder of YAML")
		}
		if d.IsDir() || !slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(name)) {
			return nil
		}
		data, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		objects, err := object.ReadYAML(name, data)
		all = append(all, objects...)
		return err
	})
	return all, err
}
