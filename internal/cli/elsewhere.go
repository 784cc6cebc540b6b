package cli

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/git"
	"github.com/tugops/tug/internal/project"
	"github.com/tugops/tug/internal/snapshot"
)

// open reads the project that PATH names, and finds the files of the chosen
// environment: at --rev or in the working tree, or on the branch and in the
// repository that the environment names. The tug.yaml that is checked out
// rules; of a branch it is the commit that counts, never the working tree.
func (e *Env) open(ctx context.Context, in input) (*source, error) {
	if in.Rev != "" {
		here := in
		here.Rev = ""
		// Only a project that is checked out can name a branch. One that cannot
		// be read here may be whole at the revision.
		if s, err := e.openProject(here); err == nil {
			if _, env, err := s.project.Environment(in.Env); err == nil && isElsewhere(env) {
				return s, e.goElsewhere(ctx, s, env, in.Rev, in.Hermetic)
			}
		}
	}
	s, err := e.openProject(in)
	if err != nil {
		return nil, err
	}
	if _, env, err := s.project.Environment(in.Env); err == nil && isElsewhere(env) && in.Rev == "" {
		err := e.goElsewhere(ctx, s, env, "", in.Hermetic)
		return s, err
	}
	return s, nil
}

func isElsewhere(env project.Environment) bool { return env.Branch != "" || env.Repository != "" }

// goElsewhere replaces the files of s by those of the environment's branch and
// repository, or of a revision there.
func (e *Env) goElsewhere(ctx context.Context, s *source, env project.Environment, rev string, hermetic bool) error {
	root, address := s.project.Root, ""
	if s.repo != nil {
		address = s.repo.RemoteURL()
	}
	var files fs.FS
	var commit git.Commit
	var err error
	if env.Repository != "" {
		s.other = true
		root, address = ".", git.WithoutCredentials(env.Repository)
		files, commit, err = e.ofRepository(ctx, s, env, rev, hermetic)
	} else {
		files, commit, err = e.ofBranch(s.repo, env, rev)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", s.project.File, err)
	}
	s.project = s.project.Over(files, root)
	s.files, s.branch, s.elsewhere = files, env.Branch, true
	s.revision = snapshot.Revision{
		Repository: address, Commit: commit.Hash, Ref: cmp.Or(rev, env.Branch, commit.Ref),
		Time: commit.Time, Message: commit.Message, Trailers: commit.Trailers,
	}
	return nil
}

// ofBranch gives the files of a branch of the same repository.
func (e *Env) ofBranch(repo *git.Repo, env project.Environment, rev string) (fs.FS, git.Commit, error) {
	if repo == nil {
		return nil, git.Commit{}, fault.New(fault.Invalid, "branch %q of the environment: %w", env.Branch, git.ErrNoRepository).
			Hint("branches need a Git repository; leave out branch to use the files as they are")
	}
	if rev == "" {
		var err error
		if rev, err = e.branchOf(repo, env); err != nil {
			return nil, git.Commit{}, err
		}
	}
	return repo.At(rev)
}

// branchOf is the full name of the branch of an environment: the local one,
// else that of origin.
func (e *Env) branchOf(repo *git.Repo, env project.Environment) (string, error) {
	if env.Branch == "" {
		return "HEAD", nil
	}
	local, remote := "refs/heads/"+env.Branch, "refs/remotes/origin/"+env.Branch
	_, here, err := repo.At(local)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return "", err
	}
	_, there, remoteErr := repo.At(remote)
	switch {
	case err == nil && remoteErr == nil && here.Hash != there.Hash:
		e.warn("branch " + env.Branch + " is at " + here.Hash[:12] + " here and at " + there.Hash[:12] + " on origin: the local one is used")
		return local, nil
	case err == nil:
		return local, nil
	case remoteErr == nil:
		return remote, nil
	}
	f := fault.New(fault.NotFound, "branch %q of the environment does not exist", env.Branch)
	return "", f.Hint("get it with: git fetch origin %s:refs/remotes/origin/%s", env.Branch, env.Branch).
		Hint("or correct environments.*.branch in tug.yaml")
}

// ofRepository gives the files of another repository. A path and a file:// URL
// are read in place, where the person who runs this can read them anyway;
// others are fetched. A path is relative to the folder of tug.yaml.
func (e *Env) ofRepository(ctx context.Context, s *source, env project.Environment, rev string, hermetic bool) (fs.FS, git.Commit, error) {
	name, local := localPath(env.Repository)
	if !local {
		n, err := e.network()
		if err != nil {
			return nil, git.Commit{}, err
		}
		remotes := n.git
		if hermetic {
			remotes = n.git.AsOffline()
			remotes.OfflineHint = "clone the repository, and name the clone's folder as environments.*.repository"
		}
		return remotes.Fetch(ctx, env.Repository, cmp.Or(rev, env.Branch))
	}
	if !filepath.IsAbs(name) && s.repo != nil {
		name = filepath.Join(s.repo.Root(), filepath.FromSlash(s.project.Root), name)
	}
	repo, err := git.Open(name)
	if err != nil {
		return nil, git.Commit{}, fault.New(fault.KindOf(err), "repository of the environment: %w", err).
			Hint("environments.*.repository is a URL or a path; a path is relative to the folder of tug.yaml")
	}
	return e.ofBranch(repo, env, rev)
}

// localPath is the path that an address names, if it is one on this machine.
func localPath(address string) (name string, local bool) {
	if u, err := url.Parse(address); err == nil && u.Scheme == "file" {
		return filepath.FromSlash(u.Path), true
	}
	if strings.Contains(address, "://") {
		return "", false
	}
	// user@host:path and host:path are ssh's short form.
	before, _, colon := strings.Cut(address, ":")
	return filepath.FromSlash(address), !colon || strings.ContainsAny(before, `/\`) || filepath.VolumeName(address) != ""
}

// from says where the files come from, if not from what is checked out here.
func (s *source) from() string {
	if !s.elsewhere {
		return ""
	}
	text := s.revision.Ref + " at " + s.revision.Commit[:min(len(s.revision.Commit), 12)]
	if s.other {
		text += " of " + s.revision.Repository
	}
	return text
}

// noteCheckedOut says that changes in the working tree are not rendered, where
// the branch of the environment is the one that is checked out.
func (e *Env) noteCheckedOut(s *source, spec project.Spec) error {
	if !s.elsewhere || s.repo == nil || s.repo.Bare() || spec.Repository != "" {
		return nil
	}
	_, head, err := s.repo.Working()
	if err != nil || head.Ref != s.branch {
		return err
	}
	dirty, err := s.repo.Dirty(s.inputs(spec)...)
	if dirty {
		e.warn(named(spec.App, spec.Env, []string{"the working tree differs from branch " + s.branch + ", whose commit is rendered"})...)
	}
	return err
}

// cacheFolder is where what can be fetched or made again is kept.
func (e *Env) cacheFolder() string {
	if dir := e.Getenv("TUG_CACHE_DIR"); dir != "" {
		return dir
	}
	if dir := e.Getenv("XDG_CACHE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "tug")
	}
	return filepath.Join(e.Getenv("HOME"), ".cache", "tug")
}
