package cli

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"

	"github.com/tugops/tug/internal/deploy"
	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/git"
	"github.com/tugops/tug/internal/kube"
	"github.com/tugops/tug/internal/program"
	"github.com/tugops/tug/internal/project"
	"github.com/tugops/tug/internal/render/flux"
	"github.com/tugops/tug/internal/render/helm"
	"github.com/tugops/tug/internal/render/krm"
	"github.com/tugops/tug/internal/render/kustomize"
	"github.com/tugops/tug/internal/render/plain"
	"github.com/tugops/tug/internal/render/ytt"
	"github.com/tugops/tug/internal/snapshot"
)

// builder joins the render engines.
func (e *Env) builder() snapshot.Builder {
	charts := helm.Renderer{}
	kustomizations := &kustomize.Renderer{Helm: charts, Programs: program.Runner{}}
	return snapshot.Builder{
		Helm: charts, Kustomize: kustomizations, Plain: plain.Renderer{},
		Flux: flux.Renderer{Helm: charts, Kustomize: kustomizations},
		KRM:  krm.Renderer{Programs: program.Runner{}}, Ytt: ytt.Renderer{Programs: program.Runner{}},
	}
}

// source is a config repository, or a plain folder, at one revision.
type source struct {
	files    fs.FS
	project  *project.Project
	repo     *git.Repo // nil outside Git
	revision snapshot.Revision
	working  bool   // files are the working tree
	root     string // folder on disk that files begin at, when they are working
	// elsewhere says that files come from the branch or repository that the
	// environment names; branch may be empty.
	elsewhere bool
	branch    string
	other     bool // they come from another repository

	plainOnce sync.Once
	plain     fs.FS // files, decrypted
}

