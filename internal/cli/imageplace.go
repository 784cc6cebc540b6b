package cli

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/imagelock"
	"github.com/tugops/tug/internal/project"
)

// lockPlace is where the lock file of an app is, and what it holds now.
type lockPlace struct {
	shown  string // for people
	inside string // path in the files of the source; empty outside of them
	dir    string // on disk; name is below it
	name   string
	byHand bool   // -o
	data   []byte // nil when there is no file yet
	scoped bool   // tug.yaml names app and environment, so that the lock can
}

// place finds the lock file of an app.
func (o imageLockOptions) place(src *source, spec project.Spec) (lockPlace, error) {
	p := lockPlace{scoped: src.project.File != ""}
	if o.out != "" {
		return p.given(src, o.out)
	}
	if !o.dryRun && (!src.working || src.elsewhere) {
		return p, fault.New(fault.Usage, "the files of environment %q are not those that are checked out, so that its lock cannot be written here", spec.Env).
			Hint("run it in a checkout of that branch or repository, or write the lock with -o FILE")
	}
	name, err := lockName(src, spec)
	if err != nil {
		return p, err
	}
	p.shown, p.inside, p.dir, p.name = name, name, src.root, name
	p.data, err = fs.ReadFile(src.files, name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return p, fault.New(fault.Invalid, "lock file %s: %w", name, reason(err))
	}
	return p, nil
}

// given is the place that -o names.
func (p lockPlace) given(src *source, out string) (lockPlace, error) {
	p.shown, p.byHand, p.dir, p.name = out, true, filepath.Dir(out), filepath.Base(out)
	if out == "-" {
		return p, nil
	}
	if src.working && !src.elsewhere {
		p.inside = pathInside(src.root, out)
	}
	data, err := os.ReadFile(out)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return p, fault.New(fault.Invalid, "-o %s: %w", out, reason(err)).Hint("give a file in a folder that exists")
	}
	p.data = data
	return p, nil
}

// pathInside is the path of a file in a folder; empty when it lies elsewhere.
func pathInside(root, name string) string {
	base, err := filepath.Abs(root)
	if err != nil {
		return ""
	}
	abs, err := filepath.Abs(name)
	if err != nil {
		return ""
	}
	if real, err := filepath.EvalSymlinks(filepath.Dir(abs)); err == nil {
		abs = filepath.Join(real, filepath.Base(abs))
	}
	if real, err := filepath.EvalSymlinks(base); err == nil {
		base = real
	}
	rel, err := filepath.Rel(base, abs)
	if err != nil || !filepath.IsLocal(rel) {
		return ""
	}
	return filepath.ToSlash(rel)
}

// current is what the file holds; a new one is in tug's own form, for the app
// and environment that tug.yaml names.
func (p lockPlace) current(spec project.Spec) (imagelock.LockFile, error) {
	fresh := imagelock.LockFile{Format: imagelock.FormatTug}
	if p.scoped {
		fresh.App, fresh.Environment = spec.App, spec.Env
	}
	if p.data == nil || p.shown == "-" {
		return fresh, nil
	}
	f, err := imagelock.ReadLockFile(p.shown, p.data)
	if err != nil {
		return f, err
	}
	if f.App != "" && f.App != spec.App || f.Environment != "" && f.Environment != spec.Env {
		return f, fault.New(fault.Conflict, "%s is the lock of %s", p.shown, label(f.App, f.Environment)).
			Hint("a lock file is for one app in one environment: give each its own, or a folder for them in tug.yaml (locks:)")
	}
	if f.Format == "" {
		return fresh, nil
	}
	if p.scoped {
		f.App, f.Environment = spec.App, spec.Env
	}
	return f, nil
}

func label(app, env string) string {
	if env == "" {
		return app
	}
	return app + "/" + env
}

// write puts data in the place as a whole.
func (p lockPlace) write(data []byte) error {
	if p.byHand {
		return replaceFile(p.shown, data)
	}
	return writeInRoot(p.dir, p.name, data)
}

// lockName is the path of an app's lock file in the files of the source:
// APP.lock.yaml in a folder for locks, or the one file that tug.yaml names.
func lockName(src *source, spec project.Spec) (string, error) {
	var folders, files []string
	for _, name := range slices.Concat(spec.Locks, spec.NewLocks) {
		if info, err := fs.Stat(src.files, name); err == nil && !info.IsDir() {
			files = append(files, name)
		} else {
			folders = append(folders, name)
		}
	}
	switch {
	case len(folders) > 0:
		return lockInFolder(src, spec, folders), nil
	case len(files) > 0:
		return files[0], onlyLock(src, spec, files[0])
	case src.project.File != "":
		return "", fault.New(fault.Invalid, "%s: app %q has no place for locks", src.project.File, spec.App).
			Hint("add to the app: locks: [\"app-locks/{{.env}}/\"]").Hint("or write the lock with -o FILE, and give it with --lock FILE")
	}
	// Without tug.yaml, the folder that is found by itself.
	beside := path.Dir(src.project.Root)
	return path.Join(beside, "app-locks", spec.App+".lock.yaml"), nil
}

// lockInFolder chooses the folder that no other environment uses, if there is
// one; in a folder for all, the environment becomes part of the name.
func lockInFolder(src *source, spec project.Spec, folders []string) string {
	shared := map[string]bool{}
	for _, other := range otherSpecs(src, spec) {
		if other.Env != spec.Env {
			for _, name := range slices.Concat(other.Locks, other.NewLocks) {
				shared[name] = true
			}
		}
	}
	for _, folder := range folders {
		if !shared[folder] {
			return path.Join(folder, spec.App+".lock.yaml")
		}
	}
	return path.Join(folders[0], spec.App+"."+spec.Env+".lock.yaml")
}

// onlyLock refuses a lock file that serves another app or environment too: to
// write it whole would take away what the other needs.
func onlyLock(src *source, spec project.Spec, name string) error {
	for _, other := range otherSpecs(src, spec) {
		if slices.Contains(other.Locks, name) {
			return fault.New(fault.Conflict, "%s is the lock of %s and of %s", name, label(spec.App, spec.Env), label(other.App, other.Env)).
				Hint("give each app and environment its own: locks: [\"app-locks/{{.env}}/\"]")
		}
	}
	return nil
}

// otherSpecs are the other apps and environments whose files are these.
// Environments with a branch or repository of their own have other files, and
// one that cannot be read says so when its turn comes.
func otherSpecs(src *source, spec project.Spec) []project.Spec {
	envs := slices.Sorted(maps.Keys(src.project.Environments))
	if len(envs) == 0 {
		envs = []string{""}
	}
	var others []project.Spec
	for _, env := range envs {
		if env != spec.Env && isElsewhere(src.project.Environments[env]) {
			continue
		}
		specs, err := src.project.Select(project.Choice{Env: env})
		if err != nil {
			continue
		}
		for _, s := range specs {
			if s.App != spec.App || s.Env != spec.Env {
				others = append(others, s)
			}
		}
	}
	return others
}
