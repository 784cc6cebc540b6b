package git

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	format "github.com/go-git/go-git/v5/plumbing/format/config"

	"github.com/tugops/tug/internal/fault"
)

// config is what the repository's own configuration says: values by
// "section.key" or "section.subsection.key", sections and keys in lower case,
// the last value where a key has several. That of the user and the system is
// not read: a render must not depend on the machine.
type config map[string]string

func readConfig(dir string) (config, error) { return readConfigFile(filepath.Join(dir, "config")) }

func readConfigFile(file string) (config, error) {
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return config{}, nil
	}
	if err != nil {
		return nil, fault.New(fault.Invalid, "read %s: %w", file, err)
	}
	defer f.Close()
	raw := format.New()
	if err := format.NewDecoder(f).Decode(raw); err != nil {
		return nil, fault.New(fault.Invalid, "read %s: %w", file, err).Hint("git config --list --local says what is wrong in it")
	}
	return flatten(raw), nil
}

func flatten(raw *format.Config) config {
	c := config{}
	add := func(prefix string, options format.Options) {
		for _, o := range options {
			c[prefix+"."+strings.ToLower(o.Key)] = o.Value
		}
	}
	for _, s := range raw.Sections {
		name := strings.ToLower(s.Name)
		add(name, s.Options)
		for _, sub := range s.Subsections {
			add(name+"."+sub.Name, sub.Options)
		}
	}
	return c
}

func (c config) isTrue(key string) bool {
	value := strings.ToLower(c[key])
	ok, err := strconv.ParseBool(value)
	return ok && err == nil || value == "yes" || value == "on"
}

// remotes are the names of the remotes, sorted.
func (c config) remotes() []string {
	var names []string
	for key := range c {
		if name, ok := strings.CutPrefix(key, "remote."); ok {
			if name, ok = strings.CutSuffix(name, ".url"); ok {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return names
}

// check refuses repositories whose format the library cannot read.
func (c config) check(dirs gitDirs) error {
	if f := strings.ToLower(c["extensions.objectformat"]); f != "" && f != "sha1" {
		return fault.New(fault.Invalid, "repository %s uses %s object names, which tug cannot read", dirs.common, f).
			Hint("use a repository with SHA-1 object names (git init --object-format=sha1), or export the files and give their folder as PATH")
	}
	_, err := os.Stat(filepath.Join(dirs.common, "reftable"))
	if f := strings.ToLower(c["extensions.refstorage"]); f != "" && f != "files" || err == nil {
		return fault.New(fault.Invalid, "repository %s stores its refs as %s, which tug cannot read", dirs.common, cmp.Or(f, "reftable")).
			Hint("convert it: git refs migrate --ref-format=files")
	}
	return nil
}

// partial tells that objects may be missing because they were filtered out
// when cloning (git clone --filter).
func (c config) partial() bool {
	return c["extensions.partialclone"] != "" || slices.ContainsFunc(c.remotes(), func(name string) bool {
		return c.isTrue("remote."+name+".promisor") || c["remote."+name+".partialclonefilter"] != ""
	})
}
