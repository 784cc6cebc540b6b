package cli

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/git"
	"github.com/tugops/tug/internal/imagelock"
	"github.com/tugops/tug/internal/project"
	"github.com/tugops/tug/internal/promote"
)

// promotion is one use of tug promote: the config repository at its tip, whose
// tug.yaml rules, and the repositories that environments name.
type promotion struct {
	env    *Env
	o      promoteOptions
	url    string // of the config repository
	branch string // of it
	below  string // folder of tug.yaml
	// here says that the command runs in the config repository.
	here  bool
	repos map[string]*git.Upstream
	refs  map[string]git.Refs
	// project is that of the tip; nil where there is no tug.yaml.
	project *project.Project
	tip     *git.Tree
}

var groupName = regexp.MustCompile(`\A[A-Za-z0-9]([A-Za-z0-9.-]{0,100}[A-Za-z0-9])?\z`)

func (e *Env) newPromotion(ctx context.Context, o promoteOptions) (*promotion, error) {
	p := &promotion{env: e, o: o, below: ".", repos: map[string]*git.Upstream{}, refs: map[string]git.Refs{}}
	if err := p.locate(); err != nil {
		return nil, err
	}
	refs, err := p.refsOf(ctx, p.url)
	if err != nil {
		return nil, err
	}
	if p.branch = cmp.Or(o.branch, refs.Default); p.branch == "" {
		return nil, fault.New(fault.Usage, "repository %s does not say which branch is its default", p.repos[p.url]).Hint("name it with --branch")
	}
	if p.tip, err = p.treeOf(ctx, p.url, p.branch); err != nil {
		return nil, err
	}
	p.project, err = project.Open(p.tip.Files, p.below)
	if err != nil && exists(p.tip.Files, path.Join(p.below, project.FileName)) {
		return nil, err
	}
	if p.project != nil && p.project.File == "" {
		p.project = nil
	}
	return p, nil
}

// locate finds the config repository: what is named, else the one here.
func (p *promotion) locate() error {
	repo, err := git.Open(".")
	if err != nil && !errors.Is(err, git.ErrNoRepository) {
		return err
	}
	if p.url = cmp.Or(p.o.repository, p.env.Getenv("TUG_CONFIG_REPOSITORY")); p.url != "" {
		if repo != nil && sameRepository(repo.RemoteURL(), p.url) {
			p.here, p.below = true, repo.Prefix()
		}
	} else if repo == nil {
		return fault.New(fault.Usage, "there is no config repository here").
			Hint("name it with --repository URL or TUG_CONFIG_REPOSITORY, or run this in a clone of it")
	} else if p.url, p.here, p.below = repo.RemoteURL(), true, repo.Prefix(); p.url == "" {
		return fault.New(fault.Usage, "the repository here has no remote to push to").Hint("name the config repository with --repository URL")
	}
	for p.below != "." && !p.hasProject(repo) {
		p.below = path.Dir(p.below)
	}
	return nil
}

// hasProject reports whether the folder has a tug.yaml in the clone here.
func (p *promotion) hasProject(repo *git.Repo) bool {
	files, _, err := repo.At("HEAD")
	return err == nil && exists(files, path.Join(p.below, project.FileName))
}

func exists(files fs.FS, name string) bool {
	_, err := fs.Stat(files, name)
	return err == nil
}

func sameRepository(a, b string) bool {
	clean := func(s string) string { return strings.TrimSuffix(git.WithoutCredentials(s), ".git") }
	return clean(a) == clean(b)
}

// upstream is a repository, connected with once.
func (p *promotion) upstream(url string) (*git.Upstream, error) {
	if u := p.repos[url]; u != nil {
		return u, nil
	}
	n, err := p.env.network()
	if err != nil {
		return nil, err
	}
	u, err := n.git.Upstream(url)
	if err == nil {
		p.repos[url] = u
	}
	return u, err
}

func (p *promotion) refsOf(ctx context.Context, url string) (git.Refs, error) {
	if refs, ok := p.refs[url]; ok {
		return refs, nil
	}
	u, err := p.upstream(url)
	if err != nil {
		return git.Refs{}, err
	}
	refs, err := u.Refs(ctx)
	if err == nil {
		p.refs[url] = refs
	}
	return refs, err
}

// treeOf is the tip of a branch, as it was when the refs were read.
func (p *promotion) treeOf(ctx context.Context, url, branch string) (*git.Tree, error) {
	refs, err := p.refsOf(ctx, url)
	if err != nil {
		return nil, err
	}
	hash := refs.Branches[branch]
	if hash == "" {
		e := fault.New(fault.NotFound, "repository %s has no branch %q", p.repos[url], branch)
		for _, near := range fault.Nearest(branch, branchNames(refs), 1) {
			e.Hint("did you mean %q?", near)
		}
		return nil, e
	}
	return p.repos[url].At(ctx, hash)
}

