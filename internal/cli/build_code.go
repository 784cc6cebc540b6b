package cli

import (
	"errors"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tugops/tug/internal/build"
	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/git"
	"github.com/tugops/tug/internal/registry"
)

// code is a code repository, or a folder outside of Git.
type code struct {
	files  fs.FS
	root   string // on disk
	folder string // PATH as it was given
	dir    string // PATH inside of files
	repo   *git.Repo
	dirty  []string // files that differ from the commit
}

// openCode opens the repository that PATH is in.
func openCode(o buildOptions) (*code, error) {
	c := &code{folder: o.path, dir: "."}
	repo, err := git.Open(o.path)
	if errors.Is(err, git.ErrNoRepository) {
		if o.version == "" {
			return nil, fault.New(fault.Invalid, "%s is in no Git repository, so that there is no version", o.path).
				Hint("name one with --version 1.2.3")
		}
		c.root, err = filepath.Abs(o.path)
		if err != nil {
			return nil, fault.New(fault.Invalid, "%s: %w", o.path, err)
		}
		c.files, err = git.Folder(o.path)
		return c, err
	}
	if err != nil {
		return nil, err
	}
	c.repo, c.root, c.dir = repo, repo.Root(), repo.Prefix()
	if c.files, _, err = repo.Working(); err != nil {
		return nil, err
	}
	changed, err := repo.Changed(".")
	c.dirty = slices.DeleteFunc(changed, func(name string) bool { return c.isOutput(name, o) })
	return c, err
}

// isOutput reports whether a file is what a build writes itself.
func (c *code) isOutput(name string, o buildOptions) bool {
	if path.Dir(name) == path.Clean(c.dir) && strings.HasSuffix(name, ".kbld.lock.yml") {
		return true
	}
	for _, out := range []string{o.lock, o.out} {
		if out == "" {
			continue
		}
		abs, err := filepath.Abs(out)
		if err != nil {
			continue
		}
		if real, err := filepath.EvalSymlinks(filepath.Dir(abs)); err == nil {
			abs = filepath.Join(real, filepath.Base(abs))
		}
		rel, err := filepath.Rel(c.root, abs)
		if rel = filepath.ToSlash(rel); err == nil && (name == rel || strings.HasPrefix(name, rel+"/")) {
			return true
		}
	}
	return false
}

// decide makes the plan.
func (c *code) decide(choices build.Choices) (*build.Plan, error) {
	found, err := build.Find(c.files, c.dir, c.name())
	if err != nil {
		return nil, err
	}
	commit, err := c.commit(found.TagPrefix)
	if err != nil {
		return nil, err
	}
	return build.Decide(c.files, c.dir, found, commit, choices)
}

// name is what an image is called that nothing names: the folder, or for a
// whole repository the last part of its remote.
func (c *code) name() string {
	if c.dir != "." {
		return path.Base(c.dir)
	}
	if c.repo != nil {
		if remote := strings.TrimSuffix(strings.TrimRight(c.repo.RemoteURL(), "/"), ".git"); remote != "" {
			return remote[strings.LastIndexAny(remote, "/:")+1:]
		}
	}
	return filepath.Base(c.root)
}

// commit is HEAD with its version tags.
func (c *code) commit(prefix string) (build.Commit, error) {
	if c.repo == nil {
		return build.Commit{Time: time.Unix(0, 0).UTC()}, nil
	}
	d, err := c.repo.Describe(func(tag string) bool {
		_, ok := build.VersionTag(prefix, tag)
		return ok
	})
	if err != nil {
		return build.Commit{}, err
	}
	if d.Commit.IsZero() {
		return build.Commit{Time: time.Unix(0, 0).UTC()}, nil
	}
	return build.Commit{
		Hash: d.Commit.Hash, Time: d.Commit.Time, Branch: d.Branch, Tags: d.Tags, Nearest: d.Nearest, Distance: d.Distance,
		Dirty: len(c.dirty) > 0, Repository: c.repo.RemoteURL(), Shallow: d.Shallow,
	}, nil
}

// publishable refuses, before anything is built, what could not be published.
func (c *code) publishable(plan *build.Plan, o buildOptions) error {
	if err := plan.Unpublishable(); err != nil {
		return err
	}
	for _, chart := range plan.Charts {
		if err := registry.CheckChartRepository(chart.Repository); err != nil {
			return err
		}
	}
	return c.clean(plan, o)
}

// shownFiles is how many changed files an error names.
const shownFiles = 5

// clean refuses to publish what is not in the commit, or what has a version
// that another clone would not have.
func (c *code) clean(plan *build.Plan, o buildOptions) error {
	if len(c.dirty) > 0 && !o.allowDirty {
		names := c.dirty[:min(len(c.dirty), shownFiles)]
		more := ""
		if len(c.dirty) > shownFiles {
			more = " and more"
		}
		return fault.New(fault.Conflict, "files differ from commit %s: %s%s", plan.Commit.Short(), strings.Join(names, ", "), more).
			Hint("commit them, or list what a build makes in .gitignore").
			Hint("--allow-dirty publishes them all the same, under a version that ends in .dirty")
	}
	if plan.Commit.Shallow && len(plan.Commit.Nearest) == 0 && o.version == "" {
		return fault.New(fault.Conflict, "this is a shallow clone: the tags that the version is counted from may lie behind its edge").
			Hint("fetch the rest with git fetch --unshallow --tags (fetch-depth: 0 in GitHub's checkout, GIT_DEPTH: 0 in GitLab)").
			Hint("or name the version with --version")
	}
	return nil
}
