package git

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/format/gitignore"
	"github.com/go-git/go-git/v5/plumbing/format/index"

	"github.com/tugops/tug/internal/fault"
)

// ignored knows the files that Git does not track on purpose: .gitignore of
// every folder and info/exclude of the repository. The user's own list is not
// read: it differs from machine to machine.
type ignored struct {
	files    fs.FS
	top      []gitignore.Pattern            // info/exclude
	patterns map[string][]gitignore.Pattern // by folder, those above included
}

func newIgnored(files fs.FS, common string) *ignored {
	i := &ignored{files: files, patterns: map[string][]gitignore.Pattern{}}
	if data, err := os.ReadFile(filepath.Join(common, "info", "exclude")); err == nil {
		i.top = parseIgnore(data, nil)
	}
	return i
}

// match tells whether a name or a folder above it is ignored.
func (i *ignored) match(name string, dir bool) (bool, error) {
	parts := strings.Split(name, "/")
	for n := 1; n <= len(parts); n++ {
		patterns, err := i.of(path.Join(parts[:n-1]...))
		if err != nil {
			return false, err
		}
		if gitignore.NewMatcher(patterns).Match(parts[:n], dir || n < len(parts)) {
			return true, nil
		}
	}
	return false, nil
}

// of gives the patterns that hold in a folder ("" for the root), weakest
// first.
func (i *ignored) of(dir string) ([]gitignore.Pattern, error) {
	if dir == "." {
		dir = ""
	}
	if known, ok := i.patterns[dir]; ok {
		return known, nil
	}
	patterns := i.top
	var domain []string
	if dir != "" {
		var err error
		if patterns, err = i.of(path.Dir(dir)); err != nil {
			return nil, err
		}
		domain = strings.Split(dir, "/")
	}
	data, err := fs.ReadFile(i.files, path.Join(dir, ".gitignore"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fault.New(fault.Invalid, "read .gitignore: %w", err)
	}
	patterns = append(patterns[:len(patterns):len(patterns)], parseIgnore(data, domain)...)
	i.patterns[dir] = patterns
	return patterns, nil
}

func parseIgnore(data []byte, domain []string) []gitignore.Pattern {
	var patterns []gitignore.Pattern
	for line := range strings.Lines(string(data)) {
		line = strings.TrimRight(line, "\r\n")
		if strings.TrimSpace(line) != "" && !strings.HasPrefix(line, "#") {
			patterns = append(patterns, gitignore.ParsePattern(line, domain))
		}
	}
	return patterns
}

// skipped tells whether a sparse checkout leaves a file out.
func (d *differ) skipped(name string) (bool, error) {
	if !d.repo.config.isTrue("core.sparsecheckout") && !d.repo.worktreeSparse() {
		return false, nil
	}
	if d.sparse == nil {
		d.sparse = map[string]bool{}
		idx, err := d.repo.store.index()
		if err != nil {
			return false, err
		}
		for _, e := range idx.Entries {
			d.sparse[e.Name] = e.SkipWorktree
		}
	}
	skip, known := d.sparse[name]
	return known && skip, nil
}

// worktreeSparse looks into the configuration of this working tree alone,
// where git sparse-checkout writes.
func (r *Repo) worktreeSparse() bool {
	c, err := readConfigFile(filepath.Join(r.dirs.git, "config.worktree"))
	return err == nil && c.isTrue("core.sparsecheckout")
}

func (s *store) index() (*index.Index, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	idx, err := s.git.Index()
	if err != nil {
		return nil, fault.New(fault.Invalid, "read index: %w", err).
			Hint("a sparse index is not read: git sparse-checkout reapply --no-sparse-index writes a full one")
	}
	return idx, nil
}