func branchNames(refs git.Refs) []string {
	var names []string
	for name := range refs.Branches {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// spot is where the files of an environment are.
type spot struct{ url, branch string }

// environment says where an environment is and how versions get in.
func (p *promotion) environment(ctx context.Context, name string) (spot, string, project.Environment, error) {
	at := spot{p.url, p.branch}
	if p.project == nil {
		return at, name, project.Environment{}, nil
	}
	name, env, err := p.project.Environment(name)
	if err != nil {
		return at, name, env, err
	}
	if env.Repository != "" {
		if _, local := localPath(env.Repository); local {
			return at, name, env, fault.New(fault.Invalid, "environment %q is in the repository %s on this machine, which cannot be pushed to", name, env.Repository).
				Hint("name it by its https or ssh address in %s", p.project.File)
		}
		at = spot{url: env.Repository}
		if env.Branch == "" {
			refs, err := p.refsOf(ctx, at.url)
			if err != nil {
				return at, name, env, err
			}
			at.branch = refs.Default
		}
	}
	at.branch = cmp.Or(env.Branch, at.branch)
	return at, name, env, nil
}

// target says where an app keeps its versions in a tree of an environment.
func (p *promotion) target(files fs.FS, in promote.Intent) (promote.Target, error) {
	if p.project == nil {
		return p.bareTarget(files, in), nil
	}
	root := p.project.Root
	if p.project.Environments[in.Environment].Repository != "" {
		root = "."
	}
	proj := p.project.Over(files, root)
	specs, err := proj.Select(project.Choice{App: in.App, Env: in.Environment, Namespace: "any"})
	if err != nil {
		return promote.Target{}, err
	}
	spec := specs[0]
	t := promote.Target{ValueFiles: spec.ValueFiles, Shared: sharedFiles(proj, spec)}
	switch spec.Engine {
	case project.Helm:
		t.Chart = spec.Paths[0]
	case project.Kustomize:
		t.Kustomize = spec.Paths[0]
	default:
		t.Manifests = spec.Paths
	}
	folders := slices.Concat(spec.Locks, spec.NewLocks)
	if len(folders) == 0 {
		t.Lock, t.LockUnread = path.Join(root, "app-locks", in.Environment, in.App+".lock.yaml"), true
		return t, nil
	}
	for _, folder := range folders {
		if name, format, ok := lockIn(files, folder, in); ok {
			t.Lock, t.Format = name, format
			return t, nil
		}
	}
	t.Lock, err = lockName(&source{files: files, project: proj}, spec)
	return t, err
}

// bareTarget is for a repository without tug.yaml: the locks in app-locks, and
// the one chart or kustomization, if there is one.
func (p *promotion) bareTarget(files fs.FS, in promote.Intent) promote.Target {
	t := promote.Target{Lock: path.Join(p.below, "app-locks", in.App+".lock.yaml")}
	if name, format, ok := lockIn(files, path.Join(p.below, "app-locks"), in); ok {
		t.Lock, t.Format = name, format
	}
	found, err := project.Detect(files, p.below)
	if err != nil {
		return t
	}
	specs, err := found.Select(project.Choice{App: in.App, Namespace: "any"})
	if err != nil || len(specs) != 1 || len(specs[0].Paths) == 0 {
		return t
	}
	switch spec := specs[0]; spec.Engine {
	case project.Helm:
		t.Chart = spec.Paths[0]
		if values := path.Join(t.Chart, "values.yaml"); exists(files, values) {
			t.ValueFiles = []string{values}
		}
	case project.Kustomize:
		t.Kustomize = spec.Paths[0]
	default:
		t.Manifests = spec.Paths
	}
	return t
}

// lockIn finds the lock file of a part or app that is there, in any form; in a
// folder of kbld's files a new one is kbld's too (Deus' layout).
func lockIn(files fs.FS, folder string, in promote.Intent) (string, imagelock.Format, bool) {
	entries, err := fs.ReadDir(files, folder)
	if err != nil {
		return "", "", false
	}
	kbld, ours := false, false
	for _, e := range entries {
		kbld = kbld || strings.Contains(e.Name(), ".kbld.lock.")
		ours = ours || strings.HasSuffix(e.Name(), ".lock.yaml") && !strings.Contains(e.Name(), ".kbld.")
	}
	for _, name := range []string{in.PartName(), in.App} {
		for _, ending := range []string{".kbld.lock.yml", ".kbld.lock.yaml", ".lock.yaml", ".lock.yml"} {
			if file := path.Join(folder, name+ending); exists(files, file) {
				return file, "", true
			}
		}
	}
	if kbld && !ours {
		return path.Join(folder, in.PartName()+".kbld.lock.yml"), imagelock.FormatKbld, true
	}
	return "", "", false
}

// sharedFiles are files and folders of an app that other environments of the
// same tree use too, with one of them.
func sharedFiles(p *project.Project, spec project.Spec) map[string]string {
	shared := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(p.Environments)) {
		if env := p.Environments[name]; name == spec.Env || env.Branch != spec.Branch || env.Repository != spec.Repository {
			continue
		}
		specs, err := p.Select(project.Choice{Env: name, App: spec.App, Namespace: "any"})
		if err != nil {
			continue // the app is not there, or cannot be read there
		}
		for _, file := range slices.Concat(specs[0].Paths, specs[0].ValueFiles) {
			shared[file] = name
		}
	}
	return shared
}