// openProject reads the project that PATH names, at --rev or in the working
// tree.
func (e *Env) openProject(in input) (*source, error) {
	s := &source{}
	there, below := in.Path, "."
	if in.Rev != "" {
		there, below = existing(in.Path)
	}
	repo, err := git.Open(there)
	switch {
	case err == nil:
		s.repo = repo
		err = s.readRepository(repo, in.Rev)
		if err != nil {
			return nil, err
		}
		s.project, err = project.Open(s.files, joinPath(repo.Prefix(), below))
	case errors.Is(err, git.ErrNoRepository) && in.Rev == "":
		err = s.readFolder(in.Path)
	case errors.Is(err, git.ErrNoRepository):
		err = fault.New(fault.Usage, "--rev %s: %w", in.Rev, err).Hint("leave out --rev to use the files as they are")
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// existing is the nearest folder of a path that is there, and the way from it
// to the path: what a commit has need not be in the working tree.
func existing(name string) (there, below string) {
	there, below = filepath.Clean(name), "."
	for {
		if _, err := os.Lstat(there); err == nil || filepath.Dir(there) == there {
			return there, below
		}
		below = joinPath(filepath.Base(there), below)
		there = filepath.Dir(there)
	}
}

// joinPath joins paths of a file system of a project.
func joinPath(a, b string) string { return path.Join(a, filepath.ToSlash(b)) }

func (s *source) readRepository(repo *git.Repo, rev string) error {
	var commit git.Commit
	var err error
	if rev == "" && !repo.Bare() {
		s.working, s.root = true, repo.Root()
		s.files, commit, err = repo.Working()
	} else {
		if rev == "" {
			rev = "HEAD"
		}
		s.files, commit, err = repo.At(rev)
	}
	if err != nil {
		return err
	}
	s.revision = snapshot.Revision{
		Repository: repo.RemoteURL(), Commit: commit.Hash, Ref: commit.Ref,
		Time: commit.Time, Message: commit.Message, Trailers: commit.Trailers,
	}
	return nil
}

// readFolder opens a folder that is in no repository. What lies below the
// current folder is read through it, so that a kustomization finds its bases
// and messages name paths as the user does; a file is opened through its
// folder.
func (s *source) readFolder(folder string) error {
	// The person who named a link meant what it leads to.
	if real, err := filepath.EvalSymlinks(folder); err == nil && filepath.IsAbs(real) {
		folder = real
	}
	if filepath.IsLocal(folder) && filepath.Clean(folder) != "." {
		files, err := git.Folder(".")
		if err != nil {
			return err
		}
		s.files, s.working, s.root = files, true, "."
		s.project, err = project.Open(files, filepath.ToSlash(filepath.Clean(folder)))
		return err
	}
	dir, name := folder, "."
	files, err := git.Folder(dir)
	if err != nil {
		dir, name = filepath.Split(filepath.Clean(folder))
		if dir == "" {
			dir = "."
		}
		var dirErr error
		if files, dirErr = git.Folder(dir); dirErr != nil {
			return err
		}
	}
	s.files, s.working, s.root = files, true, dir
	// A chart may stand beside its app-locks: look from the parent as well.
	if name == "." {
		if abs, absErr := filepath.Abs(dir); absErr == nil && filepath.Dir(abs) != abs {
			if parent, parentErr := git.Folder(filepath.Dir(abs)); parentErr == nil && besideLocks(parent) {
				s.files, s.root, name = parent, filepath.Dir(abs), filepath.Base(abs)
			}
		}
	}
	s.project, err = project.Open(s.files, name)
	return err
}

// besideLocks reports whether a folder has an app-locks folder (Deus' layout).
func besideLocks(parent fs.FS) bool {
	info, err := fs.Stat(parent, "app-locks")
	return err == nil && info.IsDir()
}

// specs chooses apps.
func (s *source) specs(in input) ([]project.Spec, error) {
	return s.project.Select(in.choice())
}

// places chooses apps to look at, whose files are not needed.
func (s *source) places(in input) ([]project.Spec, error) {
	choice := in.choice()
	_, env, err := s.project.Environment(in.Env)
	choice.NoFiles = err == nil && isElsewhere(env)
	return s.project.Select(choice)
}

func (in *input) choice() project.Choice {
	return project.Choice{Env: in.Env, App: in.App, Namespace: in.Namespace, KubeVersion: in.KubeVersion}
}

// build renders one app. recorded, when not nil, asks for the random values
// of the last release; without it the render shows placeholders.
func (e *Env) build(ctx context.Context, s *source, spec project.Spec, in input, recorded func(context.Context) (map[string]string, error)) (*snapshot.Snapshot, error) {
	request, err := e.request(ctx, s, spec, in)
	if err != nil {
		return nil, err
	}
	if recorded != nil {
		request.Random, request.Recorded = snapshot.Record, recorded
		// Only a release says whether it is that of its commit; finding out
		// reads every file again.
		if request.Revision.Dirty, err = s.dirty(spec); err != nil {
			return nil, err
		}
	}
	if err := e.noteCheckedOut(s, spec); err != nil {
		return nil, err
	}
	found, err := e.find(ctx, e.cached(in), request)
	if err != nil {
		return nil, err
	}
	return found.Load(ctx)
}

// find gives the snapshot of a request, rendered when it has to be.
func (e *Env) find(ctx context.Context, c *snapshot.Cached, request snapshot.Input) (snapshot.Found, error) {
	found, err := c.Find(ctx, request)
	if files, ok := request.Files.(*withheld); ok && err == nil {
		err = files.missed(found.Rendered())
	}
	return found, err
}

// request is everything that the snapshot of an app depends on.
func (e *Env) request(ctx context.Context, s *source, spec project.Spec, in input) (snapshot.Input, error) {
	values, err := in.readValues(ctx, e)
	if err != nil {
		return snapshot.Input{}, err
	}
	locks, err := in.readLocks(ctx, e)
	if err != nil {
		return snapshot.Input{}, err
	}
	outside, lock, err := e.sources(s, spec, in)
	if err != nil {
		return snapshot.Input{}, subjectError(spec, err)
	}
	return snapshot.Input{
		Sources: outside, SourceLock: lock,
		Files: &withheld{plain: s.plainFiles(ctx, e, in, spec.Env), raw: s.files, spec: spec}, Raw: s.files,
		Spec: spec, Revision: s.revision, Sensitive: e.sensitive,
		Values: values, Set: in.Set, Locks: locks, Hermetic: in.Hermetic, KeepImages: in.keepImages,
		Ciphertext: in.noDecrypt, Private: in.decrypted, Allow: in.Allow,
	}, nil
}

// dirty reports whether what an app is rendered from differs from the commit.
func (s *source) dirty(spec project.Spec) (bool, error) {
	if s.repo == nil || !s.working || s.elsewhere || s.revision.Commit == "" {
		return false, nil
	}
	return s.repo.Dirty(s.inputs(spec)...)
}

// inputs are the files and folders that an app is rendered from.
func (s *source) inputs(spec project.Spec) []string {
	if spec.Engine == project.Flux {
		return []string{"."} // its charts and bases may lie anywhere
	}
	paths := append([]string(nil), spec.Paths...)
	paths = append(paths, spec.ValueFiles...)
	paths = append(paths, spec.Locks...)
	for _, step := range spec.Then {
		_, path := step.Source()
		paths = append(paths, path)
	}
	if s.project.File != "" {
		paths = append(paths, s.project.File)
	}
	return paths
}

// connect reaches the cluster: --context, else the environment's, else the
// current context.
func (e *Env) connect(cluster string) (*kube.Client, error) {
	name := e.Global.Context
	if name == "" {
		name = cluster
	}
	return kube.Connect(kube.Options{Kubeconfig: e.Global.Kubeconfig, Context: name, UserAgent: "tug/" + Release, Wrap: e.logged()})
}

// engine is the deploy engine on a cluster.
func engine(c *kube.Client) *deploy.Engine { return deploy.New(c) }

func joinApps(specs []project.Spec) string {
	names := make([]string, len(specs))
	for i, s := range specs {
		names[i] = s.App
	}
	return strings.Join(names, ", ")
}
