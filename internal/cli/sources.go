package cli

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/tugops/tug/internal/project"
	sources "github.com/tugops/tug/internal/source"
)

// outside is the network as resolvers want it. Credentials and the rest are
// read when something is fetched, so that a broken file of another tool stands
// in nobody's way who fetches nothing.
type outside struct {
	env     *Env
	offline bool
}

var (
	_ sources.Charts = outside{}
	_ sources.Git    = outside{}
)

// Versions implements source.Charts.
func (o outside) Versions(ctx context.Context, repository, name string) ([]string, error) {
	n, err := o.env.network()
	if err != nil {
		return nil, err
	}
	return n.charts.Versions(ctx, repository, name)
}

// Pull implements source.Charts.
func (o outside) Pull(ctx context.Context, repository, name, version string) ([]byte, string, error) {
	n, err := o.env.network()
	if err != nil {
		return nil, "", err
	}
	return n.charts.Pull(ctx, repository, name, version)
}

// Fetch implements source.Git.
func (o outside) Fetch(ctx context.Context, url, ref string) (fs.FS, string, error) {
	n, err := o.env.network()
	if err != nil {
		return nil, "", err
	}
	remotes := n.git
	if o.offline {
		remotes = n.offline
	}
	files, commit, err := remotes.Fetch(ctx, url, ref)
	return files, commit.Hash, err
}

func (o outside) aliases() (map[string]string, error) {
	n, err := o.env.network()
	if err != nil {
		return nil, err
	}
	return n.aliases, nil
}

// sources gives an app what it takes from outside its repository, by its lock,
// whose text comes with it.
func (e *Env) sources(s *source, spec project.Spec, in input) (*sources.Resolver, string, error) {
	name := sourceLockName(s.files, spec)
	lock, err := sources.ReadLock(s.files, name)
	if err != nil {
		return nil, "", err
	}
	o, err := e.sourceOptions(in, spec, name)
	if err != nil {
		return nil, "", err
	}
	o.Lock = lock
	text := ""
	if lock != nil {
		data, err := lock.Encode()
		if err != nil {
			return nil, "", err
		}
		text = string(data)
	}
	return sources.New(o), text, nil
}

func (e *Env) sourceOptions(in input, spec project.Spec, lockFile string) (sources.Options, error) {
	cache, err := e.contentCache()
	if err != nil {
		return sources.Options{}, err
	}
	from := outside{env: e, offline: in.Hermetic}
	o := sources.Options{
		Charts: from, Git: from, Cache: cache, Aliases: from.aliases,
		LockFile: lockFile, Hermetic: in.Hermetic, Command: lockCommand(in, spec),
		Progress: func(f sources.Fetched) { e.fetching(f.What, fmt.Sprintf("%d KiB", (f.Bytes+1023)>>10)) },
	}
	return o, nil
}

// lockCommand is what locks the sources of an app, as a person would type it.
func lockCommand(in input, spec project.Spec) string {
	words := []string{"tug", "vendor", "lock"}
	if in.Path != "." && in.Path != "" {
		words = append(words, in.Path)
	}
	if spec.Env != "" {
		words = append(words, "-e", spec.Env)
	}
	if spec.Declared.File != "" || in.App != "" {
		words = append(words, "-a", spec.App)
	}
	return strings.Join(words, " ")
}

// sourceLockName is where the source lock of an app stands: in its folder for
// locks, with the environment in the name unless it is in that of the folder;
// without such a folder beside the chart, kustomization or layout. The name
// does not end in .yaml, so that nothing takes it for a manifest or an image
// lock (docs/adr/0008-source-locks.md).
func sourceLockName(files fs.FS, spec project.Spec) string {
	for _, folder := range slices.Concat(spec.Locks, spec.NewLocks) {
		if info, err := fs.Stat(files, folder); err == nil && !info.IsDir() {
			continue
		}
		name := spec.App + ".sources.lock"
		if spec.Env != "" && !slices.Contains(strings.Split(folder, "/"), spec.Env) {
			name = spec.App + "." + spec.Env + ".sources.lock"
		}
		return path.Join(folder, name)
	}
	folder := "."
	if len(spec.Paths) > 0 {
		folder = spec.Paths[0]
		if info, err := fs.Stat(files, folder); err == nil && !info.IsDir() {
			folder = path.Dir(folder)
		}
	}
	return path.Join(folder, "tug.sources.lock")
}

// fetching says on stderr what comes over the network.
func (e *Env) fetching(what, detail string) {
	if e.Global.Quiet || e.Global.JSON() {
		return
	}
	if detail != "" {
		detail = " (" + detail + ")"
	}
	e.lines.Lock()
	defer e.lines.Unlock()
	fmt.Fprintf(e.Stderr, "tug: fetched %s%s\n", e.sensitive.Mask(what), detail)
}
